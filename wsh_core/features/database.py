"""MariaDB: a user that the socket knows by its uid, and a database for each site whose app has one."""

from __future__ import annotations

from collections.abc import Iterator

from wsh_core import resources as r

from .scope import AccountScope, SiteScope

CONNECTIONS = 20
"""At the same time; the server has 500 in all."""
CHARSET = "utf8mb4"


def resources(scope: AccountScope) -> Iterator[r.Resource]:
    """The account's user, with its databases; nothing if it has none."""
    databases = tuple(site.context.database for site in scope.sites if site.context.database)
    if databases:
        yield r.DatabaseUser(**scope.whose, name=scope.name, max_connections=CONNECTIONS, databases=databases)


def of_site(scope: SiteScope) -> Iterator[r.Resource]:
    """The site's database, if its app has one."""
    if scope.app.database and scope.context.database:
        yield r.Database(
            **scope.whose,
            name=scope.context.database,
            charset=CHARSET,
            collation=scope.app.database.collation,
        )
