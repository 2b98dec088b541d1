"""Where in a YAML text a key belongs, and how it is written there: in the style of its neighbours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from wsh_core.models.emit import flow, text


class Insertion(NamedTuple):
    """`text` in place of the characters from `start` to `end`: of none, for something new."""

    start: int
    end: int
    text: str

    def into(self, before: str) -> str:
        """The whole text."""
        return before[: self.start] + self.text + before[self.end :]


def insertion(before: str, path: tuple[str, ...], value: Any) -> Insertion | None:
    """How to set what stands under `path`, in a text without anchors and tags; None if nothing is safe."""
    node = yaml.compose(before, Loader=yaml.CSafeLoader)
    for depth, key in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            return None
        within = path[depth + 1 :]
        found = next(((k, v) for k, v in node.value if k.value == key), None)
        if found is None:
            return _add(before, node, key, _nest(within, value), len(within) + 1)
        if not within or _is_empty(found[1]):
            return _fill(before, node, found, _nest(within, value), len(within))
        node = found[1]
    return None


def _nest(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _add(before: str, parent: yaml.MappingNode, key: str, value: Any, levels: int) -> Insertion:
    """Add a key at the end of a group; at most `levels` groups of the new are spread over lines."""
    if parent.flow_style:
        return _add_to_flow(before, parent, f"{text(key)}: {flow(value)}")
    column, step = parent.start_mark.column, 2
    last_key, last = parent.value[-1]
    if isinstance(last, yaml.MappingNode) and column:
        levels = 0 if last.flow_style else levels
        step = step if last.flow_style else last.start_mark.column - last_key.start_mark.column
    at = len(before) if not column else _behind(before, _end(before, parent), column)
    return _lines(before, at, _spread({key: value}, column, step, levels))


def _add_to_flow(before: str, parent: yaml.MappingNode, new: str) -> Insertion:
    if not parent.value:
        at = parent.start_mark.index + 1
        return Insertion(at, at, new)
    key, last = parent.value[-1]
    at = _end(before, last)
    line = re.compile(r"[^\n}#]*(?:#[^\n]*)?(?=\r?\n)").match(before, at)
    if line is None or key.start_mark.line == parent.start_mark.line:
        return Insertion(at, at, f", {new}")
    rest, indent = line.group(), " " * key.start_mark.column
    ended = rest.lstrip().startswith(",")  # what follows on the line, say a comment, stays on it
    text = f"{'' if ended else ','}{rest}{_newline(before)}{indent}{new}{',' if ended else ''}"
    return Insertion(at, line.end(), text)


def _fill(
    before: str, parent: yaml.MappingNode, found: tuple[yaml.Node, yaml.Node], value: Any, levels: int
) -> Insertion | None:
    """Set the value of a key that is there."""
    key, old = found
    start, end = old.start_mark.index, _end(before, old)
    if _is_empty(old) and levels and not parent.flow_style:
        column = key.start_mark.column
        return _lines(before, _behind(before, start, column), _spread(value, column + 2, 2, levels))
    new = flow(value)
    if isinstance(old, yaml.CollectionNode) and not old.flow_style:
        start = before.index(":", key.end_mark.index) + 1
        new = f" {new}"
    elif _is_empty(old):
        new = f" {new}"
    if "\n" in before[start:end] and "#" in before[start:end]:
        return None  # a comment might stand there, which must not go
    return Insertion(start, end, new)


def _spread(values: Mapping[str, Any], column: int, step: int, levels: int) -> list[str]:
    """Write keys on lines of their own from `column` on, and so what is in them, `levels` deep."""
    lines = []
    for key, value in values.items():
        head = f"{' ' * column}{text(key)}:"
        if levels and isinstance(value, Mapping) and value:
            lines += [head, *_spread(value, column + step, step, levels - 1)]
        else:
            lines.append(f"{head} {flow(value)}")
    return lines


def _lines(before: str, at: int, lines: list[str]) -> Insertion:
    newline = _newline(before)
    begin = newline if at and before[at - 1] != "\n" else ""
    return Insertion(at, at, begin + newline.join(lines) + newline)


def _newline(before: str) -> str:
    return "\r\n" if "\r\n" in before else "\n"


def _is_empty(node: yaml.Node) -> bool:
    return bool(node.start_mark.index == node.end_mark.index)


def _end(before: str, node: yaml.Node) -> int:
    """Behind the last character of a node; libyaml counts what follows a block as part of it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        last = node.value[-1]
        return _end(before, last[1] if isinstance(last, tuple) else last)
    end = int(node.end_mark.index)
    return end if _is_empty(node) else len(before[:end].rstrip())


def _behind(before: str, at: int, column: int) -> int:
    """The start of the line after `at`, and after the comments that follow it further in than `column`."""
    at = _line_end(before, at)
    while at < len(before):
        line = before[at : _line_end(before, at)]
        comment = line.lstrip(" ")
        if not comment.startswith("#") or len(line) - len(comment) <= column:
            break
        at += len(line)
    return at


def _line_end(before: str, at: int) -> int:
    return before.find("\n", at) + 1 or len(before)
