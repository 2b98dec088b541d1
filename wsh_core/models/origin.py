"""Where a part of the description was read, so that what is wrong with it can be shown there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wsh_core.errors import Problem, Where
from wsh_core.models.source import Source, Step, dotted


@dataclass(frozen=True, eq=False, slots=True)
class Origin:
    """A place in a file and what stands there; without `source` it was made by hand."""

    source: Source | None = None
    path: tuple[Step, ...] = ()
    object: str | None = None
    """What it is in reports: `site:alice/blog`."""

    def below(self, *steps: Step, object: str | None = None) -> Origin:
        """The place of something within."""
        return Origin(self.source, (*self.path, *steps), object or self.object)

    def where(self, *steps: Step, key: bool = False) -> Where:
        """The place of what stands at `steps` within, or of its key."""
        path = (*self.path, *steps)
        return self.source.where(path, key=key) if self.source else Where("", 1, 1, dotted(path))

    def places(self, *steps: Step, key: bool = False) -> tuple[Where, ...]:
        """As `where`, for a Problem: nothing where it was made by hand."""
        return (self.where(*steps, key=key),) if self.source else ()

    def problem(self, code: str, message: str, hint: str | None, *steps: Step, key: bool = False) -> Problem:
        """Something that is wrong at `steps` within."""
        return Problem(code, message, hint, self.places(*steps, key=key), self.object)


BY_HAND: Final = Origin()
"""The origin of what was not read from a file."""
