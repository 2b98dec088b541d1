"""A plan: per server what would be added, changed and removed, what is left alone, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
"""Columns. Below this the reason goes under the object."""


@dataclass(frozen=True)
class View:
    """What a plan is shown with: names for its objects, reasons of what is held, how far it goes."""

    titles: Mapping[str, str] = field(default_factory=dict)
    """By server, what it is called in headlines: its address."""
    labels: Labels = field(default_factory=dict)
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By server and account, the reason in words."""
    secrets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By server and account, how many passwords will be made."""
    scope: str = ""
    """The options that narrowed it, as they were typed: ` --account alice`."""
    full: bool = False


def plans(console: Console, reports: Sequence[Report], view: View, next_step: bool = True) -> None:
    """Write the plans of several servers, by name; servers that could not be read are told as errors elsewhere."""
    read = [report for report in sorted(reports, key=lambda r: r.server) if report.problem is None]
    for number, report in enumerate(read):
        if number:
            console.line()
        plan(console, report, view, next_step=next_step and number == len(read) - 1)


def plan(console: Console, report: Report, view: View, *, next_step: bool = True) -> None:
    """Write the plan of one server."""
    title = view.titles.get(report.server, report.server)
    accounts = counted(len(report.accounts), "account") + (f" ({view.scope.strip()})" if view.scope else "")
    read = f"{counted(report.resources, 'resource')} of {accounts}"
    if report.settled:
        were = "is" if report.resources == 1 else "are"
        console.line(
            Span(title, "bold"), f"   {read} {were} as wanted ({duration(report.seconds)}). Nothing to do."
        )
        return
    console.line(Span(title, "bold"), f"   {read} read in {duration(report.seconds)}")
    entries = outline(report)
    new = {entry.name for entry in entries if entry.sign == "+" and entry.noun == "account"}
    for entry in entries:
        if entry.sign == "+" and entry.noun == "site" and entry.account in new:
            continue
        _entry(console, entry, view, report)
        if entry.noun == "account" and entry.name in new and not view.full:
            _sites(
                console,
                [e for e in entries if e.noun == "site" and e.sign == "+" and e.account == entry.name],
                view,
            )
            _secrets(console, view.secrets.get(report.server, {}).get(entry.name, 0))
        elif view.full and entry.noun == "account" and entry.name in new:
            for site in [
                e for e in entries if e.noun == "site" and e.sign == "+" and e.account == entry.name
            ]:
                _entry(console, site, view, report)
    for name in report.accounts_that_are("held"):
        reason = view.held.get(report.server, {}).get(name, "")
        beside(console, "!", f"account {name} is held: nothing of it is touched", reason)
    _counts(console, report, entries, view, next_step=next_step)


def beside(console: Console, sign: Sign, left: str, right: str, indent: str = "") -> None:
    """Write a line with its sign, and the reason in the right column, or under it where there is no room."""
    head: list[Part] = [indent, Span(sign, COLOURS[sign]), " "]
    used = len(indent) + 2
    room = WHY_COLUMN - used
    if not right:
        console.line(*head, left)
    elif console.width is not None and console.width < NARROW:
        console.line(*head, left)
        console.line(f"{indent}      ", Span(right, "dim"))
    else:
        gap = "  " if cells(left) > room - 2 else ""
        console.line(*head, pad(left, room), gap, Span(right, "dim"))


def _entry(console: Console, entry: Entry, view: View, report: Report) -> None:
    label = view.labels.get(entry.object, Label())
    address = f"    {label.address}" if entry.sign == "+" and label.address else ""
    why = _gone(entry) if entry.sign == "-" else _new(entry) if entry.sign == "+" else entry.why
    beside(console, entry.sign, entry.title + address, why)
    if view.full:
        for change in entry.changes:
            _change(console, change, entry)
    elif entry.sign == "+" and entry.noun == "account":
        console.prose(_made(entry, label), first="    + ", rest="      ")
    elif entry.sign == "+":
        console.line("    ", Span("+", "green"), " ", label.runs or counted(len(entry.changes), "resource"))
    elif entry.sign == "-":
        _stays(console, entry)
    else:
        for change in entry.changes:
            _change(console, change, entry)


def _new(entry: Entry) -> str:
    """Why an object is new: an account is its file, a site a line of it."""
    file, _, _ = entry.why.rpartition(":")
    return f"{file} is new" if entry.noun == "account" and file else entry.why


def _gone(entry: Entry) -> str:
    file, _, _ = entry.why.rpartition(":")
    return f"gone from {file}" if file else "gone from the description"


def _stays(console: Console, entry: Entry) -> None:
    """Say why what left the description is not removed."""
    reason = next((change.problem.message for change in entry.changes if change.problem), "")
    console.prose(f"{counted(len(entry.changes), 'resource')}: {reason}", first="    - ", rest="      ")


def _made(entry: Entry, label: Label) -> str:
    """What a new account has, in a sentence."""
    words: list[str] = []
    for change in entry.changes:
        match change.kind:
            case "user":
                word = f"user {change.name} (uid given on apply)"
            case "directory":
                word = "home"
            case "slice":
                word = f"slice `{label.package}`" if label.package else "slice"
            case "unit":
                match_ = re.search(r"PHP \S+", differences.unit(change.name))
                word = match_[0] if match_ else "units"
            case "database-user":
                word = "database user"
            case kind:
                word = kind
        if word not in words:
            words.append(word)
    return ", ".join(words)


def _sites(console: Console, sites: Sequence[Entry], view: View) -> None:
    """Write the sites of a new account below it, in columns."""
    labels = [view.labels.get(site.object, Label()) for site in sites]
    names = max((cells(site.title) for site in sites), default=0)
    for site, label in zip(sites, labels, strict=True):
        beside(console, "+", f"{pad(site.title, names)}    {label.address}", label.runs, indent="    ")


def _secrets(console: Console, number: int) -> None:
    if number:
        text = counted(number, "password")
        console.line("    ", Span("+", "green"), f" {text} (secret, made on the server, kept there for root)")


def _change(console: Console, change: Change, entry: Entry) -> None:
    sign = "!" if change.outcome in {"failed", "conflict", "stale"} else ACTIONS.get(change.action, "~")
    mixed = " (drift)" if change.drift and not all(c.drift for c in entry.changes) else ""
    name = differences.resource(change)
    said = differences.fields(change) if change.action == "change" else ""
    if change.problem and sign == "!":
        said = change.problem.message
    console.line(
        "    ",
        Span(sign, COLOURS[sign]),
        " ",
        pad(name, 18) if said else name,
        f"   {said}" if said else "",
        mixed,
    )


def _counts(
    console: Console, report: Report, entries: Sequence[Entry], view: View, *, next_step: bool
) -> None:
    found = tally(entries)
    parts = [
        _counted(found["+"], "to add"),
        _counted(found["~"], "to change"),
        _counted(found["-"], "gone from the description (not removed)"),
        _counted(found["!"], "left alone"),
    ]
    held, same = report.accounts_that_are("held"), untouched(report)
    parts += [f"{counted(len(held), 'account')} held"] if held else []
    parts += [f"{counted(len(same), 'account')} as wanted"] if same else []
    more = "" if view.full else f" (wsh plan{view.scope} --full)"
    parts_text = ", ".join(part for part in parts if part)
    text = f"Plan: {parts_text}; {counted(len(report.changes), 'resource')}{more}."
    planned = any(change.outcome == "planned" for change in report.changes)
    words: list[Part] = [text]
    if next_step and planned:
        words += ["  Next: ", Span(f"wsh apply{view.scope}", "bold")]
    console.prose(*words, rest="      ")


def _counted(names: Mapping[str, Sequence[str]], what: str) -> str:
    nouns = [counted(len(names[noun]), noun) for noun in ("server", "account", "site") if names.get(noun)]
    return f"{' and '.join(nouns)} {what}" if nouns else ""
