"""The application of a site, from what its plugin returned."""

from __future__ import annotations

from collections.abc import Iterator

from wsh_core import resources as r

from .scope import SiteScope


def resources(scope: SiteScope) -> Iterator[r.Resource]:
    """The application, if it is one that wsh installs.

    Raises:
        PluginError: the plugin names a secret of another site.
    """
    app, source = scope.app, scope.source
    if source is None or app.version is None or app.health is None:
        return
    found = r.App(
        **scope.whose,
        origin=scope.loaded.distribution,
        app=app.name,
        version=scope.context.version,
        source=source.as_data(),
        tree=scope.context.tree,
        database=scope.context.database,
        version_file=app.version.as_data(),
        config=tuple(file.as_data() for file in scope.config),
        install=tuple(step.as_data() for step in scope.install),
        probe={"host": scope.context.domains[0], **app.health.as_data()},
        php=scope.context.php,
    )
    for secret in found.secrets():
        if not secret.name.startswith(f"{found.identity}/"):
            scope.loaded.fail("plugin.secret", f"names the secret {secret.name} for the site {found.identity}")
    yield found
