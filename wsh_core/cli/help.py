"""Help that teaches: usage, one sentence, examples, then what can be said, in groups; and the nearest name.

Every command of wsh is a `Command` or a `Group` of this module. Nothing is printed here: `--help` raises
`HelpRequested`, and the boundary in `root` prints it, so that `wsh help site add` is the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

Row = tuple[str, str]
"""Something to type, and what it does."""

EXIT_CODES: Mapping[int, str] = {
    0: "done",
    1: "failed",
    2: "usage",
    3: "configuration",
    4: "changes pending",
    5: "unreachable",
    6: "someone else",
}

ALWAYS = "Always"
"""The group of the options that every command has."""


class HelpRequested(Exception):  # noqa: N818 - no error
    """`--help` was given; `text` is the answer."""

    def __init__(self, text: str) -> None:
        super().__init__("help")
        self.text = text


class Bare(Exception):  # noqa: N818 - no error
    """A group was called without a command: its help is shown, and that is a usage error."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(path)
        self.text = text
        self.path = path


class UnknownCommand(click.UsageError):
    """A word that is no command, with the nearest that is one."""

    def __init__(self, word: str, hint: str, ctx: click.Context) -> None:
        super().__init__(f"`{word}` is no command of {ctx.command_path}", ctx)
        self.hint = hint


class Argument(click.Argument):
    """An argument with a sentence. Never required: what is missing is asked for, or named with all else."""

    def __init__(self, decls: Sequence[str], help: str = "", **attrs: Any) -> None:
        super().__init__(decls, **attrs)
        self.required = False
        self.sentence = help

    @property
    def shown(self) -> str:
        """As it stands in the usage line."""
        return (self.metavar or self.name or "").upper() + ("..." if self.nargs == -1 else "")


class Option(click.Option):
    """An option that knows the group it is listed in."""

    def __init__(self, decls: Sequence[str], group: str = "How", **attrs: Any) -> None:
        super().__init__(decls, **attrs)
        self.group = group

    @property
    def shown(self) -> str:
        """As it is typed: `-C, --description DIR`."""
        names = ", ".join(sorted(self.opts, key=len))
        if self.is_flag or self.count:
            return names
        choices = "|".join(map(str, self.type.choices)) if isinstance(self.type, click.Choice) else ""
        return f"{names} {self.metavar or choices or self.type.name.upper()}"


