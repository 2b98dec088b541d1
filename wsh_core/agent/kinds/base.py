from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..safefs import Root, read_regular

if TYPE_CHECKING:
    from ..errors import AgentError
    from ..host import Host
    from ..protocol import Resource

State = dict[str, Any]
"""What a resource is, or should be: JSON values, compared with ``==``."""

ROOTS = "root's"
"""What a state says of a file that is root's alone and has its mode."""


def read_roots(fs: Root, path: str, mode: int = 0o644) -> tuple[str, str]:
    """The text of a file of root's, and whether it is: ROOTS, or other words. Raises as ``Root.read``."""
    with fs.opened(path, os.O_RDONLY | os.O_NONBLOCK) as fd:
        info = os.fstat(fd)
        text = read_regular(fd, path, 1 << 20).decode(errors="surrogateescape")
    roots = (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (0, 0, mode)
    return text, ROOTS if roots else "not root's alone"


class Kind:
    """How resources of one kind are read and written. One object lives for one operation."""

    name: ClassVar[str]
    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields of the state that are never shown."""
    plain_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that are shown although the resource has secrets: they hold none."""

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
