"""The agent as one file: a zip application (zipapp), the same bytes for the same sources."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wsh_core import agent

MAIN = """\
import sys

from agent.main import main

sys.exit(main(sys.argv[1:]))
"""
_SUFFIXES = {".py", ".php"}
_OLDEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """The agent's file: its name, which holds the start of its SHA-256, and its bytes."""

    name: str
    data: bytes


@cache
def build() -> Package:
    """Pack the agent's sources. The zip is not compressed: what compresses may differ between machines."""
    assert agent.__file__
    root = Path(agent.__file__).parent
    files = [path for path in root.rglob("*") if path.suffix in _SUFFIXES]
    sources = {f"agent/{path.relative_to(root)}": path.read_bytes() for path in files}
    return pack({**sources, "__main__.py": MAIN.encode()})


def pack(sources: Mapping[str, bytes]) -> Package:
    """Make a package of these files, whatever their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(sources.items()):
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is built
            archive.writestr(entry, data)
    data = buffer.getvalue()
    return Package(f"agent-{hashlib.sha256(data).hexdigest()[:16]}.pyz", data)
