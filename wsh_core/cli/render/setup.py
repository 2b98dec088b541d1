"""`wsh server setup` while it runs: a line for each part of each server, once it is finished."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wsh_core.cli import terminal
from wsh_core.cli.render import problems
from wsh_core.cli.render.live import Live, bar
from wsh_core.cli.terminal import Console, Span, Style, pad
from wsh_core.cli.units import counted, duration, ticking

if TYPE_CHECKING:
    from wsh_core.transport.setup import Progress, Result


COLOURS: dict[str, Style] = {"changed": "yellow", "failed": "red", "ok": "green"}


@dataclass
class _Part:
    name: str
    began: float
    changed: int = 0
    last: str = ""


class Shown:
    """Takes progress and results in the order they come."""

    def __init__(self, console: Console, *, quiet: bool, verbose: bool) -> None:
        self.console, self.quiet, self.verbose = console, quiet, verbose
        self.live = Live(console) if terminal.live(console) and not (quiet or verbose) else None
        self._parts: dict[str, _Part] = {}

    def progress(self, told: Progress) -> None:
        """Tell of one task."""
        if self.quiet:
            return
        part = self._parts.get(told.server)
        if part is None or part.name != told.part:
            self._finish(told.server, told.seconds)
            part = self._parts[told.server] = _Part(told.part, told.seconds)
        part.changed += told.outcome == "changed"
        part.last = told.task
        if self.verbose and told.outcome != "begun":
            self._line(told.server, told.part, told.outcome, told.text or told.task, told.seconds)
        if self.live is not None:
            self._paint(told, part)

    def result(self, result: Result) -> None:
        """Tell how a server ended."""
        self._finish(result.server, result.seconds)
        if result.problem and not self.quiet:
            problems.problem(self.console, result.problem)
            self.console.flush()

    def summary(self, out: Console, results: Sequence[Result]) -> None:
        """Write how all ended; failures were told when they came."""
        for result in sorted(results, key=lambda each: each.server):
            if result.problem is not None:
                continue
            counts = f"{counted(result.changed, 'task')} changed, {result.as_wanted} as wanted"
            took = duration(result.seconds)
            out.line(Span("ok", "green"), f": {result.server} is a wsh server ({took}): {counts}. Next: wsh apply")
            for note in result.notes:
                out.prose(f"note: {note}", rest="      ")

    def _finish(self, server: str, seconds: float) -> None:
        part = self._parts.pop(server, None)
        if part is not None and not self.quiet:
            word = "changed" if part.changed else "ok"
            said = counted(part.changed, "task") if part.changed else "as wanted"
            self._line(server, part.name, word, said, seconds - part.began)

    def _line(self, server: str, part: str, word: str, text: str, seconds: float) -> None:
        if self.live is not None:
            self.live.clear()
        took = duration(seconds)
        if self.console.width is None:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.console.line(f"{stamp} {server} {part} {word} {took} {text}")
        else:
            head, colour = f"{server}   {pad(part, 16)} ", COLOURS.get(word, "")
            self.console.prose(head, Span(pad(word, 9), colour), pad(text, 52), f"  {took}", rest=" " * 20)
        self.console.flush()

    def _paint(self, told: Progress, part: _Part) -> None:
        assert self.live
        running = f"{told.number} of {told.of}"
        took = ticking(told.seconds - part.began)
        total = f"{bar(told.done, told.total)} {told.done} of {told.total} tasks   {ticking(told.seconds)}"
        first = [
            f"{told.server}   ",
            pad(part.name, 16),
            " ",
            pad(running, 9),
            pad(part.last, 52),
            f"  {took}",
        ]
        self.live.paint([first, [total]])
