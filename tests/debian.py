"""Newer releases of applications, as Debian's unstable distribution has them: unpacked, never installed."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.sources import Found
from wsh_core.plugins import Apps
from wsh_core.vocabulary.facts import App
from wsh_core.vocabulary.sources import DebianPackage

LINKS = 40
"""As many links on one way as path_resolution(7) allows."""


def newer(app: str, place: Path, more: Collection[str] = ()) -> Found:
    """What unstable has of an application whose plugin knows a Debian package, as an archive in *place*.

    *more* are packages into which its links lead since. The test is skipped where unstable cannot be had, or has
    nothing of it.
    """
    declared = Apps([app]).get(app).app
    sources = (source for each in declared.releases for source in each.sources)
    package = next(source for source in sources if isinstance(source, DebianPackage))
    with tempfile.TemporaryDirectory() as directory:
        unpacked = Path(directory) / "unpacked"
        for file in _download((*package.packages, *more), Path(directory)):
            subprocess.run(["dpkg-deb", "-x", file, unpacked], check=True)
        if not (unpacked / package.root).is_dir():
            pytest.skip(f"not run: no source of {app} here (Debian's unstable has no {package.packages[0]})")
        for path, target in package.links.items():
            if not (unpacked / path).exists():
                (unpacked / path).symlink_to(target)
        tree = Path(directory) / "tree"
        _copy(unpacked, package.root, tree)
        return _packed(declared, tree, place)


def _packed(app: App, tree: Path, place: Path) -> Found:
    assert app.version is not None
    match = re.search(app.version.regex, (tree / app.version.path).read_text(), re.MULTILINE)
    assert match, f"{app.version.path} holds no version"
    root, archive = f"{app.name}-{match[1]}", place / f"{app.name}-{match[1]}.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(tree, root)
    return Found(match[1], archive, hashlib.sha256(archive.read_bytes()).hexdigest(), root)


@cache
def _state() -> tempfile.TemporaryDirectory[str]:
    """Removed when this process ends."""
    return tempfile.TemporaryDirectory(prefix="wsh-unstable-")


@cache
def _apt() -> tuple[str, ...]:
    """The options with which apt knows unstable, and nothing else."""
    from wsh_lab import LabError, apt

    state = Path(_state().name)
    for directory in ("lists/partial", "archives/partial"):
        (state / directory).mkdir(parents=True)
    try:
        main = apt.choose(apt.read(Path("/etc/apt")), "sid")[0]
    except LabError as error:
        pytest.skip(f"not run: no source of Debian's unstable here ({error})")
    archive = apt.Archive("sid", (replace(main, suites=("sid",)),))
    (state / "sid.sources").write_text(archive.deb822())
    options = (
        f"Dir::State::lists={state}/lists", f"Dir::Cache={state}", "Dir::Etc::sourceparts=-",
        f"Dir::Etc::sourcelist={state}/sid.sources", "APT::Sandbox::User=root",
    )  # fmt: skip
    words = tuple(word for option in options for word in ("-o", option))
    done = subprocess.run(["apt-get", *words, "-qq", "update"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not run: no source of Debian's unstable here ({done.stderr.strip()[-200:]})")
    return words


def _download(packages: Iterable[str], place: Path) -> list[Path]:
    """Those of the packages that unstable has; it may have put some of them together."""
    names = subprocess.run(["apt-cache", *_apt(), "pkgnames"], capture_output=True, text=True, check=True).stdout
    known = [package for package in packages if package in set(names.split())]
    subprocess.run(["apt-get", *_apt(), "-qq", "download", *known], cwd=place, check=True, capture_output=True)
    return sorted(place.glob("*.deb"))


def _copy(root: Path, path: str, target: Path) -> None:
    """Copy what is at a path of the unpacked packages, with what its links lead to; dangling ones are left out."""
    real = _real(root, path)
    if real is None:
        return
    if not real.is_dir():
        shutil.copy(real, target)
        return
    target.mkdir()
    for each in sorted(real.iterdir()):
        _copy(root, str(each.relative_to(root)), target / each.name)


def _real(root: Path, path: str) -> Path | None:
    """Where a path leads if *root* is the top of all; None if nowhere."""
    left, here, links = [part for part in path.split("/") if part], root, 0
    while left:
        part = left.pop(0)
        if part == "..":
            here = here if here == root else here.parent
        elif part != ".":
            step = here / part
            if step.is_symlink():
                links += 1
                to = str(step.readlink())
                left = [each for each in to.split("/") if each] + left
                here = root if to.startswith("/") else here
            elif step.exists():
                here = step
            else:
                return None
        if links > LINKS:
            return None
    return here
