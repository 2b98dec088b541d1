"""`wsh apply`: make it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from wsh_core.cli import options
from wsh_core.cli.help import Command, option
from wsh_core.cli.session import Answer, Interrupted, Session
from wsh_core.errors import ExitStatus, UsageError

if TYPE_CHECKING:
    from wsh_core.cli.scope import Scope
    from wsh_core.cli.watch import Watch
    from wsh_core.plan.report import Report


@click.command(
    cls=Command, section="Describe", exits=(0, 1, 2, 3, 5, 6),
    examples=[
        ("wsh apply", "shows the plan, and asks"),
        ("wsh apply --account alice --yes", "in one trip, without a question"),
    ],
)  # fmt: skip
@options.narrowing
@option("--yes", is_flag=True, help="do not show the plan, do not ask")
@options.WAIT
@click.pass_obj
def apply(session: Session, accounts: tuple[str, ...], servers: tuple[str, ...], yes: bool, wait: float) -> Answer:
    """Make the servers what the description says, after showing the plan."""
    from wsh_core.cli import questions
    from wsh_core.cli import scope as scopes
    from wsh_core.cli.render import plan as plans
    from wsh_core.plan.report import exit_status

    if not yes and not session.asks:
        raise UsageError(
            "usage.confirmation", "apply asks before it begins, and there is nobody to ask",
            "wsh plan shows what it would do; --yes does it without a question",
        )  # fmt: skip
    scope = scopes.scope(session, accounts, servers)
    if yes:
        return answer(scope, carry_out(scope, None, wait), [])
    planned = scope.plan()
    plans.plans(session.out, planned, scope.view, next_step=False)
    due = {report.server: report for report in planned if report.problem is None and not report.settled}
    if not any(change.outcome == "planned" for report in due.values() for change in report.changes):
        return Answer(exit=exit_status(_statuses(planned) - {ExitStatus.PENDING}))
    if not questions.yes(session, "Apply?", default=False):
        return Answer(text=lambda out: out.line("Nothing was done."), exit=ExitStatus.FAILED)
    missed = [report for report in planned if report.problem is not None]
    return answer(scope, carry_out(scope, due, wait), missed)


def carry_out(scope: Scope, planned: Mapping[str, Report] | None, wait: float) -> list[Report]:
    """Apply and tell what happens.

    Raises:
        Interrupted: the user stopped watching; what was begun goes on.
    """
    total = sum(len(report.changes) for report in (planned or {}).values())
    watch = scope.watch(total)
    try:
        return scope.apply(planned, wait, watch)
    except KeyboardInterrupt as stop:
        raise Interrupted.by(stop, "not watching", goes_on(scope, watch)) from None


def answer(scope: Scope, reports: Sequence[Report], missed: Sequence[Report]) -> Answer:
    """The answer of whatever has applied; `missed` are plans of servers that could not be planned."""
    from wsh_core.cli.render import report as rendered
    from wsh_core.plan.outline import summary
    from wsh_core.plan.report import exit_status

    everything = [*reports, *missed]
    changed = sum(report.counts.get("changed", 0) for report in reports)
    return Answer(
        data={"changed": changed, "servers": [summary(report) for report in everything]},
        text=lambda out: rendered.reports(out, reports, scope.view),
        errors=(*(problem for report in everything for problem in report.problems), *scope.held(everything)),
        exit=exit_status(_statuses(everything)),
        report=True,
    )


def _statuses(reports: Sequence[Report]) -> set[ExitStatus]:
    return {status for report in reports for status in report.statuses()}


def goes_on(scope: Scope, watch: Watch) -> str:
    """What the servers go on doing; a server that has not named its operation yet may have begun it."""
    running = [
        f"{server} goes on: wsh log {operation} --follow" for server, operation in sorted(watch.operations.items())
    ]
    return "; ".join(running) or f"what was begun on {', '.join(s.name for s in scope.servers)} goes on: wsh log"
