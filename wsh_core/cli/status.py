"""`wsh status`: servers, accounts and sites, and whether they are as wanted."""

from __future__ import annotations

import click

from wsh_core.cli import options
from wsh_core.cli.help import Command
from wsh_core.cli.session import Answer, Session
from wsh_core.errors import ExitStatus


@click.command(
    cls=Command,
    section="See",
    exits=(0, 1, 2, 3, 5),
    examples=[("wsh status", "all of it"), ("wsh status --account alice", "one account")],
)
@options.narrowing
@click.pass_obj
def status(session: Session, accounts: tuple[str, ...], servers: tuple[str, ...]) -> Answer:
    """List servers, accounts and sites, and what a plan says of them."""
    from wsh_core.cli import scope as scopes
    from wsh_core.cli.render import status as rendered
    from wsh_core.plan.report import exit_status
    from wsh_core.plan.states import server_state

    scope = scopes.scope(session, accounts, servers)
    reports = {report.server: report for report in scope.plan()}
    found = [server_state(s, scope.desired[s.name], reports[s.name], scope.accounts) for s in scope.servers]
    unread = {report.stopped for report in reports.values() if report.stopped}
    return Answer(
        data={"servers": found},
        text=lambda out: rendered.servers(out, found),
        errors=tuple(report.problem for report in reports.values() if report.problem),
        exit=exit_status(unread) if unread else ExitStatus.OK,
    )
