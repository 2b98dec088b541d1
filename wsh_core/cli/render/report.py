"""What an operation came to: a line for each server, and for each account or site that is worth one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wsh_core.cli.render import differences
from wsh_core.cli.render.plan import COLOURS, STAYS, View, outdated
from wsh_core.cli.terminal import Console, Part, Span
from wsh_core.cli.units import counted, duration
from wsh_core.plan.labels import Label
from wsh_core.plan.outline import Entry, outline
from wsh_core.plan.report import Report


def reports(console: Console, found: Sequence[Report], view: View) -> None:
    """Write the reports of several servers, by name."""
    for report in sorted(found, key=lambda r: r.server):
        if report.problem is None or report.accounts:
            one(console, report, view)


def one(console: Console, report: Report, view: View) -> None:
    """Write the report of one server."""
    title = view.titles.get(report.server, report.server)
    if report.detached is not None:
        console.line(
            Span(title, "bold"),
            f"   operation {report.operation} goes on: wsh log {report.operation} --follow",
        )
        return
    console.line(Span(title, "bold"), f"   {summary(report)}   {duration(report.seconds)}")
    entries = outline(report)
    new = {entry.name for entry in entries if entry.sign == "+" and entry.noun == "account"}
    for entry in entries:
        if not (entry.sign == "+" and entry.noun == "site" and entry.account in new):
            _entry(console, entry, view)
    for name in report.accounts_that_are("pending"):
        console.prose(Span("!", "red"), f" account {name} is pending: wsh apply --account {name}", rest="  ")
    for name in report.accounts_that_are("held"):
        reason = view.held.get(report.server, {}).get(name, "")
        console.prose(Span("!", "red"), f" account {name} is held: {reason}", rest="  ")
    outdated(console, report)
    if report.operation:
        console.line(Span(f"Operation {report.operation}: wsh log {report.operation}", "dim"))


def summary(report: Report) -> str:
    """`1 of 214 accounts failed, 1 held, 1 waits, 211 as wanted (2 changed)`."""
    words = Counter(report.accounts.values())
    fine = words["ok"] + words["changed"]
    changed = f"{words['changed']} changed" if words["changed"] else "nothing changed"
    parts = [
        f"{words['failed']} failed" if words["failed"] else "",
        f"{words['held']} held" if words["held"] else "",
        f"{words['pending']} {'waits' if words['pending'] == 1 else 'wait'}" if words["pending"] else "",
        f"{fine} as wanted ({changed})",
    ]
    first, *rest = filter(None, parts)
    number, _, word = first.partition(" ")
    return ", ".join([f"{number} of {counted(len(report.accounts), 'account')} {word}", *rest])


def _entry(console: Console, entry: Entry, view: View) -> None:
    head: list[Part] = [Span(entry.sign, COLOURS[entry.sign]), f" {entry.title}"]
    match entry.sign:
        case "+":
            label = view.labels.get(entry.object, Label())
            said = ": ".join(filter(None, [label.address and f" https://{label.address}/", label.runs]))
            console.prose(*head, said.rstrip(), rest="  ")
        case "~":
            names = list(dict.fromkeys(map(differences.resource, entry.changes)))
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            drift = ", drift mended" if all(change.drift for change in entry.changes) else ""
            console.prose(*head, f": {', '.join(names[:4])}{more}{drift}", rest="  ")
        case "-":
            console.prose(*head, f" stays: {STAYS}", rest="  ")
        case "!":
            words = [c.problem.message for c in entry.changes if c.problem]
            console.prose(*head, f": {words[0]}" if words else " was left alone", rest="  ")
