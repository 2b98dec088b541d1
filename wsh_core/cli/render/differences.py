"""One resource in words: what it is called, and which of its fields differ how."""

from __future__ import annotations

import re
from typing import Any

from wsh_core.cli.units import counted
from wsh_core.plan.report import Change, Difference

SECRET = "(secret, made on the server)"  # noqa: S105 - words, no secret
UNKNOWN = "(given on apply)"

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
    return (
        noun if change.kind in {"vhost", "certificate", "app", "slice", "jail"} else f"{noun} {change.name}"
    )


def unit(name: str) -> str:
    """`wsh-php84-6001.socket` is `PHP 8.4 socket`."""
    match = re.fullmatch(r"wsh-php(\d)(\d+)-[^.]*\.(\w+)", name)
    return f"PHP {match[1]}.{match[2]} {match[3]}" if match else f"unit {name}"


def _beneath(path: str, change: Change) -> str:
    """A path below the tree of its site, or the home of its account, is named from there."""
    noun, _, name = change.object.partition(":")
    account, _, key = name.partition("/")
    above = [f"/home/{account}/"] if noun == "account" else []
    above = (
        [f"/home/{account}/sites/{key}/app/", f"/home/{account}/sites/{key}/"] if noun == "site" else above
    )
    return next((path.removeprefix(each) for each in above if path.startswith(each)), path)


def fields(change: Change) -> str:
    """The fields that differ: `mode 0666 -> 0640, owner root -> alice`."""
    return ", ".join(field(one) for one in change.differences)


def field(one: Difference) -> str:
    """One field: what it was and what it is to be; for long text and lists only what differs."""
    if isinstance(one.after, str) and re.fullmatch(r"\d+ lines differ", one.after):
        return (
            f"{one.field}: {one.after}"
            if one.before is not None
            else f"{one.field}: {one.after.split()[0]} lines"
        )
    if isinstance(one.before, list) and isinstance(one.after, list):
        gone = [f"-{value(item)}" for item in one.before if item not in one.after]
        new = [f"+{value(item)}" for item in one.after if item not in one.before]
        return f"{one.field} {' '.join(gone + new) or 'in another order'}"
    if isinstance(one.before, dict) and isinstance(one.after, dict):
        return f"{one.field} {_keys(one.before, one.after)}"
    if one.before is None:
        return f"{one.field} {value(one.after)}"
    return f"{one.field} {value(one.before)} -> {value(one.after)}"


def _keys(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Keys of a mapping that differ."""
    differ = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    return ", ".join(f"{key} {value(before.get(key))} -> {value(after.get(key))}" for key in differ)


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
