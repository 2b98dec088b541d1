"""What a plan or an operation came to for one site's application: which version it has, had, and shall have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wsh_core.errors import Problem
from wsh_core.models.site import Site
from wsh_core.plan.desired import Desired
from wsh_core.plan.labels import Label
from wsh_core.plan.report import Change, Report

State = Literal["pending", "changed", "as wanted", "outdated", "failed", "held", "not read"]


@dataclass(frozen=True)
class Outcome:
    """One site: `before` and `after` are versions, None where they are not known; `saved` is when a snapshot was."""

    site: str
    server: str
    app: str
    url: str
    state: State
    before: str | None = None
    after: str | None = None
    saved: str | None = None
    problem: Problem | None = None

    @property
    def runs(self) -> str:
        """`nextcloud 31.0.2 -> 32.0.1`, or what of it is known."""
        versions = " -> ".join(filter(None, dict.fromkeys([self.before, self.after])))
        return f"{self.app} {versions}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints of it; the problem stands among the errors."""
        return {
            "site": self.site, "server": self.server, "app": self.app, "url": self.url, "state": self.state,
            "before": self.before, "after": self.after,
        }  # fmt: skip


def outcome(site: Site, desired: Mapping[str, Desired], reports: Iterable[Report]) -> Outcome:
    """What the report of its server says of a site's application."""
    name, account = f"site:{site.id}", str(site.account)
    server = next((s for s, each in desired.items() if account in each.accounts or account in each.held), "")
    label = desired[server].labels.get(name, Label()) if server else Label()
    wanted = label.runs.partition(" ")[2] or None
    report = next((each for each in reports if each.server == server), None)
    facts: dict[str, Any] = {"state": "not read", "after": wanted}
    if report is not None and report.accounts_that_are("held").count(account):
        facts = {"state": "held"}
    elif report is not None and report.problem is None:
        facts = _facts(report, site.id, wanted)
    return Outcome(site.id, server, str(site.app), f"https://{site.domains[0]}/", **facts)


def _facts(report: Report, site: str, wanted: str | None) -> dict[str, Any]:
    change = next((each for each in report.changes if each.id == f"app:{site}"), None)
    outdated = next((each for each in report.outdated if each.site == site), None)
    if change is None and outdated is not None:
        return {"state": "outdated", "before": outdated.version, "after": outdated.wanted}
    if change is None:
        waits = report.accounts.get(site.partition("/")[0]) in {"failed", "pending"}
        return {"state": "failed", "after": wanted} if waits else {"state": "as wanted", "before": wanted}
    fields = {each.field: each for each in change.differences}
    facts: dict[str, Any] = {"state": _state(change), "after": wanted, "problem": change.problem}
    if "version" in fields:
        facts |= {"before": fields["version"].before, "after": fields["version"].after}
    if "saved" in fields:
        facts["saved"] = fields["saved"].after
    return facts


def _state(change: Change) -> State:
    if change.troubled:
        return "failed"
    return "changed" if change.outcome == "changed" else "pending"
