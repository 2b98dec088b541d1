from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any

from .. import paths
from ..errors import AgentError
from ..protocol import Resource
from ..safefs import read_regular
from .base import Kind, State

_LIMIT = 1 << 20
_ITSELF = "."


class JailKind(Kind):
    """The skeleton of an account's jail: a small tree that only root writes, into which the rest is mounted."""

    name = "jail"

    def _path(self, resource: Resource) -> str:
        path = str(resource.want["path"])
        if not path.startswith(f"{paths.JAILS}/") or not path.removeprefix(f"{paths.JAILS}/").isdecimal():
            raise AgentError("request.path", f"{resource.id}: {path} is not the place of a jail")
        return path

    def desired(self, resource: Resource) -> State:
        want = resource.want
        return {"directories": [_ITSELF, *want["directories"]], "links": want["links"], "files": want["files"]}

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        for resource in resources:
            try:
                with self.host.fs.opened(self._path(resource), os.O_RDONLY | os.O_DIRECTORY) as fd:
                    found[resource.id] = self._read(fd, resource.want)
            except (FileNotFoundError, NotADirectoryError):
                found[resource.id] = None
            except AgentError as error:
                found[resource.id] = error
        return found

    def _read(self, fd: int, want: dict[str, Any]) -> State:
        """What is there of what is wanted: the tree is root's alone, so names below ``fd`` can be trusted."""
        directories, links, files = [], {}, {}
        for name in (_ITSELF, *want["directories"]):
            info = _lstat(fd, name)
            if info is not None and stat.S_ISDIR(info.st_mode) and _is_roots(info, 0o755):
                directories.append(name)
        for name in want["links"]:
            info = _lstat(fd, name)
            if info is not None and stat.S_ISLNK(info.st_mode):
                links[name] = os.readlink(name, dir_fd=fd)
        for name in want["files"]:
            info = _lstat(fd, name)
            if info is not None and stat.S_ISREG(info.st_mode) and _is_roots(info, 0o644):
                inner = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
                try:
                    files[name] = read_regular(inner, name, _LIMIT).decode(errors="surrogateescape")
                finally:
                    os.close(inner)
        return {"directories": directories, "links": links, "files": files}

    def write(self, resource: Resource, actual: State | None) -> None:
        path, want, fs = self._path(resource), self.desired(resource), self.host.fs
        there = actual or {"directories": [], "links": {}, "files": {}}
        fs.makedirs(path)
        for name in want["directories"]:
            if name not in there["directories"]:
                if name != _ITSELF:
                    fs.mkdir(f"{path}/{name}")
                with fs.opened(f"{path}/{name}", os.O_RDONLY | os.O_DIRECTORY) as fd:
                    os.fchown(fd, 0, 0)
                    os.fchmod(fd, 0o755)
        for name, target in want["links"].items():
            if there["links"].get(name) != target:
                fs.symlink(target, f"{path}/{name}")
        for name, content in want["files"].items():
            if there["files"].get(name) != content:
                fs.write(f"{path}/{name}", content.encode())
                self.host.reload_units.update(resource.want["reload"])


def _lstat(fd: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_roots(info: os.stat_result, mode: int) -> bool:
    return info.st_uid == info.st_gid == 0 and stat.S_IMODE(info.st_mode) == mode
