"""The description's own description: JSON Schema for editors and programs, and tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from wsh_core.models.account import Account
from wsh_core.models.emit import flow
from wsh_core.models.organisation import Organisation
from wsh_core.models.server import Server
from wsh_core.models.shape import shape

FILES: Final[dict[str, type[BaseModel]]] = {
    "wsh.yaml": Organisation,
    "server.yaml": Server,
    "account.yaml": Account,
}
"""The kinds of file, with the model of each."""


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a kind of file."""
    found = FILES[kind].model_json_schema(by_alias=True, mode="validation")
    _close(found)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": kind}


def _close(part: Any) -> None:
    """Let in no name that does not fit, where names are people's own; pydantic leaves that open."""
    if isinstance(part, dict):
        if "patternProperties" in part:
            part["additionalProperties"] = False
            part.pop("propertyNames", None)
        for inner in part.values():
            _close(inner)


class Key(NamedTuple):
    """One key that can be written: its place (`sites.KEY.domains`), what it takes and what it means."""

    path: str
    type: str
    default: str
    """What is taken where it is left out; `required` if it cannot be."""
    description: str
    example: str


def keys(kind: str) -> list[Key]:
    """Every key of a kind of file, each group's before those in it."""
    return list(_keys(FILES[kind], ""))


def table(kind: str) -> str:
    """Every key of a kind of file as a table in Markdown; docs/reference/description.md holds them."""
    rows = [(f"`{key.path}`", key.type, key.default, key.description, f"`{key.example}`") for key in keys(kind)]
    lines = [("key", "takes", "if left out", "meaning", "example"), ("---",) * 5, *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def _keys(model: type[BaseModel], above: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        kind, item = shape(field.annotation)
        words = {"one": "{}", "list": "list of: {}", "keys": "for each key: {}"}[kind].format(_type(item))
        yield Key(path, words, _default(field), field.description or "", _example(field))
        if _is_group(item):
            yield from _keys(item, f"{path}." if kind == "one" else f"{path}.KEY.")


def _is_group(item: Any) -> bool:
    return isinstance(item, type) and issubclass(item, BaseModel)


def _type(item: Any) -> str:
    if choices := get_args(item):  # of a Literal
        return " or ".join(map(str, choices))
    if _is_group(item):
        return "keys with values"
    return _TYPES.get(item) or str(item.what)


_TYPES: Final[dict[Any, str]] = {bool: "true or false", int: "a whole number", Any: "any value"}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or field.default is None:
        return ""
    return flow(field.default)


def _example(field: FieldInfo) -> str:
    return flow(field.examples[0]) if field.examples else ""
