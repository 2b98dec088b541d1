"""What can go wrong, in words: one tree of errors, each with its cause, its place and its remedy.

Nothing here prints. A command catches `WshError`, shows each of its problems and ends with its exit status.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, ClassVar, Self


class ExitStatus(IntEnum):
    """How a command ends. A number that is not listed here is a failure."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    PENDING = 4
    UNREACHABLE = 5
    OTHER = 6
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file of the description.

    `file` is relative to the description, `line` and `column` count from 1 in characters, `path` is the place
    in terms of keys (`sites.blog.options.title`), and `width` is how many characters of the line are meant.
    """

    file: str
    line: int
    column: int = 1
    path: str = ""
    width: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def short(self) -> str:
        """File and line beside a server's name: `accounts/alice.yaml:9`."""
        parts = self.file.split("/", 2)
        file = parts[2] if len(parts) == 3 and parts[0] == "servers" else self.file
        return f"{file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `code` is `area.reason` and stands in docs/reference/errors.md. `message` says what is so, lower case,
    without a full stop. `hint` says what to do. `object` is what it is about (`site:alice/blog`). `detail` is
    text of others (an application, a server) that is shown behind `|`, its control characters escaped.
    """

    code: str
    message: str
    hint: str | None = None
    where: tuple[Where, ...] = ()
    object: str | None = None
    detail: str | None = None

    def __str__(self) -> str:
        return f"{self.where[0].short}: {self.message}" if self.where else self.message

    def as_json(self) -> dict[str, Any]:
        """The problem as `--json` prints it; `also` holds the further places."""
        places = [asdict(place) for place in self.where]
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "object": self.object,
            "where": places[0] if places else None,
            "also": places[1:],
            "detail": self.detail,
        }


class WshError(Exception):
    """Something that wsh can explain. It carries one problem or more, and the exit status that follows."""

    exit: ClassVar[ExitStatus] = ExitStatus.FAILED
    problems: tuple[Problem, ...]

    def __init__(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        where: tuple[Where, ...] = (),
        object: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.problems = (Problem(code, message, hint, where, object, detail),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """One error that carries all of `problems`; at least one is needed."""
        known = tuple(problems)
        if not known:
            raise ValueError("an error needs a problem")
        first = known[0]
        error = cls(first.code, first.message)
        error.problems = known
        return error

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class UsageError(WshError):
    """The command line is not one that wsh can act on."""

    exit = ExitStatus.USAGE


class ConfigError(WshError):
    """The description is not one that wsh can act on. `files` is how many files were looked at."""

    exit = ExitStatus.CONFIG
    files: int = 0


class PluginError(WshError):
    """A plugin failed, or is not one. `distribution` names who can mend it."""

    exit = ExitStatus.CONFIG
    distribution: str = ""


class PlanError(WshError):
    """No plan could be made of a description that is right in itself."""


class TransportError(WshError):
    """The way to a server failed."""

    exit = ExitStatus.UNREACHABLE


class UnreachableError(TransportError):
    """A server could not be entered: no answer, another host key, no login, no root."""


class AgentFailure(WshError):  # noqa: N818 - the agent's own word for it is AgentError
    """The agent on a server reported a failure, or broke off."""


class OthersError(WshError):
    """Somebody else is in the way: a lock, a stale plan, an object that is not ours."""

    exit = ExitStatus.OTHER


def quote(value: object, limit: int = 60) -> str:
    """`value` for a message: between backticks, on one line, printable, and never long."""
    text = value if isinstance(value, str) else str(value)
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return "`" + "".join(c if c.isprintable() else _escaped(c) for c in shown) + "`"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
