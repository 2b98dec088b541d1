"""What a site is made of, so that two moments can be compared: files by content, tables by checksum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from .machine import Machine

_FILES = """
import hashlib, json, os, stat, sys
top, *left_out = sys.argv[1:]
found = {}
for place, names, files in os.walk(top):
    here = os.path.relpath(place, top)
    names[:] = [n for n in names if os.path.normpath(f"{here}/{n}") not in left_out]
    for name in [*names, *files]:
        path = os.path.join(place, name)
        key, info = os.path.normpath(f"{here}/{name}"), os.lstat(path)
        if key in left_out:
            continue
        what = f"{stat.S_IFMT(info.st_mode):o} {stat.S_IMODE(info.st_mode):o} {info.st_uid}"
        if stat.S_ISREG(info.st_mode):
            with open(path, "rb") as file:
                what += " " + hashlib.file_digest(file, "sha256").hexdigest()
        elif stat.S_ISLNK(info.st_mode):
            what += " " + os.readlink(path)
        found[key] = what
json.dump(found, sys.stdout)
"""

_COLUMNS = """
SET SESSION group_concat_max_len = 1048576;
SELECT TABLE_NAME, MD5(GROUP_CONCAT(
    COLUMN_NAME, ' ', COLUMN_TYPE, ' ', IS_NULLABLE, ' ', COLUMN_KEY ORDER BY ORDINAL_POSITION))
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() GROUP BY TABLE_NAME
"""


@dataclass(frozen=True)
class Fingerprint:
    """Files by their path (type, mode, owner, SHA-256) and tables by their name (definition, checksum)."""

    files: dict[str, str]
    tables: dict[str, str]

    def differences(self, later: Fingerprint, volatile: Sequence[str] = ()) -> list[str]:
        """What is not as it was, in words; tables and files that *volatile* names (``cache_*``) do not count."""
        found = [
            *_differences("file", self.files, later.files),
            *_differences("table", self.tables, later.tables),
        ]
        return [each for each in found if not any(fnmatch(each.split(" ")[1], pattern) for pattern in volatile)]


def take(machine: Machine, tree: str, database: str | None, left_out: Sequence[str] = ()) -> Fingerprint:
    """Look at a tree, without the paths *left_out* and all below them, and at a database, if there is one."""
    done = machine.run(["python3", "-I", "-c", _FILES, tree, *left_out])
    return Fingerprint(json.loads(done.stdout), _tables(machine, database) if database else {})


def _tables(machine: Machine, database: str) -> dict[str, str]:
    names = [row[0] for row in _sql(machine, database, "SHOW TABLES")]
    if not names:
        return {}
    listed = ", ".join(f"`{name}`" for name in names)
    sums = {row[0].partition(".")[2]: row[1] for row in _sql(machine, database, f"CHECKSUM TABLE {listed} EXTENDED")}
    shapes = {row[0]: row[1] for row in _sql(machine, database, _COLUMNS)}
    return {name: f"{shapes.get(name)} {sums.get(name)}" for name in names}


def _sql(machine: Machine, database: str, statement: str) -> list[list[str]]:
    lines = machine.run(["mariadb", "-N", "-B", database], input=statement).stdout.splitlines()
    return [line.split("\t") for line in lines]


def _differences(kind: str, before: dict[str, str], after: dict[str, str]) -> list[str]:
    said = dict.fromkeys(before.keys() - after.keys(), "is gone")
    said |= dict.fromkeys(after.keys() - before.keys(), "is new")
    said |= {name: "is another" for name in before.keys() & after.keys() if before[name] != after[name]}
    return [f"{kind} {name} {word}" for name, word in sorted(said.items())]
