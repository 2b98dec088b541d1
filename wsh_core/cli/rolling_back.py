"""`wsh site rollback`: a site goes back to what it was before its last upgrade, and it is said what that loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsh_core.cli import questions, upgrading
from wsh_core.cli.questions import Want
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console
from wsh_core.errors import ExitStatus, UsageError
from wsh_core.plan.outcomes import Outcome, outcome
from wsh_core.plan.report import exit_status

if TYPE_CHECKING:
    from wsh_core.cli.scope import Scope
    from wsh_core.models.site import Site
    from wsh_core.plan.report import Report


def rollback(session: Session, name: str | None, *, yes: bool, wait: float) -> Answer:
    """Ask the server what the snapshot holds, say what is lost, ask, pin the older release where one is pinned, apply.

    Raises:
        UsageError: no site is named, or one that is not there, or nobody can be asked.
    """
    if name is None:
        raise questions.missing([Want("SITE", "alice/blog, or any of its domains", "Site")])
    site = upgrading.one(session, name)
    if not yes and not session.asks:
        raise UsageError(
            "usage.confirmation", "a rollback asks before it begins, and there is nobody to ask",
            f"wsh site rollback {site.id} --yes does it without a question",
        )  # fmt: skip
    scope = upgrading.told(session, [site], "rollback", {})
    planned = scope.plan()
    found = outcome(site, scope.desired, planned)
    if found.state != "pending":
        return _refused(scope, planned, found)
    if not yes:
        _say_what_is_lost(session, session.err, site, found)
        if not questions.yes(session, "Roll back?", default=False):
            return Answer(text=lambda out: out.line("Nothing was done."), exit=ExitStatus.FAILED)
    edits = upgrading.pinned(session, [site], found.after) if site.release is not None and found.after else {}
    if edits:
        scope = upgrading.told(session, [site], "rollback", edits)
        upgrading.write(session, edits)
    reports = upgrading.carry_out(scope, [site], planned, wait)
    return upgrading.answer(scope, reports, [outcome(site, scope.desired, reports)])


def _refused(scope: Scope, planned: list[Report], found: Outcome) -> Answer:
    """The answer where there is nothing to go back to, or no way to know."""
    status = exit_status(status for report in planned for status in report.statuses())
    return Answer(
        {"sites": [found.as_json()]},
        lambda out: out.line(f"{found.site} was left as it is."),
        errors=(*(problem for report in planned for problem in report.problems), *scope.held(planned)),
        exit=status if status not in {ExitStatus.OK, ExitStatus.PENDING} else ExitStatus.FAILED,
    )


def _say_what_is_lost(session: Session, console: Console, site: Site, found: Outcome) -> None:
    app = session.apps.get(site.app).app
    saved = f", as it was saved {_when(found.saved)}" if found.saved else ""
    console.prose(f"{site.id} on {found.server} goes back from {found.app} {found.before} to {found.after}{saved}.")
    lost = ["code", *(["configuration"] if app.layout.config else []), *(["database"] if app.database else [])]
    console.prose(
        f"{', '.join(lost)} go back as one: what was written into them since then is gone from the site."
        if len(lost) > 1
        else "Its code goes back."
    )
    stays = [*app.layout.data, *app.layout.additions, *app.layout.outside]
    if stays:
        console.prose(f"These stay as they are today: {', '.join(stays)}.")
    console.prose("What is given up is kept in turn for a week: the same command brings it back.")


def _when(stamp: str) -> str:
    """A time of the server's as people here read it."""
    from datetime import datetime

    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")
