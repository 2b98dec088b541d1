from __future__ import annotations

import hashlib
import os
import pkgutil
import stat
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from .. import fence, paths
from ..cache import Cache
from ..enter import Jail, stop_steps
from ..errors import AgentError, RefusedError, io_error
from ..host import Host
from ..jailed import Helpers
from ..protocol import Resource
from ..safefs import read_regular
from ..site import app_tree, disk_version, inside, say, site_slug
from ..transaction import Installation
from .base import Kind, State

_CONFIG = "config "
"""How the fields of the state are called that stand for configuration files, before the path."""
_LIMIT = 4 << 20


class AppKind(Kind):
    """An application in a site: the version on disk and the files that wsh owns in it; not its content.

    What is not there is installed by one transaction (transaction.py). Files that differ are written again.
    Another version than the one wanted is never touched here.
    """

    name = "app"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._due: dict[str, list[tuple[Resource, State | None]]] = defaultdict(list)

    def desired(self, resource: Resource) -> State:
        files = {
            file["path"]: _file_state(int(file["mode"], 8), file["content"].encode())
            for file in resource.want["config"]
        }
        return {
            "version": resource.want["version"],
            "fenced": False,
            **{_CONFIG + path: state for path, state in files.items()},
        }

    # read

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        unfinished, owned = self.host.ledger.unfinished(), self.host.ledger.owned()
        found: dict[str, State | None | AgentError] = {}
        for resource in resources:
            try:
                found[resource.id] = (
                    None if resource.object in unfinished else self._read(resource, owned=resource.id in owned)
                )
            except AgentError as error:
                found[resource.id] = error
        return found

    def _read(self, resource: Resource, *, owned: bool) -> State | None:
        tree, want = app_tree(resource), resource.want
        version = disk_version(self.host, tree, want["version_file"])
        if version is None and not self._listed(tree):
            return None
        if version != want["version"] and owned:
            raise _other_version(resource, version)
        return {
            "version": version,
            "fenced": fence.is_up(self.host, site_slug(resource)),
            **{_CONFIG + file["path"]: self._file(tree, file["path"]) for file in want["config"]},
        }

    def _listed(self, tree: str) -> list[str]:
        try:
            return self.host.fs.listdir(tree)
        except NotADirectoryError:
            return [tree]

    def _file(self, tree: str, path: str) -> str | None:
        path = inside(tree, path)
        try:
            with self.host.fs.opened(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY) as fd:
                return _file_state(stat.S_IMODE(os.fstat(fd).st_mode), read_regular(fd, path, _LIMIT))
        except (FileNotFoundError, NotADirectoryError):
            return None

    # write

    def before(self, resource: Resource, actual: State | None) -> None:
        """The site of a new application is fenced before Apache learns of it."""
        if actual is None:
            fence.up(self.host, site_slug(resource))

    def write(self, resource: Resource, actual: State | None) -> None:
        if not self.host.booted:
            raise AgentError("app.no-server", f"{resource.id}: nothing runs here, so no application can be installed")
        assert resource.account is not None
        self._due[resource.account].append((resource, actual))

    def commit(self) -> dict[str, AgentError]:
        """All work of an account is done by one helper in its jail."""
        failures: dict[str, AgentError] = {}
        if self._due:
            self._give_shim()
        for account, changes in self._due.items():
            failures |= self._account(Jail.of(self.host, account), changes)
        self._due.clear()
        return failures

    def _give_shim(self) -> None:
        text = pkgutil.get_data(__package__.rpartition(".")[0], "shim.php")
        assert text is not None
        if not self.host.fs.exists(paths.SHIM) or self.host.fs.read(paths.SHIM) != text:
            self.host.fs.write(paths.SHIM, text)

    def _account(self, jail: Jail, changes: list[tuple[Resource, State | None]]) -> dict[str, AgentError]:
        failures: dict[str, AgentError] = {}
        if any(resource.object in self.host.ledger.unfinished() for resource, _ in changes):
            stop_steps(self.host, jail)
        archives = self._fetch(changes, failures)
        shown = [
            (path, f"{paths.JAIL_SOURCES}/{number}", "ro")
            for number, path in enumerate(sorted({path for files in archives.values() for path in files}))
        ]
        places = {source: target for source, target, _ in shown}
        with closing(Helpers(self.host, jail, shown)) as helpers:
            for resource, actual in changes:
                if resource.id in failures:
                    continue
                files = [places[path] for path in archives.get(resource.id, ())]
                try:
                    self._one(Installation(self.host, resource, helpers, files), actual)
                except AgentError as error:
                    failures[resource.id] = error
                except OSError as error:
                    failures[resource.id] = io_error(resource.id, error)
        return failures

    def _fetch(
        self, changes: list[tuple[Resource, State | None]], failures: dict[str, AgentError]
    ) -> dict[str, list[str]]:
        """The files of every release that is to be installed, on the server."""
        found = {}
        for resource, actual in changes:
            try:
                if actual is None:
                    cache = Cache(self.host, partial(say, self.host, resource))
                    found[resource.id] = cache.get(resource.want["source"])
            except AgentError as error:
                failures[resource.id] = error
        return found

    def _one(self, installation: Installation, actual: State | None) -> None:
        resource = installation.resource
        if actual is None:
            if not (resource.object in self.host.ledger.unfinished() and installation.recover()):
                installation.install()
                return
            actual = self._read(resource, owned=True) or {}  # the description may have changed meanwhile
        wanted = self.desired(resource)
        installation.mend(
            [
                name.removeprefix(_CONFIG)
                for name in wanted
                if name.startswith(_CONFIG) and wanted[name] != actual.get(name)
            ]
        )
        if actual.get("fenced"):
            installation.reopen()


def _file_state(mode: int, content: bytes) -> str:
    return f"{mode:04o} {hashlib.sha256(content).hexdigest()[:16]}"


def _other_version(resource: Resource, version: str | None) -> AgentError:
    app, wanted, tree = (resource.want[key] for key in ("app", "version", "tree"))
    if version is None:
        return RefusedError(
            "app.unknown-version",
            f"{tree} holds something, but not what says which version of {app} it is",
            f"put back {resource.want['version_file']['path']}; to begin anew, empty directory and database",
        )
    return RefusedError(
        "app.upgrade",
        f"{app} {version} is installed in {tree}, wanted is {wanted}; it was not touched",
        f"upgrades come by: wsh site upgrade {resource.object.partition(':')[2]}",
    )
