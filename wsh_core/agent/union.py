"""One tree made of what archives hold, by an account and within limits, wherever their links lead.

Nothing in an archive is trusted: names are checked before they are used, no link, device or special mode is
ever made on disk, and what is written is counted as it is written, not as the archive says. What links point
to is copied in their place; links that point to nothing are reported.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import IO

from .errors import AgentError

_CHUNK = 1 << 20
_DEPTH = 100
"""The most directories within each other: deeper, and a path is longer than the kernel takes (PATH_MAX)."""
_HOPS = 40
"""As many links on the way as the kernel follows (path_resolution(7))."""


class ArchiveError(AgentError):
    """An archive that is damaged, hostile or too large; nothing of it is left."""

    def __init__(self, message: str, detail: str | None = None) -> None:
        super().__init__("app.archive", message, "nothing of it was kept; take the release from its publisher", detail)


@dataclass(frozen=True)
class Limits:
    entries: int
    bytes: int


@dataclass
class Report:
    entries: int = 0
    bytes: int = 0
    dangling: set[tuple[str, str]] = field(default_factory=set)
    """Links that lead to nothing, or round in a circle: (path, target)."""


def clean(name: str) -> str:
    """The plain relative path that an entry's name means ("" is the top), or ArchiveError."""
    if name.startswith("/"):
        raise ArchiveError(f"the archive has an absolute path: {name!r}")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveError(f"the archive has a path that climbs out of it: {name!r}")
    if len(parts) > _DEPTH:
        raise ArchiveError(f"the archive has a path of {len(parts)} parts, more than the {_DEPTH} that are allowed")
    if any(ord(char) < 32 or ord(char) == 127 for char in name):
        raise ArchiveError(f"the archive has a path with control characters: {name!r}")
    return "/".join(parts)


class Union:
    """One tree made of several archives. Links are kept in mind only, so no write can pass through one."""

    def __init__(self, top: str, limits: Limits) -> None:
        self.top = top
        self.report = Report()
        self.links: dict[str, str] = {}
        self._limits = limits
        self._made = {""}
        os.mkdir(top, 0o750)

    def disk(self, path: str) -> str:
        return f"{self.top}/{path}" if path else self.top

    def count(self, size: int = 0, entries: int = 0) -> None:
        self.report.bytes += size
        self.report.entries += entries
        if self.report.bytes > self._limits.bytes:
            raise ArchiveError(f"the archive unpacks to more than the {self._limits.bytes} bytes that are allowed")
        if self.report.entries > self._limits.entries:
            raise ArchiveError(f"the archive has more than the {self._limits.entries} entries that are allowed")

    def directory(self, path: str) -> None:
        """Make a directory and those above it."""
        made = ""
        for part in path.split("/") if path not in self._made else ():
            made = f"{made}/{part}" if made else part
            if made in self._made:
                continue
            if made in self.links:
                raise ArchiveError(f"the archive has entries below a link: {path!r} ({made} -> {self.links[made]})")
            self.count(entries=1)
            os.mkdir(self.disk(made), 0o750)
            self._made.add(made)

    def file(self, path: str, source: IO[bytes], executable: bool) -> None:
        self._free(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self.disk(path), flags, 0o750 if executable else 0o640), "wb", buffering=0) as out:
            while chunk := source.read(_CHUNK):
                self.count(len(chunk))
                out.write(chunk)

    def hardlink(self, path: str, target: str) -> None:
        """A second name of an earlier file becomes a copy of it."""
        try:
            with open(os.open(self.disk(target), os.O_RDONLY | os.O_NOFOLLOW), "rb") as source:
                self.file(path, source, bool(os.fstat(source.fileno()).st_mode & 0o100))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ArchiveError(f"the archive has a hard link to what is not in it: {path!r} to {target!r}") from None

    def link(self, path: str, target: str, absolute: bool) -> None:
        """Keep a link in mind. ``absolute``: the top stands for ``/``, as in a Debian package."""
        self._free(path)
        if not absolute and (target.startswith("/") or _climbs(path, target)):
            raise ArchiveError(f"the archive has a link that leads out of it: {path!r} -> {target!r}")
        self.links[path] = target

    def _free(self, path: str) -> None:
        """Make room for a file or link of a later layer: it replaces a file or link, never a directory."""
        self.directory(path.rpartition("/")[0])
        self.count(entries=1)
        self.links.pop(path, None)
        try:
            os.unlink(self.disk(path))
        except FileNotFoundError:
            return

    def resolve(self, path: str) -> str | None:
        """Where a path leads within the tree, all links followed; None if to nothing."""
        todo, hops = path.split("/")[::-1], 0
        done: list[str] = []
        while todo:
            part = todo.pop()
            if part == "..":
                del done[-1:]
            elif part not in ("", "."):
                done.append(part)
                target = self.links.get("/".join(done))
                if target is not None:
                    hops += 1
                    if hops > _HOPS:
                        return None
                    done = [] if target.startswith("/") else done[:-1]
                    todo.extend(target.split("/")[::-1])
        found = "/".join(done)
        return found if os.path.lexists(self.disk(found)) else None

    def copy(self, path: str, to: str, within: frozenset[str]) -> None:
        """Copy what ``path`` names, links followed, to ``to`` on disk; not what it lies ``within`` itself."""
        real = self.resolve(path)
        if real is None or real in within:
            self.report.dangling.add((path, self.links[path]))
            return
        self.count(entries=1)
        if not os.path.isdir(self.disk(real)):
            self.count(os.path.getsize(self.disk(real)))
            shutil.copy(self.disk(real), to)
            return
        os.mkdir(to, 0o750)
        inside = f"{real}/" if real else ""
        linked = [name.removeprefix(inside) for name in self.links if name.startswith(inside)]
        for name in {*os.listdir(self.disk(real)), *(name for name in linked if "/" not in name)}:
            self.copy(inside + name, f"{to}/{name}", within | {real})


def above(path: str) -> list[str]:
    """The directories that a path lies in, up to the top."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts))]


def _climbs(path: str, target: str) -> bool:
    depth = path.count("/")
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False
