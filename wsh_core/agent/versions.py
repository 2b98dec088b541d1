"""Which of two versions of an application is the newer one."""

from __future__ import annotations

import re

Key = tuple[tuple[int, int, str], ...]
_END = (1, -1, "")


def key(version: str) -> Key:
    """What versions are ordered by: numbers as numbers, and ``2.0-rc.1`` before ``2.0`` before ``2.0.1``."""
    parts = filter(None, re.split(r"[.+~-]", version))
    return (*((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts), _END)


def reaches(version: str, upgrades_from: str, old: str) -> bool:
    """Whether one hop leads from *old* to *version*: not below *upgrades_from*, and forward."""
    return key(upgrades_from) <= key(old) < key(version)
