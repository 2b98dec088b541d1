"""`wsh site list --outdated`: which sites do not have their newest release, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from wsh_core.cli import scope as scopes
from wsh_core.cli import upgrading
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span
from wsh_core.cli.units import counted
from wsh_core.errors import ExitStatus
from wsh_core.plan.report import Report, exit_status


def listed(session: Session, accounts: Sequence[str]) -> Answer:
    """Ask the servers which sites go on with an older release, and add those that the description pins to one."""
    from wsh_core.cli.render.table import Column, table

    scope = scopes.scope(session, accounts)
    reports = scope.plan()
    rows = sorted([*_behind(reports), *_pinned(session, scope.accounts)], key=lambda row: str(row["site"]))
    unread = {report.stopped for report in reports if report.stopped}

    def text(out: Console) -> None:
        if not rows:
            out.line("No site is outdated." if not unread else "No site that could be read is outdated.")
            return
        columns = [Column("site"), Column("app"), Column("version"), Column("newest"), Column("why", cuts=True)]
        table(out, columns, [[r["site"], r["app"], r["version"], r["newest"], r["why"]] for r in rows])
        apps = Counter(str(row["app"]) for row in rows)
        each = ", ".join(f"{app} {number}" for app, number in apps.most_common())
        out.line(f"{counted(len(rows), 'site')}: {each}.  Next: ", Span("wsh site upgrade --all --dry-run", "bold"))

    return Answer(
        {"sites": rows},
        text,
        errors=tuple(report.problem for report in reports if report.problem),
        exit=exit_status(unread) if unread else ExitStatus.OK,
    )


def _behind(reports: Sequence[Report]) -> Iterator[dict[str, Any]]:
    for report in reports:
        for each in report.outdated:
            yield {
                "site": each.site, "server": report.server, "app": each.app,
                "version": each.version, "newest": each.wanted, "why": "",
            }  # fmt: skip


def _pinned(session: Session, accounts: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    for server, account in session.description.accounts():
        for site in account.sites.values() if accounts is None or account.name in accounts else ():
            if newest := upgrading.newer_than_pinned(session, site):
                yield {
                    "site": site.id, "server": server.name, "app": site.app, "version": site.release,
                    "newest": newest, "why": f"pinned: {site.origin.where('release').short}",
                }  # fmt: skip
