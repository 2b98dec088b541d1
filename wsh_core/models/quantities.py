"""Amounts that people write with a unit."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, ClassVar, Final, Self

from wsh_core.errors import quote
from wsh_core.models.text import Refused


class Quantity(int):
    """A whole number made from text with a unit; `str` writes it so that it can be made again."""

    what: ClassVar[str]
    example: ClassVar[str]
    pattern: ClassVar[str]

    def __new__(cls, value: str | int) -> Self:
        number = cls.read(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int):
            raise cls.refused(value)
        return super().__new__(cls, cls.check(number))

    @classmethod
    def read(cls, value: str) -> int:
        """Give the number that a text means, or raise Refused."""
        raise NotImplementedError

    @classmethod
    def check(cls, number: int) -> int:
        """Give a number that is in range back, or raise Refused."""
        raise NotImplementedError

    @classmethod
    def refused(cls, value: object) -> Refused:
        """The error for what has not the form."""
        return Refused(f"{quote(value)} is not {cls.what}", f"such as {cls.example}")

    @classmethod
    def _from_yaml(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):  # a bare number has no unit: which one was meant?
            raise cls.refused(value)
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        from pydantic_core import core_schema

        text = core_schema.to_string_ser_schema()
        return core_schema.no_info_plain_validator_function(cls._from_yaml, serialization=text)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{cls.pattern})$"}


_UNITS: Final = {"T": 1 << 40, "G": 1 << 30, "M": 1 << 20, "K": 1 << 10}


class Size(Quantity):
    """Bytes in whole K of 1024, written `512M`, `2G` or `1.5G`; what is beyond a whole K is cut off."""

    what = "a size (a number and K, M, G or T; 1K is 1024 bytes)"
    example = "2G"
    pattern = r"[0-9]{1,13}(?:\.[0-9]{1,3})?[KMGT]"
    least: ClassVar[int] = _UNITS["K"]
    most: ClassVar[int] = _UNITS["T"] << 10
    because: ClassVar[str] = ""

    @classmethod
    def read(cls, value: str) -> int:
        if not re.fullmatch(cls.pattern, value):
            raise cls.refused(value)
        number = int(Fraction(value[:-1]) * _UNITS[value[-1]])
        return number - number % _UNITS["K"]

    @classmethod
    def check(cls, number: int) -> int:
        if number % _UNITS["K"]:
            raise Refused(f"{number} bytes are not whole K", f"such as {cls.example}")
        if number < cls.least:
            needed = f"{_written(cls.least)} are needed{cls.because}"
            raise Refused(f"{_written(number)} is too little, {needed}", f"such as {cls.example}")
        if number > cls.most:
            raise Refused(f"{_written(number)} is too much, {_written(cls.most)} are possible")
        return number

    def __str__(self) -> str:
        return _written(int(self))


def _written(number: int) -> str:
    unit = next((unit for unit, factor in _UNITS.items() if number and not number % factor), "K")
    return f"{number // _UNITS[unit]}{unit}"


class Memory(Size):
    """Working memory of an account, all its processes together."""

    what = "an amount of memory (a number and M or G; 1M is 1024K)"
    example = "512M"
    least = 128 << 20
    because = " or PHP cannot answer"


class Percent(Quantity):
    """A share of one processor in percent: `50%`; `200%` are two processors."""

    what = "a share of a processor (a whole number and %; 200% are two)"
    example = "50%"
    pattern = r"[1-9][0-9]{0,4}%"

    @classmethod
    def read(cls, value: str) -> int:
        if not re.fullmatch(cls.pattern, value):
            raise cls.refused(value)
        return int(value[:-1])

    @classmethod
    def check(cls, number: int) -> int:
        if not 1 <= number <= 12800:
            raise Refused(f"{number}% is out of range, from 1% to 12800%", f"such as {cls.example}")
        return number

    def __str__(self) -> str:
        return f"{int(self)}%"
