"""A plan: for each server what would be added, changed and removed, what is left alone, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wsh_core.cli.render import differences
from wsh_core.cli.terminal import Console, Part, Span, Style, cells, pad
from wsh_core.cli.units import counted, duration
from wsh_core.plan.labels import Label, Labels
from wsh_core.plan.outline import Entry, Sign, outline, tally, untouched
from wsh_core.plan.report import Change, Report

COLOURS: Mapping[Sign, Style] = {"+": "green", "~": "yellow", "-": "red", "!": "red"}
ACTIONS: Mapping[str, Sign] = {"add": "+", "change": "~", "remove": "-"}

WHY_COLUMN = 58
NARROW = 90
"""Columns: where reasons begin, and below which they go under the object."""

STAYS = "wsh does not remove anything yet, nothing is touched"

Row = tuple[Sign, str, str]
"""A line below an object: its sign, what it is, and what differs."""


@dataclass(frozen=True)
class View:
    """What plans and reports are shown with."""

    titles: Mapping[str, str] = field(default_factory=dict)
    """What servers are called in headlines: by their addresses."""
    labels: Labels = field(default_factory=dict)
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By server and account, why it is held."""
    scope: str = ""
    """The options that narrow it, as they were typed: ` --account alice`."""
    full: bool = False
    """Whether every resource is shown."""


def plans(console: Console, reports: Sequence[Report], view: View, *, next_step: bool = True) -> None:
    """Write the plans of all servers that could be read, by name; of the others an error was told."""
    read = [report for report in sorted(reports, key=lambda r: r.server) if report.problem is None]
    for number, report in enumerate(read, 1):
        plan(console, report, view, next_step=next_step and number == len(read))
        if number < len(read):
            console.line()


def plan(console: Console, report: Report, view: View, *, next_step: bool = True) -> None:
    """Write the plan of one server."""
    title = Span(view.titles.get(report.server, report.server), "bold")
    scope = f" ({view.scope.strip()})" if view.scope else ""
    read = f"{counted(report.resources, 'resource')} of {counted(len(report.accounts), 'account')}{scope}"
    if report.settled:
        console.line(title, f"   {read} as wanted ({duration(report.seconds)}). Nothing to do.")
        outdated(console, report)
        return
    console.line(title, f"   {read} read in {duration(report.seconds)}")
    entries = outline(report)
    for entry, sites in _nested(entries):
        _entry(console, entry, view, "")
        for site in sites:
            _entry(console, site, view, "    ")
    for name in report.accounts_that_are("held"):
        reason = view.held.get(report.server, {}).get(name, "")
        beside(console, "!", f"account {name} is held: nothing of it is touched", reason)
    outdated(console, report)
    _counts(console, report, entries, view, next_step=next_step)


def outdated(console: Console, report: Report) -> None:
    """Write how many sites go on with an older release; that is neither a change nor a failure."""
    if report.outdated:
        apps = Counter(each.app for each in report.outdated)
        which = ", ".join(f"{app} {number}" for app, number in apps.most_common())
        words = f"{counted(len(report.outdated), 'site')} outdated ({which}): wsh site list --outdated"
        console.prose(Span(words, "dim"), rest="  ")


def _nested(entries: Sequence[Entry]) -> Iterator[tuple[Entry, list[Entry]]]:
    """Entries, new sites of new accounts below them."""
    new: dict[str, list[Entry]] = {e.name: [] for e in entries if e.sign == "+" and e.noun == "account"}
    below = [e for e in entries if e.sign == "+" and e.noun == "site" and e.account in new]
    for entry in below:
        new[entry.account].append(entry)
    for entry in entries:
        if entry not in below:
            yield entry, new.get(entry.name, []) if entry.noun == "account" else []


def beside(console: Console, sign: Sign, left: str, right: str, indent: str = "") -> None:
    """Write a line with its sign, and on the right the reason, or below it where there is no room."""
    head: list[Part] = [indent, Span(sign, COLOURS[sign]), " "]
    room = WHY_COLUMN - len(indent) - 2
    needed = max(WHY_COLUMN, len(indent) + cells(left) + 4) + cells(right)
    if console.width is not None and (console.width < NARROW or needed > console.width):
        console.prose(*head, left, rest=f"{indent}  ")
        if right:
            console.prose(Span(right, "dim"), first=f"{indent}      ", rest=f"{indent}      ")
    else:
        console.line(*head, pad(left, room), "  " if cells(left) >= room else "", Span(right, "dim"))


