"""A small real PHP application with a database, and the plugin that installs it.

It is the object on which the engine itself is tested, and shows how little a plugin needs. Its releases are
built from ``app/`` (see ``build``) and looked for in ``/srv/toyapp`` on the server.
"""

from __future__ import annotations

import hashlib

from pydantic import Field

from wsh_core.plugin import (
    App,
    AppOptions,
    ConfigFile,
    Database,
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

from .build import Built, archive, build

__all__ = ["SHELF", "Built", "Options", "build"]

WSH_API = 1
SHELF = "/srv/toyapp"
"""Where the releases lie on a server."""


class Options(AppOptions):
    """What a site of the toy application can be told."""

    title: Line = Field(Line("Notes"), description="Title of the front page", examples=["Alice's notes"])
    admin: Line = Field(Line("admin"), description="Name of the one who may write notes", examples=["alice"])


def _release(version: str) -> Release:
    sha256 = hashlib.sha256(archive(version)).hexdigest()
    source = LocalFile(f"{SHELF}/toyapp-{version}.zip", sha256, f"toyapp-{version}")
    return Release(version, ("8.2", "8.4"), (source,))


@hookimpl
def wsh_app() -> App:
    """Declare the application."""
    return App(
        name="toyapp",
        title="Toy application",
        options=Options,
        releases=(_release("1.0"),),
        version=VersionFile("VERSION", r"^([0-9.]+)$"),
        health=Probe("/", contains='content="toyapp '),
        layout=Layout(config=("config.php",), data=("uploads",)),
        database=Database(),
        extensions=("mysqli",),
    )


@hookimpl
def wsh_config(site: SiteContext[Options]) -> list[ConfigFile]:
    """Say where the database is, and what only this site knows."""
    constants = {
        "TOYAPP_USER": site.account,
        "TOYAPP_DATABASE": site.database,
        "TOYAPP_SOCKET": site.database_socket,
        "TOYAPP_TITLE": site.options.title,
        "TOYAPP_KEY": site.secret("key", 48),
    }
    return [ConfigFile("config.php", php_constants(constants))]


@hookimpl
def wsh_install(site: SiteContext[Options]) -> list[Step]:
    """Make the tables and the first user."""
    password = site.secret("admin")
    return [Php(entry="install.php", argv=(site.options.admin,), input=password, expect="toyapp is installed$")]


@hookimpl
def wsh_vhost() -> Vhost:
    """Keep visitors from what is not a page."""
    return Vhost(deny=("lib.php", "config.php", "install.php", "VERSION"), no_php=("uploads/",))
