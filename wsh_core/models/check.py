"""What pydantic finds wrong, in the words and at the places of the file."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from wsh_core.errors import Problem, quote
from wsh_core.models.emit import flow
from wsh_core.models.origin import Origin
from wsh_core.models.shape import shape
from wsh_core.models.source import Step
from wsh_core.models.text import Refused

_TYPES: Final = {
    "int_type": "a whole number", "float_type": "a number",
    "bool_type": "true or false", "string_type": "text",
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "keys with values"),
}  # fmt: skip
"""What pydantic wanted, by the type of its error."""

_BOUNDS: Final = {
    "greater_than_equal": ("ge", "at least {} is needed"),
    "greater_than": ("gt", "more than {} is needed"),
    "less_than_equal": ("le", "at most {} is possible"),
    "less_than": ("lt", "less than {} is possible"),
}


def problems_of(
    error: ValidationError, origin: Origin, model: type[BaseModel], called: str | None = None
) -> list[Problem]:
    """Translate an error of `model`, whose values were read at `origin`.

    `called` is what an unknown key is not ("an option of wordpress"); by default a key of the model at hand.
    What the reader of the file has told already is left out, and what only follows from another error.
    """
    told = [problem.where[0] for problem in origin.source.problems] if origin.source else []
    known = {(place.line, place.column) for place in told}
    found = []
    for each in error.errors(include_url=False):
        if each["type"] == "default_factory_not_called":
            continue
        problem = _Finding(each, origin, model, called).problem()
        place = problem.where[0] if problem.where else None
        if place is None or (place.line, place.column) not in known:
            found.append(problem)
    return found


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    by_form = {name.lower().replace("-", "_"): name for name in known}
    close = difflib.get_close_matches(word.lower().replace("-", "_"), by_form, n=1, cutoff=0.7)
    return by_form[close[0]] if close else None


def suggest(word: str, known: Collection[str]) -> str | None:
    """The hint for a word that is not known: the nearest one, or all if they are few."""
    if (near := nearest(word, known)) is not None:
        return f"did you mean {near}?"
    return f"one of {', '.join(sorted(known))}" if 0 < len(known) <= 20 else None


class _Finding:
    """One error of pydantic's on its way to a Problem."""

    def __init__(self, error: Any, origin: Origin, model: type[BaseModel], called: str | None) -> None:
        self.type: str = error["type"]
        self.context: dict[str, Any] = error.get("ctx", {})
        self.value: Any = error.get("input")
        self.words: str = error["msg"]
        self.origin, self.called = origin, called
        loc: tuple[Step, ...] = error["loc"]
        self.of_key = loc[-1:] == ("[key]",)
        self.path = self._in_file(loc[:-1] if self.of_key else loc)
        self.model, self.field = _walk(model, self.path)

    def _in_file(self, path: tuple[Step, ...]) -> tuple[Step, ...]:
        """Without what pydantic adds at the end, such as the branch of a union."""
        source = self.origin.source
        if source is None or self.type == "missing":
            return path
        while path and not source.has((*self.origin.path, *path)):
            path = path[:-1]
        return path

    @property
    def name(self) -> str:
        last = self.path[-1] if self.path else (self.origin.path[-1] if self.origin.path else "the file")
        if isinstance(last, str):
            return last
        around = self.path[-2] if len(self.path) > 1 else "the list"
        return f"item {last + 1} of {around}"

    def problem(self) -> Problem:
        code, message, hint = self._said()
        of_key = self.of_key or self.type == "extra_forbidden"
        return Problem(code, message, hint, self.origin.places(*self.path, key=of_key), self._object())

    def _said(self) -> tuple[str, str, str | None]:
        if self.type == "extra_forbidden":
            key = str(self.path[-1])
            called = self.called or getattr(self.model, "called", "a key of this group")
            return "config.unknown-key", f"{quote(key)} is not {called}", suggest(key, _keys(self.model))
        if self.type == "missing":
            empty = self.origin.source is not None and self.origin.source.has((*self.origin.path, *self.path))
            return (
                "config.missing-key",
                f"{self.name} {'has no value' if empty else 'is missing'}",
                self._example(True),
            )
        if wanted := _TYPES.get(self.type):
            return "config.type", self._not(wanted), self._quoting() or self._example()
        return "config.value", *self._value()

    def _value(self) -> tuple[str, str | None]:
        if isinstance(refused := self.context.get("error"), ValueError):
            return str(refused), refused.hint if isinstance(refused, Refused) else self._example()
        if self.type == "literal_error":
            return self._not(self.context["expected"].replace("'", "`")), None
        if bound := _BOUNDS.get(self.type):
            limit, words = bound
            return f"{self.name} is {self.value}, {words.format(self.context[limit])}", self._example()
        if self.type == "too_short":
            return f"{self.name} is empty, at least {self.context['min_length']} is needed", self._example()
        return f"{self.name}: {self.words[:1].lower()}{self.words[1:]}", self._example()

    def _not(self, wanted: str) -> str:
        if self.value is None:
            return f"{self.name} is empty, not {wanted}"
        return f"{self.name} is {wanted}, not {_shown(self.value)}"

    def _quoting(self) -> str | None:
        if self.type != "string_type" or not isinstance(self.value, int | float):
            return None
        return f'write "{str(self.value).lower() if isinstance(self.value, bool) else self.value}"'

    def _example(self, with_key: bool = False) -> str | None:
        examples = self.field.examples if self.field else None
        if not examples:
            return None
        example = flow(examples[0])
        return f"such as {self.path[-1]}: {example}" if with_key else f"such as {example}"

    def _object(self) -> str | None:
        """A site, where the path leads into one of an account's."""
        whole = (*self.origin.path, *self.path)
        if (self.origin.object or "").startswith("account:") and whole[:1] == ("sites",) and len(whole) > 1:
            return f"site:{self.origin.object.removeprefix('account:')}/{whole[1]}"  # type: ignore[union-attr]
        return self.origin.object


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"the text {quote(value)}"
    if isinstance(value, bool):
        return f"the value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "keys with values" if isinstance(value, Mapping) else "a list"


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _walk(model: type[BaseModel], path: tuple[Step, ...]) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The model whose key the last step is, and that key's field; None where the path leads out of models."""
    here: Any = model
    holder: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            holder = here
            field = next((f for n, f in here.model_fields.items() if (f.alias or n) == step), None)
            here = field.annotation if field else None
            here = here if shape(here).kind != "one" else shape(here).item
        else:  # a key of a dict, or an item of a list
            holder, field, here = None, None, shape(here).item
    return holder, field
