"""A Composer repository of a test's own: packages made from text, or from an installed tree and its lock."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wsh_lab import Server

STAMP = (2026, 1, 1, 0, 0, 0)
PROJECT_KEYS = ("type", "minimum-stability", "prefer-stable", "config", "extra", "conflict", "repositories")


class Repository:
    """Packages as files below ``place``; ``shown`` is where they will lie on a server."""

    def __init__(self, place: Path, shown: str = "/srv/packages") -> None:
        self.place, self.shown = place, shown
        self._packages: dict[str, dict[str, Any]] = {}
        place.mkdir(parents=True)

    def add(self, name: str, version: str, files: Mapping[str, str | bytes] | None = None, **about: Any) -> None:
        """Add a package: its files by path, and what else its composer.json says."""
        composer = {"name": name, "description": "made by a test", "license": "MIT", **about}
        content = {"composer.json": json.dumps(composer), **(files or {})}
        self._put({**composer, "version": version}, content.items())

    def add_tree(self, archive: Path, project: str, version: str) -> None:
        """Add what an installed tree consists of: each package of its lock that lies in it, and the project."""
        with tarfile.open(archive) as tree:
            members = {member.name.partition("/")[2]: member for member in tree if member.isfile()}

            def read(path: str) -> bytes:
                content = tree.extractfile(members[path])
                assert content is not None
                return content.read()

            for package, path in _installed(read):
                within = sorted(name for name in members if name.startswith(f"{path}/")) if path else []
                if within or package.get("type") == "metapackage":
                    self._put(package, ((name.removeprefix(f"{path}/"), read(name)) for name in within))
            composer = json.loads(read("composer.json"))
        about = {key: composer[key] for key in PROJECT_KEYS if key in composer}
        require = {name: wanted for name, wanted in composer["require"].items() if name in TEMPLATE[project]}
        self.add(project, version, require=require, **about)

    def _put(self, package: Mapping[str, Any], files: Any) -> None:
        name, version = package["name"], package["version"]
        file = self.place / f"{name.replace('/', '-')}-{version}.zip"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path, content in files:
                archive.writestr(zipfile.ZipInfo(f"package/{path}", STAMP), content, zipfile.ZIP_DEFLATED)
        sha1 = hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
        dist = {"type": "zip", "url": f"file://{self.shown}/{file.name}", "reference": sha1, "shasum": sha1}
        kept = {key: value for key, value in package.items() if key not in ("source", "time", "notification-url")}
        self._packages.setdefault(name, {})[version] = {**kept, "dist": dist}

    def add_elsewhere(self, name: str, version: str, kind: str, url: str) -> None:
        """Add a package that comes in another way than as an archive."""
        self._packages.setdefault(name, {})[version] = {
            "name": name, "version": version, "dist": {"type": kind, "url": url, "reference": "0"},
        }  # fmt: skip

    def lock(self, *packages: tuple[str, str]) -> str:
        """The text of a composer.lock that names these packages, by name and version."""
        chosen = [self._packages[name][version] for name, version in packages]
        empty = {"packages-dev": [], "aliases": [], "stability-flags": {}, "platform": {}, "platform-dev": {}}
        return json.dumps({"packages": chosen, "content-hash": "0" * 32, "minimum-stability": "stable", **empty})

    def spoil(self, name: str, version: str) -> None:
        """Change the archive of a package after its checksum was published."""
        with (self.place / f"{name.replace('/', '-')}-{version}.zip").open("ab") as file:
            file.write(b"and more")

    def put(self, server: Server) -> str:
        """Put all of it on a server; its place there, which is what a description says."""
        (self.place / "packages.json").write_text(json.dumps({"packages": self._packages}))
        server.run(["rm", "-rf", self.shown])
        server.push(str(self.place), self.shown)
        server.run(["chmod", "-R", "u=rwX,go=rX", self.shown])
        return self.shown


TEMPLATE = {
    "drupal/recommended-project": {
        "composer/installers",
        "drupal/core-composer-scaffold",
        "drupal/core-project-message",
        "drupal/core-recipe-unpack",
        "drupal/core-recommended",
    },
}
"""What the projects themselves require; what else an installed tree requires, its owner added."""


def _installed(read: Any) -> Iterator[tuple[dict[str, Any], str | None]]:
    """The packages of a lock, and where in the tree each lies; None for those without files."""
    places = {
        each["name"]: each["install-path"] for each in json.loads(read("vendor/composer/installed.json"))["packages"]
    }
    for package in json.loads(read("composer.lock"))["packages"]:
        place = places.get(package["name"])
        parts: list[str] = []
        for part in ("vendor", "composer", *place.split("/")) if place else ():
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        yield package, "/".join(parts) or None
