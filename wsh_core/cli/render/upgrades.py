"""Upgrades and rollbacks: each phase while it runs, a line for each site, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wsh_core.cli.render.plan import View
from wsh_core.cli.render.progress import Progress
from wsh_core.cli.render.stages import Stage, Stages
from wsh_core.cli.terminal import Console, Part, Span, Style, cells, pad
from wsh_core.cli.units import counted, duration
from wsh_core.plan.outcomes import Outcome
from wsh_core.plan.report import Event, Report

PHASES: Mapping[str, str] = {
    "built": "the new tree, beside the old one",
    "fenced": "visitors see the maintenance page",
    "saved": "code, configuration, database",
    "switched": "the new tree is in place",
    "migrated": "the application's own migration",
    "verified": "its pages, and its own word",
    "undone": "put back: code, configuration, database",
}
"""The agent's phases, in the order of an upgrade, and what each comes to; others are shown as they are called."""
PUT_BACK = "undone"
COLOURS: Mapping[str, Style] = {"ok": "green", "FAILED": "red"}


@dataclass
class _Phase:
    """A phase that runs."""

    name: str
    text: str
    began: float
    stamp: float
    said: str = ""
    """What the server last told of it."""


class Upgrades(Progress):
    """As `Progress`, but an upgrade is told phase by phase, or, if there are several, in a line for each site."""

    def __init__(self, console: Console, sites: Mapping[str, Outcome], **more: Any) -> None:
        super().__init__(console, **more)
        self.sites = sites
        self._phases: dict[str, _Phase] = {}
        self._first: dict[str, _Phase] = {}

    def event(self, server: str, event: Event) -> None:
        """Take one event of a server."""
        about = str(event.get("object") or "")
        if about in self.sites and event.get("type") == "phase":
            self._begin(server, about, event)
        elif about in self._phases and event.get("type") == "log":
            self._phases[about].said = str(event.get("text") or "")
        elif about in self.sites and str(event.get("id", "")).startswith("app:"):
            self._end(server, about, event)
        super().event(server, event)

    def _ended(self, stages: Stages, stage: Stage) -> None:
        if stage.name != "installs":
            super()._ended(stages, stage)

    def _begin(self, server: str, about: str, event: Event) -> None:
        phase = _Phase(str(event["phase"]), str(event.get("text") or ""), self.clock(), _stamp(event))
        if about not in self._first:
            self._first[about] = phase
            if len(self.sites) == 1 and not self.quiet and self.console.width is not None:
                self.clear()
                site = self.sites[about]
                self.console.line(Span(f"{site.site} on {server}", "bold"), f"   {site.runs}")
        elif (before := self._phases.get(about)) and before.name != phase.name:
            self._phase(server, about, before, event, failed=phase.name == PUT_BACK)
        self._phases[about] = phase

    def _end(self, server: str, about: str, event: Event) -> None:
        last, failed = self._phases.pop(about, None), event["outcome"] != "changed"
        if last is not None:
            self._phase(server, about, last, event, failed=failed and last.name != PUT_BACK)
        if len(self.sites) > 1:
            first = self._first.get(about, last)
            took = self._took(first, event) if first else ""
            self._say(server, self.sites[about].site, self.sites[about].runs, event, took, failed=failed)

    def _phase(self, server: str, about: str, phase: _Phase, event: Event, *, failed: bool) -> None:
        if len(self.sites) > 1 or phase.name == "done":
            return
        text = ": ".join(filter(None, [phase.text, phase.said or PHASES.get(phase.name, "")]))
        if self.console.width is None:
            self._say(server, f"{self.sites[about].site} {phase.name}", text, event, self._took(phase, event), failed)
        elif not self.quiet:
            word = "FAILED" if failed else "ok"
            head: list[Part] = ["  ", pad(phase.name, 10), " ", Span(pad(word, 8), COLOURS[word]), " "]
            self._row(head, text, self._took(phase, event))

    def _say(self, server: str, what: str, text: str, event: Event, took: str, failed: bool) -> None:
        if self.quiet:
            return
        word = "FAILED" if failed else "ok"
        if self.console.width is None:
            self.clear()
            self.console.line(f"{event['time']} {server} {what} {word} {took} {text}")
            self.console.flush()
        else:
            self._row([f"{server}   ", pad(what, 24), " ", Span(pad(word, 8), COLOURS[word]), " "], text, took)

    def _row(self, head: Sequence[Part], text: str, took: str) -> None:
        self.clear()
        indent = sum(cells(str(part.text if isinstance(part, Span) else part)) for part in head)
        room = min(52, (self.console.width or 100) - indent - cells(took) - 2)
        self.console.prose(*head, pad(text, room), f"  {took}", rest=" " * indent)
        self.console.flush()

    def _took(self, phase: _Phase, event: Event) -> str:
        return duration(self.span(phase.began, _stamp(event) - phase.stamp))


def _stamp(event: Event) -> float:
    return datetime.fromisoformat(str(event["time"])).timestamp()


def outcomes(out: Console, found: Sequence[Outcome]) -> None:
    """Write what would become of each site, what fails last."""
    for each in sorted(found, key=lambda e: (e.state == "failed", e.site)):
        mark = Span("!", "red") if each.state in {"failed", "held", "not read"} else Span("~", "yellow")
        text = "as wanted" if each.state == "as wanted" else (each.problem.message if each.problem else "")
        shown = mark if each.state != "as wanted" else " "
        words = each.state if each.state in {"held", "not read"} else text
        out.prose(shown, f" {each.site} on {each.server}   {each.runs}", f": {words}" if words else "", rest="  ")


def next_step(out: Console, found: Sequence[Outcome], planned: Sequence[Report], view: View, words: str) -> None:
    """Write how many would be upgraded, by which line, and what else would be applied with it."""
    due = [each for each in found if each.state == "pending"]
    apps = {f"app:{each.site}" for each in found}
    others = [c for report in planned for c in report.changes if c.outcome == "planned" and c.id not in apps]
    if others:
        more = f"{counted(len(others), 'other change')} of these accounts would be applied too"
        out.prose(f"{more}: wsh plan{view.scope}", rest="  ")
    if due:
        out.line(f"{len(due)} of {counted(len(found), 'site')} to upgrade.  Next: ", Span(words, "bold"))
    elif all(each.state == "as wanted" for each in found):
        out.line(f"{counted(len(found), 'site')} as wanted. Nothing to do.")


def results(out: Console, found: Sequence[Outcome], reports: Sequence[Report]) -> None:
    """Write what runs now, what failed last, and where more is to be read."""
    for each in sorted(found, key=lambda e: (e.state == "failed", e.site)):
        out.prose(*_result(each), rest="  ")
    for report in reports:
        if report.operation:
            verb = "goes on: " if report.detached is not None else ""
            follow = " --follow" if verb else ""
            line = f"Operation {report.operation}: {verb}wsh log {report.operation}{follow}"
            out.line(Span(line, "dim"))


def _result(each: Outcome) -> list[Part]:
    match each.state:
        case "changed":
            was = f" (it was {each.before})" if each.before and each.before != each.after else ""
            return [Span("ok", "green"), f": {each.url} runs {each.app} {each.after or ''}{was}"]
        case "as wanted":
            return [f"{each.site} runs {each.runs} already: there is nothing to upgrade to"]
        case "failed":
            return [Span("!", "red"), f" {each.site} was not changed: see above"]
        case "outdated":
            return [f"{each.site} runs {each.app} {each.before}; {each.after} is known"]
    return [Span("!", "red"), f" {each.site}: {each.state}"]
