"""The terminal: what may be written to it, in which colours, and how wide.

Nothing reaches a stream but through `Console.line`, which escapes every part of a line: a log line of a
tenant or the title of a site cannot drive the terminal it is shown on. Colours are parts of their own.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

PROSE = 100
"""Where prose is wrapped, in columns."""
When = Literal["auto", "always", "never"]
Style = Literal["", "green", "yellow", "red", "bold", "dim"]

_SGR: Mapping[Style, str] = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories that move, hide or reorder what stands beside them (or mean nothing): UAX #44."""


@dataclass(frozen=True)
class Span:
    """A piece of a line in a colour or weight."""

    text: str
    style: Style = ""


Part = str | Span


def escape(text: str) -> str:
    r"""Return `text` as it may be shown: what could drive a terminal appears as `\x1b`, `\u202e`.

    That is every control, format, surrogate and private-use character, and both line breaks of Unicode. Bytes
    that were no UTF-8 (surrogates of PEP 383) appear as the bytes they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) if unicodedata.category(char) in _UNSAFE else char for char in text)


def _shown(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cells(text: str) -> int:
    """Return how many columns `text` takes once it is escaped."""
    if text.isascii():
        return len(escape(text))
    return sum(_cell(char) for char in escape(text))


def _cell(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, width: int) -> str:
    """Return `text` filled up with blanks to `width` columns; longer text is left as it is."""
    return text + " " * (width - cells(text))


def cut(text: str, width: int) -> str:
    """Return `text` escaped, and cut to `width` columns with `...` at its end if it is longer."""
    shown = escape(text)
    if cells(shown) <= width:
        return shown
    kept, used = "", 0
    for char in shown:
        used += _cell(char)
        if used > width - 3:
            break
        kept += char
    return kept + "..."


@dataclass
class Console:
    """One stream with what it can show. `width` is None where nothing may be cut: in a pipe, in a file."""

    stream: TextIO
    colour: bool
    width: int | None

    @property
    def columns(self) -> int:
        """The width to lay text out for."""
        return self.width or PROSE

    def render(self, parts: Iterable[Part]) -> str:
        """Return one line, escaped and coloured."""
        return "".join(self._span(part) for part in parts).rstrip(" ")

    def _span(self, part: Part) -> str:
        if isinstance(part, str):
            return escape(part)
        text = escape(part.text)
        return f"\x1b[{_SGR[part.style]}m{text}\x1b[0m" if self.colour and part.style and text else text

    def line(self, *parts: Part) -> None:
        """Write one line. A newline within it is escaped like any control character."""
        self.stream.write(self.render(parts) + "\n")

    def lines(self, text: str) -> None:
        """Write text of several lines."""
        for line in text.splitlines():
            self.line(line)

    def prose(self, *parts: Part, first: str = "", rest: str = "") -> None:
        """Write words, wrapped at the terminal's width (at most 100); in a pipe they stay one line."""
        if self.width is None:
            self.line(first, *parts)
            return
        for line in wrap(parts, min(self.width, PROSE), first, rest):
            self.line(*line)

    def flush(self) -> None:
        self.stream.flush()


def wrap(parts: Iterable[Part], width: int, first: str = "", rest: str = "") -> list[list[Part]]:
    """Break `parts` between words into lines of at most `width` columns; blanks stay where nothing breaks.

    A word that is longer has a line of its own. The lines begin with `first`, then `rest`.
    """
    lines: list[list[Part]] = [[first]]
    used, fresh = cells(first), True
    for blanks, word in _words(parts):
        length = cells("".join(part.text for part in word))
        gap = blanks
        if not fresh and used + gap + length > width:
            lines.append([rest])
            used, gap = cells(rest), 0
        lines[-1] += [" " * gap, *word]
        used, fresh = used + gap + length, False
    return lines


def _words(parts: Iterable[Part]) -> list[tuple[int, list[Span]]]:
    """Split `parts` at blanks: words, which may change colour within, each with the blanks before it."""
    words: list[tuple[int, list[Span]]] = [(0, [])]
    for part in parts:
        span = part if isinstance(part, Span) else Span(part)
        for number, piece in enumerate(span.text.split(" ")):
            if number:
                blanks, word = words[-1]
                words += [(1, [])] if word else []
                words[-1] = words[-1] if word else (blanks + 1, [])
            if piece:
                words[-1][1].append(Span(piece, span.style))
    return [(blanks, word) for blanks, word in words if word]


def open_console(stream: TextIO, when: When = "auto", environ: Mapping[str, str] = os.environ) -> Console:
    """Return the console of `stream`: UTF-8 in any locale, coloured as `--color` and the environment say.

    `NO_COLOR` (no-color.org) and `TERM=dumb` count for `auto` only: who types `--color always` means it.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(encoding="utf-8", errors="backslashreplace")
    terminal = stream.isatty()
    plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    colour = when == "always" or (when == "auto" and terminal and not plain)
    return Console(stream, colour, _columns(stream, environ) if terminal else None)


def _columns(stream: TextIO, environ: Mapping[str, str]) -> int:
    """Return the width of the terminal: `COLUMNS`, or its own, or 80 if it does not know."""
    given = environ.get("COLUMNS", "")
    return (int(given) if given.isdigit() else os.get_terminal_size(stream.fileno()).columns) or 80


def live(console: Console, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether lines at the bottom may be repainted: a terminal that can, and nobody who reads by ear."""
    aloud = environ.get("ACCESSIBLE", "") not in {"", "0"}
    return console.width is not None and environ.get("TERM", "dumb") != "dumb" and not aloud


def can_ask() -> bool:
    """Say whether somebody is there to answer: questions are read from stdin and written to stderr."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
