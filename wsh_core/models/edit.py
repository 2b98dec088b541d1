"""Changes to a file of the description that leave everything else in it as it stands.

A change is made first (`add_site`, `add_account`, `set_value`), then checked by the caller with
`load_description(…, overlay=change.overlay)`, then written (`Change.write`). New text goes between what is
there, so comments, order, quotes and indentation of the rest cannot change; that the result says what was
meant is verified by reading it.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsh_core.errors import ConfigError, quote
from wsh_core.models.emit import block
from wsh_core.models.files import NotRead, read
from wsh_core.models.insert import insertion
from wsh_core.models.source import dotted, parse


@dataclass(frozen=True)
class Change:
    """A file of the description as it shall be; the lines `first` to `last` (from 1) are new."""

    root: Path
    file: str
    before: str | None
    """The text it was made from; None if the file is new."""
    after: str
    first: int
    last: int

    @property
    def overlay(self) -> dict[str, str]:
        """What `load_description` takes to check the change."""
        return {self.file: self.after}

    def __str__(self) -> str:
        return f"{self.file}:{self.first}" + (f"-{self.last}" if self.last > self.first else "")

    def write(self) -> None:
        """Put the new text in the place of the old at once; a reader sees one or the other.

        Raises ConfigError if the file is no longer what the change was made from, or cannot be written.
        """
        if _text(self.root, self.file) != self.before:
            message = f"{self.file} was changed meanwhile; nothing was written"
            raise ConfigError("config.changed", message, "look at the file, and do it again")
        path = (self.root / self.file).resolve()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, self.after.encode())
        except OSError as error:
            message = f"{self.file} cannot be written: {error.strerror}"
            raise ConfigError("config.unwritable", message, f"ls -ld {path.parent} {path}") from error


def add_site(root: Path, file: str, key: str, values: Mapping[str, Any]) -> Change:
    """Add a site to the file of an account. Raises ConfigError if there is one of that key."""
    return _changed(root, file, ("sites", key), values, new=True)


def set_value(root: Path, file: str, path: tuple[str, ...], value: Any, on: Change | None = None) -> Change:
    """Set what stands under the keys of `path`, `("sites", "blog", "app")`; the last one may be new.

    `on` is a change of the same file that is not written yet: the two become one.
    """
    return _changed(root, file, path, value, new=False, on=on)


def add_account(root: Path, server: str, name: str, values: Mapping[str, Any]) -> Change:
    """Make the file of a new account. Raises ConfigError if there is one."""
    file = f"servers/{server}/accounts/{name}.yaml"
    if _text(root, file) is not None:
        raise ConfigError("config.exists", f"{file} exists already", "choose another name")
    lines = block(values, 0)
    return Change(root, file, None, "\n".join(lines) + "\n", 1, len(lines))


def _changed(
    root: Path, file: str, path: tuple[str, ...], value: Any, *, new: bool, on: Change | None = None
) -> Change:
    there = _text(root, file) if on is None else on.before
    before = there if on is None else on.after
    if before is None:
        raise ConfigError("config.missing-file", f"{file} does not exist")
    source = parse(before, file)
    if source.problems or source.value is None:
        raise ConfigError.of(source.problems)
    if new and source.has(path):
        place = (source.where(path, key=True),)
        raise ConfigError("config.exists", f"{file} has {quote(dotted(path))} already", None, place)
    made = insertion(before, path, value)
    result = parse(made.into(before), file) if made else source
    if made is None or result.problems or result.value != _with(source.value, path, value):
        message = f"{quote(dotted(path))} cannot be put into {file} without changing what else is there"
        raise ConfigError("config.edit", message, "edit the file by hand", (source.where(path),))
    after = made.into(before)
    return Change(root, file, there, after, *_lines(there or "", after))


def _lines(before: str, after: str) -> tuple[int, int]:
    """The first and the last line that is not as it was."""
    old, new = before.splitlines(), after.splitlines()
    first = _alike(old, new)
    last = len(new) - _alike(old[first:][::-1], new[first:][::-1])
    return first + 1, max(last, first + 1)


def _alike(old: list[str], new: list[str]) -> int:
    """How many lines are the same before the first that is not."""
    return next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _with(values: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    here = changed
    for key in path[:-1]:
        if here.get(key) is None:
            here[key] = {}
        here = here[key]
    here[path[-1]] = _plain(value)
    return changed


def _plain(value: Any) -> Any:
    """The value as a reader of YAML gives it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or type(value) in {bool, int, float} else str(value)


def _text(root: Path, file: str) -> str | None:
    try:
        return read(root / file, file)
    except NotRead as error:
        if error.problem.code == "config.missing-file":
            return None
        raise ConfigError.of([error.problem]) from None


def _replace(path: Path, data: bytes) -> None:
    """Replace a file by one of the same mode and owner, on the disk before it takes the name (rename(2))."""
    old = path.stat() if path.exists() else None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), old.st_mode & 0o777 if old else 0o666 & ~_umask())
            if old:
                with suppress(PermissionError):  # who may not give files away owns the new one
                    os.fchown(stream.fileno(), old.st_uid, old.st_gid)
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0o077)  # it can only be read by setting it (umask(2))
    os.umask(mask)
    return mask
