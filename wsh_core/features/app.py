"""The application of a site, from what its plugin returned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wsh_core import resources as r

from .release import Available
from .scope import Hop, SiteScope


def resources(scope: SiteScope) -> Iterator[r.Resource]:
    """The application, if it is one that wsh installs.

    Raises:
        PluginError: the plugin names a secret of another site.
    """
    app = scope.app
    if not scope.hops or app.version is None or app.health is None:
        return
    found = r.App(
        **scope.whose,
        origin=scope.loaded.distribution,
        app=app.name,
        version=scope.context.version,
        source=_source(scope.hops[-1].available, scope),
        tree=scope.context.tree,
        database=scope.context.database,
        version_file=app.version.as_data(),
        config=tuple(file.as_data() for file in scope.config),
        install=tuple(step.as_data() for step in scope.install),
        probe={"host": scope.context.domains[0], **app.health.as_data()},
        up_to_date=None if app.up_to_date is None else app.up_to_date.as_data(),
        layout=app.layout.as_data(),
        hops=tuple(_hop(hop, scope) for hop in scope.hops),
        pinned=scope.pinned,
        php=scope.context.php,
    )
    for secret in found.secrets():
        if not secret.name.startswith(f"{found.identity}/"):
            scope.loaded.fail("plugin.secret", f"names the secret {secret.name} for the site {found.identity}")
    yield found


def _hop(hop: Hop, scope: SiteScope) -> dict[str, Any]:
    """Its configuration stands in it only where it is not that of the wanted release."""
    release, same = hop.available.release, hop.config == scope.config
    return {
        "version": release.version,
        "upgrades_from": release.upgrades_from,
        "source": _source(hop.available, scope),
        "config": None if same else tuple(file.as_data() for file in hop.config),
        "steps": tuple(step.as_data() for step in hop.steps),
    }


def _source(available: Available, scope: SiteScope) -> dict[str, Any]:
    """Where a release comes from; for Composer with what it must know beside the release's own words."""
    data = available.source.as_data()
    if data["type"] == "composer":
        data["version"] = available.release.version
    if data["type"] == "composer" or data.get("composer"):
        data |= {"php": scope.context.php, "repositories": scope.repositories}
    return data
