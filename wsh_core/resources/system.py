"""What the system itself keeps for an account: user, jail, units, slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from .base import Resource
from .text import UID, Fact, Text

Bind = tuple[str, str, Literal["rw", "ro"]]


@dataclass(frozen=True, kw_only=True)
class User(Resource):
    """A Unix user; its group has the same name and number."""

    kind: ClassVar[str] = "user"

    name: str
    home: str
    shell: str
    groups: tuple[str, ...]
    uid: Fact = UID


@dataclass(frozen=True, kw_only=True)
class Jail(Resource):
    """The root directory that all of an account's processes see.

    ``directories``, ``links`` and ``files`` are the skeleton, by paths below it. ``binds`` is what of the
    account is mounted in it, (source, target, access). ``reload`` names the units to reload when a file of
    the skeleton changes.
    """

    kind: ClassVar[str] = "jail"

    path: Text
    directories: tuple[str, ...]
    links: Mapping[str, str]
    files: Mapping[str, Text]
    binds: tuple[Bind, ...]
    reload: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Unit(Resource):
    """A systemd unit file; a socket that is ``active`` listens."""

    kind: ClassVar[str] = "unit"

    name: Text
    content: Text
    wanted_by: str | None
    state: Literal["active", "installed"]


@dataclass(frozen=True, kw_only=True)
class Slice(Resource):
    """The limits on all that an account runs (systemd.resource-control(5)); bytes are integers."""

    kind: ClassVar[str] = "slice"

    name: Text
    properties: Mapping[str, int | str]
