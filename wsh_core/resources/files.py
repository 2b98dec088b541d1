"""Directories, files and links, outside an account's reach or at its root."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from .base import Resource
from .text import Text

MODE = re.compile(r"[0-7]{4}")
PART = re.compile(r"[^/\x00-\x1f\x7f]+")


def check_path(path: str) -> None:
    """Raise ValueError unless *path* is absolute and plain: no ``..``, ``//`` or control character."""
    parts = path.split("/")
    if parts[0] or len(parts) < 2 or any(part in {"", ".", ".."} or not PART.fullmatch(part) for part in parts[1:]):
        raise ValueError(f"{path!r} is no plain absolute path")


def check_mode(mode: str) -> None:
    """Raise ValueError unless *mode* is four octal digits."""
    if not MODE.fullmatch(mode):
        raise ValueError(f"{mode!r} is no mode: give four octal digits, say '0750'")


@dataclass(frozen=True, kw_only=True)
class Directory(Resource):
    """A directory. ACL entries are written as setfacl(1) takes them: ``user:www-data:--x``."""

    kind: ClassVar[str] = "directory"

    path: str
    owner: str
    group: str
    mode: str
    acl: tuple[str, ...] = field(default=())
    default_acl: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        check_path(self.path)
        check_mode(self.mode)


@dataclass(frozen=True, kw_only=True)
class File(Resource):
    """A file with its whole content."""

    kind: ClassVar[str] = "file"

    path: str
    owner: str
    group: str
    mode: str
    content: Text

    def __post_init__(self) -> None:
        check_path(self.path)
        check_mode(self.mode)


@dataclass(frozen=True, kw_only=True)
class Link(Resource):
    """A symbolic link."""

    kind: ClassVar[str] = "link"

    path: str
    target: str

    def __post_init__(self) -> None:
        check_path(self.path)
