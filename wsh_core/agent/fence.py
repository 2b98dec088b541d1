"""The fence of a site: while its file is there, visitors get 503, and only wsh's own probe gets through.

The virtual host tests the file at each request, so a fence needs no reload and stands over a reboot. What
opens it is a token in the name of a second file: Apache can ask whether that file is there, and nobody but
root can list names.
"""

from __future__ import annotations

import secrets

from . import paths
from .host import Host

HEADER = "Wsh-Probe"
"""The header of a request by which the probe shows the token."""


def up(host: Host, site: str) -> None:
    """Raise the fence of a site (its slug, ``alice-blog``); one that stands stays as it is."""
    if token(host, site) is None:
        host.fs.write(f"{paths.FENCES}/{site}.{secrets.token_hex(16)}", b"")
    host.fs.write(f"{paths.FENCES}/{site}", b"")


def is_up(host: Host, site: str) -> bool:
    """Whether visitors are kept out."""
    return host.fs.exists(f"{paths.FENCES}/{site}")


def down(host: Host, site: str) -> None:
    """Let visitors in."""
    host.fs.unlink(f"{paths.FENCES}/{site}")
    while (value := token(host, site)) is not None:
        host.fs.unlink(f"{paths.FENCES}/{site}.{value}")


def token(host: Host, site: str) -> str | None:
    """What opens the fence; None when it is down."""
    begins = f"{site}."
    names = [name for name in host.fs.listdir(paths.FENCES) if name.startswith(begins)]
    return names[0].removeprefix(begins) if names else None
