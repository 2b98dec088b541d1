"""A store of .deb files that image builds share, so that preparing again downloads less.

Files are linked into a server's package cache before it boots and collected from there afterwards; apt checks
each against the archive's signed index before it is used, whoever put it there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from wsh_lab.state import Store
from wsh_lab.tools import locked

_ARCHIVES = "var/cache/apt/archives"
_KEPT_DAYS = 45


def directory(store: Store, debian: int) -> Path:
    """Where the packages of a Debian release lie."""
    path = store.directory / "packages" / f"debian{debian}"
    path.mkdir(exist_ok=True)
    return path


def lend(store: Store, debian: int, upper: Path) -> None:
    """Put the packages into the cache of a server that has not been booted yet."""
    target = upper / _ARCHIVES
    _directories(upper, target)
    with locked(directory(store, debian).with_suffix(".lock")):
        for path in directory(store, debian).glob("*.deb"):
            _link(path, target / path.name)


def collect(store: Store, debian: int, upper: Path) -> None:
    """Take what the server downloaded, and leave its cache empty; drop what nobody used for long."""
    source, target = upper / _ARCHIVES, directory(store, debian)
    with locked(target.with_suffix(".lock")):
        for path in source.glob("*.deb"):
            if not (target / path.name).exists():
                _link(path, target / path.name)
            path.unlink()
        oldest = time.time() - _KEPT_DAYS * 86400
        for path in target.glob("*.deb"):
            if path.stat().st_mtime < oldest and path.stat().st_ctime < oldest:
                path.unlink()


def _link(source: Path, target: Path) -> None:
    with contextlib.suppress(FileExistsError):
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def _directories(upper: Path, path: Path) -> None:
    """Parents in an overlay's upper directory hide the modes of those below: they are Debian's, 0755."""
    path.mkdir(parents=True, exist_ok=True)
    while path != upper:
        path.chmod(0o755)
        path = path.parent
