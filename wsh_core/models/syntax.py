"""What libyaml says when it stops, in words that help."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import yaml

from wsh_core.errors import Problem, Where


class _Words(NamedTuple):
    said: str
    message: str
    hint: str | None
    code: str = "config.yaml-syntax"
    opened: bool = False
    """Is the place where it was opened of more use than the one where the parser gave up?"""


_WORDS: Final = (
    _Words("mapping values are not allowed", "a colon and a space begin a value, where none can be",
           "quote the text that holds them, or mend the indentation"),
    _Words("did not find expected ',' or '}'", "this { is not closed, or a comma is missing in it",
           "close it with }", opened=True),
    _Words("did not find expected ',' or ']'", "this [ is not closed, or a comma is missing in it",
           "close it with ]", opened=True),
    _Words("did not find expected key", "this line is neither a key nor part of the one above",
           "indent it as its neighbours are"),
    _Words("did not find expected '-' indicator", "this line is among items, but has no dash",
           "begin it with a dash and a space"),
    _Words("could not find expected ':'", "a key needs a colon and a space", "write `key: value`"),
    _Words("found unexpected end of stream", "this quoted text is not closed", "close it with the same quote",
           opened=True),
    _Words("found unknown escape character", "this escape is not one of YAML's",
           "use single quotes, in which nothing is an escape"),
    _Words("block sequence entries are not allowed", "a list cannot begin in the line of its key",
           "begin it in the next line, or write [a, b]"),
    _Words("did not find expected node content", "a value is missing here", None),
    _Words("found a tab character", "a tab cannot indent YAML", "use spaces", "config.tab"),
    _Words("exceeded maximum nesting depth", "values are nested too deep", None, "config.depth"),
)  # fmt: skip

_FIRST: Final = {
    "\t": ("config.tab", "a tab cannot indent YAML", "use spaces"),
    **{
        character: ("config.yaml-syntax", f"text that begins with {character} needs quotes", "quote it")
        for character in "*&!@`%"
    },
}
"""By the first character of something at which the parser was stopped."""


def problem_of(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """Make a problem of what stopped the parser; the parser's own words are its detail."""
    said = str(getattr(error, "problem", None) or error)
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    lines = text.splitlines()
    if said.startswith(("found character that cannot start", "did not find expected alphabetic", "could not")):
        for at in filter(None, (mark, context)):
            if first := _FIRST.get(_character(lines, at)):
                code, message, hint = first
                return Problem(code, message, hint, (_where(file, at, lines),), detail=said)
    found = next((words for words in _WORDS if said.startswith(words.said)), None)
    words = found or _Words(said, "the file is not YAML here", None)
    place = context if words.opened and context else mark
    return Problem(words.code, words.message, words.hint, (_where(file, place, lines),), detail=said)


def _where(file: str, mark: Any, lines: list[str]) -> Where:
    if mark is None or mark.line >= len(lines):  # the end of the file; its last line can be shown
        return Where(file, max(len(lines), 1), len(lines[-1]) + 1 if lines else 1)
    return Where(file, mark.line + 1, mark.column + 1)


def _character(lines: list[str], mark: Any) -> str:
    line = lines[mark.line] if mark.line < len(lines) else ""
    return line[mark.column : mark.column + 1]
