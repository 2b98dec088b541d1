"""The plugin of an application that consists of small Composer packages; its releases are the description's."""

from __future__ import annotations

from wsh_core.plugin import App, AppOptions, Layout, Probe, SiteContext, Step, VersionFile, Vhost, hookimpl

WSH_API = 1


@hookimpl
def wsh_app() -> App:
    """Declare the application."""
    return App(
        name="composed",
        title="Composed application",
        options=AppOptions,
        version=VersionFile("VERSION", r"^([0-9.]+)$"),
        health=Probe("/", contains="made of"),
        layout=Layout(),
    )


@hookimpl
def wsh_install(site: SiteContext[AppOptions]) -> list[Step]:
    """Nothing is left to do."""
    del site
    return []


@hookimpl
def wsh_vhost() -> Vhost:
    """Only the pages are served."""
    return Vhost(docroot="public", fallback="/index.php")
