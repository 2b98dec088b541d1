"""Releases of applications that lie on this machine: what makes tests of those run that cannot be had everywhere.

The directory ``$WSH_SOURCES`` holds ``APP-VERSION.tar.gz`` or ``APP-VERSION.zip``, each with one directory at its top:
the application's tree as it is after unpacking, with all that it needs.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wsh_core.agent import versions

NAME = re.compile(r"([a-z][a-z0-9]*)-([0-9][A-Za-z0-9.+~-]*?)(\.tar\.gz|\.zip)")
SHELF = "/srv/sources"
"""Where `send` puts them on a server."""


@dataclass(frozen=True)
class Found:
    """A release: its archive, and the directory in that."""

    version: str
    path: Path
    sha256: str
    root: str


def find(app: str) -> list[Found]:
    """The releases of an application, newest first; none where ``WSH_SOURCES`` is not set."""
    directory = os.environ.get("WSH_SOURCES")
    files = sorted(Path(directory).iterdir()) if directory else []
    matches = [(path, match) for path in files if (match := NAME.fullmatch(path.name)) and match[1] == app]
    found = [Found(match[2], path, *_content(path)) for path, match in matches]
    return sorted(found, key=lambda each: versions.key(each.version), reverse=True)


def needs(app: str, at_least: int = 1) -> list[Found]:
    """`find`, for a test that cannot run without: it is skipped, and the closing table says so."""
    found = find(app)
    if len(found) < at_least:
        more = f" (it needs {at_least} releases, there {'is' if len(found) == 1 else 'are'} {len(found)})"
        pytest.skip(f"not run: no source of {app} here{more if at_least > 1 else ''}")
    return found


def overlay(
    found: Sequence[Found], php: Sequence[str] = ("8.2", "8.4"), upgrades_from: Mapping[str, str] | None = None
) -> str:
    """The text of ``releases/APP.toml``; *upgrades_from* says of some versions from which on one hop leads there."""
    low = upgrades_from or {}
    return "\n".join(
        f"[[release]]\nversion = '{each.version}'\nupgrades_from = '{low.get(each.version, '0')}'\nphp = {list(php)}\n"
        f"sources = [{{type = 'file', path = '{SHELF}/{each.path.name}', sha256 = '{each.sha256}', "
        f"root = '{each.root}'}}]\n"
        for each in found
    )


def send(server: Any, found: Sequence[Found]) -> None:
    """Put them where the overlay says that they are, on a server of the lab."""
    for each in found:
        server.push(each.path, f"{SHELF}/{each.path.name}")


@cache
def _content(path: Path) -> tuple[str, str]:
    """The checksum, and the one directory at the top."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            tops = {name.partition("/")[0] for name in packed.namelist()}
    else:
        with tarfile.open(path) as tar:  # to list 20,000 names takes seconds; the engine finds what lies beside
            tops = {Path(tar.next().name).parts[0]}  # type: ignore[union-attr]
    if len(tops) != 1:
        raise ValueError(f"{path} must hold one directory, and holds {', '.join(sorted(tops))}")
    return sha256, tops.pop()
