"""What a plain scalar is: text, or one of the few values on which all readers of YAML agree.

YAML 1.1 takes `NO` for false, `0750` for 488 and `22:30` for 1350, YAML 1.2 takes none of them so. What the
two read differently, or what would not be written back as it stood (`8.30`), is a trap: it has to be quoted.
"""

from __future__ import annotations

import re
from typing import Any, Final

_WORDS: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip

_BOOLEANS: Final = {"y": True, "yes": True, "on": True, "n": False, "no": False, "off": False}
"""YAML 1.1 only, in any case (yaml.org/type/bool.html)."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_NO_LETTER: Final = re.compile(r"[-+.0-9<=]")
_TRAPS: Final = (
    (re.compile(r"[-+]?0[0-9_]+"), " (YAML 1.1, base 8)"),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), " (base 16)"),
    (re.compile(r"[-+]?0[ob][0-9_]+"), ""),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), " (YAML 1.1, base 60)"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"), "a date"),
    (re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"), ""),
    (re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE), ""),
    (re.compile(r"<<|="), "a merge"),
)


class Trap(Exception):  # noqa: N818 - it says what a scalar is
    """A plain scalar has to be quoted; `reason` and `hint` say why and how."""

    def __init__(self, text: str, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        shown = text if len(text) <= 40 else text[:39] + "…"
        self.reason = f"{shown} without quotes is {reason}"
        self.hint = hint or (f'write "{text}"' if shown == text else "quote it")


def plain(text: str) -> Any:
    """Give the value of a plain scalar. Raises Trap where it has to be quoted."""
    if not _NO_LETTER.match(text):
        if text in _WORDS:
            return _WORDS[text]
        if len(text) < 4 and (value := _BOOLEANS.get(text.lower())) is not None:
            word = str(value).lower()
            raise Trap(text, f"the value {word} (YAML 1.1)", f'write {word}, or "{text}" for the word')
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and repr(number := float(text)) == text:
        return number
    for pattern, kind in _TRAPS:
        if pattern.fullmatch(text):
            raise Trap(text, _what_it_is(text, kind))
    return text


def _what_it_is(text: str, kind: str) -> str:
    import yaml

    if kind == "a date":
        return "a date (YAML 1.1)"
    if kind == "a merge":
        return "an instruction to the reader (YAML 1.1)"
    try:
        read = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        read = text
    if isinstance(read, str) or len(str(read)) > 20:
        return "a number to some readers of YAML, and text to others"
    return f"the number {read}{kind}"
