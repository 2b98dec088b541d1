"""One YAML file as values with their places, read in one pass over the events of libyaml.

What YAML allows and people misread is refused here: keys twice, anchors, tags, several documents, and plain
scalars that YAML 1.1 and 1.2 take for different things. What is wrong is collected; only what stops the
parser ends the search. Nothing is expanded, so time and memory follow the size of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from wsh_core.errors import Problem, Where, quote
from wsh_core.models.scalars import Trap, plain
from wsh_core.models.syntax import problem_of
from wsh_core.models.text import UNSEEN

DEEPEST: Final = 32
"""How deep values may be nested; a description needs six."""

MOST_PROBLEMS: Final = 100
"""After so many the rest of a file is not read: it is no description."""

Step = str | int

_UNSEEN_IN_FILES: Final = re.compile(f"(?![\t\n\r]){UNSEEN.pattern}")


@dataclass(slots=True)
class Spot:
    """Where a value stands, counted from 0, and where what is in it stands.

    `key` is the spot of the key it belongs to, `inner` its keys or items. `width` is 0 for a value that was
    left empty, and 1 for a group or a list.
    """

    line: int
    column: int
    width: int
    key: Spot | None = None
    inner: Mapping[str, Spot] | Sequence[Spot] = ()

    def at(self, step: Step) -> Spot | None:
        """The spot of a key's value or of an item."""
        if isinstance(self.inner, Mapping):
            return self.inner.get(step) if isinstance(step, str) else None
        return self.inner[step] if isinstance(step, int) and step < len(self.inner) else None


@dataclass(slots=True)
class Source:
    """A file of the description: its values, their places, and what is wrong with its YAML.

    `value` is None where the parser was stopped, or where the file is no group of keys.
    """

    file: str
    value: dict[str, Any] | None = None
    spot: Spot = field(default_factory=lambda: Spot(0, 0, 1))
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: Sequence[Step] = (), *, key: bool = False) -> Where:
        """The place of a value, or of its key; of the nearest thing around it if it is not there."""
        spot = self.spot
        for step in path:
            inner = spot.at(step)
            if inner is None:
                return self.place(spot.key or spot, path)
            spot = inner
        return self.place(spot.key if spot.key and (key or not spot.width) else spot, path)

    def has(self, path: Sequence[Step]) -> bool:
        """Does the file say anything there, be it only the key?"""
        spot: Spot | None = self.spot
        for step in path:
            spot = spot.at(step) if spot else None
        return spot is not None

    def values(self, *path: Step) -> dict[str, Any]:
        """The keys and values of a group, as they were read; none if there is no such group."""
        value: Any = self.value
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}

    def place(self, spot: Spot, path: Sequence[Step]) -> Where:
        """A spot in the words of errors."""
        return Where(self.file, spot.line + 1, spot.column + 1, dotted(path), max(spot.width, 1))


def dotted(path: Sequence[Step]) -> str:
    """A path as it is shown: `sites.blog.domains.0`."""
    return ".".join(map(str, path))


def parse(text: str, file: str) -> Source:
    """Read YAML text; what is wrong stands in the result's `problems`. Raises nothing."""
    source = Source(file)
    if unseen := _unseen(text, file):
        source.problems.extend(unseen)
        return source
    try:
        loader = yaml.CSafeLoader(text)
        try:
            _Reader(source, loader.get_event).document()
        finally:
            loader.dispose()
    except _Stop as stop:
        source.problems.append(stop.problem)
    except yaml.YAMLError as error:
        source.problems.append(problem_of(error, text, file))
    return source


