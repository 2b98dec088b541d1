"""One run of the command: how it speaks, which description it works on, and what it answers."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsh_core.cli import privilege, terminal
from wsh_core.cli.terminal import Console
from wsh_core.errors import ConfigError, ExitStatus, Problem, Where, WshError

if TYPE_CHECKING:
    from wsh_core.models.description import Description
    from wsh_core.plugins import Apps

SYSTEM_DESCRIPTION = Path("/etc/wsh/description")


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived, which counts as Ctrl-C."""


class Interrupted(WshError):  # noqa: N818 - no error
    """Somebody stopped watching. The message says so, and the hint what goes on."""

    status: ExitStatus

    @classmethod
    def by(cls, stop: KeyboardInterrupt, message: str, goes_on: str) -> Interrupted:
        """What came of Ctrl-C, or of SIGTERM."""
        interrupted = cls("run.interrupted", message, goes_on)
        interrupted.status = ExitStatus.TERMINATED if isinstance(stop, Terminated) else ExitStatus.INTERRUPTED
        return interrupted


@dataclass(frozen=True)
class Answer:
    """What a command found out. Text and JSON are made of the same object.

    `text` writes the answer to stdout, and shows `errors` and `warnings` itself, where they belong. What is
    raised instead is written to stderr.
    """

    data: Any = None
    text: Callable[[Console], None] | None = None
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    exit: ExitStatus = ExitStatus.OK
    report: bool = False
    """Whether the text only tells what was done, so that `-q` leaves it out when all went well."""


@dataclass
class Session:
    """The switches that every command has, and what follows from them."""

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    color: terminal.When = "auto"
    no_input: bool = False
    description_given: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    command: str = ""
    warnings: list[Problem] = field(default_factory=list)
    """Warnings that the command's answer does not know of."""
    _overlay: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What is so in spite of an error: said behind it."""

    @classmethod
    def of(cls, argv: Sequence[str]) -> Session:
        """The session of a command line that has not been parsed: enough to report that it cannot be."""
        words = argv[: argv.index("--")] if "--" in argv else argv
        return cls(json="--json" in words)

    def set(self, name: str, value: Any) -> None:
        """Take the value of an option that every command has."""
        setattr(self, {"description": "description_given"}.get(name, name), value)

    def begin(self, command: str, *, ordinary: bool) -> None:
        """Start a command; root goes on as the system user `wsh` if the command is for an ordinary one."""
        self.command = command
        if ordinary:
            privilege.become_ordinary()

    @cached_property
    def out(self) -> Console:
        """Where the answer goes."""
        return terminal.open_console(sys.stdout, self.color, self.environ)

    @cached_property
    def err(self) -> Console:
        """Where progress, questions, errors and warnings go."""
        return terminal.open_console(sys.stderr, self.color, self.environ)

    @property
    def is_child(self) -> bool:
        """Whether root started this command, and this process does its work as the user `wsh`."""
        return privilege.child() is not None

    @property
    def asks(self) -> bool:
        """Whether questions may be asked."""
        return not (self.no_input or self.json) and terminal.can_ask()

    @cached_property
    def root(self) -> Path:
        """The directory of the description: given, or the nearest above, or the system's.

        Raises ConfigError if there is none.
        """
        given = self.description_given or self.environ.get("WSH_DIR")
        if given:
            return _readable(Path(given))
        here = Path.cwd()
        for directory in (here, *here.parents, SYSTEM_DESCRIPTION):
            if _holds_description(directory):
                return _readable(directory)
        raise ConfigError(
            "config.no-description",
            f"there is no wsh.yaml in {here}, nor above it, nor in {SYSTEM_DESCRIPTION}",
            "make one: wsh init; or say where it is: -C DIR",
        )

    @cached_property
    def log(self) -> Path | None:
        """Where Ansible's own output of this run is kept, if it can be."""
        from wsh_core.cli import runlog

        return runlog.new(self.command)

    @cached_property
    def apps(self) -> Apps:
        """The applications that sites can have: of the plugins that wsh.yaml lists, and of no others."""
        privilege.assert_ordinary()
        from wsh_core.plugins import Apps

        return Apps(_listed_plugins(self.root), self.root / "releases")

    @cached_property
    def description(self) -> Description:
        """The description, loaded; raises ConfigError if what concerns all accounts is wrong."""
        return self.load()

    def load(self, overlay: Mapping[str, str] | None = None, *, strict: bool = False) -> Description:
        """Read the description, with `overlay` in place of some of its files. Raises ConfigError."""
        privilege.assert_ordinary()
        from wsh_core.models.load import load_description

        self._overlay = overlay or {}
        apps = [self.apps.get(name).app for name in self.apps.names if name not in self.apps.failures]
        return load_description(
            self.root,
            app_names=self.apps.known,
            app_databases={app.name: 1 for app in apps if app.database},
            app_options={app.name: app.options for app in apps},
            overlay=overlay,
            strict=strict,
        )

    def forget(self) -> None:
        """Forget the description: a file of it was written."""
        del self.description

    def source_if_known(self, place: Where) -> str | None:
        """As `source`, if this run has found its description."""
        return self.source(place) if "root" in self.__dict__ else None

    def source(self, place: Where) -> str | None:
        """The line of a file of the description that a place is in."""
        from wsh_core.models.files import NotRead, read

        try:
            return read(self.root / place.file, place.file).splitlines()[place.line - 1]
        except (NotRead, IndexError):
            return None


def _listed_plugins(root: Path) -> list[str]:
    """The plugins that wsh.yaml lists. What else is wrong with it is told when all of it is read."""
    from wsh_core.models.files import NotRead, read
    from wsh_core.models.source import parse

    try:
        values = parse(read(root / "wsh.yaml", "wsh.yaml"), "wsh.yaml").value or {}
    except NotRead:
        return []
    listed = values.get("plugins")
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def _readable(directory: Path) -> Path:
    """The directory, if this user may read it; one that is not there is told when it is read."""
    try:
        next(directory.iterdir(), None)
    except PermissionError:
        user = pwd.getpwuid(os.geteuid()).pw_name
        raise ConfigError(
            "config.unreadable",
            f"{directory} cannot be read by {user}, as whom wsh reads YAML and plugins",
            f"let it: namei -l {directory} shows where it ends",
        ) from None
    except OSError:
        pass
    return directory


def _holds_description(directory: Path) -> bool:
    try:
        return (directory / "wsh.yaml").is_file()
    except OSError:
        return False
