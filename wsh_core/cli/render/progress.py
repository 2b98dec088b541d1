"""What is told while an operation runs: a line for each server and stage, once it ends; errors at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from wsh_core.cli import terminal
from wsh_core.cli.render import problems
from wsh_core.cli.render.live import Live, bar
from wsh_core.cli.terminal import Console, Part, Span, pad
from wsh_core.cli.units import counted, duration, ticking
from wsh_core.errors import Problem
from wsh_core.plan.labels import Label, Labels
from wsh_core.plan.report import Event, problem_of

STAGES = {"app": "installs", "certificate": "web", "vhost": "web"}
"""The stage that a kind belongs to; all others are `accounts`."""

MAKERS = frozenset({"user", "vhost", "app"})
"""Kinds whose being added is that of an account, or of a site."""

HEARTBEAT = 30.0
"""Seconds: how often a line says that something still runs."""
REPAINT = 0.25
"""Seconds: how often the live area is repainted."""
QUIET_START = 0.5
"""Seconds: before the live area first appears."""


@dataclass
class _Stage:
    """One stage of one server, while it runs."""

    name: str
    began: float
    beat: float
    changed: dict[str, str] = field(default_factory=dict)
    """By name of account or site, what became of it."""
    failed: dict[str, None] = field(default_factory=dict)
    doing: str = ""


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
        self.began = clock()
        self.done = 0
        self.live = Live(console) if terminal.live(console) and not (self.quiet or verbose) else None
        self._stages: dict[str, _Stage] = {}
        self._painted = 0.0
        self._told: set[tuple[str, str]] = set()

    def event(self, server: str, event: Event) -> None:
        """Take one event of a server."""
        match event.get("type"):
            case "resource" if event["outcome"] != "planned":
                self._resource(server, event)
            case "phase":
                self._phase(server, event)
            case "log" if event.get("error"):
                self._error(problem_of(event["error"], event.get("object")))
            case "done":
                self._finish(server, event.get("time"))
                if event.get("error"):
                    self._error(problem_of(event["error"], f"server:{server}"))

    def problem(self, problem: Problem) -> None:
        """Tell of a server that could not be reached."""
        self._error(problem)

    def _resource(self, server: str, event: Event) -> None:
        kind = event["id"].partition(":")[0]
        outcome = event["outcome"]
        if outcome in {"changed", "failed"}:
            self.done += 1
            stage = self._enter(server, STAGES.get(kind, "accounts"), event.get("time"))
            name = _name(event, stage.name) or server
            if outcome == "failed":
                stage.failed[name] = None
            elif event["action"] == "add" and kind in MAKERS:
                stage.changed[name] = "added"
            else:
                stage.changed.setdefault(name, "changed")
        if self.verbose and outcome == "changed":
            self._line(server, "wrote", event["id"], event.get("time"), f"{event.get('ms', 0) / 1000:.1f}s")
        if event.get("error") and outcome != "refused":
            self._error(problem_of(event["error"], event.get("object")))

    def _phase(self, server: str, event: Event) -> None:
        stage = self._enter(server, "installs", event.get("time"))
        name = str(event.get("object", "")).partition(":")[2]
        text = event.get("text") or event.get("phase") or ""
        stage.doing = (
            f"{self._runs(name)}, step {event.get('done', 0) + 1} of {event.get('total', 0)}: {text}"
        )

    def _runs(self, name: str) -> str:
        label = self.labels.get(f"site:{name}", Label())
        return f"{name}: {label.runs}" if label.runs else name

    def _enter(self, server: str, name: str, stamp: str | None) -> _Stage:
        """The stage that runs on a server; the one before it is told as finished."""
        stage = self._stages.get(server)
        if stage is None or stage.name != name:
            began = self._finish(server, stamp)
            stage = self._stages[server] = _Stage(name, began, began)
        return stage

    def _finish(self, server: str, stamp: str | None) -> float:
        """Tell of the stage that ends; the moment it does so."""
        stage, now = self._stages.pop(server, None), self.clock()
        if stage is not None and (stage.changed or stage.failed):
            word = "failed" if stage.failed else "ok"
            self._line(server, stage.name, self._said(stage), stamp, duration(now - stage.began), word)
        return now if stage is not None or self._stages else self.began

    def _said(self, stage: _Stage) -> str:
        if stage.name == "installs":
            return ", ".join(
                [self._runs(name) for name in stage.changed] + [f"{name} failed" for name in stage.failed]
            )
        parts = []
        for word in ("added", "changed"):
            names = [
                name for name, became in stage.changed.items() if became == word and name not in stage.failed
            ]
            parts += [f"{_names(names)} {word}"] if names else []
        parts += [f"{_names(list(stage.failed))} failed"] if stage.failed else []
        return ", ".join(parts)

    def _line(
        self, server: str, stage: str, text: str, stamp: str | None, took: str, word: str = "ok"
    ) -> None:
        if self.quiet:
            return
        self.clear()
        if self.live is None and self.console.width is None:
            self.console.line(f"{stamp or _now()} {server} {stage} {word} {took} {text}")
        else:
            colour = Span(pad(word, 8), "red" if word == "failed" else "green")
            self.console.line(f"{server}   ", pad(stage, 10), " ", colour, " ", pad(text, 52), f"  {took}")
        self.console.flush()

    def _error(self, problem: Problem) -> None:
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
        if self.live is not None:
            if now - self.began >= QUIET_START and now - self._painted >= REPAINT:
                self._painted = now
                self.live.paint(
                    [
                        *(self._running(name, stage, now) for name, stage in self._stages.items()),
                        self._total(now),
                    ]
                )
            return
        for server, stage in self._stages.items():
            if not self.quiet and now - stage.beat >= HEARTBEAT:
                stage.beat = now
                self._line(
                    server,
                    stage.name,
                    stage.doing or self._said(stage),
                    None,
                    ticking(now - stage.began),
                    "running",
                )

    def _running(self, server: str, stage: _Stage, now: float) -> list[Part]:
        text = stage.doing or self._said(stage)
        return [
            f"{server}   ",
            pad(stage.name, 10),
            " ",
            pad("running", 8),
            " ",
            pad(text, 52),
            f"  {ticking(now - stage.began)}",
        ]

    def _total(self, now: float) -> list[Part]:
        took = ticking(now - self.began)
        hint = "Ctrl-C stops watching"
        if not self.total:
            return [f"{counted(self.done, 'resource')} written   {took}   {hint}"]
        return [
            f"{bar(self.done, self.total)} {self.done} of {counted(self.total, 'resource')}   {took}   {hint}"
        ]

    def clear(self) -> None:
        """Take the live area away, before anything else is printed."""
        if self.live is not None:
            self.live.clear()


def _name(event: Event, stage: str) -> str:
    """The account, while accounts are made; then the site."""
    name = str(event.get("object", "")).partition(":")[2]
    return name.partition("/")[0] if stage == "accounts" else name


def _names(names: list[str]) -> str:
    """`alice`, `alice and bob`, `alice, bob and 3 more`."""
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} more"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
