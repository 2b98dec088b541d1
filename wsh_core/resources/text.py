"""Text of which the controller knows only a part: the server fills in the rest.

A secret is made on the server and never leaves it; a fact (the uid of an account, say) is known only there.
Both travel as references, and the agent puts the values in wherever they stand in a resource's ``want``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PLAIN = frozenset({str, int, bool, type(None)})
"""Types of what stands for itself. Most values do, and a request has a hundred thousand of them."""

REFERENCES = frozenset({"secret", "fact", "join"})


@dataclass(frozen=True)
class Secret:
    """A random word of letters and digits that the server makes once and keeps root-only."""

    name: str
    length: int = 24

    def __post_init__(self) -> None:
        if not 16 <= self.length <= 128:
            raise ValueError(f"Secret({self.name!r}): length is {self.length}; give 16 to 128 characters")


@dataclass(frozen=True)
class Fact:
    """Something that only the server knows. ``uid`` is the uid of the resource's account."""

    name: str


Piece = str | Secret | Fact


@dataclass(frozen=True)
class Join:
    """Several pieces of text, put together on the server."""

    parts: tuple[Piece, ...]

    def __init__(self, *parts: Text) -> None:
        flat: list[Piece] = []
        run: list[str] = []
        for part in parts:
            for piece in (part,) if isinstance(part, str) else pieces(part):
                if isinstance(piece, str):
                    run.append(piece)
                else:
                    flat += ["".join(run), piece]
                    run.clear()
        flat.append("".join(run))
        object.__setattr__(self, "parts", tuple(piece for piece in flat if piece != ""))


Text = Piece | Join
UID = Fact("uid")


def pieces(text: Text) -> tuple[Piece, ...]:
    """Return the pieces of *text*; TypeError if it is no Text at all."""
    if isinstance(text, Join):
        return text.parts
    if isinstance(text, str | Secret | Fact):
        return (text,)
    raise TypeError(f"{text!r} is no text: give str, Secret, Fact or Join")


def join(parts: tuple[Piece, ...]) -> Text:
    """Put *parts* together into the simplest Text that says the same."""
    joined = Join(*parts)
    return joined if len(joined.parts) > 1 else joined.parts[0] if joined.parts else ""


def readable(text: Text, uid: str) -> str:
    """Return *text* for people: the uid as *uid*, other facts and secrets by their names."""
    return "".join(
        piece if isinstance(piece, str) else uid if piece == UID else f"({piece.name})" for piece in pieces(text)
    )


def encode(value: Any) -> Any:
    """Return *value* as JSON, with references for what the server fills in."""
    if type(value) in PLAIN or isinstance(value, str | int):
        return value
    if isinstance(value, Secret):
        return {"secret": value.name}
    if isinstance(value, Fact):
        return {"fact": value.name}
    if isinstance(value, Join):
        return {"join": [encode(part) for part in value.parts]}
    if isinstance(value, Mapping):
        if len(value) == 1 and not REFERENCES.isdisjoint(value):
            raise ValueError(f"{dict(value)!r} would be read as a reference on the server: choose another key")
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    raise TypeError(f"{value!r} cannot be sent to a server")


def secrets_in(value: Any) -> Iterator[Secret]:
    """Yield every secret that stands anywhere in *value*."""
    if type(value) in PLAIN:
        return
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Join):
        yield from (part for part in value.parts if isinstance(part, Secret))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_in(item)
