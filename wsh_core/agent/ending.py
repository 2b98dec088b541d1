"""How a transaction in a site ends: finished, or undone. Both go by its record alone and can be done again.

This is the only code that puts back, whoever asks for it: the transaction that failed, the next apply, or
``agent recover`` at boot.
"""

from __future__ import annotations

import json

from . import database
from .enter import stop_steps
from .errors import AgentError, io_error
from .host import Host
from .jailed import Helpers
from .ledger import Unfinished
from .paths import SNAPSHOT_DUMP
from .record import INSTALL, Dump, Hop, Record
from .worksite import Worksite

PHASES = ("built", "fenced", "saved", "switched", "migrated", "verified", "done")
UNDONE = "undone"
"""The phase in which all is put back and only the doors are still shut."""
_SECONDS = 7200.0
"""How long a database may take to be loaded."""


def finish(site: Worksite) -> None:
    """Let visitors in, keep what was as the snapshot, and end the transaction."""
    record, host = site.record, site.host
    site.open()
    if record.task == INSTALL:
        site.ask("remove", path=record.work)
        host.ledger.finish(site.object, brought=record.brought, snapshot=None, failed=None)
        return
    about = {"app": record.app, "version": record.before, "replaced_by": record.after, "time": record.time}
    site.ask(
        "keep",
        work=record.work,
        tree=record.hops[0].tree,
        snapshot=record.snapshot,
        about=json.dumps(about, indent=1) + "\n",
    )
    snapshot = {
        "version": record.before,
        "time": record.time,
        "brought": record.brought_before,
        "dump": None if record.dump is None else vars(record.dump),
        "record": record.data(),
    }
    host.ledger.finish(site.object, brought=record.brought, snapshot=snapshot, failed=None)


class LostError(AgentError):
    """What was to be put back is not there any more: the account removed or changed it meanwhile."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__("app.lost", message, f"{hint}; visitors stay shut out until the site is well")


def undo(site: Worksite) -> None:
    """Put back the code, what was moved, and the database, see that it is so, and open the site if it was open.

    Raises AgentError where something cannot be put back now (then it can be tried again), where it cannot ever
    (LostError), and where the site is not well although it was put back.
    """
    ledger, record = site.host.ledger, site.record
    left = ledger.unfinished().get(site.object)
    if left is None:
        return
    if left.phase != UNDONE:
        try:
            _put_back(site, left.phase)
        except LostError:
            ledger.finish(site.object)
            raise
        ledger.begin(site.object, UNDONE, record.data())
    unwell = None if record.fenced or left.phase in PHASES[:3] else _unwell(site)
    if not record.fenced and unwell is None:
        site.open()
    site.ask("remove", path=record.work)
    ledger.finish(site.object)
    if unwell is not None:
        raise unwell


def _unwell(site: Worksite) -> AgentError | None:
    """Why what was put back is not well, if it is not."""
    try:
        site.verify()
    except AgentError as error:
        error.message = f"{site.record.app} {site.record.before} is in its place again and is not well: {error.message}"
        error.hint = "visitors stay shut out until it is well: wsh apply opens the site then"
        return error
    return None


def _put_back(site: Worksite, phase: str) -> None:
    record = site.record
    reached = PHASES.index(phase)
    if reached >= PHASES.index("switched"):
        site.close()
        for hop in reversed(_switched(site)):
            _switch_back(site, hop)
        migrated = reached >= PHASES.index("migrated") or record.hop > 0
        if migrated and (record.dump is not None or record.task == INSTALL):
            restore(site, record.dump, f"{record.work}/{SNAPSHOT_DUMP}")
        site.ask("clear", tree=record.tree, paths=record.layout["cache"])
        site.reload()
    if record.task == INSTALL:
        for name in record.layout["outside"]:
            site.ask("remove", path=f"{record.site}/{name}")


def _switched(site: Worksite) -> list[Hop]:
    """The hops that are still to be switched back: an undo that was cut may have come past the last of them."""
    hops = site.record.hops[: site.record.hop + 1]
    trees, there = [hop.before for hop in hops], site.inode(site.record.tree)
    return hops[: trees.index(there) + 1] if there in trees else hops


def _switch_back(site: Worksite, hop: Hop) -> None:
    tree = site.record.tree
    if site.inode(tree) != hop.before:
        if site.inode(hop.tree) != hop.before:
            raise LostError(
                f"the tree that {tree} was before is neither there nor in {hop.tree}",
                "put back directory and database from a backup",
            )
        site.ask("exchange", one=hop.tree, other=tree)
    for path in site.ask("bring", source=hop.tree, target=tree, moves=hop.moves):
        site.say(f"{path} was removed meanwhile and cannot be put back")


def restore(site: Worksite, dump: Dump | None, path: str) -> None:
    """Make the database what a dump holds; without one, empty.

    Raises LostError, before anything was dropped, if the dump is not the one that was made; and if the database
    is not then what it was.
    """
    name, collation = site.record.database, site.record.collation
    if name is None or collation is None:
        return
    if dump is not None and site.ask("checksum", path=path) != dump.sha256:
        raise LostError(
            f"{path} is not the dump of {name} that was made; the database was left as it is",
            "put back the database from a backup",
        )
    database.empty(site.host.mariadb, name, *collation)
    if dump is None:
        return
    site.ask("load", seconds=_SECONDS, database=name, path=path)
    differ = database.differing(dump.marker, database.marker(site.host.mariadb, name))
    if differ:
        raise LostError(
            f"{path} was loaded, and these tables are not what they were: {', '.join(differ)[:500]}",
            f"look at them in the database {name}",
        )


# by whoever has no request


def recover(host: Host, left: Unfinished, helpers: Helpers | None = None) -> None:
    """End one transaction that was cut: finish it if it was as good as done, undo it otherwise.

    Raises AgentError, ``app.unrecorded`` for what an older wsh began.
    """
    try:
        record = Record.read(left.data)
    except (TypeError, KeyError):
        raise AgentError(
            "app.unrecorded",
            f"{left.object}: an older wsh began something here, and what it wrote down does not say how to end it",
            "wsh apply: it has the description",
        ) from None
    stop_steps(host, record.entrance)
    helpers = helpers or Helpers(host, record.entrance, ())
    site = Worksite(host, left.object, record, helpers)
    try:
        _end(site, left.phase)
    except OSError as error:
        raise io_error(left.object, error) from error
    finally:
        helpers.close()


def _end(site: Worksite, phase: str) -> None:
    if phase == "verified":
        try:
            site.verify()
            phase = "done"
            site.host.ledger.begin(site.object, phase, site.record.data())
        except AgentError as error:
            site.say(f"what was left is not well, so it is put back: {error.message}")
    if phase == "done":
        finish(site)
        site.say(f"what was cut is finished: {site.record.app} {site.record.after}")
    else:
        undo(site)
        site.say(f"what was cut is put back: {site.record.app} {site.record.before or 'is not installed'}")
