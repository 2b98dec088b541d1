"""The runtime: one PHP for all sites of an account, started by the first request, in the account's jail."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from wsh_core import releases
from wsh_core import resources as r
from wsh_core.agent import paths
from wsh_core.resources.text import Text

from . import account
from .scope import AccountScope
from .text import UID, render, text

INI = "etc/wsh/php"
"""The directory of the jail that PHP scans for its settings."""
SESSIONS = ".sessions"
"""In the account's home, because /tmp is gone whenever the runtime has stopped."""


def resources(scope: AccountScope) -> Iterator[r.Resource]:
    """The socket, and the service that it starts; nothing if no site of the account executes anything."""
    if not scope.executes:
        return
    kept = f"{paths.home(scope.name)}/home/{SESSIONS}"
    yield r.Directory(**scope.whose, path=kept, owner=scope.name, group=scope.name, mode="0700")
    php = scope.release.php
    values = {"php": php, "name": scope.name, "uid": UID, "paths": paths, "binds": account.binds(scope.name)}
    yield r.Unit(
        **scope.whose,
        name=text(f"{stem(php.version)}.service"),
        content=render("php.service", **values),
        wanted_by=None,
        state="installed",
    )
    yield r.Unit(
        **scope.whose,
        name=text(f"{stem(php.version)}.socket"),
        content=_socket_unit(php.version),
        wanted_by=paths.TARGET,
        state="active",
    )


def stem(version: str) -> str:
    """The name of the runtime's units, without what kind of unit it is, marked."""
    return f"wsh-{paths.runtime(version)}-{UID}"


def socket(version: str) -> str:
    """The path of the runtime's socket, marked."""
    return f"{paths.FPM_SOCKETS}/{paths.runtime(version)}-{UID}.sock"


def reloaded(scope: AccountScope) -> tuple[Text, ...]:
    """The units that read the jail's files at their start."""
    return (text(f"{stem(scope.release.php.version)}.service"),) if scope.executes else ()


def ini_files(scope: AccountScope) -> dict[str, Text]:
    """What PHP reads at its start: the extensions that the sites need, and the settings of each site."""
    if not scope.executes:
        return {}
    executing = [site for site in scope.sites if site.app.php]
    extensions = frozenset(name for site in executing for name in site.app.extensions)
    sections = {site.context.tree: {**site.vhost.php, **site.site.php} for site in executing}
    return {
        f"{INI}/extensions.ini": _extensions_ini(scope.release.debian, extensions),
        f"{INI}/sites.ini": render("sites.ini", sections=sections, sessions=f"{paths.home(scope.name)}/{SESSIONS}"),
    }


@cache
def _socket_unit(version: str) -> Text:
    """The same for all accounts: it knows nothing but the uid."""
    return render("php.socket", version=version, uid=UID, paths=paths, socket=socket(version))


@cache
def _extensions_ini(debian: int, extensions: frozenset[str]) -> str:
    return releases.load(debian).php.ini(extensions)
