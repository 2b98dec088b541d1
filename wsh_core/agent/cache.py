"""Releases on the server: fetched by a user of their own, checked by root, kept by checksum.

A file gets its name below ``sha256/`` only after root has read it, byte for byte, into a file of its own; so
whatever has such a name is right, and whoever fetched it can no longer change it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from . import composer, paths
from .enter import agent_file
from .errors import AgentError
from .host import Host
from .protocol import canonical

FETCHER = "wsh-fetch"
_LIMIT = 2 << 30
"""Bytes that a release may have."""
_SECONDS = 1800
_CHUNK = 1 << 20
SANDBOX = (
    f"User={FETCHER}",
    f"Group={FETCHER}",
    "ProtectSystem=strict",
    f"ReadWritePaths={paths.INCOMING}",
    "UMask=0022",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    "ProtectProc=invisible",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "RestrictNamespaces=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "IPAddressDeny=169.254.0.0/16",
    "MemoryMax=512M",
    "TasksMax=32",
    f"RuntimeMaxSec={_SECONDS}",
)
"""What the fetching user is held to: it can reach the network, and write to one directory."""
COMPOSER_LIMITS = ("MemoryMax=1536M", "TasksMax=64", "OOMPolicy=continue")
"""What is different for Composer, which holds all versions of all packages in memory, and unpacks with unzip(1)."""


class Cache:
    """The cache of one server. ``say`` is told, in words, of what takes its time."""

    def __init__(self, host: Host, say: Callable[[str], None]) -> None:
        self._host, self._say = host, say

    def get(self, source: Mapping[str, Any]) -> list[str]:
        """The files of a source, fetched if they are not there yet, as paths on the server.

        Raises AgentError: ``app.source`` (unreachable, unknown version), ``app.checksum`` (not what was
        promised).
        """
        for directory in (paths.CACHE, paths.CACHED, paths.PACKAGES, paths.COMPOSED):
            self._host.fs.makedirs(directory)
        if source["type"] == "archive":
            return self._composed(source, [self._archive(source["url"], source["sha256"])])
        if source["type"] == "file":
            return self._composed(source, [self._file(source["path"], source["sha256"])])
        if source["type"] == "debian":
            return self._packages(source["packages"], source["version"])
        if source["type"] == "composer":
            return self._composed(source, [])
        raise AgentError("request.source", f"there is no source of type {source['type']!r}", "use a newer wsh")

    def _has(self, sha256: str) -> str | None:
        path = f"{paths.CACHED}/{sha256}"
        return path if self._host.fs.exists(path) else None

    def _admit(self, path: str, sha256: str | None, name: str) -> str:
        """Copy a file into the cache if its content is what was promised, if anything was; ``name`` is for people."""
        found = hashlib.sha256()
        with (
            self._host.fs.opened(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) as source,
            self._host.fs.parent(f"{paths.CACHED}/{sha256}") as (directory, _),
        ):
            aside = f".{secrets.token_hex(6)}"
            out = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=directory)
            try:
                while chunk := os.read(source, _CHUNK):
                    found.update(chunk)
                    os.write(out, chunk)
                os.fsync(out)
                if sha256 not in (None, found.hexdigest()):
                    raise AgentError(
                        "app.checksum",
                        f"{name} has the checksum {found.hexdigest()}, promised was {sha256}",
                        "do not use it; compare both with what its publisher says, then correct the release",
                    )
                os.rename(aside, found.hexdigest(), src_dir_fd=directory, dst_dir_fd=directory)
            finally:
                os.close(out)
                with suppress(FileNotFoundError):
                    os.unlink(aside, dir_fd=directory)
        return f"{paths.CACHED}/{found.hexdigest()}"

    def _file(self, path: str, sha256: str) -> str:
        try:
            return self._has(sha256) or self._admit(path, sha256, path)
        except OSError as error:
            raise AgentError(
                "app.source", f"{path}: {error.strerror}", "put the release there, on the server"
            ) from None

    def _archive(self, url: str, sha256: str) -> str:
        """A release from the web. A wrong one that was partly of old pieces is fetched once more, whole."""
        if there := self._has(sha256):
            return there
        incoming = f"{self._incoming()}/{sha256}"
        resumed = self._host.fs.exists(incoming)
        request = {"url": url, "to": incoming, "limit": _LIMIT}
        argv = ["/usr/bin/python3", "-I", "-S", agent_file(), "fetch"]
        self._ask(argv, paths.INCOMING, request, url)
        try:
            return self._admit(incoming, sha256, url)
        except AgentError:
            if not resumed:
                raise
        finally:
            self._host.fs.unlink(incoming)
        return self._archive(url, sha256)

    def _composed(self, source: Mapping[str, Any], archives: list[str]) -> list[str]:
        """A release's archives, and where Composer completes it the bundle of what its lock names.

        The lock of the first time is kept: what has once been resolved for this server stays what it is.
        """
        if not composer.is_needed(source):
            return archives
        key = hashlib.sha256(canonical(source).encode()).hexdigest()
        known, lock = f"{paths.COMPOSED}/{key}", f"{paths.COMPOSED}/{key}.lock"
        with suppress(FileNotFoundError):
            if kept := self._has(self._host.fs.read(known).decode().strip()):
                return [*archives, kept]
        place = f"{self._incoming()}/{key}"
        self._directory(place)
        request = {
            "source": dict(source),
            "place": place,
            "archive": archives[0] if archives else None,
            "lock": lock if self._host.fs.exists(lock) else self._lock(source),
        }
        name = f"{source['package']} {source['version']}" if source["type"] == "composer" else archives[0]
        argv = ["/usr/bin/python3", "-I", "-S", agent_file(), "compose"]
        said = self._ask(argv, place, request, f"{name} with Composer", COMPOSER_LIMITS)
        bundle = self._admit(f"{place}/bundle.tar", None, name)
        self._host.fs.write(lock, self._host.fs.read(f"{place}/composer.lock"))
        self._host.fs.write(known, bundle.rpartition("/")[2].encode() + b"\n")
        self._say(f"{name}: {said['packages']} packages, as its composer.lock says")
        self._clear(place)
        return [*archives, bundle]

    def _lock(self, source: Mapping[str, Any]) -> str | None:
        """The lock that a project is to be kept to, if its release names one."""
        return self._file(source["lock"], source["sha256"]) if source.get("lock") else None

    def _packages(self, names: list[str], version: str) -> list[str]:
        """Debian packages, the first in this version, the others as apt offers them.

        What apt's lists promise was signed; apt has checked that.
        """
        known = f"{paths.PACKAGES}/{names[0]}_{version}"
        with suppress(FileNotFoundError):
            kept = [self._has(line) for line in self._host.fs.read(known).decode().split()]
            if len(kept) == len(names) and all(kept):
                return [path for path in kept if path]
        sums = self._offered([f"{names[0]}={version}", *names[1:]])
        self._download({name: sha256 for name, sha256 in sums.items() if self._has(sha256) is None})
        self._host.fs.write(known, "\n".join(sums.values()).encode() + b"\n")
        return [f"{paths.CACHED}/{sha256}" for sha256 in sums.values()]

    def _offered(self, wanted: list[str]) -> dict[str, str]:
        """The checksums that apt's signed lists promise for packages, by ``name=version``."""
        done = self._host.run(["apt-cache", "show", "--no-all-versions", *wanted], check=False)
        sums: dict[str, str] = {}
        for stanza in done.stdout.decode(errors="replace").split("\n\n"):
            fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
            if {"Package", "Version", "SHA256"} <= fields.keys():
                sums[f"{fields['Package']}={fields['Version']}"] = fields["SHA256"]
        offered = {*sums, *(name.partition("=")[0] for name in sums)}
        missing = [name for name in wanted if name not in offered]
        if missing or len(sums) != len(wanted):
            raise AgentError(
                "app.source",
                f"this server's package lists do not have {', '.join(missing or wanted)}",
                "apt-get update on the server, or choose a release that it has:"
                f" apt-cache policy {wanted[0].partition('=')[0]}",
                done.stderr.decode(errors="replace").strip() or None,
            )
        return sums

    def _download(self, sums: Mapping[str, str]) -> None:
        """Bring packages (checksums by ``name=version``) into the cache, all by one apt-get(8)."""
        if not sums:
            return
        place = f"{self._incoming()}/{secrets.token_hex(6)}"
        self._directory(place)
        try:
            self._run(["/usr/bin/apt-get", "download", "--quiet", *sums], place, b"", " ".join(sums))
            files = {file.partition("_")[0]: file for file in self._host.fs.listdir(place)}
            for name, sha256 in sums.items():
                self._admit(f"{place}/{files.get(name.partition('=')[0], 'nothing')}", sha256, name)
        finally:
            self._clear(place)

    def _clear(self, place: str) -> None:
        """Remove a directory of files."""
        for file in self._host.fs.listdir(place):
            self._host.fs.unlink(f"{place}/{file}")
        with self._host.fs.parent(place) as (directory, last):
            os.rmdir(last, dir_fd=directory)

    def _ask(
        self, argv: list[str], directory: str, request: Mapping[str, Any], name: str, limits: Sequence[str] = ()
    ) -> Any:
        """Have the fetching user do one thing, and return its result; AgentError is what it says, or that it cannot."""
        answer = self._run(argv, directory, json.dumps(request).encode(), name, limits)
        try:
            said = json.loads(answer)
        except ValueError:
            raise AgentError(
                "app.source", f"{name} could not be fetched", detail=answer.decode(errors="replace")
            ) from None
        if "error" in said:
            raise AgentError(**said["error"])
        return said["result"]

    def _run(self, argv: list[str], directory: str, input: bytes, name: str, limits: Sequence[str] = ()) -> bytes:
        self._say(f"fetching {name}")
        unit = f"wsh-fetch-{secrets.token_hex(4)}.service"
        properties = [f"--property={text}" for text in (*SANDBOX, *limits, f"WorkingDirectory={directory}")]
        done = self._host.run(
            [
                "systemd-run",
                "--quiet",
                "--pipe",
                "--wait",
                "--collect",
                "--expand-environment=no",
                f"--unit={unit}",
                f"--description=fetch {name}",
                *properties,
                "--",
                *argv,
            ],
            input=input,
            timeout=_SECONDS + 30,
            check=False,
        )
        if done.returncode:
            raise AgentError(
                "app.source",
                f"{name} could not be fetched (code {done.returncode})",
                "apply again when it can be reached, or give a copy on the server as its source",
                (done.stderr or done.stdout).decode(errors="replace").strip()[-2000:] or None,
            )
        return done.stdout

    def _incoming(self) -> str:
        self._directory(paths.INCOMING)
        return paths.INCOMING

    def _directory(self, path: str) -> None:
        """A directory of the fetching user's own."""
        self._host.fs.mkdir(path, 0o755)
        with self._host.fs.opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
            os.fchown(fd, self._host.names.uid(FETCHER), self._host.names.gid(FETCHER))
