"""`wsh plugin new`: a package that is whole, and whose tests pass as they are written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from wsh_core import __version__
from wsh_core.errors import ConfigError, UsageError
from wsh_core.plugins import BUILTIN

_NAME = re.compile(r"[a-z][a-z0-9]{1,31}")


def write(name: str, directory: Path, title: str | None = None) -> list[str]:
    """Write the package of a plugin into a directory that is empty or not there; its files.

    Raises:
        UsageError: no application can have that name or title.
        ConfigError: something is there already, or cannot be written.
    """
    if not _NAME.fullmatch(name) or name in BUILTIN:
        raise UsageError("usage.value", f"`{name}` is no name of an application", "2 to 32 of a-z and 0-9: ghost")
    title = title or name.capitalize()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 .+-]{0,63}", title):
        raise UsageError("usage.value", f"--title: `{title}` cannot stand in Python, TOML and Markdown alike", "Ghost")
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise ConfigError("config.exists", f"{directory} is not empty; nothing was written", "another directory")
        texts = package(name, title)
        for file, text in texts.items():
            path = directory / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{error.filename or directory} cannot be written: {error.strerror}"
        raise ConfigError("config.unwritable", message, f"ls -ld {directory.absolute().parent}") from None
    return list(texts)


def package(name: str, title: str) -> dict[str, str]:
    """The files of a package, by their paths in it."""
    known = words(name, title)
    found = {}
    for path, file in _files(files("wsh_core.cli").joinpath("template"), ""):
        text = re.sub(r"@([A-Z0-9]+)@", lambda match: known[match[1]], file.read_text(encoding="utf-8"))
        found[path.replace("NAME", name).replace("dot-", ".").removesuffix(".in")] = text
    return dict(sorted(found.items()))


def words(name: str, title: str) -> dict[str, str]:
    """What stands between two @ in the template, and what is put there."""
    from wsh_core.testing import toyapp

    known = {"NAME": name, "TITLE": title, "CLASS": name.capitalize(), "CORE": __version__}
    for version in ("1.0", "1.1"):
        known[f"SHA{version.replace('.', '')}"] = hashlib.sha256(toyapp.archive(version)).hexdigest()
    return known


def _files(directory: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in directory.iterdir():
        if each.is_dir():
            yield from _files(each, f"{path}{each.name}/")
        elif each.name.endswith(".in"):
            yield path + each.name, each