def option(*decls: str, **attrs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an option of a command: `click.option` with a `group`."""
    return click.option(*decls, cls=Option, **attrs)


def argument(*decls: str, **attrs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an argument of a command: `click.argument` with `help`."""
    return click.argument(*decls, cls=Argument, **attrs)


def _to_session(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Hand the value of an option that every command has to the session."""
    if ctx.obj is not None and param.name and value not in (None, False, 0):
        ctx.obj.set(param.name, value)


def _show_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        raise HelpRequested(ctx.get_help())


def _always() -> list[click.Parameter]:
    """What every command takes."""

    def common(*decls: str, **attrs: Any) -> Option:
        return Option(decls, ALWAYS, expose_value=False, **{"callback": _to_session, **attrs})

    when = click.Choice(["auto", "always", "never"])
    return [
        common("-C", "--description", metavar="DIR", help="the description (or WSH_DIR; else: where you are)"),
        common("--json", is_flag=True, help="JSON; the last line is the answer: wsh schema --output"),
        common("--no-input", is_flag=True, help="never ask: what is missing is an error"),
        common("-q", "--quiet", is_flag=True, help="errors only, and the answer if one was asked for"),
        common("-v", "--verbose", count=True, help="every resource that is written; -vv: tracebacks too"),
        common("--color", type=when, is_eager=True, help="colours; auto heeds NO_COLOR"),
        common("-h", "--help", is_flag=True, is_eager=True, callback=_show_help, help="this text"),
    ]


class _Described:
    """What commands and groups have in common."""

    help: str | None
    section: str

    @property
    def sentence(self) -> str:
        """The first line of its help, for lists of commands."""
        return _paragraph(self.help).partition("\n")[0].removesuffix(".")


class Command(_Described, click.Command):
    """A command: its help is usage, sentence, examples, options by group, exit codes.

    `section` is the heading it has in its group's help. `ordinary` says that it works on a description or on
    plugins, so that root does it as the system user `wsh` (see `privilege`).
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[Row] = (),
        exits: Sequence[int] = (0, 1, 2, 3),
        section: str = "",
        ordinary: bool = True,
        **attrs: Any,
    ) -> None:
        super().__init__(*args, **{**attrs, "add_help_option": False})
        self.params += _always()
        self.examples = tuple(examples)
        self.exits = tuple(exits)
        self.section = section
        self.ordinary = ordinary

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, as the user that it is for."""
        ctx.find_root().obj.begin(ctx.command_path.partition(" ")[2], ordinary=self.ordinary)
        return super().invoke(ctx)

    @property
    def usage(self) -> str:
        """What follows its name in the usage line."""
        return " ".join([*(each.shown for each in self.params if isinstance(each, Argument)), "[OPTIONS]"])

    @property
    def rows(self) -> dict[str, list[Row]]:
        """All that can be said to it, by group; what every command takes comes last."""
        groups: dict[str, list[Row]] = {}
        for each in self.params:
            if isinstance(each, Argument):
                groups.setdefault("What", []).append((each.shown, each.sentence))
            elif isinstance(each, Option):
                groups.setdefault(each.group, []).append((each.shown, each.help or ""))
        return {**{name: rows for name, rows in groups.items() if name != ALWAYS}, ALWAYS: groups[ALWAYS]}

    def get_help(self, ctx: click.Context) -> str:
        """The whole help."""
        lines = [f"Usage: {ctx.command_path} {self.usage}", _paragraph(self.help), *block("", self.examples)]
        for group, rows in self.rows.items():
            lines += block(group, rows)
        codes = "   ".join(f"{code} {EXIT_CODES[code]}" for code in self.exits)
        return "\n".join([*lines, "", f"Exit   {codes}"])


class Group(_Described, click.Group):
    """A noun, or `wsh` itself. `modules` names the commands that are imported when they are called."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[Row] = (),
        section: str = "",
        modules: Mapping[str, str] | None = None,
        more: Callable[[], Mapping[str, Callable[[], click.Command]]] = dict,
        **attrs: Any,
    ) -> None:
        own = {"add_help_option": False, "invoke_without_command": True, "no_args_is_help": False}
        super().__init__(*args, **{"callback": self._bare, **attrs, **own})
        self.params += _always()
        self.examples = tuple(examples)
        self.section = section
        self.modules = dict(modules or {})
        self.more = more
        """Commands of others, by name, with what loads them."""

    @property
    def own(self) -> list[str]:
        """The commands that are wsh's own, in the order of help."""
        return [*self.modules, *self.commands]

    def command(  # type: ignore[override]  # of click's ways to call it, the one with a name
        self, name: str, *, cls: type[Command] = Command, **attrs: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        """As click's, but what is made is a `Command`."""
        return super().command(name, cls=cls, **attrs)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, others' too."""
        return [*self.own, *self.more()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name in self.modules:
            command: click.Command = getattr(import_module(self.modules[cmd_name]), cmd_name)
            return command
        if cmd_name in self.commands:
            return super().get_command(ctx, cmd_name)
        load = self.more().get(cmd_name)
        return load() if load else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click's, but a word that is no command is answered with the nearest."""
        if self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f"did you mean {ctx.command_path} {near[0]}?" if near else f"see {ctx.command_path} --help"
            raise UnknownCommand(args[0], hint, ctx)
        return super().resolve_command(ctx, args)

    def _bare(self) -> None:
        ctx = click.get_current_context()
        if ctx.invoked_subcommand is None:
            raise Bare(self.get_help(ctx), ctx.command_path)

    def get_help(self, ctx: click.Context) -> str:
        """The whole help: commands by section."""
        usage = f"Usage: {ctx.command_path} COMMAND [OPTIONS]"
        sections: dict[str, list[Row]] = {}
        for name in self.own:
            command = self.get_command(ctx, name)
            assert isinstance(command, Command | Group)
            sections.setdefault(command.section, []).append((name, command.sentence))
        for name in self.more():
            sections.setdefault("More", []).append((name, f"see {ctx.command_path} {name} --help"))
        lines = [usage, _paragraph(self.help), *block("", self.examples)]
        for section, rows in sections.items():
            lines += block(section, rows)
        return "\n".join([*lines, "", f"{ctx.command_path} COMMAND --help says more."])


def _paragraph(text: str | None) -> str:
    return "\n".join(line.strip() for line in (text or "").strip().splitlines())


def block(heading: str, rows: Sequence[Row]) -> list[str]:
    """Lay rows out in two columns, below a heading; what is too long for its column has a line of its own."""
    if not rows:
        return []
    width = min(max(len(name) for name, _ in rows), 44)
    lines = ["", heading] if heading else [""]
    for name, sentence in rows:
        if len(name) > width and sentence:
            lines += [f"  {name}", f"  {'':{width}}   {sentence}"]
        else:
            lines.append(f"  {name:{width}}   {sentence}".rstrip())
    return lines
