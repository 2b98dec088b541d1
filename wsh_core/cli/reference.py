"""The reference of the command line, made from the commands: `python -m wsh_core.cli.reference > FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

import click

from wsh_core.cli.help import ALWAYS, Command, Group, Row
from wsh_core.cli.root import root

HEAD = """\
# The command line

`wsh COMMAND --help` and `wsh help COMMAND` say the same. Where several things happened, the exit status is
the first of 130, 143, 1, 3, 5, 6, 4 that applies; a status that is not listed is a failure.
"""


STATUS: Mapping[int, str] = {
    0: "Done.",
    1: "Something in scope failed or was held; the rest is done.",
    2: "The command line is wrong or lacks something; nothing was begun.",
    3: "The description is wrong; nothing was begun. Of `plan`: an account is held.",
    4: "`plan`: changes are pending.",
    5: "A server could not be entered: no answer, host key, login, no root.",
    6: "Somebody else is in the way: a lock, a stale plan, an object or a description of others.",
    130: "Ctrl-C.",
    143: "SIGTERM.",
}


def commands(group: Group = root, path: str = "wsh") -> Iterator[tuple[str, Command]]:
    """Every command with the words that call it, in the order of help."""
    context = click.Context(group, info_name=path)
    for name in group.own:
        command = group.get_command(context, name)
        if isinstance(command, Group):
            yield from commands(command, f"{path} {name}")
        elif isinstance(command, Command):
            yield f"{path} {name}", command


def reference() -> str:
    """The whole reference, as Markdown."""
    found = list(commands())
    parts = [HEAD, "## Options of every command\n", _table(found[0][1].rows[ALWAYS]), "## Exit status\n"]
    parts.append(_table([(str(code), text) for code, text in STATUS.items()]))
    for path, command in found:
        parts += [f"## {path}\n", f"`{path} {command.usage}`\n", f"{command.sentence}.\n"]
        parts.append(_examples(command.examples))
        parts += [_table([row for group, rows in command.rows.items() if group != ALWAYS for row in rows])]
        parts.append(f"Exit status: {', '.join(map(str, command.exits))}.\n")
    return "\n".join(part for part in parts if part)


def _examples(rows: Sequence[Row]) -> str:
    lines = [f"{line}    # {remark}" if remark else line for line, remark in rows]
    return "\n".join(["```sh", *lines, "```", ""])


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    bar = r"\|"
    cells = [f"| `{name.replace('|', bar)}` | {text} |" for name, text in rows]
    return "\n".join(["| | |", "|---|---|", *cells, ""])


if __name__ == "__main__":
    sys.stdout.write(reference())
