"""What changes places when a site gets another tree, as the account itself does it inside its jail.

Each of these can be done again after it was cut: what is where is told by inode numbers, which a rename keeps.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from .errors import AgentError
from .paths import SNAPSHOT_ABOUT, SNAPSHOT_DUMP, SNAPSHOT_TREE
from .safefs import rename_exchange, rename_free
from .tree import parent, remove, write

_GUARDS = frozenset({".htaccess"})
"""What stays when a cache is emptied: it keeps visitors out."""
_MANY = 10_000
_ABOUT_LIMIT = 65536


def entries(tree: str, directories: Sequence[str]) -> dict[str, list[str]]:
    """The names in some directories of a tree; none for what is no directory."""
    return {path: _names(f"{tree}/{path}") for path in directories}


def movable(
    tree: str, new: str, data: Sequence[str], additions: Sequence[str], brought: Mapping[str, Sequence[str]]
) -> list[tuple[str, int]]:
    """What goes over from one tree to a newer one: paths and inode numbers.

    That is ``data`` as far as it is there, and what the account has added to the directories ``additions``: what
    neither the release of ``tree`` (``brought``) nor the one of ``new`` has.
    """
    wanted = [*data]
    for path in additions:
        known = {*brought.get(path, ()), *_names(f"{new}/{path}")}
        wanted += [f"{path}/{name}" for name in _names(f"{tree}/{path}") if name not in known]
    if len(wanted) > _MANY:
        raise AgentError("app.files", f"{tree} has {len(wanted)} additions, more than the {_MANY} that are moved")
    numbers = [(path, _inode(f"{tree}/{path}")) for path in wanted]
    return [(path, number) for path, number in numbers if number is not None]


def bring(source: str, target: str, moves: Sequence[tuple[str, int]]) -> list[str]:
    """Have what has these inode numbers in the tree ``target``; return what is in neither tree any more.

    What stands in its place there goes to ``source`` in exchange, so that the way back is the same.
    """
    lost = []
    for path, number in moves:
        there = _inode(f"{target}/{path}")
        if there == number:
            continue
        if _inode(f"{source}/{path}") != number:
            lost.append(path)
            continue
        with (
            parent(f"{source}/{path}") as old,
            parent(f"{target}/{path}", make=True) as new,
            _writable(old[0]),
            _writable(new[0]),
        ):
            (rename_free if there is None else rename_exchange)(*old, *new)
    return lost


def copy(source: str, target: str, paths: Sequence[str]) -> None:
    """Copy files and directories from one tree over those of another; what is not there is left out."""
    for path in paths:
        if _inode(f"{source}/{path}") is None:
            continue
        with (
            parent(f"{source}/{path}") as (above, name),
            parent(f"{target}/{path}", make=True) as (other, same),
            _writable(other),
        ):
            here, there = f"/proc/self/fd/{above}/{name}", f"/proc/self/fd/{other}/{same}"
            done = subprocess.run(
                ["cp", "-aT", "--reflink=auto", "--", here, there],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(above, other),
                check=False,
            )
        if done.returncode:
            words = done.stderr.decode(errors="replace")[-2000:]
            full = "No space left" in words or "quota exceeded" in words
            raise AgentError("account.disk-full" if full else "app.files", f"{path} cannot be copied", None, words)


def clear(tree: str, paths: Sequence[str]) -> None:
    """Empty directories, of caches say; what is no directory is removed."""
    for path in paths:
        full = f"{tree}/{path}"
        with suppress(FileNotFoundError, NotADirectoryError), parent(full) as (above, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                for entry in _names(full):
                    if entry not in _GUARDS:
                        remove(f"{full}/{entry}")
            else:
                remove(full)


def keep(work: str, tree: str, snapshot: str, about: str) -> None:
    """Make a snapshot of a tree and of the dump that lies in ``work``, in the place of the former; ``work`` ends."""
    kept = f"{work}/kept"
    if _text(f"{snapshot}/{SNAPSHOT_ABOUT}") != about:
        with suppress(FileExistsError), parent(kept) as (above, name):
            os.mkdir(name, 0o700, dir_fd=above)
        for old, name in ((tree, SNAPSHOT_TREE), (f"{work}/{SNAPSHOT_DUMP}", SNAPSHOT_DUMP)):
            if _inode(f"{kept}/{name}") is None and _inode(old) is not None:
                with parent(old) as one, parent(f"{kept}/{name}") as other:
                    rename_free(*one, *other)
        write(f"{kept}/{SNAPSHOT_ABOUT}", about, 0o600)
        remove(snapshot)
        with parent(kept) as one, parent(snapshot) as other:
            rename_free(*one, *other)
    remove(work)


def _text(path: str) -> str | None:
    try:
        with parent(path) as (above, name):
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above)
        with open(fd, "rb") as file:
            return file.read(_ABOUT_LIMIT).decode(errors="replace")
    except OSError:
        return None


def _names(path: str) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError), parent(path) as (above, name), suppress(OSError):
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        try:
            return sorted(name for name in os.listdir(fd) if name.isprintable())
        finally:
            os.close(fd)
    return []


def _inode(path: str) -> int | None:
    """The number of what is there, a link itself; None for nothing. Raises UnsafePathError for a link on the way."""
    try:
        with parent(path) as (above, name):
            return os.stat(name, dir_fd=above, follow_symlinks=False).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def _writable(directory: int) -> Iterator[None]:
    """An open directory that the owner may write meanwhile; some applications close theirs."""
    mode = stat.S_IMODE(os.fstat(directory).st_mode)
    if mode & stat.S_IWUSR:
        yield
        return
    os.chmod(".", mode | stat.S_IWUSR, dir_fd=directory)
    try:
        yield
    finally:
        os.chmod(".", mode, dir_fd=directory)
