"""Errors and warnings: code and message, place, excerpt with caret, remedy; others' words behind a bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from wsh_core.cli.terminal import Console, Part, Span, cells, escape, pad
from wsh_core.cli.units import counted
from wsh_core.errors import Problem, Where

Level = Literal["error", "warning"]
Source = Callable[[Where], str | None]
"""Gives the line of a file that a place is in, or None."""

MISSING = "usage.missing-option"
MANY = 20
DETAIL_LINES = 10


def problems(console: Console, found: Sequence[Problem], source: Source | None = None, *, whole: bool = False) -> None:
    """Write errors, the first twenty of them and the rest as a count for each code."""
    if found and all(one.code == MISSING for one in found):
        _missing(console, found)
        return
    for one in found[:MANY]:
        problem(console, one, source=source, whole=whole)
    rest = Counter(one.code for one in found[MANY:])
    for code, number in sorted(rest.items()):
        console.line(Span(f"error[{code}]", "red"), f": {number} more")


def problem(
    console: Console,
    one: Problem,
    level: Level = "error",
    source: Source | None = None,
    *,
    whole: bool = False,
) -> None:
    """Write one problem; of others' words the last ten lines, or the `whole` of them."""
    head = Span(f"{level}[{one.code}]", "red" if level == "error" else "yellow")
    console.prose(head, ": ", one.message, rest="  ")
    hinted = False
    for number, place in enumerate(one.where):
        console.line(Span(f"  --> {place}", "dim"), "  ", Span(place.path, "dim"))
        line = source(place) if source and number == len(one.where) - 1 else None
        if line is not None:
            hinted = _excerpt(console, place, line, one.hint)
    _detail(console, (one.detail or "").splitlines(), None if whole else DETAIL_LINES)
    if one.hint and not hinted:
        console.prose(Span("help:", "bold"), " ", one.hint, first="  ", rest="        ")


def _missing(console: Console, found: Sequence[Problem]) -> None:
    """Write all that is missing as one error: a line for each option, and what the rest will be."""
    are = "option is" if len(found) == 1 else "options are"
    head = Span(f"error[{MISSING}]", "red")
    console.prose(head, f": {len(found)} {are} missing and there is no terminal to ask on", rest="  ")
    width = max(cells(one.object or "") for one in found)
    for one in found:
        sentence = one.message.removeprefix(f"{one.object} is missing: ")
        name = Span(pad(one.object or "", width), "bold")
        console.prose(name, "   ", sentence, first="  ", rest=" " * (width + 5))
    if found[0].hint:
        console.prose(Span("help:", "bold"), " ", found[0].hint, first="  ", rest="        ")


def _excerpt(console: Console, place: Where, line: str, hint: str | None) -> bool:
    """Write the line, a caret below it, and beside that the hint if it fits there; say whether it did."""
    number = str(place.line)
    margin = " " * len(number)
    before = cells(line[: place.column - 1])
    marked = max(1, cells(line[place.column - 1 : place.column - 1 + place.width]))
    room = console.width or 10_000
    offset = max(0, before + marked + len(number) + 3 - room) if console.width else 0
    shown = escape(line)[offset:]
    console.line(Span(f"{number} | ", "dim"), shown[: room - len(number) - 3] if console.width else shown)
    caret: list[Part] = [Span(f"{margin} | ", "dim"), " " * (before - offset), Span("^" * marked, "red")]
    remark = f" {hint}" if hint and hint.startswith("such as") else f" help: {hint}" if hint else ""
    fits = bool(hint) and len(number) + 3 + before - offset + marked + cells(remark) <= room
    console.line(*caret, remark if fits else "")
    return fits


def _detail(console: Console, lines: Sequence[str], most: int | None) -> None:
    """Write others' words, escaped line by line."""
    left_out = max(0, len(lines) - most) if most else 0
    if left_out:
        console.line(Span("  | ", "dim"), f"({counted(left_out, 'line')} before this)")
    for text in lines[left_out:]:
        console.line(Span("  | ", "dim"), text)
