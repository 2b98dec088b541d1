"""The root command, and the boundary: every run ends here, with an answer, a problem, or an admitted bug."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import FrameType

import click

from wsh_core import __version__
from wsh_core.cli import envelope, privilege
from wsh_core.cli.help import Bare, Group, HelpRequested, argument
from wsh_core.cli.render import problems as rendered
from wsh_core.cli.session import Answer, Interrupted, Session, Terminated
from wsh_core.cli.terminal import open_console
from wsh_core.cli.usage import usage_problem
from wsh_core.errors import ExitStatus, Problem, UsageError, WshError

MODULES: Mapping[str, str] = {
    name: f"wsh_core.cli.{name}"
    for name in (
        "init",
        "check",
        "plan",
        "apply",
        "schema",
        "status",
        "log",
        "account",
        "site",
        "app",
        "server",
        "plugin",
    )
}
"""The commands, in the order of help; each is imported when it is called."""

BROKEN_PIPE = 128 + signal.SIGPIPE


@cache
def operator_commands() -> Mapping[str, Callable[[], click.Command]]:
    """What other distributions add (entry points `wsh.commands`): by name, loaded only when called."""
    from importlib.metadata import entry_points

    return {entry.name: entry.load for entry in sorted(entry_points(group="wsh.commands"), key=lambda e: e.name)}


root = Group(
    "wsh",
    help="Shared hosting on Debian, described in YAML.",
    examples=[
        ("wsh init", "a description to begin with"),
        ("wsh server setup web1", "prepare a server"),
        ("wsh site add --app wordpress", "asks for the rest"),
    ],
    modules=MODULES,
    more=operator_commands,
)


@root.command("help", section="More", ordinary=False, exits=(0, 2), examples=[("wsh help site add", "")])
@argument("words", nargs=-1, help="a command, such as: site add")
@click.pass_context
def help_command(ctx: click.Context, words: tuple[str, ...]) -> Answer:
    """Show the help of a command."""
    context = ctx.find_root()
    command: click.Command = root
    for word in words:
        if not isinstance(command, Group):
            raise UsageError(
                "usage.arguments", f"{context.command_path} has no commands", f"{context.command_path} --help"
            )
        _, found, _ = command.resolve_command(context, [word])
        context = click.Context(found, parent=context, info_name=word)
        command = found
    raise HelpRequested(command.get_help(context))


@root.command("version", section="More", ordinary=False, exits=(0,), examples=[("wsh version", "")])
def version_command() -> Answer:
    """Show the version of wsh."""
    return Answer({"version": __version__}, lambda out: out.line(f"wsh {__version__}"))


def run(argv: Sequence[str]) -> int:
    """Run a command line and return its exit status. What can be foreseen leaves here in words."""
    if "_WSH_COMPLETE" in os.environ:
        return _complete()
    session = Session.of(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = _run(session, argv)
        sys.stdout.flush()
        return status
    except privilege.Served as served:
        return served.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(session: Session, argv: Sequence[str]) -> int:
    """Call the command, and tell its answer or what went wrong."""
    try:
        return _told(session, _answer(session, argv))
    except click.exceptions.Exit as ended:  # of an operator's command
        return ended.exit_code
    except click.UsageError as error:
        session.command = session.command or (error.ctx.command_path if error.ctx else "").partition(" ")[2]
        return _failed(session, ExitStatus.USAGE, (usage_problem(error),))
    except Bare as bare:
        return _bare(session, bare)
    except Interrupted as stopped:
        return _interrupted(session, stopped)
    except WshError as error:
        return _failed(session, error.exit, error.problems)
    except KeyboardInterrupt as stop:
        return _interrupted(session, Interrupted.by(stop, "interrupted", "nothing is under way"))
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug is told in one line too, and its traceback kept
        from wsh_core.cli import runlog

        return _failed(session, ExitStatus.FAILED, (runlog.bug(error, session),))


def _answer(session: Session, argv: Sequence[str]) -> Answer:
    """Parse the command line, and call."""
    try:
        with root.make_context("wsh", list(argv), obj=session) as ctx:
            ctx.color = open_console(sys.stdout, session.color).colour  # click knows no NO_COLOR
            answer = root.invoke(ctx)
    except HelpRequested as help_:
        text = help_.text
        return Answer({"help": text}, lambda out: out.lines(text))
    if isinstance(answer, Answer):
        return answer
    assert ctx.invoked_subcommand in operator_commands(), f"{session.command} answered {answer!r}"
    return Answer()  # an operator's command has told itself


def _told(session: Session, answer: Answer) -> int:
    if session.json:
        envelope.write(session, answer)
        return answer.exit
    for warning in session.warnings:
        rendered.problem(session.err, warning, level="warning")
    if answer.text and not (session.quiet and answer.report and answer.exit == ExitStatus.OK):
        answer.text(session.out)
    return answer.exit


def _failed(session: Session, status: ExitStatus, problems: tuple[Problem, ...]) -> int:
    answer = Answer(errors=problems, exit=status)
    if session.json:
        envelope.write(session, answer)
    else:
        sys.stdout.flush()
        rendered.problems(session.err, problems, session.source_if_known, whole=session.verbose > 1)
        for note in session.notes:
            session.err.line(note)
    return status


def _interrupted(session: Session, stopped: Interrupted) -> int:
    """Tell what goes on, which is no error, so in one line."""
    if session.json:
        return _failed(session, stopped.status, stopped.problems)
    for each in stopped.problems:
        session.err.prose(f"{each.message}: {each.hint}")
    return stopped.status


def _bare(session: Session, bare: Bare) -> int:
    session.command = bare.path.partition(" ")[2]
    problem = Problem("usage.no-command", f"{bare.path} needs a command", f"{bare.path} --help")
    if session.json:
        return _failed(session, ExitStatus.USAGE, (problem,))
    session.err.lines(bare.text)
    return ExitStatus.USAGE


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _complete() -> int:
    from click.shell_completion import shell_complete

    return shell_complete(root, {}, "wsh", "_WSH_COMPLETE", os.environ["_WSH_COMPLETE"])
