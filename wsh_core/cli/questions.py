"""Questions: written to stderr, answered on stdin, and only ever for what an option could have said."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wsh_core.cli.render.problems import MISSING
from wsh_core.cli.session import Session
from wsh_core.errors import Problem, UsageError, WshError


@dataclass(frozen=True)
class Want:
    """Something that a command cannot do without."""

    option: str
    """As it is typed: `--account NAME`."""
    sentence: str
    """What it says, and where to find what there is."""
    question: str
    """How it is asked for: `Account`."""
    check: Callable[[str], object] | None = None
    """Raises ValueError or WshError for what cannot be taken."""


def missing(wants: Sequence[Want], rest: str | None = None) -> UsageError:
    """The error that names all that is missing; `rest` says what the other options will be."""
    return UsageError.of(
        Problem(MISSING, f"{want.option} is missing: {want.sentence}", rest, object=want.option) for want in wants
    )


def ask(session: Session, question: str, default: str = "", check: Callable[[str], object] | None = None) -> str:
    """Ask until the answer is one; Enter takes the default.

    `check` raises ValueError or WshError for what cannot be taken.

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


def fill(session: Session, wants: Mapping[str, Want], rest: str | None = None) -> dict[str, str]:
    """Ask for all of `wants`; where nobody can be asked, name them all at once.

    Raises:
        UsageError: something is missing and there is nobody to ask.
    """
    if wants and not session.asks:
        raise missing(list(wants.values()), rest)
    remark = " (Enter takes a [value]; nothing is changed before the last question)"
    answers = {}
    for name, want in wants.items():
        answers[name] = ask(session, want.question + remark, check=want.check)
        remark = ""
    return answers
