from __future__ import annotations

from collections.abc import Sequence

from ..errors import AgentError
from ..protocol import Resource
from .base import Kind, State


class SecretKind(Kind):
    """A secret that the server makes once, keeps for root, and never shows."""

    name = "secret"

    def desired(self, resource: Resource) -> State:
        return {"made": True}

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        return {r.id: None if self.host.secrets.get(r.name) is None else {"made": True} for r in resources}

    def write(self, resource: Resource, actual: State | None) -> None:
        self.host.secrets.make(resource.name, resource.want["length"])
