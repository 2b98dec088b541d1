"""Newer releases of applications from Debian's unstable: fetched by apt, never installed, on a server of the lab."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from wsh_core.plugins import Apps
from wsh_core.testing.conformance import Machine
from wsh_core.vocabulary.sources import DebianPackage, Release

SOURCES = "/etc/apt/sources.list.d"
PIN = "Package: *\nPin: release a=unstable\nPin-Priority: 90\n"
"""What the server has of its own release stays before what unstable has."""


@dataclass(frozen=True)
class Newer:
    """An application's release of Debian 13, the newer one of unstable, and both as ``releases/APP.toml``."""

    older: str
    newer: str
    toml: str


def offer(machine: Machine, app: str, more: Sequence[str] = ()) -> Newer:
    """Let the server's apt offer what unstable has of an app; *more* are packages that only the newer release needs.

    The test is skipped if that is nothing newer.
    """
    release, source = _of_debian(app)
    packages = [*source.packages, *more]
    offered = _offered(machine, packages)
    version = re.sub(r"^[0-9]+:|[-+].*$", "", offered[packages[0]])
    if version == release.version:
        pytest.skip(f"not run: no source of a newer {app} than Debian 13's {version}")
    first, *others = packages
    newer = {"packages": [first, *(f"{name}={offered[name]}" for name in others)], "version": offered[first]}
    return Newer(release.version, version, _toml(release, {}, release.version) + _toml(release, newer, version))


def _of_debian(app: str) -> tuple[Release, DebianPackage]:
    """The release that the plugin takes from Debian 13."""
    for release in Apps([app]).get(app).app.releases:
        source = release.source(13)
        if isinstance(source, DebianPackage):
            return release, source
    raise AssertionError(f"{app} has no release from Debian 13")


def _offered(machine: Machine, packages: Sequence[str]) -> dict[str, str]:
    """The versions of packages in unstable, of the mirror that the server has already."""
    (list_of_its_own,) = machine.run(["find", SOURCES, "-name", "*debian.sources"]).stdout.split()
    first = machine.run(["cat", list_of_its_own]).stdout.split("\n\n")[0]
    unstable = f"{SOURCES}/unstable.sources"
    for path, text in ((unstable, re.sub("(?m)^Suites:.*", "Suites: unstable", first)), (_PREFERENCES, PIN)):
        machine.run(["install", "-D", "--mode=644", "/dev/stdin", path], input=f"{text}\n")
    only = [f"Dir::Etc::SourceList={unstable}", "Dir::Etc::SourceParts=-", "APT::Get::List-Cleanup=0"]
    machine.run(["apt-get", "--quiet", "update", *(word for option in only for word in ("-o", option))])
    found = {}
    for line in machine.run(["apt-cache", "madison", *packages]).stdout.splitlines():
        name, version, place = (part.strip() for part in line.split("|"))
        if " unstable/" in place:
            found[name] = version
    return found


_PREFERENCES = "/etc/apt/preferences.d/unstable"


def _toml(release: Release, changed: Mapping[str, object], version: str) -> str:
    source = release.source(13)
    assert source is not None
    said = {**source.as_data(), "debian": 13, **changed}
    links = said.pop("links", {})
    lines = [f"{key} = {json.dumps(list(value) if isinstance(value, tuple) else value)}" for key, value in said.items()]
    lines += ["[release.sources.links]", *(f"{json.dumps(key)} = {json.dumps(to)}" for key, to in links.items())]
    head = f'[[release]]\nversion = "{version}"\nphp = {json.dumps(list(release.php))}\n'
    return f'{head}upgrades_from = "{release.upgrades_from}"\n[[release.sources]]\n' + "\n".join(lines) + "\n"
