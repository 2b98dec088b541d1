"""What is to become of the version that a site's application has: kept, upgraded by a way of hops, or rolled back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import RefusedError
from .host import Host
from .protocol import Resource
from .versions import key, reaches

Hops = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Choice:
    """``version`` is what the site shall have; ``hops`` lead to it, or the snapshot does; neither: it has it."""

    version: str
    hops: Hops = ()
    snapshot: Mapping[str, Any] | None = None


def choose(host: Host, resource: Resource, version: str) -> Choice:
    """What is to be done with an application of which ``version`` is on disk.

    Another version than the wanted one is only left when the description says which (``pinned``) or somebody
    told so. Raises RefusedError: ``app.no-snapshot``, ``app.downgrade``, ``app.no-way``, ``app.upgrade-failed``.
    """
    want, told = resource.want, host.told.get(resource.object)
    known = host.ledger.notes().get(resource.object, {})
    name = resource.object.partition(":")[2]
    if told == "rollback":
        return _rollback(resource, version, known.get("snapshot"))
    if version == want["version"] or not (want["pinned"] or told == "upgrade"):
        return Choice(version)
    if key(version) > key(want["version"]):
        raise RefusedError(
            "app.downgrade",
            f"{want['app']} {version} is installed in {want['tree']}, and {want['version']} is older;"
            " its database cannot go back, so nothing was touched",
            f"if a snapshot of it is kept: wsh site rollback {name}",
        )
    hops = way(resource, version)
    failed = known.get("failed")
    if failed is not None and failed["version"] == want["version"] and told != "upgrade":
        raise RefusedError(
            "app.upgrade-failed",
            f"the upgrade of {want['app']} {version} to {failed['version']} failed at {failed['time']}, was put back"
            " and is not tried again by itself",
            f"mend the cause, then: wsh site upgrade {name}",
            failed["why"],
        )
    return Choice(want["version"], hops)


def _rollback(resource: Resource, version: str, snapshot: Mapping[str, Any] | None) -> Choice:
    if snapshot is None:
        raise RefusedError(
            "app.no-snapshot",
            f"no snapshot of {resource.want['app']} in {resource.want['tree']} is kept, so {version} stays",
            "snapshots are made by upgrades and kept for 7 days; older states come from backups",
        )
    return Choice(str(snapshot["version"]), snapshot=snapshot)


def way(resource: Resource, version: str) -> Hops:
    """The fewest hops from a version to the wanted one: each time the highest that can be reached.

    Raises RefusedError ``app.no-way``.
    """
    want, at, found = resource.want, version, list[Mapping[str, Any]]()
    while not found or at != want["version"]:
        near = [hop for hop in want["hops"] if reaches(hop["version"], hop["upgrades_from"], at)]
        if not near:
            raise RefusedError(
                "app.no-way",
                f"no release of {want['app']} leads from {at} to {want['version']}; {version} was not touched",
                "known are: "
                + ", ".join(f"{hop['version']} (from {hop['upgrades_from']})" for hop in want["hops"])
                + "; add the release between to releases/",
            )
        found.append(max(near, key=lambda hop: key(hop["version"])))
        at = found[-1]["version"]
    return found


def config(resource: Resource, version: str) -> Sequence[Mapping[str, Any]]:
    """The configuration files that wsh owns in a site that has this version."""
    for hop in resource.want["hops"]:
        if hop["version"] == version and hop["config"] is not None:
            return list(hop["config"])
    return list(resource.want["config"])
