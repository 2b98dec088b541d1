"""A site's database as a transaction sees it: whether anything is in it, what it is, and to empty it."""

from __future__ import annotations

from contextlib import suppress

from .errors import AgentError
from .mariadb import Client, identifier, string


def held(client: Client, database: str) -> int:
    """How many tables, views, routines and events a database holds; 0 if it is not there."""
    name = string(database)
    parts = (("TABLES", "TABLE_SCHEMA"), ("ROUTINES", "ROUTINE_SCHEMA"), ("EVENTS", "EVENT_SCHEMA"))
    counts = (
        f"SELECT COUNT(*) FROM information_schema.{table} WHERE {of} = {name}"  # noqa: S608 - quoted
        for table, of in parts
    )
    return sum(int(count or 0) for (count,) in client.query(" UNION ALL ".join(counts)))


def marker(client: Client, database: str) -> dict[str, str]:
    """What tells the content of each table from another: its checksum (CHECKSUM TABLE).

    Where a column holds single-precision numbers, of which a dump keeps six digits only, it is the count of rows.
    """
    name = string(database)
    rows = client.query(
        "SELECT t.TABLE_NAME, COALESCE(SUM(c.DATA_TYPE = 'float'), 0) FROM information_schema.TABLES t"  # noqa: S608
        " LEFT JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME)"
        f" WHERE t.TABLE_SCHEMA = {name} AND t.TABLE_TYPE = 'BASE TABLE' GROUP BY t.TABLE_NAME"
    )
    found = {}
    for table, floats in rows:
        whole = f"{identifier(database)}.{identifier(str(table))}"
        if float(floats or 0):
            ((count,),) = client.query(f"SELECT COUNT(*) FROM {whole}")  # noqa: S608 - quoted
            found[str(table)] = f"{count} rows"
        else:
            ((_, value),) = client.query(f"CHECKSUM TABLE {whole}")
            found[str(table)] = str(value)
    return found


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The tables in which two markers differ."""
    return sorted(table for table in {*one, *other} if one.get(table) != other.get(table))


def defaults(client: Client, database: str) -> tuple[str, str] | None:
    """The character set and the collation of a database, None if it is not there."""
    rows = client.query(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME"  # noqa: S608 - quoted
        f" FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {string(database)}"
    )
    return (str(rows[0][0]), str(rows[0][1])) if rows else None


def empty(client: Client, database: str, charset: str, collation: str) -> None:
    """Drop a database, if it is there, and make it anew: rights on it stay, for they are its name's.

    Whoever still works in it is cut off: a statement goes on when its program is dead, and would be waited for.
    """
    name = identifier(database)
    sessions = f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = {string(database)} AND ID <> CONNECTION_ID()"  # noqa: S608
    for (session,) in client.query(sessions):
        with suppress(AgentError):  # it may have ended by itself
            client.query(f"KILL HARD CONNECTION {int(session or 0)}")
    client.execute(
        [f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} CHARACTER SET {charset} COLLATE {collation}"]
    )
