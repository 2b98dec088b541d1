"""Static sites: files are served as they are, and nothing is ever executed."""

from __future__ import annotations

from wsh_core.plugin import App, hookimpl

WSH_API = 1


@hookimpl
def wsh_app() -> App:
    """A site of plain files."""
    return App("static", "Static files", php=False)
