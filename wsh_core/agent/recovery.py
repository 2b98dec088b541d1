"""``agent recover``: end what was cut, and remove snapshots past their days; nobody asks, so nothing is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from .ending import recover
from .errors import told
from .host import Host
from .jailed import Helpers
from .kinds.app import give_shim
from .operation import RECOVER, lock
from .protocol import event, now
from .record import Record
from .safefs import Root

DAYS = 7
"""How long a snapshot is kept."""
_LOCK_SECONDS = 3600.0


def run(emit: Callable[[dict[str, Any]], None]) -> bool:
    """Do it for all sites of this server, under the lock; whether all went well. What did not is told as an event.

    Raises AgentError when the lock cannot be had, or the ledger cannot be read.
    """
    holder = {"user": "wsh", "host": "here", "operation": RECOVER, "since": now()}
    with lock(Root("/"), holder, _LOCK_SECONDS):
        host = Host("/", writable=True, emit=emit)
        try:
            host.uids = host.ledger.uids()
            due = _cut(host) + _old(host)
            return not [object_ for object_, act in due if not _went_well(host, object_, act)]
        finally:
            host.close()


Due = list[tuple[str, Callable[[], None]]]


def _cut(host: Host) -> Due:
    unfinished = host.ledger.unfinished()
    if unfinished:
        give_shim(host)
    return [(object_, partial(recover, host, left)) for object_, left in unfinished.items()]


def _old(host: Host) -> Due:
    limit = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - DAYS * 86400))
    unfinished = host.ledger.unfinished()
    kept = {object_: notes.get("snapshot") for object_, notes in host.ledger.notes().items()}
    return [
        (object_, partial(_forget, host, object_, snapshot))
        for object_, snapshot in kept.items()
        if snapshot is not None and snapshot["time"] < limit and object_ not in unfinished
    ]


def _forget(host: Host, object_: str, snapshot: dict[str, Any]) -> None:
    record = Record.read(snapshot["record"])
    with closing(Helpers(host, record.entrance, ())) as helpers:
        helpers.get().ask("remove", path=record.snapshot)
    host.ledger.note(object_, snapshot=None)
    host.emit(event("log", object=object_, text=f"the snapshot of {record.app} {snapshot['version']} was removed"))


def _went_well(host: Host, object_: str, act: Callable[[], None]) -> bool:
    try:
        act()
    except Exception as error:  # noqa: BLE001  # one site's trouble is never another's
        known = told(object_, error)
        host.emit(event("log", object=object_, text=known.message, error=known.event()))
        return False
    return True
