"""Help that teaches: usage, one sentence, examples, then the options in groups. And the nearest name for a misspelt one.

Every command of wsh is a ``Command`` or a ``Group`` of this module. Nothing is printed here: ``--help`` raises
``HelpRequested``, and the boundary in ``main`` prints it, so that ``wsh help site add`` is the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

Example = tuple[str, str]
"""A line to type, and what it does."""

EXIT_CODES: Mapping[int, str] = {
    0: "done",
    1: "failed",
    2: "usage",
    3: "configuration",
    4: "changes pending",
    5: "unreachable",
    6: "someone else",
}


class HelpRequested(Exception):  # noqa: N818 - no error
    """``--help`` was given; ``text`` is the answer."""

    def __init__(self, text: str) -> None:
        super().__init__("help")
        self.text = text


class Bare(Exception):  # noqa: N818 - no error
    """A group was called without a command: its help is shown, and that is a usage error."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(path)
        self.text = text
        self.path = path


class Argument(click.Argument):
    """An argument with a sentence. Never required: what is missing is asked for, or named together (``questions``)."""

    def __init__(self, decls: Sequence[str], help: str = "", **attrs: Any) -> None:
        super().__init__(decls, **attrs)
        self.required = False
        self.sentence = help


class Option(click.Option):
    """An option that knows the group it is listed in."""

    def __init__(self, decls: Sequence[str], group: str = "How", **attrs: Any) -> None:
        super().__init__(decls, **attrs)
        self.group = group


def option(*decls: str, **attrs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*decls, cls=Option, **attrs)


