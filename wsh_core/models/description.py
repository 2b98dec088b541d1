"""The whole description: what was read, and what of it is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wsh_core.errors import Problem, Where
from wsh_core.models.account import Account
from wsh_core.models.organisation import Organisation
from wsh_core.models.origin import Origin
from wsh_core.models.package import Package
from wsh_core.models.server import Server
from wsh_core.models.site import Site

AccountKey = tuple[str, str]
"""A server's name and an account's."""


@dataclass(frozen=True, eq=False)
class Description:
    """Servers, accounts and sites as they were read; accounts with a problem are not among them but held."""

    root: Path
    organisation: Organisation
    servers: Mapping[str, Server]
    held: Mapping[AccountKey, tuple[Problem, ...]]
    problems: tuple[Problem, ...]
    """Everything that is wrong, each thing once, by file and line."""
    files: int
    """How many files were read."""

    @property
    def id(self) -> str:
        """By this a server knows whose it is."""
        return self.organisation.description

    def accounts(self) -> Iterator[tuple[Server, Account]]:
        """All accounts that are not held, with their servers, by name."""
        for server in self.servers.values():
            for account in server.accounts.values():
                yield server, account

    def account(self, name: str) -> tuple[Server, Account] | None:
        """An account by its name, with its server."""
        found = ((server, server.accounts[name]) for server in self.servers.values() if name in server.accounts)
        return next(found, None)

    def site(self, name: str) -> Site | None:
        """A site by its id (`alice/blog`) or by any of its domains."""
        for _, account in self.accounts():
            for site in account.sites.values():
                if site.id == name or name in site.domains:
                    return site
        return None

    def package_of(self, account: Account) -> Package:
        """The limits of an account."""
        return self.organisation.packages[account.package]

    def where(self, object: str, *steps: str | int) -> Where:
        """The place of what reports call `account:alice`, `site:alice/blog`, `server:web1`, `package:small`.

        `steps` lead further in, key by key. Raises KeyError for what is not there, or is held.
        """
        return self._origin(object).where(*steps, key=not steps)

    def _origin(self, object: str) -> Origin:
        kind, _, name = object.partition(":")
        if kind == "server":
            return self.servers[name].origin
        if kind == "package":
            return self.organisation.origin.below("packages", name)
        if kind == "account" and (found := self.account(name)):
            return found[1].origin
        if kind == "site" and (site := self.site(name)):
            return site.origin
        raise KeyError(object)

    def holding(self, more: Mapping[AccountKey, tuple[Problem, ...]]) -> Description:
        """The same description with further accounts held, for what is found later: a plugin failed."""
        held = dict(self.held)
        for key, problems in more.items():
            held[key] = held.get(key, ()) + problems
        servers = {
            name: server.having(
                {each: account for each, account in server.accounts.items() if (name, each) not in held}
            )
            for name, server in self.servers.items()
        }
        problems = ordered([*self.problems, *(problem for problems in more.values() for problem in problems)])
        return replace(self, servers=servers, held=held, problems=problems)


def ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each problem once, general files first, then by file and line; of several places the last counts."""
    return tuple(sorted(dict.fromkeys(problems), key=_order))


def _order(problem: Problem) -> tuple[bool, str, int, int, str]:
    if not problem.where:
        return False, "", 0, 0, problem.message
    place = problem.where[-1]
    parts = place.file.split("/")
    file = "" if place.file == "wsh.yaml" else place.file
    return parts[-2:-1] == ["accounts"], file, place.line, place.column, problem.message
