"""A site's database as a transaction sees it: whether anything is in it, and to empty it."""

from __future__ import annotations

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


def empty(client: Client, database: str) -> None:
    """Drop a database and make it anew, as it was: rights on it stay, for they are its name's."""
    defaults = client.query(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME"  # noqa: S608 - quoted
        f" FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {string(database)}"
    )
    for charset, collation in defaults:  # one, or none where it is not there: then it is made in its turn
        name = identifier(database)
        client.execute([f"DROP DATABASE {name}", f"CREATE DATABASE {name} CHARACTER SET {charset} COLLATE {collation}"])
