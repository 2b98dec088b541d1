"""Values as PHP writes them: text is quoted, so that whatever stands in it is data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wsh_core.resources.text import Piece, Text, join, pieces


def php(value: Any) -> Text:
    """Return *value* as a PHP expression.

    Takes None, bool, int, Text, and lists and mappings of them. A secret stays a reference; it holds
    letters and digits only, so it needs no escaping; other facts are plain words too.

    Raises:
        TypeError: anything else.
    """
    return join(tuple(_php(value)))


def php_constants(constants: Mapping[str, Any]) -> Text:
    """Return a PHP file that defines *constants*."""
    return join(("<?php\n", *(part for name, value in constants.items() for part in _define(name, value))))


def _define(name: str, value: Any) -> Iterator[Piece]:
    yield "define("
    yield from _php(name)
    yield ", "
    yield from _php(value)
    yield ");\n"


def _php(value: Any) -> Iterator[Piece]:
    if value is None or isinstance(value, bool | int):
        yield "null" if value is None else str(value).lower()
    elif isinstance(value, Mapping):
        yield "["
        for name, item in value.items():
            yield from _php(name)
            yield " => "
            yield from _php(item)
            yield ", "
        yield "]"
    elif isinstance(value, list | tuple):
        yield "["
        for item in value:
            yield from _php(item)
            yield ", "
        yield "]"
    else:
        yield "'"
        for piece in pieces(value):
            yield _escaped(piece) if isinstance(piece, str) else piece
        yield "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