def _unseen(text: str, file: str) -> list[Problem]:
    """The characters that must not even stand in a comment: they could make a line look like another."""
    found = []
    for bad in _UNSEEN_IN_FILES.finditer(text):
        before = text[: bad.start()]
        message = f"the file holds the character U+{ord(bad.group()):04X}, which cannot be seen"
        place = Where(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        found.append(Problem("config.character", message, "take it out", (place,)))
        if len(found) == MOST_PROBLEMS:
            break
    return found


class _Stop(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


class _Reader:
    """Builds the values and spots of one document; the parser's events come from `read`."""

    def __init__(self, source: Source, read: Any) -> None:
        self.source = source
        self.read = read
        self.path: list[Step] = []

    def document(self) -> None:
        self.read()  # the stream's start
        if isinstance(self.read(), yaml.StreamEndEvent):
            raise self._stop("config.empty", "the file is empty", None, "see `wsh init` for what it may hold")
        event = self.read()
        value, self.source.spot = self.node(event)
        self.read()  # the document's end
        if not isinstance(after := self.read(), yaml.StreamEndEvent):
            message = "a second document begins here; a file holds one"
            raise self._stop("config.documents", message, after, "take out the line `---`")
        if isinstance(value, dict):
            self.source.value = value
        elif value is None and not self.source.problems:
            raise self._stop("config.empty", "the file is empty", None, "see `wsh init` for what it may hold")
        elif not self.source.problems:
            hint = "write `key: value`, with a space behind the colon"
            what = "a list" if isinstance(value, list) else "a single value"
            raise self._stop("config.type", f"the file is {what}, no keys", event, hint)

    def node(self, event: Any) -> tuple[Any, Spot]:
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor is not None:
            message = "anchors and aliases (& and *) are not used here"
            raise self._stop("config.alias", message, event, "write the value out, or quote it if it is text")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tags such as {quote(tag)} are not used here"
            raise self._stop("config.tag", message, event, "leave the tag out, or quote it if it is text")
        start = event.start_mark
        if kind is yaml.ScalarEvent:
            return self.scalar(event), Spot(start.line, start.column, _width(event))
        if len(self.path) >= DEEPEST:
            raise self._stop("config.depth", f"values are nested deeper than {DEEPEST}", event, None)
        spot = Spot(start.line, start.column, 1)
        if kind is yaml.MappingStartEvent:
            value, spot.inner = self.mapping()
            return value, spot
        items, spot.inner = self.sequence()
        return items, spot

    def mapping(self) -> tuple[dict[str, Any], dict[str, Spot]]:
        read, path = self.read, self.path
        values: dict[str, Any] = {}
        spots: dict[str, Spot] = {}
        while type(event := read()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent:
                raise self._stop("config.key", "a key is a single word, not a list or a group", event, None)
            key, key_spot = self.node(event)
            if type(key) is not str:
                key = self.odd_key(event)
            path.append(key)
            first = spots.get(key)
            value, spot = self.node(read())
            spot.key = key_spot
            if first is None:
                values[key], spots[key] = value, spot
            else:
                self.twice(key, spot, first)
            path.pop()
        return values, spots

    def sequence(self) -> tuple[list[Any], list[Spot]]:
        read, path = self.read, self.path
        values: list[Any] = []
        spots: list[Spot] = []
        while type(event := read()) is not yaml.SequenceEndEvent:
            path.append(len(values))
            value, spot = self.node(event)
            values.append(value)
            spots.append(spot)
            path.pop()
        return values, spots

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if not text.isprintable() and (bad := UNSEEN.search(text)):
            message = f"the text holds the character U+{ord(bad.group()):04X}; text is one line that can be seen"
            self._note("config.character", message, event, "take it out")
            return text
        if not event.implicit[0]:
            return text
        try:
            return plain(text)
        except Trap as trap:
            self._note("config.yaml-trap", trap.reason, event, trap.hint)
            return text

    def odd_key(self, event: Any) -> str:
        message = f"the key {quote(event.value)} without quotes is not text"
        self._note("config.yaml-trap", message, event, f'write "{event.value}":')
        return str(event.value)

    def twice(self, key: str, spot: Spot, first: Spot) -> None:
        places = tuple(self.source.place(each.key or each, self.path) for each in (first, spot))
        message = f"the key {quote(key)} stands here twice, first in line {first.line + 1}"
        self._add(Problem("config.duplicate-key", message, "take one out", places))

    def _note(self, code: str, message: str, event: Any, hint: str | None) -> None:
        self._add(self._stop(code, message, event, hint).problem)

    def _add(self, problem: Problem) -> None:
        self.source.problems.append(problem)
        if len(self.source.problems) >= MOST_PROBLEMS:
            message = f"more than {MOST_PROBLEMS} things are wrong; the rest of the file was not read"
            raise _Stop(Problem("config.too-many", message, None, problem.where[-1:]))

    def _stop(self, code: str, message: str, event: Any, hint: str | None) -> _Stop:
        file, path = self.source.file, dotted(self.path)
        place = Where(file, 1, 1, path)
        if event is not None:
            start = event.start_mark
            place = Where(file, start.line + 1, start.column + 1, path, max(_width(event), 1))
        return _Stop(Problem(code, message, hint, (place,)))


def _width(event: Any) -> int:
    """How many characters of its first line a scalar takes; 1 for one that goes on in the next."""
    start, end = event.start_mark, event.end_mark
    return int(end.column - start.column) if start.line == end.line else 1
