"""What can only be seen from several files together. Each check adds problems where they belong."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from wsh_core import releases
from wsh_core.errors import Problem, quote
from wsh_core.models import options
from wsh_core.models.account import Account
from wsh_core.models.check import suggest
from wsh_core.models.organisation import Organisation
from wsh_core.models.origin import Origin
from wsh_core.models.package import Package
from wsh_core.models.reading import AccountFile, Reading
from wsh_core.models.server import Server
from wsh_core.models.site import BUILT_IN_APPS
from wsh_core.models.types import DomainName, Refused


@dataclass(frozen=True)
class Apps:
    """What is known of applications; `names` is None if nothing is."""

    names: Collection[str] | None = None
    databases: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, type[BaseModel]] = field(default_factory=dict)

    @property
    def known(self) -> Collection[str] | None:
        """The names of all applications, the built-in ones included."""
        return None if self.names is None else {*self.names, *BUILT_IN_APPS}


def check(reading: Reading, apps: Apps) -> None:
    """Add to `reading`, and to its account files, what is wrong between them."""
    reading.general += _addresses(reading)
    reading.general += _apps_of_packages(reading, apps)
    for server in reading.servers:
        for file in server.accounts:
            told = {problem.where[0] for problem in file.problems if problem.where}
            found = _of_account(file, server.server, reading, apps)
            file.problems += [problem for problem in found if problem.where[0] not in told]
    _one_server_each(reading.accounts)
    _one_site_each(reading)


def _of_account(file: AccountFile, server: Server | None, reading: Reading, apps: Apps) -> Iterator[Problem]:
    yield from _package_name(file, reading)
    yield from _php_version(file, server)
    for key in file.source.values("sites"):
        yield from _app(file, key, apps)
    if file.account and reading.organisation:
        yield from _limits(file.account, reading.organisation, apps)


def _addresses(reading: Reading) -> Iterator[Problem]:
    first: dict[str, Server] = {}
    for server in (each.server for each in reading.servers if each.server):
        if (other := first.setdefault(server.address, server)) is not server:
            message = f"{server.address} is the address of two servers, {other.name} and {server.name}"
            places = other.origin.places("address") + server.origin.places("address")
            yield Problem("config.address-taken", message, "take one out", places, f"server:{server.name}")


def _apps_of_packages(reading: Reading, apps: Apps) -> Iterator[Problem]:
    if reading.organisation is None or apps.known is None:
        return
    for name, package in reading.organisation.packages.items():
        for index, app in enumerate(package.apps or ()):
            if app not in apps.known:
                yield _unknown_app(app, apps.known, reading.organisation.origin, "packages", name, "apps", index)


def _unknown_app(app: str, known: Collection[str], origin: Origin, *steps: str | int) -> Problem:
    hint = suggest(app, known) if len(known) > len(BUILT_IN_APPS) else None
    hint = hint or "its plugin must be installed, and be listed under plugins in wsh.yaml"
    return origin.problem("config.unknown-app", f"{quote(app)} is no application that is loaded", hint, *steps)


def _package_name(file: AccountFile, reading: Reading) -> Iterator[Problem]:
    known, name = reading.wsh_yaml.values("packages"), file.source.values().get("package")
    if known and isinstance(name, str) and name not in known:
        message = f"wsh.yaml has no package {quote(name)}"
        yield file.origin.problem("config.unknown-package", message, suggest(name, known), "package")


def _php_version(file: AccountFile, server: Server | None) -> Iterator[Problem]:
    given = file.source.values().get("php")
    if server is None or not isinstance(given, str):
        return
    version = releases.load(server.debian).php.version
    if given != version:
        message = f"Debian {server.debian} has PHP {version}, not {quote(given)}"
        yield file.origin.problem("config.php-version", message, f'write "{version}", or leave it out', "php")


def _app(file: AccountFile, key: str, apps: Apps) -> Iterator[Problem]:
    site = file.origin.below("sites", key, object=f"site:{file.name}/{key}")
    values = file.source.values("sites", key)
    app, given = values.get("app"), values.get("options")
    if not isinstance(app, str):
        return
    if apps.known is not None and app not in apps.known:
        yield _unknown_app(app, apps.known, site, "app")
    elif (model := apps.options.get(app)) and (given is None or isinstance(given, dict)):
        yield from _options(app, model, given or {}, site.below("options"))


def _options(app: str, model: type[BaseModel], given: Mapping[str, Any], origin: Origin) -> Collection[Problem]:
    try:
        return options.check(model, given, origin, app=app)[1]
    except Exception as error:  # noqa: BLE001 - a plugin's own code; its account is held, the others go on
        message = f"the options of {app} cannot be checked: {type(error).__name__}"
        hint = f"this is a fault of the plugin {app}; tell its makers"
        (place,) = origin.places(key=True)
        return [Problem("plugin.failed", message, hint, (place,), origin.object, str(error))]


def _limits(account: Account, organisation: Organisation, apps: Apps) -> Iterator[Problem]:
    if package := organisation.packages.get(account.package):
        yield from _counts(account, package, apps)
        yield from _site_limits(account, package)


def _counts(account: Account, package: Package, apps: Apps) -> Iterator[Problem]:
    sites = list(account.sites.values())
    has = f"the package {quote(account.package)} has"
    hint = "take sites out, or give it a larger package"
    if len(sites) > package.sites:
        message = f"{account.name} has {len(sites)} sites, {has} {package.sites}"
        surplus = sites[package.sites].key
        yield account.origin.problem("config.too-many-sites", message, hint, "sites", surplus, key=True)
    databases = sum(apps.databases.get(site.app, 0) for site in sites)
    if databases > package.databases:
        message = f"the sites of {account.name} need {databases} databases, {has} {package.databases}"
        yield account.origin.problem("config.too-many-databases", message, hint, "sites", key=True)


def _site_limits(account: Account, package: Package) -> Iterator[Problem]:
    name = quote(account.package)
    for site in account.sites.values():
        if package.apps is not None and site.app not in package.apps:
            message = f"the package {name} does not allow {quote(site.app)}"
            hint = f"it allows {', '.join(package.apps) or 'none'}"
            yield site.origin.problem("config.app-not-allowed", message, hint, "app")
        memory = site.settings.memory_limit
        if memory is not None and memory > package.memory:
            message = f"memory_limit {memory} is more than the package {name} has, {package.memory}"
            hint = f"at most {package.memory}"
            yield site.origin.problem("config.too-much-memory", message, hint, "php", "memory_limit")


def _one_server_each(accounts: list[AccountFile]) -> None:
    first: dict[str, AccountFile] = {}
    for file in accounts:
        if (other := first.setdefault(file.name, file)) is file:
            continue
        message = f"the account {file.name} is on two servers, {other.server} and {file.server}"
        hint = "remove one of the files; until then it is held on both"
        places = tuple(each.origin.where() for each in (other, file))
        problem = Problem("config.account-taken", message, hint, places, f"account:{file.name}")
        for each in (other, file):
            each.problems.append(problem)


class _Claim(NamedTuple):
    """A site, be it of a file that is held, names a domain."""

    file: AccountFile
    key: str
    item: int

    @property
    def site(self) -> str:
        return f"{self.file.name}/{self.key}"

    @property
    def origin(self) -> Origin:
        return self.file.origin.below("sites", self.key, "domains", self.item, object=f"site:{self.site}")


def _one_site_each(reading: Reading) -> None:
    """A domain belongs to one site, and none to what is a server's own name.

    Which of two accounts is right cannot be known, so both are held: who has it on the server keeps it.
    """
    own = {str(each.server.address): each.name for each in reading.servers if each.server}
    claims: dict[str, list[_Claim]] = {}
    for file in reading.accounts:
        for domain, claim in _claims(file):
            claims.setdefault(domain, []).append(claim)
    for domain, several in claims.items():
        if len(several) > 1:
            _taken(domain, several)
        if domain in own:
            message = f"{domain} is the address of the server {own[domain]}, which no site can have"
            for claim in several:
                claim.file.problems.append(claim.origin.problem("config.domain-reserved", message, None))


def _claims(file: AccountFile) -> Iterator[tuple[str, _Claim]]:
    """The domains of an account; of one that could not be made, those that can be told."""
    if file.account is not None:
        for site in file.account.sites.values():
            for item, domain in enumerate(site.domains):
                yield domain, _Claim(file, site.key, item)
        return
    for key in file.source.values("sites"):
        domains = file.source.values("sites", key).get("domains")
        for item, text in enumerate(domains if isinstance(domains, list) else ()):
            with suppress(Refused):
                yield DomainName(text), _Claim(file, key, item)


def _taken(domain: str, claims: list[_Claim]) -> None:
    sites = list(dict.fromkeys(claim.site for claim in claims))
    accounts = list(dict.fromkeys(claim.file.name for claim in claims))
    if len(sites) == 1:
        message, hint = f"{domain} stands twice at {sites[0]}", "take one out"
    else:
        message = f"{domain} belongs to {_number(sites)} sites, {_and(sites)}"
        hint = "take it out of one of them" if len(sites) == 2 else "take it out of all but one"
        if len(accounts) > 1:
            hint += f"; until then {_and(accounts)} are held"
    places = tuple(claim.origin.where() for claim in claims)
    problem = Problem("config.domain-taken", message, hint, places, f"site:{sites[-1]}")
    for file in {id(claim.file): claim.file for claim in claims}.values():
        file.problems.append(problem)


def _number(things: list[str]) -> str:
    return {2: "two", 3: "three"}.get(len(things), str(len(things)))


def _and(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
