from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ..errors import AgentError
    from ..host import Host
    from ..protocol import Resource

State = dict[str, Any]
"""What a resource is, or should be: JSON values, compared with ``==``."""


class Kind:
    """How resources of one kind are read and written. One object lives for one operation."""

    name: ClassVar[str]
    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields of the state that are never shown."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def desired(self, resource: Resource) -> State:
        """The state that ``resource.want`` asks for, in the very form in which ``read`` gives it."""
        raise NotImplementedError

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        """The actual states by id, None for what is absent, an AgentError for what cannot be read; all in one go.

        Raises AgentError when nothing can be read at all.
        """
        raise NotImplementedError

    def before(self, resource: Resource, actual: State | None) -> None:
        """Called for every change before the first write of the operation, whatever its kind."""

    def write(self, resource: Resource, actual: State | None) -> None:
        """Make it so. Raises AgentError."""
        raise NotImplementedError

    def commit(self) -> dict[str, AgentError]:
        """Called once after all writes of this kind: effects that are had together. Failures by id."""
        return {}
