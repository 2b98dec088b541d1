"""What all `add` commands do: show, ask once, check, write the YAML, apply, and say what runs now."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wsh_core.cli import apply as applying
from wsh_core.cli import questions, watch
from wsh_core.cli import scope as scopes
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span, cells, pad
from wsh_core.cli.units import duration
from wsh_core.errors import ConfigError, ExitStatus, UsageError, WshError
from wsh_core.plan.report import Report, exit_status

if TYPE_CHECKING:
    from wsh_core.models.edit import Change
    from wsh_core.models.server import Server

Row = tuple[str, str, str]
"""What is set, to what, and where that comes from."""


@dataclass(frozen=True)
class Addition:
    """Something new in the description."""

    object: str
    """`site:alice/blog`."""
    account: str
    """The account that is applied."""
    change: Callable[[], Change]
    """Makes the change of the file; raises ConfigError."""
    rows: Sequence[Row]
    done: str
    """What is so once it is applied, behind `ok: `."""
    next: Sequence[str] = ()
    data: dict[str, Any] = field(default_factory=dict)


def add(session: Session, addition: Addition, *, apply: bool, wait: float) -> Answer:
    """Check the result, ask once, write, apply.

    Raises:
        ConfigError: the description would not be right; nothing was written.
    """
    change = addition.change()
    server = _check(session, change, addition)
    if apply:
        watch.may_enter(session, server)
    if session.asks:
        _show(session.err, addition.rows)
        if not questions.yes(session, "Add it?", default=True):
            return Answer(text=lambda out: out.line("Nothing was done."), exit=ExitStatus.FAILED)
    write(session, change)
    if not (session.json or session.quiet):
        session.err.line(f"{change} written and checked")
    if not apply:
        hint = f"wsh apply --account {addition.account}"
        return Answer(
            {**addition.data, "file": change.file, "applied": False},
            lambda out: out.line("Next: ", Span(hint, "bold")),
        )
    return _apply(session, addition, change, wait)


def _check(session: Session, change: Change, addition: Addition) -> Server:
    """Load the description as it would be, and collect what the account would be; its server."""
    from wsh_core.plan.collect import collect

    description = session.load(change.overlay)
    checked, _ = collect(description, session.apps, [addition.account])
    problems = [p for (_, name), found in checked.held.items() if name == addition.account for p in found]
    if problems:
        error = ConfigError.of(problems)
        error.files = description.files
        raise error
    found = checked.account(addition.account)
    assert found
    return found[0]


def _show(console: Console, rows: Sequence[Row]) -> None:
    width = max(cells(value) for _, value, _ in rows)
    for what, value, origin in rows:
        console.line("  ", pad(what, 9), " ", Span(pad(value, width), "bold"), "   ", Span(origin, "dim"))


def write(session: Session, change: Change) -> None:
    """Write the file; root's half does not help here, so the description must belong to who writes it."""
    try:
        change.write()
    except ConfigError as error:
        first = error.problems[0]
        if first.code == "config.unwritable" and session.is_child:
            hint = f"the description must belong to the user wsh: chown -R wsh: {session.root.resolve()}"
            raise ConfigError(first.code, first.message, hint) from None
        raise


def _apply(session: Session, addition: Addition, change: Change, wait: float) -> Answer:
    began = time.monotonic()
    session.forget()
    pending = f"{addition.object.partition(':')[2]} is pending: wsh apply --account {addition.account}"
    try:
        scope = scopes.scope(session, [addition.account])
        reports = applying.carry_out(scope, None, wait)
    except WshError:
        session.notes.append(pending)
        raise
    status = exit_status(status for report in reports for status in report.statuses())
    data = {
        **addition.data,
        "file": change.file,
        "applied": status == ExitStatus.OK,
        "operation": _operation(reports),
    }
    problems = tuple(problem for report in reports for problem in report.problems)

    def text(out: Console) -> None:
        if status != ExitStatus.OK:
            out.line(pending)
            return
        out.line(Span("ok", "green"), f": {addition.done} ({duration(time.monotonic() - began)})")
        for number, line in enumerate(addition.next):
            out.line(Span("Next   " if not number else "       ", "bold"), line)

    return Answer(data, text, errors=problems, exit=status, report=True)


def _operation(reports: Sequence[Report]) -> str | None:
    return next((report.operation for report in reports if report.operation), None)


def one_of(noun: str, given: str, known: Collection[str]) -> None:
    """Raise UsageError unless `given` is one of those known."""
    if given not in known:
        raise UsageError("usage.unknown-name", f"there is no {noun} `{given}`", f"one of {', '.join(known)}")


def is_a(type_: Callable[[str], object], option: str, given: str) -> None:
    """Raise UsageError unless `given` can be made a value of that type (`wsh_core.models.types`)."""
    from wsh_core.models.types import Refused

    try:
        type_(given)
    except Refused as error:
        raise UsageError("usage.value", f"{option}: {error}", error.hint) from None


def not_there(session: Session, noun: str, name: str) -> WshError:
    """The error for an account or a site that the description does not have, or holds."""
    from wsh_core.models.check import suggest

    description = session.description
    for (_, account), problems in description.held.items():
        if account == name.partition("/")[0]:
            return ConfigError.of(problems)
    accounts = [account for _, account in description.accounts()]
    known = [a.name for a in accounts] if noun == "account" else [s.id for a in accounts for s in a.sites.values()]
    hint = suggest(name, known) or f"wsh {noun} list"
    return UsageError("usage.unknown-name", f"there is no {noun} `{name}` in this description", hint)