def _entry(console: Console, entry: Entry, view: View, indent: str) -> None:
    label = view.labels.get(entry.object, Label())
    address = f"    {label.address}" if entry.sign == "+" and label.address else ""
    beside(console, entry.sign, f"{entry.title}{address}", label.runs if indent else _why(entry), indent)
    rows = list(_every(entry) if view.full else _body(entry, label))
    if indent and not view.full:
        rows = [row for row in rows if row[1] != label.runs]
    width = max((min(cells(left), 28) for _, left, right in rows if right), default=0)
    for sign, left, right in rows:
        said = f"{pad(left, width)}   {right}" if right else left
        console.prose(f"{indent}    ", Span(sign, COLOURS[sign]), " ", said, rest=f"{indent}      ")


def _why(entry: Entry) -> str:
    """Why: an account is its file, what is gone is gone from a file, all else has its line, or is drift."""
    file, _, _ = entry.changes[0].why.rpartition(":")
    if entry.sign == "+" and entry.noun == "account" and file:
        return f"{file} is new"
    if entry.sign == "-":
        return f"gone from {file or 'the description'}"
    return entry.why


def _body(entry: Entry, label: Label) -> Iterator[Row]:
    """What is told of an object, in words."""
    shown = [change for change in entry.changes if change.kind != "secret"]
    troubled = [change for change in shown if change.troubled]
    match entry.sign:
        case "+" if entry.noun == "account":
            yield "+", _made(shown, label), ""
        case "+":
            yield "+", label.runs or counted(len(shown), "resource"), ""
        case "-":
            yield "-", f"{counted(len(shown), 'resource')}: {STAYS}", ""
        case "!":
            yield from (_row(change, entry) for change in troubled)
            waiting = len(shown) - len(troubled)
            if waiting:
                yield "!", f"{counted(waiting, 'more resource')} wait for that", ""
            return
        case "~":
            yield from (_row(change, entry) for change in shown)
    if secrets := len(entry.changes) - len(shown):
        yield "+", f"{counted(secrets, 'secret')} (made on the server, kept there for root)", ""


def _every(entry: Entry) -> Iterator[Row]:
    return (_row(change, entry) for change in entry.changes)


def _row(change: Change, entry: Entry) -> Row:
    name = differences.resource(change)
    if change.troubled and change.problem:
        return "!", name, change.problem.message
    said = differences.fields(change) if change.action == "change" else ""
    mixed = " (drift)" if change.drift and not all(each.drift for each in entry.changes) else ""
    return ACTIONS.get(change.action, "~"), name, f"{said}{mixed}"


def _made(changes: Sequence[Change], label: Label) -> str:
    """What a new account has: `user carol (uid given on apply), home, jail, slice `small`, PHP 8.4`."""
    words = [_word(change, label) for change in changes]
    return ", ".join(dict.fromkeys(words))


def _word(change: Change, label: Label) -> str:
    match change.kind:
        case "user":
            return f"user {change.name} (uid given on apply)"
        case "directory":
            return "home"
        case "slice":
            return f"slice `{label.package}`" if label.package else "slice"
        case "unit":
            found = re.search(r"PHP \S+", differences.resource(change))
            return found[0] if found else "units"
        case "database-user":
            return "database user"
    return change.kind


def _counts(console: Console, report: Report, entries: Sequence[Entry], view: View, *, next_step: bool) -> None:
    found = tally(entries)
    held, same = report.accounts_that_are("held"), untouched(report)
    parts = [
        _counted(found["+"], "to add"),
        _counted(found["~"], "to change"),
        _counted(found["-"], "gone from the description (not removed)"),
        _counted(found["!"], "in trouble"),
        f"{counted(len(held), 'account')} held" if held else "",
        f"{counted(len(same), 'account')} as wanted" if same else "",
    ]
    more = "" if view.full else f" (wsh plan{view.scope} --full)"
    resources = counted(len(report.changes), "resource")
    words: list[Part] = [f"Plan: {', '.join(filter(None, parts))}; {resources}{more}."]
    if next_step and any(change.outcome == "planned" for change in report.changes):
        words += ["  Next: ", Span(f"wsh apply{view.scope}", "bold")]
    console.prose(*words, rest="      ")


def _counted(names: Mapping[str, Sequence[str]], what: str) -> str:
    nouns = [counted(len(names[noun]), noun) for noun in ("server", "account", "site") if names.get(noun)]
    return f"{' and '.join(nouns)} {what}" if nouns else ""
