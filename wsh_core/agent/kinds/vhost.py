from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence

from .. import paths, web
from ..errors import AgentError
from ..host import Host
from ..protocol import Resource
from ..safefs import read_regular
from .base import Kind, State

_LIMIT = 1 << 20
_ROOTS = "root's"


def _file(resource: Resource) -> str:
    name, account = str(resource.want["name"]), resource.account
    if account is None or not re.fullmatch(rf"{re.escape(account)}-[a-z0-9]{{1,16}}", name):
        raise AgentError("request.vhost", f"{resource.id}: {name} is no site of {account or 'the server'}")
    return f"{name}.conf"


class VhostKind(Kind):
    """The virtual hosts of a site: one file of Apache's configuration, and that Apache runs.

    Nothing is written before the commit, which tries all changes together and makes them with one reload.
    """

    name = "vhost"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._written: dict[str, str] = {}
        """Resource by file."""
        self._changed: dict[str, bytes] = {}

    def desired(self, resource: Resource) -> State:
        state = {"content": resource.want["content"], "file": _ROOTS}
        return state | ({"served": True} if self.host.booted else {})

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        served = {"served": web.is_serving(self.host)} if self.host.booted else {}
        for resource in resources:
            try:
                state = self._read(f"{paths.VHOSTS}/{_file(resource)}")
                found[resource.id] = state and state | served
            except AgentError as error:
                found[resource.id] = error
        return found

    def _read(self, path: str) -> State | None:
        try:
            with self.host.fs.opened(path, os.O_RDONLY | os.O_NONBLOCK) as fd:
                info = os.fstat(fd)
                content = read_regular(fd, path, _LIMIT).decode(errors="surrogateescape")
        except FileNotFoundError:
            return None
        roots = (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (0, 0, 0o644)
        return {"content": content, "file": _ROOTS if roots else "not root's alone"}

    def write(self, resource: Resource, actual: State | None) -> None:
        file = _file(resource)
        self._written[file] = resource.id
        if actual is None or (actual["content"], actual["file"]) != (resource.want["content"], _ROOTS):
            self._changed[file] = resource.want["content"].encode()

    def commit(self) -> dict[str, AgentError]:
        if not self._written and web.RELOAD_OWED not in self.host.ledger.flags():
            return {}
        return {self._written[file]: error for file, error in web.commit(self.host, self._changed).items()}