def argument(*decls: str, **attrs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.argument(*decls, cls=Argument, **attrs)


def _common() -> list[click.Parameter]:
    """What every command takes. The values go to the session, not to the command's function."""

    def to_session(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if ctx.obj is not None and value not in (None, False, 0):
            ctx.obj.set(param.name, value)

    def show_help(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            raise HelpRequested(ctx.get_help())

    def common(*decls: str, **attrs: Any) -> Option:
        return Option(decls, group="Always", expose_value=False, callback=to_session, **attrs)

    return [
        common(
            "-C",
            "--description",
            metavar="DIR",
            help="the description's directory (or WSH_DIR; else: where you are)",
        ),
        common(
            "--json",
            is_flag=True,
            help="one JSON envelope as the last line of the output; see wsh schema --output",
        ),
        common("--no-input", is_flag=True, help="never ask: what is missing is an error"),
        common("-q", "--quiet", is_flag=True, help="errors only, and the answer if one was asked for"),
        common(
            "-v",
            "--verbose",
            count=True,
            help="every resource that is written; -vv: all that is read, and tracebacks",
        ),
        common(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            is_eager=True,
            help="colours; auto heeds NO_COLOR",
        ),
        Option(
            ["-h", "--help"],
            group="Always",
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=show_help,
            help="this text",
        ),
    ]


class Command(click.Command):
    """A command: its help is usage, sentence, examples, options by group, exit codes.

    ``section`` is the heading it has in its group's help. ``ordinary`` says that it works on a description or on
    plugins, so that root does it as the system user ``wsh`` (see ``privilege``).
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[Example] = (),
        exits: Sequence[int] = (0, 1, 2, 3),
        section: str = "",
        ordinary: bool = True,
        **attrs: Any,
    ) -> None:
        super().__init__(*args, **{**attrs, "add_help_option": False})
        self.params += _common()
        self.examples = tuple(examples)
        self.exits = tuple(exits)
        self.section = section
        self.ordinary = ordinary

    @property
    def sentence(self) -> str:
        return (self.help or "").strip().partition("\n")[0].removesuffix(".")

    def invoke(self, ctx: click.Context) -> Any:
        ctx.find_root().obj.begin(ctx.command_path.partition(" ")[2], ordinary=self.ordinary)
        return super().invoke(ctx)

    def get_help(self, ctx: click.Context) -> str:
        lines = [f"Usage: {ctx.command_path} {usage(self)}".rstrip(), *paragraphs(self.help)]
        lines += block("", self.examples)
        lines += block(
            "What", [(param.name.upper(), param.sentence) for param in _arguments(self) if param.sentence]
        )
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.params:
            if isinstance(param, Option) and not param.hidden:
                groups.setdefault(param.group, []).append((spelling(param), param.help or ""))
        groups["Always"] = groups.pop("Always")
        for group, options in groups.items():
            lines += block(group, options)
        codes = "   ".join(f"{code} {EXIT_CODES[code]}" for code in self.exits)
        return "\n".join([*lines, "", f"Exit   {codes}"])


class Group(click.Group):
    """A noun, or ``wsh`` itself. ``modules`` names the commands that are imported when they are called."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[Example] = (),
        section: str = "",
        modules: Mapping[str, str] | None = None,
        more: Callable[[], Mapping[str, Callable[[], click.Command]]] | None = None,
        **attrs: Any,
    ) -> None:
        own = {"add_help_option": False, "invoke_without_command": True, "no_args_is_help": False}
        super().__init__(*args, **{"callback": self._bare, **attrs, **own})
        self.params += _common()
        self.examples = tuple(examples)
        self.section = section
        self.modules = dict(modules or {})
        self.more = more

    @property
    def sentence(self) -> str:
        return (self.help or "").strip().partition("\n")[0].removesuffix(".")

    def command(  # type: ignore[override]  # of click's ways to call it, the one with a name
        self, name: str, *, cls: type[Command] | None = None, **attrs: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        """As click's, but what is made is a `Command`."""
        return super().command(name, cls=cls or Command, **attrs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.modules, *self.commands, *(self.more() if self.more else ())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules:
            command: click.Command = getattr(import_module(self.modules[cmd_name]), cmd_name)
            return command
        if cmd_name in self.commands or not self.more:
            return super().get_command(ctx, cmd_name)
        load = self.more().get(cmd_name)
        return load() if load else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
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
        lines = [
            f"Usage: {ctx.command_path} COMMAND [OPTIONS]",
            *paragraphs(self.help),
            *block("", self.examples),
        ]
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in [*self.modules, *self.commands]:
            command = self.get_command(ctx, name)
            assert isinstance(command, Command | Group)
            sections.setdefault(command.section, []).append((name, command.sentence))
        for name in self.more() if self.more else ():
            sections.setdefault("More", []).append((name, f"see {ctx.command_path} {name} --help"))
        for section, entries in sections.items():
            lines += block(section, entries)
        return "\n".join([*lines, "", f"{ctx.command_path} COMMAND --help says more."])


class UnknownCommand(click.UsageError):
    """A word that is no command, with the nearest that is one."""

    def __init__(self, word: str, hint: str, ctx: click.Context) -> None:
        super().__init__(f"`{word}` is no command of {ctx.command_path}", ctx)
        self.hint = hint


def usage(command: click.Command) -> str:
    """Return what follows the command's name in its usage line."""
    words = [(param.metavar or param.name or "").upper() for param in _arguments(command)]
    return " ".join([*words, "[OPTIONS]"])


def spelling(param: click.Option) -> str:
    """Return an option as it is typed: ``-C, --description DIR``."""
    names = ", ".join(sorted(param.opts, key=len))
    if param.is_flag or param.count:
        return names
    choices = "|".join(map(str, param.type.choices)) if isinstance(param.type, click.Choice) else ""
    return f"{names} {param.metavar or choices or param.type.name.upper()}"


def paragraphs(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").strip().splitlines()]


def _arguments(command: click.Command) -> list[Argument]:
    return [param for param in command.params if isinstance(param, Argument)]


def block(heading: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    """Lay out names and sentences in two columns; a name that is too long has a line of its own."""
    if not entries:
        return []
    width = min(max(len(name) for name, _ in entries), 44)
    lines = ["", heading] if heading else [""]
    for name, sentence in entries:
        if len(name) > width and sentence:
            lines += [f"  {name}", f"  {'':{width}}   {sentence}"]
        else:
            lines.append(f"  {name:{width}}   {sentence}".rstrip())
    return lines
