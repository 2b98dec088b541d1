"""Which release a site shall have, where this server can have it from, and by which others older ones come to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wsh_core import releases
from wsh_core.agent import versions
from wsh_core.errors import ConfigError
from wsh_core.models.site import Site
from wsh_core.vocabulary.facts import App
from wsh_core.vocabulary.options import AppOptions, OptionsModel
from wsh_core.vocabulary.sources import Release, Source


@dataclass(frozen=True)
class Available:
    """A release, and the source of it that the server can have."""

    release: Release
    source: Source


def chosen(site: Site, app: App, options: OptionsModel, server: releases.Release) -> Available | None:
    """The release that the site shall have; None for an app that wsh does not install.

    Raises:
        ConfigError: the app has no such release, or none, for this server.
    """
    if isinstance(options, AppOptions) and options.source is not None:
        own = options.source.release((server.php.version,))
        return Available(own, own.sources[0])
    if not app.installed and site.release is None:
        return None
    fitting = available(app, server)
    if site.release is None and fitting:
        return next(iter(fitting.values()))
    if site.release is not None and (found := fitting.get(site.release)):
        return found
    raise _none(site, app, server, fitting)


def way(app: App, wanted: Available, server: releases.Release) -> tuple[Available, ...]:
    """The releases by which older versions come to the wanted one, which is the last of them.

    As few as possible: before each the first is taken, as the operator and the plugin prefer them, from which one hop
    leads to it.
    """
    fitting, found = available(app, server), [wanted]
    while before := [
        each
        for each in fitting.values()
        if versions.reaches(found[0].release.version, found[0].release.upgrades_from, each.release.version)
        and versions.key(each.release.upgrades_from) < versions.key(found[0].release.upgrades_from)
    ]:
        found.insert(0, before[0])
    return tuple(found)


def available(app: App, server: releases.Release) -> Mapping[str, Available]:
    """The releases that a server can have, by version; of those with one version the first."""
    found: dict[str, Available] = {}
    for each in app.releases:
        source = each.source(server.debian)
        if server.php.version in each.php and source is not None:
            found.setdefault(each.version, Available(each, source))
    return found


def _none(site: Site, app: App, server: releases.Release, fitting: Mapping[str, Available]) -> ConfigError:
    """Why the site cannot have what it asks for: nobody knows it, or it does not run here."""
    place = f"PHP {server.php.version} of Debian {server.debian}"
    known = next((each for each in app.releases if each.version == site.release), None)
    if site.release is None:
        message = f"{app.name} does not have a release for {place}"
    elif known is None:
        message = f"{app.name} does not have the release {site.release}"
    elif server.php.version not in known.php:
        message = f"{app.name} {known.version} runs on PHP {', '.join(known.php)}; this server has {place}"
    else:
        message = f"{app.name} {known.version} cannot be had on Debian {server.debian}"
    hint = f"one of {', '.join(fitting)}" if fitting else None
    where = site.origin.below("release").places()
    return ConfigError("config.release", message, hint, where, f"site:{site.id}")
