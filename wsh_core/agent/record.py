"""What a transaction in a site writes down before it acts: all that is needed to end it or to undo it.

Whoever recovers has no request, so nothing of what a request would say may be missing here; and no secret may
be in it, for steps stand in it with the names of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import paths
from .database import defaults
from .enter import Jail
from .host import Host
from .protocol import Resource, now
from .site import app_database, app_tree

INSTALL, UPGRADE, ROLLBACK = "install", "upgrade", "rollback"
Entries = Mapping[str, list[str]]
"""What a release has in directories where accounts add things of their own."""


@dataclass
class Hop:
    """One tree that becomes the site's: where it lies, the inode of the one before, what goes over from that."""

    version: str
    tree: str
    before: int | None = None
    moves: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Dump:
    """A dump of the database: its file's checksum, and what each table then was (database.marker)."""

    sha256: str
    marker: dict[str, str]


@dataclass
class Record:
    """One transaction. ``fenced``: the fence stood before it; ``before``: the version that the site had, if any."""

    task: str
    app: str
    before: str | None
    after: str
    account: str
    uid: int
    jail: str
    binds: list[tuple[str, str, str]]
    tree: str
    database: str | None
    collation: tuple[str, str] | None
    """The database's character set and collation; None without a database."""
    php: str
    probe: dict[str, Any]
    up_to_date: dict[str, Any] | None
    layout: dict[str, list[str]]
    hops: list[Hop]
    fenced: bool
    time: str = field(default_factory=now)
    hop: int = 0
    """Which of the hops is being made."""
    dump: Dump | None = None
    """Of what the database was before; None before it is there, and where there was nothing."""
    loads: Dump | None = None
    """What a rollback loads into the database."""
    brought: Entries | None = None
    """Of the release that the site has at the end."""
    brought_before: Entries | None = None

    @property
    def site(self) -> str:
        """The site's own directory, which stays."""
        return self.tree.rpartition("/")[0]

    @property
    def work(self) -> str:
        return f"{self.site}/.upgrade"

    @property
    def snapshot(self) -> str:
        return f"{self.site}/.previous"

    @property
    def entrance(self) -> Jail:
        return Jail(self.account, self.uid, self.jail, tuple(self.binds))

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Record:
        """What ``data`` gave. Raises TypeError or KeyError for what an older wsh wrote."""
        hops = [Hop(**{**hop, "moves": [tuple(move) for move in hop["moves"]]}) for hop in data["hops"]]
        dumps = {key: data[key] and Dump(**data[key]) for key in ("dump", "loads")}
        binds, collation = [tuple(bind) for bind in data["binds"]], data["collation"] and tuple(data["collation"])
        return cls(**{**data, **dumps, "hops": hops, "binds": binds, "collation": collation})

    @classmethod
    def of(cls, host: Host, resource: Resource, jail: Jail, task: str, before: str | None, after: str) -> Record:
        """The record of what is about to begin for a resource."""
        want, asked = resource.want, resource.asked or resource.want
        tree, database = app_tree(resource), app_database(resource)
        slug = resource.object.partition(":")[2].replace("/", "-")
        return cls(
            task=task,
            app=want["app"],
            before=before,
            after=after,
            account=jail.account,
            uid=jail.uid,
            jail=jail.path,
            binds=[*jail.binds],
            tree=tree,
            database=database,
            collation=None if database is None else defaults(host.mariadb, database),
            php=want["php"],
            probe=asked["probe"],
            up_to_date=asked["up_to_date"],
            layout=want["layout"],
            hops=[],
            fenced=host.fs.exists(f"{paths.FENCES}/{slug}"),
            brought_before=host.ledger.notes().get(resource.object, {}).get("brought"),
        )
