"""A report as people think of it: accounts and sites, not resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from wsh_core.plan.report import Change, Report

Sign = Literal["+", "~", "-", "!"]
SIGNS: tuple[Sign, ...] = ("+", "~", "-", "!")
"""Added, changed, gone, left alone: what hurts comes last, beside the question."""

DRIFT = "drift: changed on the server, not by wsh"

_MAKES = {"account": "user", "site": "vhost"}
"""The kind whose being added or gone is that of the whole object."""


@dataclass(frozen=True)
class Entry:
    """All that is not as wanted in one account, one site, or the server itself."""

    object: str
    sign: Sign
    changes: tuple[Change, ...]

    @property
    def noun(self) -> str:
        """`account`, `site` or `server`."""
        return self.object.partition(":")[0]

    @property
    def name(self) -> str:
        """`alice`, `alice/blog`."""
        return self.object.partition(":")[2]

    @property
    def title(self) -> str:
        """`site alice/blog`."""
        return f"{self.noun} {self.name}"

    @property
    def account(self) -> str:
        """The account that it is, or belongs to."""
        return self.name.partition("/")[0]

    @property
    def why(self) -> str:
        """Why it is not as wanted: a line of the description, or drift."""
        if all(change.drift for change in self.changes):
            return DRIFT
        return next((change.why for change in self.changes if change.why and not change.drift), "")


def outline(report: Report) -> list[Entry]:
    """What is not as wanted, by object: in the order of the signs, names inside."""
    by_object: dict[str, list[Change]] = {}
    for change in report.changes:
        by_object.setdefault(_object(change), []).append(change)
    entries = [Entry(name, _sign(name, changes), tuple(changes)) for name, changes in by_object.items()]
    return sorted(entries, key=lambda entry: (SIGNS.index(entry.sign), entry.name, entry.noun))


def _object(change: Change) -> str:
    """What a change belongs to; a secret of a site (`alice/blog/admin`) to the site."""
    if change.kind == "secret" and change.name.count("/") == 2:
        return f"site:{change.name.rpartition('/')[0]}"
    return change.object


def _sign(name: str, changes: Iterable[Change]) -> Sign:
    changes = list(changes)
    maker = next((c for c in changes if c.kind == _MAKES.get(name.partition(":")[0])), None)
    if any(change.troubled for change in changes):
        return "!"
    if maker is not None and maker.action == "add":
        return "+"
    if all(change.action == "remove" for change in changes):
        return "-"
    return "~"


def tally(entries: Iterable[Entry]) -> Mapping[Sign, Mapping[str, list[str]]]:
    """Names by sign and noun: `tally(entries)["+"]["account"]`."""
    counted: dict[Sign, dict[str, list[str]]] = {sign: {} for sign in SIGNS}
    for entry in entries:
        counted[entry.sign].setdefault(entry.noun, []).append(entry.name)
    return counted


def untouched(report: Report) -> list[str]:
    """Accounts in scope that are as wanted."""
    busy = {change.account for change in report.changes}
    return [name for name, word in report.accounts.items() if word != "held" and name not in busy]


def summary(report: Report) -> dict[str, object]:
    """A report as data: the accounts and sites by what became of them."""
    found = tally(outline(report))
    words = {"+": "add", "~": "change", "-": "remove", "!": "refused"}
    return {
        "server": report.server,
        "operation": report.operation,
        "outcome": report.outcome,
        "resources": report.resources,
        "counts": report.counts,
        "accounts": report.accounts,
        "as_wanted": len(untouched(report)),
        "outdated": [
            {"site": each.site, "app": each.app, "version": each.version, "wanted": each.wanted}
            for each in report.outdated
        ],
        **{words[sign]: {f"{noun}s": names for noun, names in by_noun.items()} for sign, by_noun in found.items()},
        "seconds": report.seconds,
        "processes": report.processes,
    }
