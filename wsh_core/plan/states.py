"""The state of servers, accounts and sites in one word each, as a plan found it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from wsh_core.models.account import Account
from wsh_core.models.server import Server
from wsh_core.plan.desired import Desired
from wsh_core.plan.labels import Label
from wsh_core.plan.outline import DRIFT, Entry, outline
from wsh_core.plan.report import Report


def server_state(
    server: Server, desired: Desired, report: Report, scope: Collection[str] | None = None
) -> dict[str, Any]:
    """A server with its accounts and their sites, each ok, pending, drift, failed, held, or ? if not read."""
    entries = {entry.object: entry for entry in outline(report)}
    mine = [account for account in server.accounts.values() if scope is None or account.name in scope]
    accounts = [_account(account, desired, entries, report) for account in mine]
    accounts += [
        {"account": name, "package": "", "state": "held", "why": reason, "sites": []}
        for name, reason in desired.held.items()
        if scope is None or name in scope
    ]
    return {
        "server": server.name,
        "address": server.address,
        "read": report.problem is None,
        "why": report.problem.message if report.problem else "",
        "seconds": report.seconds,
        "accounts": sorted(accounts, key=lambda each: each["account"]),
    }


def _account(account: Account, desired: Desired, entries: dict[str, Entry], report: Report) -> dict[str, Any]:
    own = _state(entries.get(f"account:{account.name}"), report)
    sites = []
    for site in account.sites.values():
        label = desired.labels.get(f"site:{site.id}", Label())
        state = _state(entries.get(f"site:{site.id}"), report)
        sites.append({"site": site.id, "url": f"https://{site.domains[0]}/", "runs": label.runs, **state})
    return {"account": account.name, "package": account.package, **own, "sites": sites}


def _state(entry: Entry | None, report: Report) -> dict[str, str]:
    """One word, and why."""
    if report.problem:
        return {"state": "?", "why": ""}
    if entry is None:
        return {"state": "ok", "why": ""}
    if entry.sign == "!":
        return {"state": "failed", "why": next((c.problem.message for c in entry.changes if c.problem), "")}
    return {"state": "drift" if entry.why == DRIFT else "pending", "why": entry.why}
