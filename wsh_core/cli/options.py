"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import click

from wsh_core.cli import completion
from wsh_core.cli.help import option
from wsh_core.cli.units import parse_duration


class Duration(click.ParamType[float]):
    """A time: 90, 90s, 10m, 1h."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        try:
            return value if isinstance(value, float) else parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


ACCOUNTS = option(
    "--account", "accounts", metavar="NAME", multiple=True, group="What", shell_complete=completion.accounts,
    help="only this account; repeat it for more",
)  # fmt: skip
SERVERS = option(
    "--server", "servers", metavar="NAME", multiple=True, group="What", shell_complete=completion.servers,
    help="only this server; repeat it for more",
)  # fmt: skip
WAIT = option(
    "--wait", type=Duration(), default=0.0, metavar="TIME",
    help="queue behind another apply this long: 90s, 10m",
)  # fmt: skip
NO_APPLY = option("--no-apply", is_flag=True, help="only write the YAML")


def narrowing(command: Any) -> Any:
    """The options that narrow a command to some accounts or servers."""
    return ACCOUNTS(SERVERS(command))


def adding(command: Any) -> Any:
    """The options of all `add` commands."""
    return NO_APPLY(WAIT(command))
