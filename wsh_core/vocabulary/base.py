"""A declaration: frozen data whose every field names the check it must pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, dataclass_transform

Check = Callable[[Any], Any]


def checked(check: Check, *, default: Any = MISSING, kw_only: bool = False) -> Any:
    """Declare a field: *check* returns the value to keep, or raises TypeError or ValueError in words."""
    if default == {}:
        return field(default_factory=dict, kw_only=kw_only, metadata={"check": check})
    return field(default=default, kw_only=kw_only, metadata={"check": check})


@dataclass_transform(frozen_default=True, field_specifiers=(checked,))
class Declaration:
    """Base of all declarations: subclasses are frozen dataclasses, checked at construction.

    Raises TypeError or ValueError with the class, the field and what would be right.
    """

    tag: ClassVar[Mapping[str, str]] = {}
    """What ``as_data`` adds so that the server knows which declaration it has."""

    _checks: ClassVar[tuple[tuple[str, Check], ...]] = ()

    def __init_subclass__(cls) -> None:
        made: type[Any] = dataclass(frozen=True)(cls)
        cls._checks = tuple((each.name, each.metadata["check"]) for each in fields(made))

    def __post_init__(self) -> None:
        for name, check in self._checks:
            try:
                clean = check(getattr(self, name))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{type(self).__name__}.{name}: {error}") from None
            object.__setattr__(self, name, clean)
        self.check()

    def check(self) -> None:
        """Check what concerns several fields; for subclasses."""

    def as_data(self) -> dict[str, Any]:
        """Return the fields by name, declarations within as their own data."""
        return {**self.tag, **{name: _data(getattr(self, name)) for name, _ in self._checks}}


def _data(value: Any) -> Any:
    if isinstance(value, Declaration):
        return value.as_data()
    return tuple(_data(item) for item in value) if isinstance(value, tuple) else value
