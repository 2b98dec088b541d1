"""The hooks of a plugin. Each is called on the controller, never on a server, and returns data.

The core calls only the plugin that owns a site's app. A hook may take fewer arguments than stand here.
"""

from __future__ import annotations

import pluggy

from wsh_core.vocabulary.config import ConfigFile, Job, Vhost
from wsh_core.vocabulary.context import AnySite
from wsh_core.vocabulary.facts import App
from wsh_core.vocabulary.steps import Step

hookspec = pluggy.HookspecMarker("wsh")


@hookspec(firstresult=True)
def wsh_app() -> App:  # type: ignore[empty-body]
    """Declare the application. Called once, at loading; it must read nothing but the plugin's own files.

    Example::

        from pydantic import Field
        from wsh_core.plugin import App, AppOptions, Database, Line, LocalFile, Probe, Release, VersionFile
        from wsh_core.plugin import hookimpl

        class Options(AppOptions):
            title: Line = Field(description="Title of the guest book", examples=["Visitors"])

        @hookimpl
        def wsh_app() -> App:
            archive = LocalFile("/srv/guestbook-2.1.tar.gz", "0" * 64, "guestbook")
            return App(
                name="guestbook",
                title="Guest book",
                options=Options,
                releases=(Release("2.1", ("8.2", "8.4"), (archive,)),),
                version=VersionFile("VERSION", r"^([0-9.]+)$"),
                health=Probe("/", contains="Sign here"),
                database=Database(),
                extensions=("mysqli",),
            )
    """


@hookspec(firstresult=True)
def wsh_config(site: AnySite) -> list[ConfigFile | Job]:  # type: ignore[empty-body]
    """Return the files and the jobs that follow from the YAML. They are compared, and mended, on every apply.

    Example::

        from wsh_core.plugin import ConfigFile, Job, Php, SiteContext, hookimpl, php_constants

        @hookimpl
        def wsh_config(site: SiteContext) -> list[ConfigFile | Job]:
            constants = {
                "DATABASE": site.database,
                "SOCKET": site.database_socket,
                "TITLE": site.options.title,
                "KEY": site.secret("key", 64),
            }
            return [
                ConfigFile("config.php", php_constants(constants)),
                Job("tidy", Php(entry="tidy.php"), every="1h"),
            ]
    """


@hookspec(firstresult=True)
def wsh_install(site: AnySite) -> list[Step]:  # type: ignore[empty-body]
    r"""Return the steps that make a site of a fresh tree. Taken once, as the account, in its jail.

    Example::

        from wsh_core.plugin import Php, SiteContext, Step, Write, hookimpl

        @hookimpl
        def wsh_install(site: SiteContext) -> list[Step]:
            return [
                Write("own.php", "<?php // yours\n"),
                Php(entry="install.php", input=site.secret("admin"), expect="^done"),
            ]
    """


@hookspec(firstresult=True)
def wsh_upgrade(site: AnySite) -> list[Step]:  # type: ignore[empty-body]
    """Return the steps that bring the database to ``site.version``. The core does all the rest of an upgrade.

    Asked for every release on the way from what is installed to what is wanted. The tree is already the new
    one, with the configuration and the data of the old one; visitors see the fence's page. If a step fails, code,
    configuration and database go back to what they were.

    Example::

        from wsh_core.plugin import Php, SiteContext, Step, hookimpl

        @hookimpl
        def wsh_upgrade(site: SiteContext) -> list[Step]:
            return [Php(entry="migrate.php", argv=(site.version,), expect="^done")]
    """


@hookspec(firstresult=True)
def wsh_vhost(site: AnySite) -> Vhost:  # type: ignore[empty-body]
    """Return what the web server must know of the site. Without this hook the whole tree is served.

    Example::

        from wsh_core.plugin import SiteContext, Vhost, hookimpl

        @hookimpl
        def wsh_vhost(site: SiteContext) -> Vhost:
            return Vhost(docroot="public", fallback="/index.php", no_php=("uploads/",))
    """
