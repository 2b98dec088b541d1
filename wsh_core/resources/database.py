"""MariaDB: one user for an account, and its databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Resource


@dataclass(frozen=True, kw_only=True)
class Database(Resource):
    """An empty database; what is in it is the account's."""

    kind: ClassVar[str] = "database"

    name: str
    charset: str
    collation: str


@dataclass(frozen=True, kw_only=True)
class DatabaseUser(Resource):
    """A user that the socket identifies, with the same rights on each of its databases."""

    kind: ClassVar[str] = "database-user"

    name: str
    max_connections: int
    databases: tuple[str, ...]
