"""What wsh owns on this server: who made what, uids, and the journal of what is half done (SQLite, one writer)."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from . import paths
from .errors import AgentError
from .safefs import Root

_SCHEMA = 2
_MIGRATIONS = {
    1: """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE owned (id TEXT PRIMARY KEY, account TEXT, object TEXT NOT NULL, why TEXT NOT NULL,
                        state TEXT);
    CREATE TABLE uids (uid INTEGER PRIMARY KEY, account TEXT NOT NULL UNIQUE);
    CREATE TABLE journal (object TEXT PRIMARY KEY, phase TEXT NOT NULL, data TEXT NOT NULL);
    CREATE TABLE flags (name TEXT PRIMARY KEY);
    """,
    2: """
    CREATE TABLE apps (object TEXT PRIMARY KEY, data TEXT NOT NULL);
    """,
}


@dataclass(frozen=True)
class Owned:
    id: str
    account: str | None
    object: str
    why: str
    state: str | None
    """The digest of the state in which wsh last saw it as wanted; None while it was only about to be made."""


@dataclass(frozen=True)
class Unfinished:
    """A transaction that has not ended; ``data`` is that of its record (record.py)."""

    object: str
    phase: str
    data: dict[str, Any]


def unusable(error: sqlite3.Error) -> AgentError:
    """Why the ledger cannot be read or written."""
    if isinstance(error, sqlite3.OperationalError):
        return AgentError("server.io", f"{paths.LEDGER}: {error}", "look at the disk: df -h; df -i")
    return AgentError(
        "ledger.unreadable",
        f"{paths.LEDGER} is damaged: {error}",
        f"mv {paths.LEDGER} {paths.LEDGER}.damaged; then wsh plan: what is as described is taken for wsh's again",
    )


class Ledger:
    """Read and write the ledger. Every method that writes is one transaction, on disk when it returns.

    Opened for reading on a server that has none, it is empty and nothing is made.
    """

    def __init__(self, fs: Root, *, writable: bool) -> None:
        self._fs = fs
        self._db = self._open(writable)

    def _open(self, writable: bool) -> sqlite3.Connection:
        path = os.path.join(self._fs.directory, paths.LEDGER.lstrip("/"))
        there = self._fs.exists(paths.LEDGER)
        if not writable:
            db = sqlite3.connect(":memory:", isolation_level=None)
            if there:
                with closing(sqlite3.connect(path, timeout=10)) as stored:
                    stored.backup(db)
        else:
            if not there:
                self._fs.makedirs(paths.STATE)
                self._fs.write(paths.LEDGER, b"", mode=0o600)
            db = sqlite3.connect(path, isolation_level=None, timeout=10)
            db.execute("PRAGMA synchronous=FULL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA:
            raise AgentError(
                "ledger.newer",
                f"{paths.LEDGER} was written by a newer wsh: schema {version}, not {_SCHEMA}",
                "use the newer wsh, on the controller too; nothing was changed",
            )
        for step in range(version + 1, _SCHEMA + 1):
            if version and writable:
                shutil.copy2(path, f"{path}.{version}")
            db.executescript(f"BEGIN; {_MIGRATIONS[step]} PRAGMA user_version={step}; COMMIT;")
        return db

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._commit()
        except BaseException as error:
            if self._db.in_transaction:  # SQLite has ended it itself if the disk is full
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise unusable(error) from error
            raise

    def _commit(self) -> None:
        self._db.execute("COMMIT")

    # whose server this is

    @property
    def description(self) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key='description'").fetchone()
        return None if row is None else str(row[0])

    def take(self, description: str) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('description', ?)", (description,))

    # what is owned

    def owned(self) -> dict[str, Owned]:
        rows = self._db.execute("SELECT id, account, object, why, state FROM owned ORDER BY id")
        return {row[0]: Owned(*row) for row in rows}

    def claim(self, rows: Iterable[tuple[str, str | None, str, str]]) -> None:
        """Say what is about to be made, so that a run cut short still knows it as wsh's: (id, account, object, why)."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO owned VALUES (?, ?, ?, ?, NULL)", rows)

    def own(self, rows: Iterable[tuple[str, str | None, str, str, str]]) -> None:
        """Record what is there and as wanted, with the digest of its state."""
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO owned VALUES (?, ?, ?, ?, ?)", rows)

    def disclaim(self, ids: Iterable[str]) -> None:
        """Take back claims on what was not made after all."""
        with self._transaction() as db:
            db.executemany("DELETE FROM owned WHERE id=? AND state IS NULL", [(id_,) for id_ in ids])

    # uids, never used twice

    def uids(self) -> dict[str, int]:
        return {account: uid for uid, account in self._db.execute("SELECT uid, account FROM uids")}

    def keep_uids(self, uids: dict[str, int]) -> None:
        """Record uids and raise the floor below which none is given again; the floor also stands in a file."""
        with self._transaction() as db:
            db.executemany("INSERT INTO uids (account, uid) VALUES (?, ?)", uids.items())
        self._fs.makedirs(paths.ETC)
        floor = max([self.uid_floor() - 1, *uids.values()]) + 1
        self._fs.write(paths.UID_FLOOR, f"{floor}\n".encode(), mode=0o644)

    def uid_floor(self) -> int:
        """The smallest uid that was never given."""
        (top,) = self._db.execute("SELECT MAX(uid) FROM uids").fetchone()
        try:
            written = int(self._fs.read(paths.UID_FLOOR, limit=64))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            written = 0
        return max(paths.FIRST_UID, written, (top or 0) + 1)

    # the journal: at most one unfinished transaction per object

    def begin(self, object_: str, phase: str, data: dict[str, Any]) -> None:
        """Record that ``phase`` is about to begin; what recovery needs is in ``data``."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", (object_, phase, json.dumps(data)))

    def finish(self, object_: str, **notes: Any) -> None:
        """End a transaction; ``notes`` are kept in the same write, as by ``note``."""
        with self._transaction() as db:
            db.execute("DELETE FROM journal WHERE object=?", (object_,))
            self._note(db, object_, notes)

    def unfinished(self) -> dict[str, Unfinished]:
        rows = self._db.execute("SELECT object, phase, data FROM journal ORDER BY object")
        return {row[0]: Unfinished(row[0], row[1], json.loads(row[2])) for row in rows}

    # what is known of a site's application and does not stand in its tree: see record.py

    def notes(self) -> dict[str, dict[str, Any]]:
        return {row[0]: json.loads(row[1]) for row in self._db.execute("SELECT object, data FROM apps ORDER BY object")}

    def note(self, object_: str, **notes: Any) -> None:
        """Keep something of a site's application; None: no longer."""
        with self._transaction() as db:
            self._note(db, object_, notes)

    def _note(self, db: sqlite3.Connection, object_: str, notes: dict[str, Any]) -> None:
        if notes:
            known = self.notes().get(object_, {}) | notes
            data = json.dumps({key: value for key, value in known.items() if value is not None})
            db.execute("INSERT OR REPLACE INTO apps VALUES (?, ?)", (object_, data))

    # flags: an effect that is owed (a reload) until it has been had

    def raise_flag(self, name: str) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO flags VALUES (?)", (name,))

    def lower_flag(self, name: str) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM flags WHERE name=?", (name,))

    def flags(self) -> set[str]:
        return {row[0] for row in self._db.execute("SELECT name FROM flags")}
