"""Values as YAML that reads back as the same values, for hints and for edits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wsh_core.models.scalars import Trap, plain

_PLAIN: Final = re.compile(r"[A-Za-z0-9./_+-](?:[\w ./@%+~='()-]*[\w./@%+~=')-])?")
"""Text that needs no quotes anywhere, whatever stands around it: no colon, comma, bracket or hash."""


def flow(value: Any) -> str:
    """Write a value on one line: `{app: static, domains: [blog.example.org]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{text(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return text(str(value))
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return text(str(value)) if type(value) not in {int, float} else _number(value)


def block(value: Mapping[str, Any], indent: int) -> list[str]:
    """Write each key of a group on a line of its own, `indent` spaces in, and its value beside it."""
    return [f"{' ' * indent}{text(key)}: {flow(item)}" for key, item in value.items()]


def text(value: str) -> str:
    """Write text plain where every reader takes it for text, else in double quotes (as JSON, RFC 8259)."""
    if _PLAIN.fullmatch(value) and "  " not in value and not value.startswith(("- ", "--- ")):
        try:
            if plain(value) == value and value not in {"-", "---", "..."}:
                return value
        except Trap:
            pass
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    written = repr(value)
    try:
        if plain(written) == value:
            return written
    except Trap:
        pass
    raise ValueError(f"{written} cannot be written as a number that all readers of YAML agree on")
