from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import AgentError
from ..host import Host
from ..mariadb import grant_target, identifier, pattern, string
from ..protocol import Resource
from .base import Kind, State

RIGHTS = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "TRIGGER",
    "DELETE HISTORY",
)
"""What an account may do in each of its databases: everything but to pass its rights on."""
_ALL = frozenset(RIGHTS)

_HERE = "localhost"
_REST = re.compile("[a-z0-9_]{1,47}")
_SOCKET_ONLY = "unix_socket OR mysql_native_password USING 'invalid'"
"""The socket decides alone: the second method never succeeds; it is there to be given a password one day."""
_LIMITS = {
    "max_questions": "MAX_QUERIES_PER_HOUR",
    "max_updates": "MAX_UPDATES_PER_HOUR",
    "max_connections": "MAX_CONNECTIONS_PER_HOUR",
    "max_user_connections": "MAX_USER_CONNECTIONS",
    "max_statement_time": "MAX_STATEMENT_TIME",
}
_COLUMNS = {"Grant_priv": "GRANT OPTION", "Create_tmp_table_priv": "CREATE TEMPORARY TABLES"}
"""The columns of mysql.db that are not called as their right."""
_OTHER_RIGHTS = """
SELECT Host, User, CONCAT('table ', Db, '.', Table_name), NULL FROM mysql.tables_priv
UNION ALL
SELECT Host, User, CONCAT(LOWER(Routine_type), ' ', Db, '.', Routine_name), NULL FROM mysql.procs_priv
UNION ALL
SELECT Host, User, CONCAT('role ', Role), NULL FROM mysql.roles_mapping
UNION ALL
SELECT Host, User, CONCAT('proxy of ', Proxied_user), CONCAT(QUOTE(Proxied_user), '@', QUOTE(Proxied_host))
FROM mysql.proxies_priv
"""


def _own_name(resource: Resource) -> str:
    """The name that a resource wants, if it is one of its account's: ``alice``, or ``alice_`` and more."""
    name = str(resource.want["name"])
    account, line, rest = name.partition("_")
    right = not line if resource.kind == DatabaseUserKind.name else _REST.fullmatch(rest)
    if account != resource.account or not right:
        owner = resource.account or "the server"
        raise AgentError("request.database", f"{resource.id}: {name} is no name of {owner} in MariaDB")
    return name


class DatabaseKind(Kind):
    """A database: that it is there, and its defaults. What is in it is the account's and is not looked at."""

    name = "database"

    def desired(self, resource: Resource) -> State:
        return {"charset": resource.want["charset"], "collation": resource.want["collation"]}

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        rows = self.host.mariadb.query(
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        )
        there = {name: {"charset": charset, "collation": collation} for name, charset, collation in rows}
        return {resource.id: there.get(resource.want["name"]) for resource in resources}

    def write(self, resource: Resource, actual: State | None) -> None:
        verb, name = "CREATE" if actual is None else "ALTER", identifier(_own_name(resource))
        charset, collation = string(resource.want["charset"]), string(resource.want["collation"])
        self.host.mariadb.query(f"{verb} DATABASE {name} CHARACTER SET {charset} COLLATE {collation}")


@dataclass
class _Login:
    """What MariaDB knows under one user name."""

    state: State | None = None
    """Of NAME@localhost; None: there is none."""
    patterns: dict[str, frozenset[str]] = field(default_factory=dict)
    """Its rights by database pattern."""
    others: list[str] = field(default_factory=list)
    """Its other rights, in words."""
    proxied: list[str] = field(default_factory=list)
    """The users as whom it may act, as REVOKE PROXY takes them."""
    hosts: set[str] = field(default_factory=set)
    """Other hosts for which there is such a user, or a right without a user."""

    def here(self, host: str | None) -> bool:
        if host != _HERE:
            self.hosts.add(host or "")
        return host == _HERE

    def exact(self, databases: set[str]) -> dict[str, str]:
        """Which of these databases it has exactly the right rights on, by pattern."""
        patterns = {pattern(name): name for name in databases}
        return {p: patterns[p] for p, held in self.patterns.items() if p in patterns and held == _ALL}


