"""Text that can be seen, on one line: the base of all types of text."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from wsh_core.errors import quote

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
)
"""What stands in no text: control, direction, private-use, non-characters, lone surrogates, ends of line."""


class Refused(ValueError):  # noqa: N818 - what happens to a value; it reads as `raise Refused(...)`
    """A value is not of its type. The message stands alone; `hint` says what would be."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Text(str):
    """Text on one line, of 1 to 200 characters, without anything that cannot be seen.

    Subclasses say what they are by `pattern` (the whole text) or by `clean`. Raises Refused.
    """

    __slots__ = ()
    what: ClassVar[str] = "text on one line"
    example: ClassVar[str] = "Alice Example"
    pattern: ClassVar[str | None] = None
    longest: ClassVar[int] = 200

    def __new__(cls, value: str) -> Self:
        if not isinstance(value, str):
            raise Refused(f"{quote(value)} is not text", cls.such_as())
        if not value.isprintable() and (bad := UNSEEN.search(value)):
            raise Refused(
                f"{quote(value)} holds the character U+{ord(bad.group()):04X}, which cannot be seen",
                "take it out; every text is one line",
            )
        if not value or value.isspace():
            raise Refused("the text is empty", cls.such_as())
        if len(value) > cls.longest:
            raise Refused(f"{quote(value)} is longer than {cls.longest} characters", cls.such_as())
        return super().__new__(cls, cls.clean(value))

    @classmethod
    def clean(cls, value: str) -> str:
        """Give the text to keep, or raise Refused."""
        if cls.pattern and not re.fullmatch(cls.pattern, value):
            raise Refused(f"{quote(value)} is not {cls.what}", cls.such_as())
        return value

    @classmethod
    def such_as(cls) -> str:
        """The remedy where there is no better one."""
        return f"such as {cls.example}"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(strict=True))

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": cls.longest}
        return found if cls.pattern is None else found | {"pattern": f"^(?:{cls.pattern})$"}
