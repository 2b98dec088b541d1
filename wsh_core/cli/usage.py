"""Click's words for a wrong command line, as problems of wsh."""

from __future__ import annotations

import click

from wsh_core.cli.help import UnknownCommand
from wsh_core.errors import Problem


def usage_problem(error: click.UsageError) -> Problem:
    """What is wrong with the command line, what is right, and where help is."""
    path = error.ctx.command_path if error.ctx else "wsh"
    see = f"see {path} --help"
    match error:
        case UnknownCommand():
            return Problem("usage.unknown-command", error.message, error.hint)
        case click.NoSuchOption():
            near = sorted(error.possibilities or ())
            hint = f"did you mean {' or '.join(near)}?" if near else see
            return Problem("usage.unknown-option", f"{path} has no option {error.option_name}", hint)
        case click.BadOptionUsage():
            return Problem("usage.option-value", _sentence(error.message), see)
        case click.BadParameter():
            name = error.param.opts[0] if isinstance(error.param, click.Option) else str(error.param_hint or "argument")
            return Problem("usage.value", f"{name}: {_sentence(error.message)}", see)
    return Problem("usage.arguments", _sentence(error.message), see)


def _sentence(message: str) -> str:
    """A sentence of click as wsh writes it: lower case, no full stop."""
    return message[:1].lower() + message[1:].rstrip(".")
