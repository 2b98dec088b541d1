"""From a description and its plugins to what is wanted on each server; what cannot be known whole is held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from wsh_core import resources as r
from wsh_core.errors import ConfigError, PluginError, Problem
from wsh_core.features import account_resources
from wsh_core.models.account import Account
from wsh_core.models.description import AccountKey, Description
from wsh_core.models.server import Server
from wsh_core.plan.desired import Desired
from wsh_core.plan.labels import Label
from wsh_core.plugins import Apps
from wsh_core.resources import Resource

Wanted = Mapping[str, tuple[Resource, ...]]
"""By account."""


def collect(
    description: Description, apps: Apps, accounts: Collection[str] | None = None
) -> tuple[Description, Mapping[str, Desired]]:
    """What is wanted on each server, by its name; and the description, with those held that turned out wrong.

    An account whose plugin is missing or fails, or whose plugin finds it wrong, is held; the others go on. Of
    `accounts`, if they are given, and of no others.
    """
    wanted: dict[str, dict[str, tuple[Resource, ...]]] = {name: {} for name in description.servers}
    held: dict[AccountKey, tuple[Problem, ...]] = {}
    repositories = tuple(map(str, description.organisation.composer.repositories))
    for server, account in description.accounts():
        if accounts is not None and account.name not in accounts:
            continue
        try:
            found = account_resources(server, account, description.package_of(account), apps, repositories)
            wanted[server.name][account.name] = tuple(found)
        except (ConfigError, PluginError) as error:
            held[server.name, account.name] = tuple(_located(error.problems, account))
    checked = description.holding(held)
    return checked, {name: _desired(checked, server, wanted[name]) for name, server in checked.servers.items()}


def _located(problems: Iterable[Problem], account: Account) -> Iterator[Problem]:
    """The problems of an account; those of plugins are shown at its file, which is the one that must wait."""
    for each in problems:
        about = each.object or f"account:{account.name}"
        yield Problem(each.code, each.message, each.hint, each.where or (account.where,), about, each.detail)


def _desired(description: Description, server: Server, wanted: Wanted) -> Desired:
    return Desired(
        description=str(description.id),
        server=str(server.name),
        accounts=tuple(sorted(wanted)),
        resources=tuple(resource for name in sorted(wanted) for resource in wanted[name]),
        held={account: reason for (name, account), reason in _reasons(description) if name == server.name},
        labels=dict(_labels(server, wanted)),
    )


def _reasons(description: Description) -> Iterator[tuple[AccountKey, str]]:
    """Why accounts are held: the first reason, and how many there are."""
    for key, problems in description.held.items():
        more = f" (and {len(problems) - 1} more: wsh check)" if len(problems) > 1 else ""
        yield key, f"{problems[0]}{more}"


def _labels(server: Server, wanted: Wanted) -> Iterator[tuple[str, Label]]:
    for account in map(server.accounts.__getitem__, wanted):
        yield f"account:{account.name}", Label(package=str(account.package))
        versions = {each.object: each.version for each in wanted[account.name] if isinstance(each, r.App)}
        for site in account.sites.values():
            name = f"site:{site.id}"
            yield name, Label(str(site.domains[0]), f"{site.app} {versions.get(name, '')}".rstrip())
