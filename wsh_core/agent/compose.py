"""The half of Composer's work that needs the network: resolve, download, and pack; nothing of a package is run.

The verb ``compose`` runs this in the sandbox of fetch.py: one request on stdin, ``{"source", "place", "archive",
"lock"}``, and one answer on stdout, ``{"result": {"packages": number}}`` or ``{"error": …}``. In ``place``, a
directory of its own, it leaves ``bundle.tar`` and ``composer.lock``. What broke off goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from .composer import CACHE, COMPOSER, OPTIONS, environment, failure
from .errors import AgentError
from .tree import remove
from .union import Limits
from .unpack import unpack

_UNTRUSTED = ("--no-plugins", "--no-scripts")
_KINDS = ("zip", "tar", "gzip", "xz")
"""The kinds of archives that packages may come as; anything else would be read from elsewhere on the server."""
_ENTRIES, _BYTES = 200_000, 4 << 30


class _Project:
    """A project in ``place``: its files, its lock, and the packages that the lock names."""

    def __init__(self, source: Mapping[str, Any], place: str) -> None:
        self.source, self.place = source, place
        self.files, self.cache = f"{place}/project", f"{place}/cache"
        self.lock = f"{self.files}/composer.lock"

    def composer(self, command: str, *argv: str) -> None:
        """Run one command of Composer; AgentError in words if it fails."""
        done = subprocess.run(
            [f"/usr/bin/php{self.source['php']}", COMPOSER, command, *argv, *OPTIONS, *_UNTRUSTED],
            cwd=self.place,
            env=environment(f"{self.place}/home", self.cache),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise failure(done.returncode, done.stdout.decode(errors="replace"))

    # what it consists of

    def create(self, lock: str | None) -> None:
        """The project's own files, and the lock: the one that is given, or what Composer resolves now."""
        package, version = self.source["package"], self.source["version"]
        repositories = _repositories(self.source["repositories"])
        named = [f"--repository={json.dumps(each)}" for each in repositories if "type" in each]
        remove(self.files)
        self.composer("create-project", "--no-install", *named, package, self.files, version)
        composer = _read(f"{self.files}/composer.json")
        required = {name: version if each == "self.version" else each for name, each in self.source["require"].items()}
        composer["require"] = {**composer.get("require", {}), **required}
        if repositories:
            composer["repositories"] = repositories
        with open(f"{self.files}/composer.json", "w", encoding="utf-8") as file:
            json.dump(composer, file, indent=4, ensure_ascii=False)
        if lock is None:
            self.composer("update", "--no-install", f"--working-dir={self.files}")
        else:
            shutil.copyfile(lock, self.lock)

    def take(self, archive: str) -> None:
        """The project that an archive holds, with its lock."""
        unpack([archive], self.files, self.source["root"], Limits(_ENTRIES, _BYTES))
        if not os.path.isfile(self.lock):
            raise AgentError(
                "app.lock", "the release has no composer.lock, so nobody knows what it consists of", "choose another"
            )

    def download(self) -> int:
        """Bring all packages of the lock into the cache, and return their number."""
        packages = _read(self.lock)["packages"]
        for package in packages:
            kind = package.get("dist", {}).get("type")
            if kind not in _KINDS and package.get("type") != "metapackage":
                raise AgentError(
                    "app.package",
                    f"the package {package['name']} does not come as an archive, but as {kind or 'source code'}",
                    "use a release of it that its repository has as an archive",
                )
        self.composer("install", "--download-only", "--no-dev", f"--working-dir={self.files}")
        return len(packages)

    # what is made of it

    def pack(self, bundle: str) -> None:
        """Put it all into one archive, the same bytes for the same content."""
        root = self.source["root"].strip("/") if "root" in self.source else ""
        with tarfile.open(bundle, "w") as tar:
            if self.source["type"] == "composer":
                _add(tar, self.files, root)
            _add(tar, f"{self.cache}/files", "/".join(filter(None, (root, CACHE, "files"))))


def _add(tar: tarfile.TarFile, directory: str, name: str) -> None:
    for top, below, files in os.walk(directory):
        below.sort()
        for file in sorted(files):
            path = os.path.join(top, file)
            if os.path.isfile(path) and not os.path.islink(path):
                info = tar.gettarinfo(path, os.path.normpath(os.path.join(name, os.path.relpath(path, directory))))
                info.uid = info.gid = info.mtime = 0
                info.uname = info.gname = ""
                with open(path, "rb") as content:
                    tar.addfile(info, content)


def _repositories(named: Sequence[str]) -> list[dict[str, Any]]:
    """What stands in composer.json: the mirrors of the description instead of all others; none where it names none."""
    if not named:
        return []
    urls = [f"file://{each}" if each.startswith("/") else each for each in named]
    return [*({"type": "composer", "url": url} for url in urls), {"packagist.org": False}]


def _read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise AgentError("app.composer", f"the project's {os.path.basename(path)} cannot be read: {error}") from None


def bundle(source: Mapping[str, Any], place: str, archive: str | None, lock: str | None) -> dict[str, Any]:
    """Resolve, download and pack. ``archive``: a release that brings its project; ``lock``: one to be kept to."""
    project = _Project(source, place)
    if not os.path.isfile(project.lock):
        if archive is None:
            project.create(lock)
        else:
            remove(project.files)
            project.take(archive)
    packages = project.download()
    project.pack(f"{place}/bundle.tar")
    shutil.copyfile(project.lock, f"{place}/composer.lock")
    for each in (project.files, project.cache, f"{place}/home"):
        remove(each)
    return {"packages": packages}


def main() -> None:
    """Serve one request."""
    os.umask(0o022)
    request: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    try:
        answer: dict[str, Any] = {"result": bundle(**request)}
    except AgentError as error:
        answer = {"error": error.event()}
    except OSError as error:
        answer = {"error": AgentError("app.source", f"{request['place']}: {error.strerror}", "df -h").event()}
    sys.stdout.write(json.dumps(answer) + "\n")
