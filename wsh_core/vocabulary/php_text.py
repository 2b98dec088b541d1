"""Values as PHP writes them: text is quoted, so that whatever stands in it is data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsh_core.resources.text import Fact, Join, Secret, Text, pieces


def php(value: Any) -> Text:
    """Return *value* as a PHP expression.

    Takes None, bool, int, Text, and lists and mappings of them. A secret stays a reference; it holds
    letters and digits only, so it needs no escaping; other facts are plain words too.

    Raises:
        TypeError: anything else.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str | Secret | Fact | Join):
        return Join(
            "'", *(_escaped(piece) if isinstance(piece, str) else piece for piece in pieces(value)), "'"
        )
    if isinstance(value, Mapping):
        return Join("[", *(Join(php(name), " => ", php(item), ", ") for name, item in value.items()), "]")
    if isinstance(value, list | tuple):
        return Join("[", *(Join(php(item), ", ") for item in value), "]")
    raise TypeError(f"{value!r} has no form in PHP")


def php_constants(constants: Mapping[str, Any]) -> Text:
    """Return a PHP file that defines *constants*."""
    lines = (Join("define(", php(name), ", ", php(value), ");\n") for name, value in constants.items())
    return Join("<?php\n", *lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
