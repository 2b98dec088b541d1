"""The cases of a transaction: an installation, an upgrade, a rollback by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import database
from .ending import restore
from .errors import AgentError, RefusedError
from .paths import SNAPSHOT_DUMP, SNAPSHOT_TREE
from .protocol import Resource, now
from .record import Dump, Hop
from .site import disk_version
from .transaction import Transaction
from .worksite import Worksite

Files = Sequence[Mapping[str, Any]]


class Installation(Transaction):
    """An application is put into a site whose tree and database are empty. ``archives`` are paths in the jail."""

    again = "everything was put back, the site stays fenced; mend the cause and apply again"

    def __init__(self, site: Worksite, resource: Resource, archives: Sequence[str]) -> None:
        super().__init__(site, resource)
        self._archives = archives
        self.record.hops = [Hop(resource.want["version"], f"{self.record.work}/1")]
        self.record.fenced = True

    def prepare(self) -> None:
        super().prepare()
        self._must_be_free()

    def _must_be_free(self) -> None:
        """What is there is not wsh's."""
        record, host = self.record, self.site.host
        for path in (record.tree, *(f"{record.site}/{name}" for name in record.layout["outside"])):
            if host.fs.listdir(path):
                raise AgentError(
                    "app.not-empty",
                    f"{path} is not empty, and what is in it is not wsh's; nothing was done",
                    "move its content elsewhere, or adopt it",
                )
        if record.database and (count := database.held(host.mariadb, record.database)):
            raise AgentError(
                "app.not-empty",
                f"the database {record.database} holds {count} tables or the like; nothing was done",
                "move them elsewhere, or adopt the application",
            )

    def build(self) -> None:
        for name in self.record.layout["outside"]:
            self.site.ask("directory", path=f"{self.record.site}/{name}", own=True)
        self.unpack(self.resource.want["source"], self._archives, self.record.hops[0])

    def save(self) -> None:
        """Nothing must have come meanwhile; and so to put back is to empty."""
        self._must_be_free()

    def prepare_tree(self, hop: Hop) -> None:
        self.site.write_config(hop.tree, self._config(None))

    def migrate(self, number: int) -> None:
        self.site.take_all(self.resource.want["install"])
        if self.site.write_config(self.record.tree, self._config("install")):
            self.site.reload()

    def _config(self, after: str | None) -> list[Mapping[str, Any]]:
        return [file for file in self.resource.want["config"] if file["after"] == after]


class Upgrade(Transaction):
    """An installed application comes to a newer release, by way of others where it must."""

    def __init__(
        self, site: Worksite, resource: Resource, way: Sequence[Mapping[str, Any]], archives: Sequence[Sequence[str]]
    ) -> None:
        super().__init__(site, resource)
        self._way, self._archives = way, archives
        record = self.record
        record.hops = [Hop(hop["version"], f"{record.work}/{number}") for number, hop in enumerate(way, 1)]
        self.again = (
            f"everything was put back, {record.app} {record.before} is in service as before;"
            f" to try again: wsh site upgrade {site.object.partition(':')[2]}"
        )

    def build(self) -> None:
        for asked, archives, hop in zip(self._way, self._archives, self.record.hops, strict=True):
            self.unpack(asked["source"], archives, hop)

    def prepare_tree(self, hop: Hop) -> None:
        record = self.record
        self.site.ask("copy", source=record.tree, target=hop.tree, paths=record.layout["config"])
        config = self._way[record.hop]["config"]
        self.site.write_config(hop.tree, self.resource.want["config"] if config is None else config)

    def migrate(self, number: int) -> None:
        self.site.take_all(self._way[number]["steps"])

    def failed(self, cause: AgentError) -> None:
        known = {"version": self.record.after, "time": now(), "why": cause.message}
        self.site.host.ledger.note(self.site.object, failed=known)


class Rollback(Transaction):
    """What an upgrade or a rollback replaced comes back: code, configuration and database; data stays."""

    def __init__(self, site: Worksite, resource: Resource, snapshot: Mapping[str, Any]) -> None:
        super().__init__(site, resource)
        record = self.record
        record.hops = [Hop(record.after, f"{record.snapshot}/{SNAPSHOT_TREE}")]
        record.loads = snapshot["dump"] and Dump(**snapshot["dump"])
        record.brought = snapshot["brought"]
        self.again = f"everything was put back, {record.app} {record.before} is in service as before"

    def prepare(self) -> None:
        super().prepare()
        record, loads = self.record, self.record.loads
        there = disk_version(self.site.host, record.hops[0].tree, self.resource.want["version_file"])
        dump = self.site.ask("checksum", path=f"{record.snapshot}/{SNAPSHOT_DUMP}")
        if there != record.after or (loads is not None and dump != loads.sha256):
            raise RefusedError(
                "app.no-snapshot",
                f"{record.snapshot} is not the snapshot of {record.app} {record.after} that was kept: the account"
                " has changed or removed it",
                "put the site back from a backup",
            )

    def migrate(self, number: int) -> None:
        if self.record.loads is not None:
            restore(self.site, self.record.loads, f"{self.record.snapshot}/{SNAPSHOT_DUMP}")
