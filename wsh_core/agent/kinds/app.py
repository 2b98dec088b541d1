from __future__ import annotations

import hashlib
import os
import pkgutil
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

from .. import choice, fence, paths
from ..cache import Cache
from ..cases import Installation, Rollback, Upgrade
from ..choice import Choice
from ..ending import recover
from ..enter import Jail
from ..errors import AgentError, RefusedError, io_error
from ..host import Host
from ..jailed import Helpers
from ..protocol import Resource, event
from ..record import INSTALL, ROLLBACK, UPGRADE, Hop, Record
from ..safefs import read_regular
from ..site import app_tree, disk_version, inside, say, site_slug
from ..worksite import Worksite
from .base import Kind, State

_CONFIG = "config "
"""How the fields of the state are called that stand for configuration files, before the path."""
_LIMIT = 4 << 20


class AppKind(Kind):
    """An application in a site: the version on disk and the files that wsh owns in it; not its content.

    What is not there is installed, what shall have another version is upgraded or rolled back, each by one
    transaction (transaction.py). Files that differ are written again. What was cut is ended first.
    """

    name = "app"
    plain_fields = frozenset({"version", "fenced"})

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._due: dict[str, list[Resource]] = defaultdict(list)
        self._choices: dict[str, Choice] = {}
        """By resource, as of the first reading: what a rollback has done must not be rolled back again."""

    def desired(self, resource: Resource) -> State:
        chosen = self._choices.get(resource.id)
        version = chosen.version if chosen else resource.want["version"]
        files = {
            file["path"]: _file_state(int(file["mode"], 8), file["content"].encode())
            for file in choice.config(resource, version)
        }
        return {"version": version, "fenced": False, **{_CONFIG + path: state for path, state in files.items()}}

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
        if version is None and owned:
            raise _unknown_version(resource)
        if version is not None and owned and resource.id not in self._choices:
            self._choices[resource.id] = choice.choose(self.host, resource, version)
            self._say_outdated(resource, version)
        chosen = self._choices.get(resource.id)
        files = choice.config(resource, chosen.version if chosen else want["version"])
        return {
            "version": version,
            "fenced": fence.is_up(self.host, site_slug(resource)),
            **{_CONFIG + file["path"]: self._file(tree, file["path"]) for file in files},
        }

    def _say_outdated(self, resource: Resource, version: str) -> None:
        """Tell that another release is wanted, where nobody said that the site shall have it now."""
        app, wanted = resource.want["app"], resource.want["version"]
        if self._choices[resource.id].version == version != wanted:
            self.host.emit(event("outdated", object=resource.object, app=app, installed=version, wanted=wanted))

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
        self._due[resource.account].append(resource)

    def commit(self) -> dict[str, AgentError]:
        """All work of an account is done by one helper in its jail."""
        failures: dict[str, AgentError] = {}
        if self._due:
            give_shim(self.host)
        for account, resources in self._due.items():
            failures |= self._account(Jail.of(self.host, account), resources)
        self._due.clear()
        return failures

    def _account(self, jail: Jail, resources: Sequence[Resource]) -> dict[str, AgentError]:
        failures: dict[str, AgentError] = {}
        states: dict[str, State | None] = {}
        archives: dict[str, list[list[str]]] = {}
        for resource in resources:
            with _failing(resource, failures):
                self._recover(jail, resource)
                states[resource.id] = self._read(resource, owned=True)
                archives[resource.id] = self._fetch(resource, states[resource.id])
        files = sorted({path for each in archives.values() for release in each for path in release})
        shown = [(path, f"{paths.JAIL_SOURCES}/{number}", "ro") for number, path in enumerate(files)]
        places = {source: target for source, target, _ in shown}
        with closing(Helpers(self.host, jail, shown)) as helpers:
            for resource in resources:
                if resource.id not in failures:
                    with _failing(resource, failures):
                        jailed = [[places[path] for path in release] for release in archives[resource.id]]
                        self._one(resource, states[resource.id], helpers, jailed)
        return failures

    def _recover(self, jail: Jail, resource: Resource) -> None:
        """End what was cut, before anything else is done there."""
        left = self.host.ledger.unfinished().get(resource.object)
        if left is None:
            return
        if "jail" not in left.data:  # an older wsh wrote it, which knew installations only
            record = Record.of(self.host, resource, jail, INSTALL, None, resource.want["version"])
            record.hops = [Hop(record.after, f"{record.work}/1")]
            left = replace(left, data=record.data())
            self.host.ledger.begin(left.object, left.phase, left.data)
        recover(self.host, left)

    def _fetch(self, resource: Resource, actual: State | None) -> list[list[str]]:
        """The files of each release that is needed, on the server."""
        cache = Cache(self.host, partial(say, self.host, resource))
        if actual is None:
            return [cache.get(resource.want["source"])]
        return [cache.get(hop["source"]) for hop in self._choices[resource.id].hops]

    def _one(
        self, resource: Resource, actual: State | None, helpers: Helpers, archives: Sequence[Sequence[str]]
    ) -> None:
        if actual is None:
            self._installation(resource, helpers, archives[0]).run()
            return
        chosen = self._choices[resource.id]
        if chosen.version != actual["version"]:
            self._change(resource, actual["version"], chosen, helpers, archives)
            actual = self._read(resource, owned=True) or {}
        self._mend(resource, actual, chosen, helpers)

    def _site(self, resource: Resource, helpers: Helpers, task: str, before: str | None, after: str) -> Worksite:
        record = Record.of(self.host, resource, helpers.jail, task, before, after)
        return Worksite(self.host, resource.object, record, helpers)

    def _installation(self, resource: Resource, helpers: Helpers, archives: Sequence[str]) -> Installation:
        site = self._site(resource, helpers, INSTALL, None, resource.want["version"])
        return Installation(site, resource, archives)

    def _change(
        self, resource: Resource, version: str, chosen: Choice, helpers: Helpers, archives: Sequence[Sequence[str]]
    ) -> None:
        if chosen.snapshot is not None:
            site = self._site(resource, helpers, ROLLBACK, version, chosen.version)
            Rollback(site, resource, chosen.snapshot).run()
        else:
            site = self._site(resource, helpers, UPGRADE, version, chosen.version)
            Upgrade(site, resource, chosen.hops, archives).run()

    def _mend(self, resource: Resource, actual: State, chosen: Choice, helpers: Helpers) -> None:
        """Write what differs of the files that are wsh's, and open a site that is well and still fenced."""
        wanted = self.desired(resource)
        differing = [
            file
            for file in choice.config(resource, chosen.version)
            if wanted[_CONFIG + file["path"]] != actual.get(_CONFIG + file["path"])
        ]
        if not differing and not actual.get("fenced"):
            return
        site = self._site(resource, helpers, UPGRADE, chosen.version, chosen.version)
        site.record.hops = [Hop(chosen.version, site.record.tree)]
        if site.write_config(site.record.tree, differing):
            site.reload()
        if actual.get("fenced"):
            site.verify()
            site.open()


@contextmanager
def _failing(resource: Resource, failures: dict[str, AgentError]) -> Iterator[None]:
    """Note what goes wrong with a resource, so that the others of the account go on."""
    try:
        yield
    except AgentError as error:
        failures[resource.id] = error
    except OSError as error:
        failures[resource.id] = io_error(resource.id, error)


def give_shim(host: Host) -> None:
    """Put the shim in its place, by which all PHP of steps and jobs is started."""
    text = pkgutil.get_data(__package__.rpartition(".")[0], "shim.php")
    assert text is not None
    if not host.fs.exists(paths.SHIM) or host.fs.read(paths.SHIM) != text:
        host.fs.write(paths.SHIM, text)


def _file_state(mode: int, content: bytes) -> str:
    return f"{mode:04o} {hashlib.sha256(content).hexdigest()[:16]}"


def _unknown_version(resource: Resource) -> AgentError:
    app, tree = resource.want["app"], resource.want["tree"]
    return RefusedError(
        "app.unknown-version",
        f"{tree} holds something, but not what says which version of {app} it is",
        f"put back {resource.want['version_file']['path']}; to begin anew, empty directory and database",
    )
