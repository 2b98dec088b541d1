from __future__ import annotations

from collections.abc import Sequence

from .. import fence, paths, web
from ..errors import AgentError
from ..host import Host
from ..protocol import Resource
from .base import ROOTS, Kind, State, read_roots


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
        state = {"content": resource.want["content"], "file": ROOTS}
        open_ = {} if resource.object in self.host.with_app else {"fenced": False}
        return state | open_ | ({"served": True} if self.host.booted else {})

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        served = {"served": web.is_serving(self.host)} if self.host.booted else {}
        for resource in resources:
            try:
                slug = web.slug(resource)
                state = self._read(f"{paths.VHOSTS}/{slug}.conf")
                fenced = {} if resource.object in self.host.with_app else {"fenced": fence.is_up(self.host, slug)}
                found[resource.id] = state and state | fenced | served
            except AgentError as error:
                found[resource.id] = error
        return found

    def _read(self, path: str) -> State | None:
        try:
            content, file = read_roots(self.host.fs, path)
        except FileNotFoundError:
            return None
        return {"content": content, "file": file}

    def write(self, resource: Resource, actual: State | None) -> None:
        file = f"{web.slug(resource)}.conf"
        self._written[file] = resource.id
        if actual is None or (actual["content"], actual["file"]) != (resource.want["content"], ROOTS):
            self._changed[file] = resource.want["content"].encode()
        if actual is not None and actual.get("fenced"):  # an application was to be here, and is no longer wanted
            fence.down(self.host, web.slug(resource))

    def commit(self) -> dict[str, AgentError]:
        if not self._written and web.RELOAD_OWED not in self.host.ledger.flags():
            return {}
        return {self._written[file]: error for file, error in web.commit(self.host, self._changed).items()}
