"""Install this checkout of wsh on a lab server as an operator would install a release: wheels in /opt/wsh."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsh_lab import Server

ROOT = Path(__file__).parent.parent
PROJECTS = (ROOT, *(path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml")) if path.parent.name != "lab"))
PYTHONS = {12: "3.11", 13: "3.13"}


def _requirements() -> list[str]:
    names = []
    for project in PROJECTS:
        names += tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
    return sorted(name for name in set(names) if not name.startswith("wsh-"))


def _pip(*argv: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *argv], check=True, cwd=ROOT)


def wheelhouse(cache: Path, debian: int) -> Path:
    """The directory with wheels of all that wsh needs for that Debian's Python, and of this checkout itself."""
    wanted, python = _requirements(), PYTHONS[debian]
    key = hashlib.sha256("\n".join([python, *wanted]).encode()).hexdigest()[:16]
    place = cache / f"wheels-{key}"
    if not (place / "complete").exists():
        place.mkdir(parents=True, exist_ok=True)
        _pip("download", "--dest", str(place), "--python-version", python, "--only-binary=:all:", *wanted)
        (place / "complete").touch()
    for old in place.glob("wsh_*.whl"):
        old.unlink()
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(place), *map(str, PROJECTS))
    return place


def install(server: Server, cache: Path, debian: int = 13) -> str:
    """Install wsh on a server that has been set up; the path of its command."""
    place = wheelhouse(cache, debian)
    server.push(str(place), "/root/wheels")
    server.run(
        ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", "python3-venv"],
        timeout=300,
        env={"DEBIAN_FRONTEND": "noninteractive"},
    )
    server.run(["python3", "-m", "venv", "/opt/wsh"], timeout=120)
    server.run(
        [
            "/opt/wsh/bin/pip",
            "install",
            "--quiet",
            "--no-index",
            "--find-links",
            "/root/wheels",
            "wsh-core",
            "wsh-wordpress",
        ],
        timeout=300,
    )
    return "/opt/wsh/bin/wsh"
