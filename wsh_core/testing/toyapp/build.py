"""Releases of the toy application: the files in ``app/``, packed to the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Literal, NamedTuple

Fault = Literal["install", "page"]
"""What is broken in a release: its installer fails half way, or its front page does not come."""

_FAULTS = {
    "install": ("install.php", "//@FAULT@", "fwrite(STDERR, 'half way: ' . fgets(STDIN)); exit(3);"),
    "page": ("index.php", "<?php\n", "<?php\nhttp_response_code(500); exit('toyapp is ill');\n"),
}
_SOURCE = Path(__file__).parent / "app"


class Built(NamedTuple):
    """A release that was built."""

    path: Path
    sha256: str


def archive(version: str, fault: Fault | None = None) -> bytes:
    """The bytes of a release: a zip file with the one directory ``toyapp-VERSION``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path in sorted(_SOURCE.rglob("*")):
            if path.is_file():
                name = path.relative_to(_SOURCE).as_posix()
                text = path.read_text(encoding="utf-8").replace("@VERSION@", version)
                if fault is not None and name == _FAULTS[fault][0]:
                    text = text.replace(*_FAULTS[fault][1:], 1)
                file.writestr(zipfile.ZipInfo(f"toyapp-{version}/{name}"), text)
    return packed.getvalue()


def build(directory: Path, version: str = "1.0", fault: Fault | None = None) -> Built:
    """Put a release into a directory, as ``toyapp-VERSION.zip``."""
    data = archive(version, fault)
    path = directory / f"toyapp-{version}.zip"
    path.write_bytes(data)
    return Built(path, hashlib.sha256(data).hexdigest())
