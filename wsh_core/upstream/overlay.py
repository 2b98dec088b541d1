"""The file of releases that the operator owns: new ones are put before those in it, all else stays as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsh_core.errors import ConfigError
from wsh_core.models.edit import Change
from wsh_core.models.files import NotRead, read
from wsh_core.vocabulary.sources import Release, parse

DIRECTORY = "releases"
"""Where the files lie in a description, one for each application."""

_HEAD = """\
# Releases of {app} on top of those that its plugin knows. This file is yours; `wsh app refresh` adds to it, and
# changes nothing that stands in it. The first release that a server can have is its default.
"""


def added(root: Path, app: str, releases: Sequence[tuple[Release, str]]) -> Change:
    """Make the change that puts *releases*, each with a remark on where it comes from, into the file of *app*.

    Raises:
        ConfigError: the file cannot be read, or holds something else than releases.
    """
    file = f"{DIRECTORY}/{app}.toml"
    try:
        before: str | None = read(root / file, file)
    except NotRead as error:
        if error.problem.code != "config.missing-file":
            raise ConfigError.of([error.problem]) from None
        before = None
    new = "".join(f"{_block(release, remark)}\n" for release, remark in releases)
    old = before if before is not None else _HEAD.format(app=app) + "\n"
    first = _place(old.splitlines())
    lines = [*old.splitlines()[:first], *new.splitlines(), *old.splitlines()[first:]]
    after = "\n".join(lines).rstrip("\n") + "\n"
    _check(after, file, [release for release, _ in releases])
    return Change(root, file, before, after, first + 1, first + len(new.rstrip("\n").splitlines()))


def _place(lines: Sequence[str]) -> int:
    """The line before which new releases go: the first one's, with the remarks directly above it."""
    first = next((n for n, line in enumerate(lines) if line.split("#")[0].strip() == "[[release]]"), len(lines))
    while first < len(lines) and first > 0 and lines[first - 1].startswith("#"):
        first -= 1
    return first


def _check(text: str, file: str, added: Sequence[Release]) -> None:
    """The new releases must be read as what they are, and come first."""
    try:
        found = parse(text, file)
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError("config.releases", f"{error}", f"mend {file} first") from None
    if list(found[: len(added)]) != list(added):
        message = f"{file} cannot be added to without changing what is there"
        raise ConfigError("config.edit", message, "let each release begin with a line [[release]]")


def _block(release: Release, remark: str) -> str:
    lines = [
        *(f"# {line}" for line in remark.splitlines()),
        "[[release]]",
        f"version = {_toml(release.version)}",
        f"php = {_toml(release.php)}",
        *([f"upgrades_from = {_toml(release.upgrades_from)}"] if release.upgrades_from != "0" else []),
        f"sources = [\n{''.join(f'  {_toml(source.as_data())},{chr(10)}' for source in release.sources)}]",
    ]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A value on one line; a text of JSON is one of TOML, as long as it is ASCII."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items() if item not in (None, {}))
        return f"{{ {pairs} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


def _toml_key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else json.dumps(key)
