"""What `--json` prints: events as they come, and one envelope as the last line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsh_core.cli.session import Answer, Session

VERSION = "1.0"
"""Readers ignore keys and types that they do not know, and refuse a major version that they do not know."""


def line(value: Mapping[str, Any]) -> str:
    """One line of JSON. What is not UTF-8 (PEP 383) appears as escaped surrogates, which ASCII can carry."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def event(server: str, values: Mapping[str, Any]) -> None:
    """Print one event of a server's."""
    print(line({**values, "server": server}), flush=True)


def write(session: Session, answer: Answer) -> None:
    """Print the envelope: the last line of every command."""
    print(
        line(
            {
                "type": "result",
                "version": VERSION,
                "command": session.command,
                "ok": answer.exit == 0,
                "exit": int(answer.exit),
                "data": answer.data,
                "errors": [problem.as_json() for problem in answer.errors],
                "warnings": [problem.as_json() for problem in (*session.warnings, *answer.warnings)],
            }
        )
    )
    sys.stdout.flush()


def schema() -> dict[str, Any]:
    """The JSON Schema of every line that `--json` prints."""
    from importlib.resources import files

    found: dict[str, Any] = json.loads(files("wsh_core.cli").joinpath("output.schema.json").read_text("utf-8"))
    return found
