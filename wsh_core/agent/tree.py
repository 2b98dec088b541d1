"""Files in an account's own tree, changed by the account itself from inside its jail.

The sandbox refuses openat2(2) (RestrictSUIDSGID= cannot look into its arguments), so paths are walked here
one part at a time with O_NOFOLLOW. A link on the way is an error: what is meant for one place is not put in
another.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .errors import AgentError
from .safefs import UnsafePathError, exchange_here

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


_ACLS = ("system.posix_acl_access", "system.posix_acl_default")


@contextmanager
def parent(path: str, make: bool = False) -> Iterator[tuple[int, str]]:
    """The open directory that holds ``path`` (absolute), and the last name in it.

    ``make`` makes the directories that are missing. Raises UnsafePathError for a link on the way.
    """
    *parts, name = path.strip("/").split("/")
    fd = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o750, dir_fd=fd)
            inner = _enter(fd, part, path)
            os.close(fd)
            fd = inner
        yield fd, name
    finally:
        os.close(fd)


def _enter(fd: int, part: str, path: str) -> int:
    # O_PATH: directories above the tree may be closed to reading, and the walk needs only to pass through.
    try:
        return os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    except NotADirectoryError:
        if stat.S_ISLNK(os.lstat(part, dir_fd=fd).st_mode):
            raise UnsafePathError(path, f"leads through the symbolic link {part}") from None
        raise


def write(path: str, content: str, mode: int, *, absent: bool = False) -> bool:
    """Put a file in its place whole: written aside, synced, renamed over; a link there is refused.

    ``absent``: only if nothing is there. Says whether it was written.
    """
    with parent(path, make=True) as (directory, name):
        with suppress(FileNotFoundError):
            there = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISLNK(there.st_mode):
                raise UnsafePathError(path, "is a symbolic link")
            if absent:
                return False
        aside = f".{name}.{secrets.token_hex(6)}"
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
        try:
            with open(fd, "w", encoding="utf-8", newline="") as file:
                file.write(content)
                os.fchmod(fd, mode)
                file.flush()
                os.fsync(fd)
            os.rename(aside, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(aside, dir_fd=directory)
            raise
    return True


def remove(path: str) -> None:
    """Remove a file, a link itself, or a tree with its closed directories; nothing there is no error.

    A tree is left to rm(1): however deep an account makes it, it needs neither a stack nor descriptors.
    """
    with suppress(FileNotFoundError), parent(path) as (above, name):
        if not stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=above)
            return
        for argv in (["rm", "-rf"], ["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            done = _run_in(above, [*argv, "--", f"./{name}"])
            if argv[0] == "rm" and not done.returncode:
                return
        raise AgentError("app.files", f"{path} cannot be removed", None, done.stderr.decode(errors="replace")[-2000:])


def _run_in(directory: int, argv: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a program in an open directory, which this process itself does not enter."""
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: os.fchdir(directory),
        check=False,
    )


def directory(path: str, mode: int = 0o750, *, own: bool = False) -> None:
    """Make a directory; one that is there stays. ``own``: nobody else may read it, whatever holds above it."""
    with parent(path) as (above, name), suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=above)
        fd = os.open(name, _DIRECTORY, dir_fd=above)
        try:
            for attribute in _ACLS if own else ():
                with suppress(OSError):
                    os.removexattr(fd, attribute)
            os.fchmod(fd, mode)
        finally:
            os.close(fd)


def exchange(one: str, other: str) -> None:
    """Swap two trees in one step, all that was written before safely on disk (syncfs(2))."""
    for path in (one, other):
        with parent(path) as (above, name):
            if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                raise UnsafePathError(path, "is a symbolic link")
            fd = os.open(".", _DIRECTORY, dir_fd=above)
            ctypes.CDLL(None).syncfs(fd)
            os.close(fd)
    exchange_here(one, other)
