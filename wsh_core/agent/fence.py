"""The fence of a site: while its file is there, visitors get 503, and only who knows the token in it gets
through.

The virtual host tests the file at each request, so a fence needs no reload and stands over a reboot. It lies
where only root writes and Apache may read.
"""

from __future__ import annotations

import secrets
from contextlib import suppress

from . import paths
from .host import Host

HEADER = "X-Wsh-Probe"
"""The header of a request by which the health probe shows the token."""


def _path(site: str) -> str:
    return f"{paths.FENCES}/{site}"


def up(host: Host, site: str) -> None:
    """Raise the fence of a site (its slug, ``alice-blog``); one that stands stays as it is."""
    if token(host, site) is None:
        value = secrets.token_hex(16).encode()
        host.fs.write(_path(site), value, mode=0o640, gid=host.names.gid("www-data"))


def down(host: Host, site: str) -> None:
    host.fs.unlink(_path(site))


def token(host: Host, site: str) -> str | None:
    """What opens the fence; None when it is down."""
    with suppress(FileNotFoundError):
        return host.fs.read(_path(site), limit=256).decode()
    return None
