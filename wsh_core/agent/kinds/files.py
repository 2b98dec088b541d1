from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from .. import acl as posix_acl
from .. import paths
from ..acl import Acl
from ..errors import AgentError
from ..protocol import Resource
from ..safefs import UnsafePathError, read_regular
from .base import Kind, State

_TYPES = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link"}


def _type(mode: int) -> str:
    return _TYPES.get(stat.S_IFMT(mode), "special file")


class _PathKind(Kind):
    """What stands at one path. A path outside the places of its account is refused, whoever asks."""

    def allowed(self, resource: Resource) -> str:
        """The path of a resource; AgentError if wsh has no business there."""
        path = str(resource.want["path"])
        account = resource.account
        if account is None:
            places = [paths.ETC, paths.STATE, paths.LOGS, paths.CACHE]
        else:
            places = [paths.home(account), paths.logs(account), f"{paths.JAILS}/{self.host.uids.get(account)}"]
        inside = any(path == place or path.startswith(f"{place}/") for place in places)
        inside |= re.fullmatch(rf"{paths.JOBS}/{account}-[a-z0-9]+-[a-z0-9]+", path) is not None
        if not inside or re.search(r"/(\.{1,2})?(/|$)", path) or "\0" in path:
            raise AgentError("request.path", f"{resource.id}: {path} is not a place of {account or 'the server'}")
        return path

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        for resource in resources:
            try:
                found[resource.id] = self._checked(self.allowed(resource))
            except FileNotFoundError:
                found[resource.id] = None
            except NotADirectoryError:
                found[resource.id] = UnsafePathError(resource.want["path"], "leads through what is no directory")
            except AgentError as error:
                found[resource.id] = error
        return found

    def _read(self, path: str) -> State | None:
        raise NotImplementedError

    def _ownership(self, info: os.stat_result, mode: int) -> State:
        names = self.host.names
        return {"owner": names.user_name(info.st_uid), "group": names.group_name(info.st_gid), "mode": f"{mode:04o}"}

    def _ids(self, want: dict[str, Any]) -> tuple[int, int]:
        return self.host.names.uid(want["owner"]), self.host.names.gid(want["group"])

    def _checked(self, path: str) -> State | None:
        state = self._read(path)
        if state is not None and state["type"] != self.name:
            raise AgentError(
                "path.type",
                f"{path} is a {state['type']}, not a {self.name}; it was left alone",
                f"move it away: mv {path} {path}.away   then: wsh apply",
            )
        return state


@dataclass(frozen=True)
class _Lists:
    access: Acl | None
    default: Acl | None
    shown_access: list[str]
    shown_default: list[str]


class DirectoryKind(_PathKind):
    """A directory with owner, mode and access control lists; what is in it is not looked at."""

    name = "directory"

    @cache  # noqa: B019  # a kind lives for one operation, and thousands of directories share a few lists
    def _acls(self, mode: int, access: tuple[str, ...], default: tuple[str, ...]) -> _Lists:
        names = self.host.names
        wanted_access = Acl.wanted(mode, access, names.uid, names.gid) if access else None
        wanted_default = Acl.wanted(mode, default, names.uid, names.gid) if default else None
        return _Lists(
            wanted_access,
            wanted_default,
            wanted_access.entries(names.user_name, names.group_name) if wanted_access else [],
            self._shown_default(wanted_default),
        )

    def _wanted(self, want: dict[str, Any]) -> _Lists:
        return self._acls(int(want["mode"], 8), tuple(want.get("acl") or ()), tuple(want.get("default_acl") or ()))

    def desired(self, resource: Resource) -> State:
        want = resource.want
        lists = self._wanted(want)
        return {
            "type": "directory",
            "owner": want["owner"],
            "group": want["group"],
            "mode": want["mode"],
            "acl": lists.shown_access,
            "default_acl": lists.shown_default,
        }

    def _shown_default(self, default: Acl | None) -> list[str]:
        if default is None:
            return []
        return [f"mode {default.mode:04o}", *default.entries(self.host.names.user_name, self.host.names.group_name)]

    def _read(self, path: str) -> State | None:
        try:
            fd = self.host.fs.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except NotADirectoryError:
            info = self.host.fs.stat(path)
            if info is None:
                raise
            return {"type": _type(info.st_mode)}
        try:
            info = os.fstat(fd)
            access, default = posix_acl.get(fd, posix_acl.ACCESS), posix_acl.get(fd, posix_acl.DEFAULT)
        finally:
            os.close(fd)
        mode = stat.S_IMODE(info.st_mode)
        if access is not None:
            mode = mode & 0o7000 | access.mode
        return {
            "type": "directory",
            **self._ownership(info, mode),
            "acl": access.entries(self.host.names.user_name, self.host.names.group_name) if access else [],
            "default_acl": self._shown_default(default),
        }

    def write(self, resource: Resource, actual: State | None) -> None:
        path, want = self.allowed(resource), resource.want
        if actual is None:
            self.host.fs.mkdir(path, 0o700)
        uid, gid = self._ids(want)
        lists = self._wanted(want)
        with self.host.fs.opened(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as fd:
            os.fchown(fd, uid, gid)
            posix_acl.put(fd, posix_acl.ACCESS, None)
            os.fchmod(fd, int(want["mode"], 8))
            posix_acl.put(fd, posix_acl.ACCESS, lists.access)
            posix_acl.put(fd, posix_acl.DEFAULT, lists.default)


class FileKind(_PathKind):
    """A regular file with its whole content."""

    name = "file"

    def desired(self, resource: Resource) -> State:
        want = resource.want
        return {
            "type": "file",
            "owner": want["owner"],
            "group": want["group"],
            "mode": want["mode"],
            "content": want["content"],
        }

    def _read(self, path: str) -> State | None:
        info = self.host.fs.stat(path)
        if info is None:
            return None
        if not stat.S_ISREG(info.st_mode):
            return {"type": _type(info.st_mode)}
        with self.host.fs.opened(path, os.O_RDONLY | os.O_NONBLOCK) as fd:
            info = os.fstat(fd)
            content = read_regular(fd, path, 4 << 20).decode(errors="surrogateescape")
        return {"type": "file", **self._ownership(info, stat.S_IMODE(info.st_mode)), "content": content}

    def write(self, resource: Resource, actual: State | None) -> None:
        path, want = self.allowed(resource), resource.want
        uid, gid = self._ids(want)
        self.host.fs.write(path, want["content"].encode(), int(want["mode"], 8), uid, gid)


class LinkKind(_PathKind):
    """A symbolic link in a place where only root writes."""

    name = "link"

    def desired(self, resource: Resource) -> State:
        return {"type": "link", "target": resource.want["target"]}

    def _read(self, path: str) -> State | None:
        info = self.host.fs.stat(path)
        if info is None:
            return None
        if not stat.S_ISLNK(info.st_mode):
            return {"type": _type(info.st_mode)}
        return {"type": "link", "target": self.host.fs.readlink(path)}

    def write(self, resource: Resource, actual: State | None) -> None:
        path = self.allowed(resource)
        self.host.fs.symlink(resource.want["target"], path)
