"""`wsh log`: what operations did, and what one is doing now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from wsh_core.cli import options
from wsh_core.cli.help import Command, argument, option
from wsh_core.cli.session import Answer, Interrupted, Session
from wsh_core.errors import TransportError, WshError

if TYPE_CHECKING:
    from wsh_core.cli.scope import Scope
    from wsh_core.cli.terminal import Console
    from wsh_core.models.server import Server
    from wsh_core.plan.report import Event, Report


@click.command(
    cls=Command,
    section="See",
    exits=(0, 1, 2, 3, 5, 6),
    examples=[
        ("wsh log", "the operations that the servers remember"),
        ("wsh log 7f3a00", "what one did"),
        ("wsh log 7f3a00 --follow", "and what it is still doing"),
    ],
)
@argument("operation", metavar="ID", help="an operation, as apply names it")
@option("--follow", is_flag=True, help="wait for what is to come")
@options.SERVERS
@click.pass_obj
def log(session: Session, operation: str | None, follow: bool, servers: tuple[str, ...]) -> Answer:
    """List operations, or show the events of one."""
    from wsh_core.cli import scope as scopes
    from wsh_core.plan.outline import summary
    from wsh_core.plan.report import exit_status

    scope = scopes.scope(session, (), servers)
    if operation is None:
        return _list(session, scope)
    server, report = _read(session, scope, operation, follow=follow)
    return Answer(
        data=summary(report) | {"server": server.name, "running": report.outcome is None},
        text=lambda out: _end(out, report, scope),
        errors=report.problems,
        exit=exit_status(report.statuses()),
    )


def _list(session: Session, scope: Scope) -> Answer:
    from wsh_core.cli import watch
    from wsh_core.plan.report import exit_status

    found: dict[str, list[str]] = {}
    failed: list[WshError] = []
    for server in scope.servers:
        try:
            found[server.name] = watch.transport(session, server).operations()
        except WshError as error:
            failed.append(error)
    if failed and not found:
        raise failed[0]

    def text(out: Console) -> None:
        for name, operations in found.items():
            out.line(f"{name}   {' '.join(operations[:20]) or 'no operations yet'}")

    problems = tuple(problem for error in failed for problem in error.problems)
    session.warnings += problems
    return Answer({"servers": found}, text, exit=exit_status(error.exit for error in failed))


def _read(session: Session, scope: Scope, operation: str, *, follow: bool) -> tuple[Server, Report]:
    """The report of an operation, told as it is read, from the server that knows it."""
    from wsh_core.cli.render import log as rendered
    from wsh_core.cli.watch import Watch
    from wsh_core.plan.report import Report

    unknown: WshError | None = None
    for server in scope.servers:
        report = Report(server.name, "apply")
        shown = None if session.json else rendered.Log(session.out, verbose=session.verbose > 0)
        watch = Watch(session, None)
        try:
            for event in _events(session, server, operation, follow=follow):
                report.add(event)
                if report.problem and report.problem.code == "operation.unknown":
                    break
                if shown is None:
                    watch.event(server.name, event)
                else:
                    shown.event(event)
            else:
                return server, report
        except TransportError as error:
            unknown = error
            continue
        except KeyboardInterrupt as stop:
            hint = f"{server.name} goes on: wsh log {operation} --follow"
            raise Interrupted.by(stop, "not watching", hint) from None
        unknown = WshError.of([report.problem])
    raise unknown or WshError("operation.unknown", f"no server knows an operation {operation}", "wsh log lists them")


def _events(session: Session, server: Server, operation: str, *, follow: bool) -> Iterator[Event]:
    from wsh_core.cli import watch

    way = watch.transport(session, server)
    return way.follow(operation) if follow else way.past(operation)


def _end(out: Console, report: Report, scope: Scope) -> None:
    from wsh_core.cli.render import report as reports

    if report.outcome is not None or report.detached is not None:
        reports.one(out, report, scope.view)
