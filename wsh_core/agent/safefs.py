"""Files of the server, opened so that no name which an account can change leads root astray.

Every path is resolved beneath one directory descriptor by openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
RESOLVE_NO_MAGICLINKS; afterwards only descriptors are used. A link on the way is an error, never a detour.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from .errors import AgentError

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_OPENAT2 = 437  # the same number on every architecture
_RESOLVE = 0x02 | 0x04 | 0x08  # NO_MAGICLINKS, NO_SYMLINKS, BENEATH
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_AT_FDCWD = -100
_TRIES = 20
_UNFIT = frozenset({errno.ENXIO, errno.ENODEV, errno.EAGAIN, errno.ETXTBSY, errno.EPERM, errno.ENAMETOOLONG})
"""What opening a socket, a device, a file under a lease or the like is answered by."""


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class UnsafePathError(AgentError):
    """A path leads through a link, or out of the place where it must stay."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            "path.unsafe",
            f"{path} {why}; nothing was done there",
            f"look at it with: namei -l {path}   and put a real file or directory in its place",
        )
        self.path = path


def openat2(dir_fd: int, path: str, flags: int, mode: int = 0) -> int:
    """Open ``path`` beneath ``dir_fd`` without following any link.

    Raises OSError: ELOOP for a link on the way, EXDEV for a way out, and what open(2) raises.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, mode, _RESOLVE)
    tries = 0
    while True:
        fd = _libc.syscall(_SYS_OPENAT2, dir_fd, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
        if fd >= 0:
            return int(fd)
        number = ctypes.get_errno()
        tries += number == errno.EAGAIN  # a rename on the way; or for ever, while a lease is held on the file
        if number not in (errno.EINTR, errno.EAGAIN) or tries > _TRIES:
            raise OSError(number, os.strerror(number), path)


def _renameat2(old_dir: int, old: str, new_dir: int, new: str, flags: int) -> None:
    if _libc.renameat2(old_dir, os.fsencode(old), new_dir, os.fsencode(new), flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), new)


class Root:
    """A file tree whose paths are written as on the server (``/etc/wsh``) and never leave ``directory``."""

    def __init__(self, directory: str = "/") -> None:
        self.directory = directory
        self.fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def open(self, path: str, flags: int, mode: int = 0) -> int:
        """A descriptor of a path. Raises UnsafePathError for a link on the way, OSError as the system does."""
        try:
            return openat2(self.fd, path.strip("/") or ".", flags, mode)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise UnsafePathError(path, "is, or leads through, a symbolic link") from error
            if error.errno == errno.EXDEV:
                raise UnsafePathError(path, "leads out of its tree") from error
            if error.errno in _UNFIT:
                raise UnsafePathError(path, f"cannot be opened as a file ({error.strerror})") from error
            raise

    @contextmanager
    def opened(self, path: str, flags: int) -> Iterator[int]:
        fd = self.open(path, flags)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The open directory that holds ``path``, and the last name in it."""
        directory, _, name = path.rstrip("/").rpartition("/")
        with self.opened(directory or "/", os.O_RDONLY | os.O_DIRECTORY) as fd:
            yield fd, name

    def stat(self, path: str) -> os.stat_result | None:
        """What is there (a link is not followed), or None; a link *on the way* raises UnsafePathError."""
        try:
            with self.opened(path, os.O_PATH | os.O_NOFOLLOW) as fd:
                return os.fstat(fd)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def exists(self, path: str) -> bool:
        return self.stat(path) is not None

    def readlink(self, path: str) -> str:
        with self.opened(path, os.O_PATH | os.O_NOFOLLOW) as fd:
            return os.readlink("", dir_fd=fd)

    def read(self, path: str, limit: int = 4 << 20) -> bytes:
        """The content of a regular file, at most ``limit`` bytes.

        Never blocks on a FIFO or a device. Raises FileNotFoundError, UnsafePathError, AgentError for what is no
        regular file or is larger.
        """
        with self.opened(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) as fd:
            return read_regular(fd, path, limit)

    def listdir(self, path: str) -> list[str]:
        try:
            with self.opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
                return sorted(os.listdir(fd))
        except FileNotFoundError:
            return []

    def write(self, path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Put a file in its place whole: written aside, owner and mode set first, synced, then renamed over."""
        self._place({self._write_aside(path, data, mode, uid, gid): path})

    def write_all(self, contents: Mapping[str, bytes]) -> None:
        """Put files in their places as ``write`` does: none of them before all are written aside."""
        asides: dict[str, str] = {}
        try:
            for path, data in contents.items():
                asides[self._write_aside(path, data)] = path
        except BaseException:
            for aside in asides:
                self.unlink(aside)
            raise
        self._place(asides)

    def _write_aside(self, path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> str:
        """Write a file beside its place and return the path that it has there; nothing is left where that fails."""
        with self.parent(path) as (directory, name):
            aside = f".{name}.{secrets.token_hex(6)}"
            fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
            try:
                with open(fd, "wb") as file:
                    file.write(data)
                    os.fchown(fd, uid, gid)
                    os.fchmod(fd, mode)
                    file.flush()
                    os.fsync(fd)
            except BaseException as error:
                with suppress(FileNotFoundError):
                    os.unlink(aside, dir_fd=directory)
                if isinstance(error, OSError):
                    error.filename = path  # write(2) and fsync(2) name none
                raise
        return f"{path.rpartition('/')[0]}/{aside}"

    def _place(self, asides: Mapping[str, str]) -> None:
        """Rename what was written aside over what is there; what cannot be renamed is removed."""
        try:
            for aside, path in asides.items():
                with self.parent(path) as (directory, name):
                    os.rename(aside.rpartition("/")[2], name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            for aside in asides:
                self.unlink(aside)
            raise

    def symlink(self, target: str, path: str) -> None:
        """Make or replace a link; what is no link is not replaced (FileExistsError)."""
        with self.parent(path) as (directory, name):
            with suppress(FileNotFoundError):
                if not stat.S_ISLNK(os.lstat(name, dir_fd=directory).st_mode):
                    raise FileExistsError(errno.EEXIST, "is there and no link", path)
            aside = f".{name}.{secrets.token_hex(6)}"
            os.symlink(target, aside, dir_fd=directory)
            os.rename(aside, name, src_dir_fd=directory, dst_dir_fd=directory)

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        """Make one directory; one that is there stays as it is."""
        with self.parent(path) as (directory, name), suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=directory)

    def makedirs(self, path: str, mode: int = 0o755) -> None:
        """Make a directory and those above it, all with ``mode``, for places where only root writes."""
        made = ""
        for part in path.strip("/").split("/"):
            made += f"/{part}"
            if not self.exists(made):
                self.mkdir(made, mode)

    def unlink(self, path: str) -> None:
        with suppress(FileNotFoundError), self.parent(path) as (directory, name):
            os.unlink(name, dir_fd=directory)

    def rename(self, old: str, new: str, *, replace: bool = True) -> None:
        with self.parent(old) as (old_dir, old_name), self.parent(new) as (new_dir, new_name):
            _renameat2(old_dir, old_name, new_dir, new_name, 0 if replace else _RENAME_NOREPLACE)

    def exchange(self, one: str, other: str) -> None:
        """Swap two names in one step (renameat2(2), RENAME_EXCHANGE)."""
        with self.parent(one) as (one_dir, one_name), self.parent(other) as (other_dir, other_name):
            _renameat2(one_dir, one_name, other_dir, other_name, _RENAME_EXCHANGE)


def rename_free(old_dir: int, old: str, new_dir: int, new: str) -> None:
    """Rename between open directories, to a name that is free (FileExistsError)."""
    _renameat2(old_dir, old, new_dir, new, _RENAME_NOREPLACE)


def rename_exchange(old_dir: int, old: str, new_dir: int, new: str) -> None:
    """Swap two names in open directories in one step."""
    _renameat2(old_dir, old, new_dir, new, _RENAME_EXCHANGE)


def exchange_here(one: str, other: str) -> None:
    """RENAME_EXCHANGE of two names as they stand, for a process that is the account itself."""
    _renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE)


def read_regular(fd: int, path: str, limit: int) -> bytes:
    """Read an open file to its end; AgentError if it is no regular file or larger than ``limit`` bytes."""
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        raise AgentError("path.type", f"{path} is not a regular file", "put a regular file in its place, or remove it")
    if info.st_size > limit:
        raise AgentError("path.size", f"{path} has {info.st_size} bytes, more than the {limit} that are read")
    chunks = []
    while chunk := os.read(fd, 1 << 20):
        chunks.append(chunk)
        limit -= len(chunk)
        if limit < 0:
            raise AgentError("path.size", f"{path} grew while it was read")
    return b"".join(chunks)
