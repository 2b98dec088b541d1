"""Releases of the toy application, good and broken, packed to the same bytes each time.

``releases/1.0`` is whole; the directories after it hold what a later release changed. A version between two of
them has the files of the lower one.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Literal, NamedTuple, get_args

Fault = Literal["install", "page", "fatal", "content", "migration", "killed", "silent", "full"]
"""What is broken in a release.

``install`` its installer fails half way · ``page`` its front page answers 500 · ``fatal`` PHP breaks off in its front
page · ``content`` the page comes with 200, and is another one · ``migration`` the migration ends with 3 half way ·
``killed`` it is killed there · ``silent`` it does nothing and says that all went well · ``full`` it fills the disk
half way (under a quota: it writes until it must not, at most 4 GiB).
"""

FAULTS: tuple[Fault, ...] = get_args(Fault)

_FULL = (
    "$filler = fopen(__DIR__ . '/cache/filler', 'w'); "
    "do { $sum = @fwrite($filler, str_repeat('x', 1 << 20)); } while ($sum === 1 << 20 && ftell($filler) < 4 << 30); "
    "fwrite(STDERR, 'no room for ' . ftell($filler) . \" bytes\\n\"); exit(4);"
)
_FAULTS: dict[Fault, tuple[str, str, str]] = {
    "install": ("install.php", "//@FAULT@", "fwrite(STDERR, 'half way: ' . fgets(STDIN)); exit(3);"),
    "page": ("index.php", "<?php\n", "<?php\nhttp_response_code(500); exit('toyapp is ill');\n"),
    "fatal": ("index.php", "<?php\n", "<?php\nno_function_has_this_name();\n"),
    "content": ("index.php", "<?php\n", "<?php\nexit('<h1>It works!</h1>');\n"),
    "migration": ("migration.php", "//@FAULT@", 'fwrite(STDERR, "half way\\n"); exit(3);'),
    "killed": ("migration.php", "//@FAULT@", "exec('kill -KILL ' . getmypid()); sleep(60);"),
    "silent": ("migrate.php", "if ($from < SCHEMA) {", "if (false) {"),
    "full": ("migration.php", "//@FAULT@", _FULL),
}
_SOURCE = Path(__file__).parent / "releases"
_FAMILIES = ("1.0", "1.1", "2.0")
_DROPPED = {"2.0": ("extras/motto.php",)}
"""What a release no longer has."""


class Built(NamedTuple):
    """A release that was built."""

    path: Path
    sha256: str


def archive(version: str, fault: Fault | None = None) -> bytes:
    """The bytes of a release: a zip file with the one directory ``toyapp-VERSION``.

    Raises:
        ValueError: the release has nothing in which that fault could be.
    """
    files = _files(version)
    if fault is not None:
        name, good, bad = _FAULTS[fault]
        if good not in files.get(name, ""):
            raise ValueError(f"toyapp {version} has no {name} that could have the fault {fault!r}")
        files[name] = files[name].replace(good, bad, 1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, text in sorted(files.items()):
            file.writestr(zipfile.ZipInfo(f"toyapp-{version}/{name}"), text)
    return packed.getvalue()


def build(directory: Path, version: str = "1.0", fault: Fault | None = None) -> Built:
    """Put a release into a directory, as ``toyapp-VERSION.zip``; ValueError as `archive`."""
    data = archive(version, fault)
    path = directory / f"toyapp-{version}.zip"
    path.write_bytes(data)
    return Built(path, hashlib.sha256(data).hexdigest())


def _files(version: str) -> dict[str, str]:
    files: dict[str, str] = {}
    for family in _FAMILIES:
        if files and _number(family) > _number(version):
            break
        for name in _DROPPED.get(family, ()):
            del files[name]
        for path in (_SOURCE / family).rglob("*"):
            if path.is_file():
                name = path.relative_to(_SOURCE / family).as_posix()
                files[name] = path.read_text(encoding="utf-8").replace("@VERSION@", version)
    return files


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
