"""What an annotation of a model's field is in terms of YAML."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin


class Shape(NamedTuple):
    """`item` is what stands there: once, as items of a list, or under keys."""

    kind: Literal["one", "list", "keys"]
    item: Any


def shape(annotation: Any) -> Shape:
    """Look through None, annotations and one container."""
    bare = _bare(annotation)
    inner = [each for each in get_args(bare) if each is not Ellipsis]
    if get_origin(bare) is Literal or not inner:
        return Shape("one", bare)
    return Shape("keys" if issubclass(get_origin(bare), Mapping) else "list", _bare(inner[-1]))


def _bare(annotation: Any) -> Any:
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, UnionType}:
            annotation = next((each for each in get_args(annotation) if each is not type(None)), None)
        else:
            return annotation
