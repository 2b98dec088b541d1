"""`wsh plan`: what `apply` would do."""

from __future__ import annotations

import click

from wsh_core.cli import options
from wsh_core.cli.help import Command, option
from wsh_core.cli.session import Answer, Session


@click.command(
    cls=Command, section="Describe", exits=(0, 1, 2, 3, 4, 5, 6),
    examples=[
        ("wsh plan", "on all servers"),
        ("wsh plan --account alice --full", "resource by resource"),
        ("wsh plan --json | tail -n1", "the counts"),
    ],
)  # fmt: skip
@options.narrowing
@option("--full", is_flag=True, group="How", help="every resource, not only accounts and sites")
@click.pass_obj
def plan(session: Session, accounts: tuple[str, ...], servers: tuple[str, ...], full: bool) -> Answer:
    """Show what apply would do, and why; nothing is changed."""
    from wsh_core.cli import scope as scopes
    from wsh_core.cli.render import plan as rendered
    from wsh_core.plan.outline import summary
    from wsh_core.plan.report import exit_status

    scope = scopes.scope(session, accounts, servers, full=full)
    reports = scope.plan()
    return Answer(
        data={"servers": [summary(report) for report in reports]},
        text=lambda out: rendered.plans(out, reports, scope.view),
        errors=(*(problem for report in reports for problem in report.problems), *scope.held(reports)),
        exit=exit_status(status for report in reports for status in report.statuses()),
    )
