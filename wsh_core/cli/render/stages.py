"""What an operation is doing, in words: accounts, then web, then installs; a fold of one server's events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from wsh_core.plan.labels import Label, Labels
from wsh_core.plan.report import Event

STAGES = {"app": "installs", "certificate": "web", "vhost": "web"}
"""The stage that a kind belongs to; all others are `accounts`."""

MAKERS = frozenset({"user", "vhost", "app"})
"""Kinds whose being added is that of an account, or of a site."""


@dataclass
class Stage:
    """One stage of one server."""

    server: str
    name: str
    began: float
    """By the server's clock, in seconds."""
    ended: float = 0.0
    stamp: str = ""
    """When it ended, as the server wrote it."""
    changed: dict[str, str] = field(default_factory=dict)
    """By name of account or site, what became of it: `added` or `changed`."""
    failed: dict[str, None] = field(default_factory=dict)
    doing: str = ""
    """What an installation is at."""


class Stages:
    """The stage that a server is in. `take` yields the one that has ended."""

    def __init__(self, server: str, labels: Labels) -> None:
        self.server = server
        self.labels = labels
        self.now: Stage | None = None
        self._clock = 0.0

    def take(self, event: Event) -> Iterator[Stage]:
        """Take one event."""
        stamp = str(event.get("time") or "")
        self._clock = datetime.fromisoformat(stamp).timestamp() if stamp else self._clock
        match event.get("type"):
            case "started":
                self.now = Stage(self.server, "begin", self._clock)
            case "resource" if event["outcome"] in {"changed", "failed"}:
                kind = event["id"].partition(":")[0]
                yield from self._enter(STAGES.get(kind, "accounts"), stamp)
                self._resource(event, kind)
            case "phase":
                yield from self._enter("installs", stamp)
                assert self.now
                step = f"step {event.get('done', 0) + 1} of {event.get('total', 0)}"
                name = str(event.get("object", "")).partition(":")[2]
                self.now.doing = f"{self.runs(name)}, {step}: {event.get('text') or event.get('phase')}"
            case "done":
                yield from self._end(stamp)

    def _resource(self, event: Event, kind: str) -> None:
        assert self.now
        whole = str(event.get("object", "")).partition(":")[2] or self.server
        name = whole.partition("/")[0] if self.now.name == "accounts" else whole
        if event["outcome"] == "failed":
            self.now.failed[name] = None
        elif event["action"] == "add" and kind in MAKERS:
            self.now.changed[name] = "added"
        else:
            self.now.changed.setdefault(name, "changed")

    def _enter(self, name: str, stamp: str) -> Iterator[Stage]:
        if self.now is not None and self.now.name == name:
            return
        began = self._clock if self.now is None or self.now.name != "begin" else self.now.began
        yield from self._end(stamp)
        self.now = Stage(self.server, name, began)

    def _end(self, stamp: str) -> Iterator[Stage]:
        if self.now is not None and (self.now.changed or self.now.failed):
            self.now.ended, self.now.stamp = self._clock, stamp
            yield self.now
        self.now = None

    def runs(self, name: str) -> str:
        """A site and what runs there: `carol/files: nextcloud 31.0.2`."""
        label = self.labels.get(f"site:{name}", Label())
        return f"{name}: {label.runs}" if label.runs else name

    def said(self, stage: Stage) -> str:
        """What a stage has done: `carol added, alice and bob changed`."""
        if stage.name == "installs":
            return ", ".join([*map(self.runs, stage.changed), *(f"{name} failed" for name in stage.failed)])
        by_word: dict[str, list[str]] = {"added": [], "changed": [], "failed": list(stage.failed)}
        for name, word in stage.changed.items():
            if name not in stage.failed:
                by_word[word].append(name)
        return ", ".join(f"{_names(names)} {word}" for word, names in by_word.items() if names)


def _names(names: list[str]) -> str:
    """`alice`, `alice and bob`, `alice, bob and 3 more`."""
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} more"
