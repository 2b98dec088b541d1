"""`wsh schema`: what may stand in YAML, and what `--json` prints."""

from __future__ import annotations

import json

import click

from wsh_core.cli.help import Command, argument, option
from wsh_core.cli.session import Answer
from wsh_core.cli.terminal import Console, Span
from wsh_core.errors import UsageError

FILES = ("wsh.yaml", "server.yaml", "account.yaml")


@click.command(
    cls=Command,
    section="Describe",
    ordinary=False,
    exits=(0, 2),
    examples=[
        ("wsh schema", "every key of every file"),
        ("wsh schema account.yaml --json-schema > account.schema.json", "for an editor"),
        ("wsh schema --output", "what --json prints"),
    ],
)
@argument("file", metavar="FILE", help=f"one of {', '.join(FILES)}; all if it is left out")
@option("--json-schema", is_flag=True, help="as JSON Schema (draft 2020-12)")
@option("--output", is_flag=True, help="the JSON Schema of what every command prints with --json")
def schema(file: str | None, json_schema: bool, output: bool) -> Answer:
    """Tell every key that YAML may hold, and the shape of what --json prints."""
    from wsh_core.cli import envelope

    if output:
        return _schema(envelope.schema())
    if file is not None and file not in FILES:
        raise UsageError("usage.value", f"there is no kind of file {file}", f"one of {', '.join(FILES)}")
    if json_schema:
        if file is None:
            raise UsageError(
                "usage.missing-option", "a JSON Schema is of one kind of file", f"one of {', '.join(FILES)}"
            )
        from wsh_core.models.schema import schema as of

        return _schema(of(file))
    return _keys([file] if file else list(FILES))


def _schema(found: dict[str, object]) -> Answer:
    return Answer(found, lambda out: out.lines(json.dumps(found, indent=2)))


def _keys(wanted: list[str]) -> Answer:
    from wsh_core.cli.render.table import Column, table
    from wsh_core.models.schema import keys

    found = {file: keys(file) for file in wanted}

    def text(out: Console) -> None:
        for number, (file, rows) in enumerate(found.items()):
            if number:
                out.line()
            out.line(Span(file, "bold"))
            columns = [
                Column("key"),
                Column("takes", 2, cuts=True),
                Column("default", 3),
                Column("meaning", 0, cuts=True),
            ]
            table(out, columns, [(row.path, row.type, row.default, row.description) for row in rows])

    return Answer({file: [row._asdict() for row in rows] for file, rows in found.items()}, text)
