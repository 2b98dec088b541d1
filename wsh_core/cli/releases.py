"""The releases of an application in words: where each runs, comes from, and is the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wsh_core import releases as systems
from wsh_core.features.release import available
from wsh_core.upstream.overlay import DIRECTORY
from wsh_core.vocabulary.sources import Source, parse

if TYPE_CHECKING:
    from wsh_core.cli.session import Session
    from wsh_core.plugins import LoadedApp
    from wsh_core.vocabulary.facts import App


def defaults(session: Session, app: App) -> dict[str, str | None]:
    """By server, the release that a new site gets; None where it can have none. Empty for what wsh does not install."""
    if not app.installed:
        return {}
    found = {}
    for name, server in session.description.servers.items():
        found[str(name)] = next(iter(available(app, systems.load(server.debian))), None)
    return found


def told(found: Mapping[str, str | None]) -> str:
    """`6.8.12`, or, where servers differ, `6.8.12 on web1, none on web2`."""
    if len(set(found.values())) == 1:
        return next(iter(found.values())) or "none for these servers"
    return ", ".join(f"{version or 'none'} on {server}" for server, version in found.items())


def rows(session: Session, loaded: LoadedApp) -> list[dict[str, Any]]:
    """The releases of an application, the one to be preferred first."""
    file = f"{DIRECTORY}/{loaded.app.name}.toml"
    own = _own(session, file)
    chosen = defaults(session, loaded.app)
    seen: set[str] = set()
    found = []
    for number, each in enumerate(loaded.app.releases):
        first = each.version not in seen
        seen.add(each.version)
        found.append({
            "release": each.version,
            "php": list(each.php),
            "upgrades_from": each.upgrades_from,
            "sources": [source_words(source) for source in each.sources],
            "known_by": file if number < own else loaded.distribution,
            "default_on": [server for server, version in chosen.items() if first and version == each.version],
        })  # fmt: skip
    return found


def _own(session: Session, file: str) -> int:
    """How many releases the operator's file has; they come first."""
    path = session.root / file
    return len(parse(path.read_text(encoding="utf-8"), file)) if path.is_file() else 0


def source_words(source: Source) -> str:
    """Where a release comes from: an address, a package of Debian, a path."""
    data = source.as_data()
    match data["type"]:
        case "debian":
            return f"Debian {getattr(source, 'debian', '')} {data['packages'][0]} {data['version']}"
        case "archive":
            return str(data["url"])
        case "file":
            return str(data["path"])
        case "composer":
            return f"Composer {data.get('package', '')}".rstrip()
    return str(data["type"])
