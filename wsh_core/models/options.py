"""The options of applications: models of the plugins' own, checked with the same care as everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from wsh_core.errors import Problem
from wsh_core.models.base import Model
from wsh_core.models.check import problems_of
from wsh_core.models.origin import BY_HAND, Origin


class Options(Model):
    """Base of an application's options.

    Fields take the types of `wsh_core.models.types`, `Many` for lists, and `pydantic.Field` with a
    description and an example; errors show the example.
    """

    called: ClassVar[str] = "an option of this application"


_Options = TypeVar("_Options", bound=BaseModel)


def check(
    model: type[_Options], mapping: Mapping[str, Any], origin: Origin = BY_HAND, *, app: str | None = None
) -> tuple[_Options | None, tuple[Problem, ...]]:
    """Make an application's options of what was written: them, or None and everything that is wrong.

    `origin` is where the options stand, `site.origin.below("options")`. What a validator of the plugin's own
    raises comes through, unless it is ValueError or AssertionError.
    """
    try:
        return model.model_validate(dict(mapping)), ()
    except ValidationError as error:
        called = f"an option of {app}" if app else None
        return None, tuple(problems_of(error, origin, model, called))
