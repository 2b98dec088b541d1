"""A store of .deb files that image builds share, so that preparing again downloads less.

Files are linked into a server's package cache before it boots and collected from there afterwards; apt checks
each against the archive's signed index before it is used, whoever put it there.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from wsh_lab.state import Store
from wsh_lab.tools import locked

_ARCHIVES = "var/cache/apt/archives"
_MOST = 2 * 1024**3  # bytes


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
    """Take what the server downloaded, leave its cache empty. A store that outgrew its size starts anew."""
    source, target = upper / _ARCHIVES, directory(store, debian)
    with locked(target.with_suffix(".lock")):
        if sum(path.stat().st_size for path in target.glob("*.deb")) > _MOST:
            for path in target.glob("*.deb"):
                path.unlink()
        for path in source.glob("*.deb"):
            _link(path, target / path.name)
            path.unlink()


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _directories(upper: Path, path: Path) -> None:
    """Parents in an overlay's upper directory hide the modes of those below: they are Debian's, 0755."""
    path.mkdir(parents=True, exist_ok=True)
    while path != upper:
        path.chmod(0o755)
        path = path.parent
