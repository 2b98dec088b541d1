from __future__ import annotations

from collections.abc import Sequence

from ..errors import AgentError
from ..protocol import Resource
from .base import ROOTS, Kind, State, read_roots


class SecretKind(Kind):
    """A secret that the server makes once, keeps for root, and never shows."""

    name = "secret"

    def desired(self, resource: Resource) -> State:
        return {"file": ROOTS}

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        for resource in resources:
            try:
                _, file = read_roots(self.host.fs, self.host.secrets.path(resource.name), 0o600)
                found[resource.id] = {"file": file}
            except FileNotFoundError:
                found[resource.id] = None
            except AgentError as error:
                found[resource.id] = error
        return found

    def write(self, resource: Resource, actual: State | None) -> None:
        if actual is None:
            self.host.secrets.make(resource.name, resource.want["length"])
        else:
            self.host.secrets.close(resource.name)
