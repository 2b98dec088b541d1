"""A small real PHP application with a database, and the plugin that installs it.

It is the object on which the engine itself is tested, and shows how little a plugin needs. Its releases are
built from ``releases/`` (see ``build``) and looked for in ``/srv/toyapp`` on the server.

Release 1.1 adds a column to a table, 2.0 changes two tables and what is in them, and only 1.1 can be upgraded to it.
The pages' frame is kept in ``cache/``, what visitors bring in ``uploads/``, and ``extras/`` has room for PHP of the
account's own.
"""

from __future__ import annotations

import hashlib

from pydantic import Field

from wsh_core.plugin import (
    App,
    AppOptions,
    ConfigFile,
    Database,
    Job,
    Layout,
    Line,
    LocalFile,
    Php,
    Probe,
    Release,
    SiteContext,
    Step,
    VersionFile,
    Vhost,
    hookimpl,
    php_constants,
)

from .build import FAULTS, Built, Fault, archive, build

__all__ = ["FAULTS", "SHELF", "VERSIONS", "Built", "Fault", "Options", "archive", "build"]

WSH_API = 1
SHELF = "/srv/toyapp"
"""Where the releases lie on a server."""
VERSIONS = {"1.0": "0", "1.1": "1.0", "2.0": "1.1"}
"""The releases, oldest first, and from where one hop leads to each."""


CLOSED = (
    "config.php", "count.php", "install.php", "lib.php", "migrate.php", "migration.php", "release.php", "status.php",
)  # fmt: skip
"""PHP that is no page."""


class Options(AppOptions):
    """What a site of the toy application can be told."""

    title: Line = Field(Line("Notes"), description="Title of the front page", examples=["Alice's notes"])
    admin: Line = Field(Line("admin"), description="Name of the one who may write notes", examples=["alice"])


def _release(version: str) -> Release:
    sha256 = hashlib.sha256(archive(version)).hexdigest()
    source = LocalFile(f"{SHELF}/toyapp-{version}.zip", sha256, f"toyapp-{version}")
    return Release(version, ("8.2", "8.4"), (source,), VERSIONS[version])


@hookimpl
def wsh_app() -> App:
    """Declare the application."""
    return App(
        name="toyapp",
        title="Toy application",
        options=Options,
        releases=tuple(map(_release, reversed(VERSIONS))),
        version=VersionFile("VERSION", r"^([0-9.]+)$"),
        health=Probe("/", contains='content="toyapp '),
        up_to_date=Php(entry="status.php", expect="^up to date$"),
        layout=Layout(config=("config.php",), data=("uploads",), cache=("cache",), additions=("extras",)),
        database=Database(),
        extensions=("mysqli",),
    )


@hookimpl
def wsh_config(site: SiteContext[Options]) -> list[ConfigFile | Job]:
    """Say where the database is, and what only this site knows; have the notes counted."""
    constants = {
        "TOYAPP_USER": site.account,
        "TOYAPP_DATABASE": site.database,
        "TOYAPP_SOCKET": site.database_socket,
        "TOYAPP_TITLE": site.options.title,
        "TOYAPP_KEY": site.secret("key", 48),
    }
    return [
        ConfigFile("config.php", php_constants(constants)),
        Job("count", Php(entry="count.php"), every="15min"),
    ]


@hookimpl
def wsh_install(site: SiteContext[Options]) -> list[Step]:
    """Make the tables and the first user."""
    password = site.secret("admin")
    return [Php(entry="install.php", argv=(site.options.admin,), input=password, expect="toyapp is installed$")]


@hookimpl
def wsh_upgrade() -> list[Step]:
    """Bring the tables from the release before to this one."""
    return [Php(entry="migrate.php", expect="^schema [0-9]+$")]


@hookimpl
def wsh_vhost() -> Vhost:
    """Keep visitors from what is not a page."""
    return Vhost(deny=(*CLOSED, "VERSION", "frame.html", "cache/", "extras/"), no_php=("uploads/",))
