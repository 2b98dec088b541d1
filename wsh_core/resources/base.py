"""What every resource has: one thing that must exist on a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from .text import PLAIN, Secret, Text, encode, readable, secrets_in


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One thing that must exist on a server. Its own fields, as JSON, are what is wanted.

    ``account`` owns it; ``object`` is what reports show it under (``account:alice``, ``site:alice/blog``);
    ``why`` is the line of the description it follows from; ``origin`` is the plugin that asked for it.
    """

    kind: ClassVar[str]
    wish: ClassVar[tuple[str, ...]]

    account: str
    object: str
    why: str
    origin: str = "wsh"

    def __init_subclass__(cls) -> None:
        cls.wish = tuple(name for name in cls.__annotations__ if name != "kind")

    @property
    def identity(self) -> str:
        """The name or path, with the account's name where the server puts its uid."""
        text: Text = getattr(self, "path", None) or getattr(self, "name")  # noqa: B009
        return readable(text, self.account)

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.identity}"

    def want(self) -> dict[str, Any]:
        """Return what is wanted, as JSON, with references to facts and secrets."""
        return {name: encode(getattr(self, name)) for name in self.wish}

    def secrets(self) -> Iterator[Secret]:
        """Yield the secrets that stand in what is wanted."""
        for value in (getattr(self, name) for name in self.wish):
            if type(value) not in PLAIN:
                yield from secrets_in(value)

    def to_json(self) -> dict[str, Any]:
        """Return the resource as it stands in a request."""
        return {
            "id": self.id,
            "kind": self.kind,
            "account": self.account,
            "object": self.object,
            "why": self.why,
            "origin": self.origin,
            "want": self.want(),
        }