class DatabaseUserKind(Kind):
    """The user of an account, identified by the socket, and exactly its rights: what is beyond is taken back.

    Every row of the grant tables that names the user counts. Its rights on a database that the description no
    longer wants stay as long as that database does.
    """

    name = "database-user"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._logins: dict[str, _Login] = {}

    def desired(self, resource: Resource) -> State:
        limit = resource.want["max_connections"]
        return {
            "auth": "unix_socket",
            "locked": False,
            "limits": {"max_user_connections": limit} if limit else {},
            "databases": sorted(resource.want["databases"]),
            "other_rights": [],
        }

    # reading

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        self._logins = self._read_all({r.want["name"] for r in resources})
        return {r.id: self._state(r) for r in resources}

    def _read_all(self, names: set[str]) -> dict[str, _Login]:
        """One pass over the grant tables, whatever the number of users."""
        query, found = self.host.mariadb.query, {name: _Login() for name in names}
        for host, user, text in query("SELECT Host, User, Priv FROM mysql.global_priv"):
            if user in names:
                priv = json.loads(text or "{}")
                if not priv.get("is_role") and found[user].here(host):
                    _add_account(found[user], priv)
        columns = [row[0] or "" for row in query("SHOW COLUMNS FROM mysql.db LIKE '%\\_priv'")]
        per_database = f"SELECT Host, User, Db, CONCAT({','.join(columns)}) FROM mysql.db"  # noqa: S608
        rights: dict[str | None, frozenset[str]] = {}
        for host, user, database, bits in query(per_database):
            if user in names and found[user].here(host):
                if bits not in rights:
                    rights[bits] = _rights(columns, bits or "")
                found[user].patterns[database or ""] = rights[bits]
        for host, user, words, proxied in query(_OTHER_RIGHTS):
            if user in names and found[user].here(host):
                found[user].others.append(words or "")
                found[user].proxied += [proxied] if proxied is not None else []
        return found

    def _state(self, resource: Resource) -> State | None:
        login = self._logins[resource.want["name"]]
        if login == _Login():
            return None
        exact, wanted = login.exact(self._databases(resource)), set(resource.want["databases"])
        beyond = [f"{', '.join(sorted(held))} on `{p}`.*" for p, held in login.patterns.items() if p not in exact]
        elsewhere = [f"login from {host or 'everywhere'}" for host in login.hosts]
        state = login.state or {"auth": None, "locked": False, "limits": {}}
        return state | {
            "databases": sorted(wanted.intersection(exact.values())),
            "other_rights": sorted([*beyond, *login.others, *elsewhere]),
        }

    def _databases(self, resource: Resource) -> set[str]:
        """Those that the account has: wanted, or made for it once and not removed."""
        return set(resource.want["databases"]) | self._owned[resource.account]

    @cached_property
    def _owned(self) -> dict[str | None, set[str]]:
        owned: defaultdict[str | None, set[str]] = defaultdict(set)
        for row in self.host.ledger.owned().values():
            kind, _, name = row.id.partition(":")
            if kind == DatabaseKind.name:
                owned[row.account].add(name)
        return owned

    # writing

    def write(self, resource: Resource, actual: State | None) -> None:
        del actual  # says in words what self._logins says in full
        name = _own_name(resource)
        user, login = f"{string(name)}@{string(_HERE)}", self._logins[name]
        self.host.mariadb.execute(
            [
                *_login(user, login, self.desired(resource)),
                *(f"DROP USER {string(name)}@{string(host)}" for host in sorted(login.hosts)),
                *(f"REVOKE PROXY ON {proxied} FROM {user}" for proxied in login.proxied),
                *self._grants(resource, user, login),
            ]
        )

    def _grants(self, resource: Resource, user: str, login: _Login) -> Iterator[str]:
        exact = login.exact(self._databases(resource))
        due = set(resource.want["databases"]) | set(exact.values())
        if login.others or exact.keys() != login.patterns.keys():
            # The one statement that takes back every kind of right; what is due comes back right behind it.
            yield f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {user}"
            exact = {}
        for database in sorted(due.difference(exact.values())):
            yield f"GRANT {', '.join(RIGHTS)} ON {grant_target(database)} TO {user}"


def _login(user: str, login: _Login, want: State) -> Iterator[str]:
    limits = " ".join(f"{words} {int(want['limits'].get(key, 0))}" for key, words in _LIMITS.items())
    if login.state is None:
        yield f"CREATE USER {user} IDENTIFIED VIA {_SOCKET_ONLY} WITH {limits}"
    elif any(value != want[key] for key, value in login.state.items()):
        yield f"ALTER USER {user} IDENTIFIED VIA {_SOCKET_ONLY} REQUIRE NONE WITH {limits} ACCOUNT UNLOCK"


def _add_account(login: _Login, priv: State) -> None:
    """The row of mysql.global_priv: ways to log in, limits, and rights on the whole server."""
    ways = [way or priv for way in priv.get("auth_or", [priv])]
    login.state = {
        "auth": ", ".join(sorted(filter(None, map(_way, ways)))),
        "locked": bool(priv.get("account_locked")),
        "limits": {key: priv[key] for key in (*_LIMITS, "ssl_type") if priv.get(key)},
    }
    if priv.get("access"):
        login.others.append("rights on *.*")


def _way(method: State) -> str:
    """One way to log in, without what is secret of it; nothing for one that never succeeds."""
    plugin, text = method.get("plugin"), method.get("authentication_string")
    if plugin == "unix_socket" and text:
        return f"unix_socket of {text}"
    return "" if (plugin, text) == ("mysql_native_password", "invalid") else plugin or "no password"


def _rights(columns: Sequence[str], bits: str) -> frozenset[str]:
    names = [_COLUMNS.get(c) or c.removesuffix("_priv").replace("_", " ").upper() for c in columns]
    return frozenset(name for name, bit in zip(names, bits, strict=True) if bit == "Y")
