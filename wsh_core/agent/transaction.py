"""What changes the version of a site's application: all of it, or nothing of it, whatever the number of hops.

One algorithm in phases, each on disk in the journal before it begins: the new trees are *built* while the site
is open; it is *fenced*, what it is now is *saved*, the trees are *switched* and the database is *migrated*, hop
by hop; the site is *verified*, and opened (*done*). Until it is verified, every failure is undone (ending.py).
Cases of it are the installation, the upgrade, and the rollback by hand (cases.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import composer, database
from .ending import PHASES, finish, undo
from .errors import AgentError, io_error
from .paths import SNAPSHOT_DUMP
from .protocol import Resource, event
from .record import Dump, Entries, Hop
from .site import disk_version, inside
from .worksite import Worksite

_ENTRIES, _BYTES = 200_000, 4 << 30
"""The most that a release may unpack to: files and directories, bytes."""
_SECONDS = 7200.0
"""How long a database may take to be dumped."""
_UNPACK_SECONDS = 1800.0


class Transaction:
    """What all cases have in common; the record of ``site`` says what is to be done."""

    again: str
    """What people can do after it failed and was put back."""

    def __init__(self, site: Worksite, resource: Resource) -> None:
        self.site, self.resource, self.record = site, resource, site.record
        self._brought: list[Entries] = []
        """What the release of each hop has where accounts add things of their own."""

    def run(self) -> None:
        """Do it, or raise AgentError with everything put back."""
        self.prepare()
        try:
            self._begin("built")
            self.site.ask("directory", path=self.record.work, mode="0700")
            self.build()
            self._begin("fenced")
            self.site.close()
            self._begin("saved")
            self.save()
            for number, hop in enumerate(self.record.hops):
                self._hop(number, hop)
            self._begin("verified")
            self.site.verify()
            self._begin("done")
        except (AgentError, OSError) as error:
            raise self._put_back(error) from error
        finish(self.site)

    # what cases fill in

    def prepare(self) -> None:
        """See that it can be begun. Raises AgentError, nothing done."""
        if self.site.host.fs.listdir(self.record.work):
            raise AgentError(
                "app.not-empty",
                f"{self.record.work} is wsh's, and holds something that it does not know; nothing was done",
                "look at it, and move it elsewhere",
            )

    def build(self) -> None:
        """Make the trees of all hops."""

    def save(self) -> None:
        """Have a dump of the database, and note what it holds."""
        name = self.record.database
        if name is not None:
            path = f"{self.record.work}/{SNAPSHOT_DUMP}"
            made = self.site.ask("dump", seconds=_SECONDS, database=name, path=path)
            self.record.dump = Dump(str(made["sha256"]), database.marker(self.site.host.mariadb, name))

    def prepare_tree(self, hop: Hop) -> None:
        """Put into a hop's tree what it needs of configuration, before it becomes the site's."""

    def migrate(self, number: int) -> None:
        """Bring the database to a hop's release, whose tree is in its place."""
        raise NotImplementedError

    def failed(self, cause: AgentError) -> None:
        """Called when it failed and was put back."""

    # the algorithm

    def _begin(self, phase: str, text: str | None = None) -> None:
        site = self.site
        site.host.ledger.begin(site.object, phase, self.record.data())
        said = {"text": text} if text else {}
        site.host.emit(
            event("phase", object=site.object, phase=phase, done=PHASES.index(phase), total=len(PHASES), **said)
        )

    def _hop(self, number: int, hop: Hop) -> None:
        record, text = self.record, None
        if len(record.hops) > 1:
            text = f"{record.app} {hop.version}, hop {number + 1} of {len(record.hops)}"
        record.hop = number
        hop.before = self.site.inode(record.tree)
        hop.moves = self._movable(hop, self._brought[number - 1] if number else record.brought_before)
        self._begin("switched", text)
        self._switch(hop)
        self._begin("migrated", text)
        self.migrate(number)

    def _movable(self, hop: Hop, brought: Entries | None) -> list[tuple[str, int]]:
        """What goes over; the account's own process says so, so it is looked at before it is written down."""
        tree, layout = self.record.tree, self.record.layout
        said = self.site.ask(
            "movable",
            tree=tree,
            new=hop.tree,
            data=layout["data"],
            additions=layout["additions"],
            brought=brought or {},
        )
        for path, _ in said:
            inside(tree, path)
        return [(str(path), int(number)) for path, number in said]

    def _switch(self, hop: Hop) -> None:
        site, tree = self.site, self.record.tree
        self.prepare_tree(hop)
        for path in site.ask("bring", source=tree, target=hop.tree, moves=hop.moves):
            site.say(f"{path} was removed meanwhile")
        site.ask("exchange", one=hop.tree, other=tree)
        site.ask("clear", tree=tree, paths=self.record.layout["cache"])
        site.reload()

    def _put_back(self, error: AgentError | OSError) -> AgentError:
        """Undo; where that fails too, say so behind the cause: the journal knows what is left to do."""
        cause = error if isinstance(error, AgentError) else io_error(self.resource.id, error)
        try:
            undo(self.site)
            cause.hint = "; ".join(filter(None, (cause.hint, self.again)))
        except (AgentError, OSError) as second:
            also = second if isinstance(second, AgentError) else io_error(self.resource.id, second)
            cause.message += f"; and not everything was put back: {also.message}"
            cause.hint = also.hint or "it is tried again at the next apply, once a day, and by: wsh-recover.service"
        self.failed(cause)
        return cause

    # parts

    def unpack(self, source: Mapping[str, Any], archives: Sequence[str], hop: Hop) -> None:
        """Make the tree of a hop from files that the jail sees, and see that it is that release."""
        site = self.site
        report = site.ask(
            "unpack",
            seconds=_UNPACK_SECONDS,
            archives=[*archives],
            into=hop.tree,
            root=source.get("root", ""),
            links=source.get("links", {}),
            entries=_ENTRIES,
            bytes=_BYTES,
        )
        for path, target in report["dangling"]:
            site.say(f"the release has a link to what is not in it, left out: {path} -> {target}")
        composer.install(site.helpers.get(), source, hop.tree, self.record.php)
        found = disk_version(site.host, hop.tree, self.resource.want["version_file"])
        if found != hop.version:
            raise AgentError(
                "app.version",
                f"the release was to be {self.record.app} {hop.version}, and is {found or 'none'}",
                "correct the release: its version, its checksum or the directory in it",
            )
        self._brought.append(site.ask("entries", tree=hop.tree, directories=self.record.layout["additions"]))
        self.record.brought = self._brought[-1]
