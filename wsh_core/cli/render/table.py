"""Tables that take the terminal's width: columns go by priority, then text is cut; addresses never are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsh_core.cli.terminal import Console, Part, Span, cells, cut, pad

GAP = 3
NARROW = 60
"""Columns. Below this each field has a line of its own."""


@dataclass(frozen=True)
class Column:
    """A column: what stands above it, and when it goes; 0 never does."""

    title: str
    goes: int = 0
    cuts: bool = False
    """Whether its text may be cut once no more columns can go."""


def table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str | Span]]) -> None:
    """Write a table. In a pipe nothing is cut and no column goes."""
    if console.width is not None and console.width < NARROW:
        _fields(console, columns, rows)
        return
    shown = list(range(len(columns)))
    widths = [max([cells(column.title), *(cells(_text(row[i])) for row in rows)]) for i, column in enumerate(columns)]
    while console.width is not None and _total(widths, shown) > console.width:
        going = max(shown, key=lambda i: columns[i].goes)
        if not columns[going].goes:
            break
        shown.remove(going)
    _cut(console, columns, widths, shown)
    _row(console, [Span(columns[i].title, "dim") for i in shown], [widths[i] for i in shown])
    for row in rows:
        _row(console, [_fitted(row[i], widths[i]) for i in shown], [widths[i] for i in shown])


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[i] for i in shown) + GAP * (len(shown) - 1)


def _cut(console: Console, columns: Sequence[Column], widths: list[int], shown: Sequence[int]) -> None:
    """Narrow what may be cut, the widest first, until the table fits."""
    if console.width is None:
        return
    for i in sorted(shown, key=lambda i: -widths[i]):
        over = _total(widths, shown) - console.width
        if over > 0 and columns[i].cuts:
            widths[i] = max(8, widths[i] - over)


def _fitted(value: str | Span, width: int) -> str | Span:
    return Span(cut(value.text, width), value.style) if isinstance(value, Span) else cut(value, width)


def _row(console: Console, values: Sequence[str | Span], widths: Sequence[int]) -> None:
    parts: list[Part] = []
    for value, width in zip(values, widths, strict=True):
        parts += [value, " " * (width - cells(_text(value)) + GAP)]
    console.line(*parts[:-1])


def _fields(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str | Span]]) -> None:
    width = max(cells(column.title) for column in columns)
    for number, row in enumerate(rows):
        if number:
            console.line()
        for column, value in zip(columns, row, strict=True):
            if _text(value):
                console.line(Span(pad(column.title, width), "dim"), "  ", value)


def _text(value: str | Span) -> str:
    return value.text if isinstance(value, Span) else value
