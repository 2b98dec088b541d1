"""What all models have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, Strict, model_validator

from wsh_core.errors import Where
from wsh_core.models.origin import BY_HAND, Origin

Item = TypeVar("Item")

Many = Annotated[tuple[Item, ...], Strict(strict=False)]
"""A list in YAML, a tuple in the program."""


class Model(BaseModel):
    """Keys with values: nothing else is let in, nothing is converted, nothing changes afterwards.

    `called` says what its keys are, as in "is not a key of a site". A key that is left empty counts as left
    out, where it may be left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    called: ClassVar[str] = "a key of this group"

    @model_validator(mode="before")
    @classmethod
    def _empty_is_left_out(cls, data: Any) -> Any:
        if not isinstance(data, dict) or None not in data.values():
            return data
        optional = {field.alias or name for name, field in cls.model_fields.items() if not field.is_required()}
        return {key: value for key, value in data.items() if value is not None or key not in optional}


class Described(Model):
    """A model that knows where it was read. One made by hand has an origin without a file."""

    _origin: Origin = PrivateAttr(default_factory=lambda: BY_HAND)

    def bind_origin(self, origin: Origin) -> None:
        """Tell a fresh object where it was read."""
        self._origin = origin

    @property
    def origin(self) -> Origin:
        """Where it was read."""
        return self._origin

    @property
    def file(self) -> str:
        """Its file, relative to the description; empty if it was made by hand."""
        return self._origin.source.file if self._origin.source else ""

    @property
    def where(self) -> Where:
        """The place of its key, or the first line of its file."""
        return self._origin.where(key=True)
