"""One resource in words: what it is called, and which of its fields differ how."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from wsh_core.cli.units import counted
from wsh_core.plan.report import Change, Difference

_KINDS = {
    "slice": "limits",
    "unit": "unit",
    "vhost": "virtual host",
    "database-user": "database user",
    "app": "application",
}


def resource(change: Change) -> str:
    """A resource as people name it: `wp-config.php`, `user carol`, `PHP 8.4 socket`."""
    if change.kind in {"file", "directory", "link"}:
        noun = "" if change.kind == "file" else f"{change.kind} "
        return noun + _beneath(change.name, change)
    if change.kind == "unit":
        return unit(change.name)
    noun = _KINDS.get(change.kind, change.kind)
    return noun if change.kind in {"vhost", "certificate", "app", "slice", "jail"} else f"{noun} {change.name}"


def unit(name: str) -> str:
    """`wsh-php84-6001.socket` is `PHP 8.4 socket`."""
    match = re.fullmatch(r"wsh-php(\d)(\d+)-[^.]*\.(\w+)", name)
    return f"PHP {match[1]}.{match[2]} {match[3]}" if match else f"unit {name}"


def _beneath(path: str, change: Change) -> str:
    """A path below the tree of its site, or the home of its account, is named from there."""
    noun, _, name = change.object.partition(":")
    account, _, key = name.partition("/")
    above = [f"/home/{account}/"] if noun == "account" else []
    above = [f"/home/{account}/sites/{key}/app/", f"/home/{account}/sites/{key}/"] if noun == "site" else above
    return next((path.removeprefix(each) for each in above if path.startswith(each)), path)


def fields(change: Change) -> str:
    """The fields that differ: `mode 0666 -> 0640, owner root -> alice`."""
    return ", ".join(field(one) for one in change.differences)


def field(one: Difference) -> str:
    """One field: what it was and what it is to be; of long text, lists and mappings only what differs."""
    before, after = one.before, one.after
    if isinstance(after, str) and (found := re.fullmatch(r"(\d+) lines differ", after)):
        return f"{one.field}: {_lines(int(found[1]))}"
    if isinstance(before, list) and isinstance(after, list):
        gone = [f"-{value(item)}" for item in before if item not in after]
        new = [f"+{value(item)}" for item in after if item not in before]
        return f"{one.field} {' '.join(gone + new) or 'in another order'}"
    if isinstance(before, dict) and isinstance(after, dict):
        return f"{one.field} {', '.join(_keys(before, after))}"
    return f"{one.field} {_change(before, after)}"


def _keys(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """The keys of a mapping that differ, and how."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
            yield f"{key}: {_lines(_differ(old, new))}"
        else:
            yield f"{key} {_change(old, new)}"


def _differ(old: str, new: str) -> int:
    """How many lines were taken out or put in."""
    before, after = Counter(old.splitlines()), Counter(new.splitlines())
    return (before - after).total() + (after - before).total()


def _lines(number: int) -> str:
    return "1 line differs" if number == 1 else f"{number} lines differ"


def _change(before: Any, after: Any) -> str:
    return value(after) if before is None else f"{value(before)} -> {value(after)}"


def value(given: Any) -> str:
    """A value on one line, in quotes if it has blanks, as a count if it is long."""
    match given:
        case None:
            return "nothing"
        case bool():
            return "yes" if given else "no"
        case "(secret)":
            return "(secret)"
        case str() if given == "" or " " in given:
            return f'"{given}"'
        case list():
            text = " ".join(map(value, given))
            return text if len(text) <= 60 and given else counted(len(given), "entry", "entries")
        case dict():
            return counted(len(given), "entry", "entries")
    return str(given)
