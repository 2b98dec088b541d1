"""Questions: written to stderr, answered on stdin, and only ever for what an option could have said."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wsh_core.cli.session import Session
from wsh_core.errors import Problem, UsageError, WshError

MISSING = "usage.missing-option"


@dataclass(frozen=True)
class Want:
    """An option that a command cannot do without: as it is typed, and what it says."""

    option: str
    sentence: str


def missing(wants: Sequence[Want], rest: str | None = None) -> UsageError:
    """The error that names all that is missing; `rest` says what the other options will be."""
    return UsageError.of(Problem(MISSING, f"{w.option} is missing: {w.sentence}", rest, object=w.option) for w in wants)


def ask(session: Session, question: str, default: str = "", check: Callable[[str], object] | None = None) -> str:
    """Ask until the answer is one; Enter takes the default. `check` raises ValueError or WshError to refuse one.

    Raises:
        KeyboardInterrupt: stdin has ended.
    """
    while True:
        suffix = f" [{default}]" if default else ""
        answer = _read(session, f"{question}{suffix}: ") or default
        if not answer:
            continue
        try:
            if check:
                check(answer)
            return answer
        except (ValueError, WshError) as refused:
            session.err.line(f"  {refused}")


def yes(session: Session, question: str, *, default: bool) -> bool:
    """Ask a question that is answered with y or n."""
    choices = "[Y/n]" if default else "[y/N]"
    while True:
        answer = _read(session, f"{question} {choices} ").lower()
        if answer in {"", "y", "yes", "n", "no"}:
            return answer in {"y", "yes"} or (default and not answer)


def _read(session: Session, prompt: str) -> str:
    session.out.flush()
    session.err.stream.write(session.err.render([prompt]) + " " * prompt.endswith(" "))
    session.err.flush()
    line = sys.stdin.readline()
    if not line:
        session.err.line()
        raise KeyboardInterrupt
    return line.strip()
