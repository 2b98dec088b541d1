"""Runs on the server: reads the state of the accounts named on stdin the plainest way, and does nothing with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress

STATE = (
    "SELECT Host,User,Priv FROM mysql.global_priv; SELECT * FROM mysql.db;"
    " SELECT SCHEMA_NAME,DEFAULT_CHARACTER_SET_NAME,DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
)


def read(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.fstat(fd)
    os.read(fd, 1 << 20)
    os.close(fd)


def directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fstat(fd)
    for name in ("system.posix_acl_access", "system.posix_acl_default"):
        with suppress(OSError):
            os.getxattr(fd, name)
    os.close(fd)


wanted = json.load(sys.stdin)
for path in wanted["directories"]:
    directory(path)
for path in wanted["files"]:
    read(path)
for path in wanted["links"]:
    os.readlink(path)  # noqa: PTH115  # the plainest way
for path in ("/etc/passwd", "/etc/group"):
    read(path)
subprocess.run(
    [
        "busctl",
        "--json=short",
        "call",
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1",
        "org.freedesktop.systemd1.Manager",
        "ListUnitsByPatterns",
        "asas",
        "0",
        "1",
        "wsh-*",
    ],
    check=True,
    stdout=subprocess.DEVNULL,
)
subprocess.run(
    [
        "mariadb",
        "-N",
        "--batch",
        "--raw",
        "-e",
        STATE,
    ],
    check=True,
    stdout=subprocess.DEVNULL,
)
