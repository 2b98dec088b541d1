"""What is told while an operation runs: a line for each server and stage, once it ends; errors at once."""

from __future__ import annotations

import time
from collections.abc import Callable

from wsh_core.cli import terminal
from wsh_core.cli.render import problems
from wsh_core.cli.render.live import Live, bar
from wsh_core.cli.render.stages import Stage, Stages
from wsh_core.cli.terminal import Console, Part, Span, Style, cells, pad
from wsh_core.cli.units import counted, duration, ticking
from wsh_core.errors import Problem
from wsh_core.plan.labels import Labels
from wsh_core.plan.report import Event, problem_of

HEARTBEAT = 30.0
"""Seconds: how often a line says that something still runs."""
REPAINT = 0.25
"""Seconds: how often the live area is repainted."""
QUIET_START = 0.5
"""Seconds: before the live area first appears."""
SLACK = 1.5
"""Seconds by which the whole seconds of the events may differ from a clock that sees them as they come."""

COLOURS: dict[str, Style] = {"ok": "green", "failed": "red"}


class Progress:
    """Takes the events of all servers in the order they come, and `tick` in between."""

    def __init__(
        self,
        console: Console,
        *,
        stages: bool = True,
        quiet: bool = False,
        verbose: bool = False,
        total: int = 0,
        labels: Labels | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console = console
        self.quiet = quiet or not stages
        self.verbose = verbose
        self.total = total
        self.labels = labels or {}
        self.clock = clock
        self.done = 0
        self.live = Live(console) if terminal.live(console) and not (self.quiet or verbose) else None
        self._began = clock()
        self._painted = 0.0
        self._told: set[tuple[str, str]] = set()
        self._stages: dict[str, Stages] = {}
        self._since: dict[str, tuple[Stage, float, float]] = {}
        """By server: its stage, when it was first seen, and when a line last told of it."""

    def event(self, server: str, event: Event) -> None:
        """Take one event of a server."""
        stages = self._stages.setdefault(server, Stages(server, self.labels))
        for ended in stages.take(event):
            self._ended(stages, ended)
        if stages.now is not None and self._seen(server)[0] is not stages.now:
            self._since[server] = (stages.now, self.clock(), self.clock())
        if event.get("type") == "resource" and event["outcome"] in {"changed", "failed"}:
            self.done += 1
            if self.verbose and event["outcome"] == "changed":
                self._line(server, "wrote", event["id"], event["time"], f"{event.get('ms', 0) / 1000:.1f}s")
        waits = event.get("type") == "resource" and (event["outcome"], event["action"]) == ("refused", "remove")
        if (error := event.get("error")) and not waits:
            self.problem(problem_of(error, event.get("object") or f"server:{server}"))

    def _seen(self, server: str) -> tuple[Stage | None, float, float]:
        return self._since.get(server, (None, self._began, self._began))

    def _ended(self, stages: Stages, stage: Stage) -> None:
        """Tell of a stage that has ended; by the server's clock if the events came late."""
        took = duration(self.span(self._seen(stage.server)[1], stage.ended - stage.began))
        word = "failed" if stage.failed else "ok"
        self._line(stage.server, stage.name, stages.said(stage), stage.stamp, took, word)

    def span(self, began: float, theirs: float) -> float:
        """How long it took since our clock was at `began`; by the server's clock if the events came late."""
        ours = self.clock() - began
        return ours if abs(ours - theirs) <= SLACK else theirs

    def _line(self, server: str, stage: str, text: str, stamp: str, took: str, word: str = "ok") -> None:
        if self.quiet:
            return
        self.clear()
        if self.console.width is None:
            self.console.line(f"{stamp} {server} {stage} {word} {took} {text}")
        else:
            head = f"{server}   {pad(stage, 10)} "
            colour = Span(pad(word, 8), COLOURS.get(word, ""))
            indent = cells(head) + 9
            room = min(52, self.console.width - indent - cells(took) - 2)
            self.console.prose(head, colour, " ", pad(text, room), f"  {took}", rest=" " * indent)
        self.console.flush()

    def problem(self, problem: Problem) -> None:
        """Tell an error, never the same one twice."""
        if (problem.code, problem.message) in self._told:
            return
        self._told.add((problem.code, problem.message))
        self.clear()
        problems.problem(self.console, problem)
        self.console.flush()

    def tick(self) -> None:
        """Let time be seen: repaint the live area, or say on a line that something still runs."""
        now = self.clock()
        if self.live is None:
            self._heartbeat(now)
        elif now - self._began >= QUIET_START and now - self._painted >= REPAINT:
            self._painted = now
            running = [self._running(name, now) for name, stages in self._stages.items() if stages.now]
            self.live.paint([*running, self._total(now)])

    def _heartbeat(self, now: float) -> None:
        for server, (stage, seen, told) in self._since.items():
            if not self.quiet and self._stages[server].now is stage and now - told >= HEARTBEAT:
                self._since[server] = (stage, seen, now)
                stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                self._line(server, stage.name, self._doing(server, stage), stamp, ticking(now - seen), "running")

    def _doing(self, server: str, stage: Stage) -> str:
        return stage.doing or self._stages[server].said(stage)

    def _running(self, server: str, now: float) -> list[Part]:
        stage, seen, _ = self._since[server]
        took = ticking(now - seen)
        words = pad(self._doing(server, stage), 52)
        return [f"{server}   ", pad(stage.name, 10), " ", pad("running", 8), " ", words, f"  {took}"]

    def _total(self, now: float) -> list[Part]:
        took = ticking(now - self._began)
        hint = "Ctrl-C stops watching"
        if not self.total:
            return [f"{counted(self.done, 'resource')} written   {took}   {hint}"]
        done = f"{bar(self.done, self.total)} {self.done} of {counted(self.total, 'resource')}"
        return [f"{done}   {took}   {hint}"]

    def clear(self) -> None:
        """Take the live area away, before anything else is printed."""
        if self.live is not None:
            self.live.clear()
