"""What all features know: an account with its limits, and its sites with what their plugins say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypedDict

from wsh_core import releases
from wsh_core.agent import paths
from wsh_core.errors import ConfigError, Problem
from wsh_core.models.account import Account
from wsh_core.models.options import check
from wsh_core.models.package import Package
from wsh_core.models.server import Server
from wsh_core.models.site import Site
from wsh_core.plugins import Apps, LoadedApp
from wsh_core.vocabulary.config import ConfigFile, Job, Vhost
from wsh_core.vocabulary.context import AnySite, SiteContext
from wsh_core.vocabulary.facts import App
from wsh_core.vocabulary.options import NeedsOption, OptionsModel
from wsh_core.vocabulary.steps import Step

from . import release as releasing
from .release import Available


class Whose(TypedDict):
    """Whose a resource is, and why it is there: what every resource is given."""

    account: str
    object: str
    why: str


@dataclass(frozen=True)
class Hop:
    """A release on the way to the wanted one: its files, and the steps of its migration."""

    available: Available
    config: tuple[ConfigFile, ...]
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, available: Available, site: AnySite, loaded: LoadedApp) -> Hop:
        """Ask the plugin, as of a site that has this release."""
        there = replace(site, version=available.release.version)
        config = tuple(each for each in loaded.config(there) if isinstance(each, ConfigFile))
        return cls(available, config, loaded.upgrade(there))


@dataclass(frozen=True)
class SiteScope:
    """A site with its app, and what the app's plugin says of it. ``hops``: none for what wsh does not install.

    ``repositories`` are the description's, for what Composer installs.
    """

    site: Site
    loaded: LoadedApp
    context: AnySite
    vhost: Vhost
    config: tuple[ConfigFile, ...]
    jobs: tuple[Job, ...]
    install: tuple[Step, ...]
    hops: tuple[Hop, ...]
    repositories: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        site: Site,
        account: Account,
        loaded: LoadedApp,
        release: releases.Release,
        repositories: tuple[str, ...] = (),
    ) -> SiteScope:
        """Ask the plugin. Raises ConfigError for what the site's YAML lacks, PluginError for its plugin."""
        options = _options(site, loaded.app)
        wanted = releasing.chosen(site, loaded.app, options, release)
        name, key = str(site.account), str(site.key)
        context = SiteContext(
            account=name,
            key=key,
            domains=tuple(map(str, site.domains)),
            email=None if account.email is None else str(account.email),
            options=options,
            version="" if wanted is None else wanted.release.version,
            php=release.php.version,
            tree=f"{paths.site(name, key)}/app",
            database=f"{name}_{key}" if loaded.app.database else None,
            database_socket=paths.MARIADB_SOCKET,
        )
        try:
            config = loaded.config(context)
            way = () if wanted is None else releasing.way(loaded.app, wanted, release)
            return cls(
                site,
                loaded,
                context,
                loaded.vhost(context),
                tuple(each for each in config if isinstance(each, ConfigFile)),
                tuple(each for each in config if isinstance(each, Job)),
                loaded.install(context),
                tuple(Hop.of(each, context, loaded) for each in way),
                repositories,
            )
        except NeedsOption as error:
            where = site.origin.below("options").places()
            raise ConfigError("config.missing-key", str(error), None, where, f"site:{site.id}") from error

    @property
    def app(self) -> App:
        """What its app declares."""
        return self.loaded.app

    @property
    def slug(self) -> str:
        """Its name in file names: ``alice-blog``."""
        return f"{self.context.account}-{self.context.key}"

    @property
    def pinned(self) -> bool:
        """Whether the description says which release it is, rather than leaving that to upgrades."""
        return self.site.release is not None or getattr(self.context.options, "source", None) is not None

    @property
    def docroot(self) -> str:
        """The directory that is served."""
        return "/".join(part for part in (self.context.tree, self.vhost.docroot) if part)

    @cached_property
    def whose(self) -> Whose:
        """For resources of the site."""
        return {
            "account": self.context.account,
            "object": f"site:{self.context.account}/{self.context.key}",
            "why": self.site.where.short,
        }


@dataclass(frozen=True)
class AccountScope:
    """An account, and what its features need to know."""

    account: Account
    package: Package
    release: releases.Release
    sites: tuple[SiteScope, ...]

    @classmethod
    def of(
        cls, server: Server, account: Account, package: Package, apps: Apps, repositories: tuple[str, ...] = ()
    ) -> AccountScope:
        """Look up what the account names. Raises ConfigError and PluginError as `account_resources` does."""
        release = releases.load(server.debian)
        problems = _php_problems(server, account, release)
        sites: list[SiteScope] = []
        for site in account.sites.values():
            try:
                sites.append(SiteScope.of(site, account, apps.get(site.app), release, repositories))
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError.of(problems)
        return cls(account, package, release, tuple(sites))

    @property
    def name(self) -> str:
        """The account's name, which is its Unix user's and its group's."""
        return str(self.account.name)

    @cached_property
    def whose(self) -> Whose:
        """For resources of the account as a whole."""
        return {
            "account": self.name,
            "object": f"account:{self.name}",
            "why": self.account.where.short,
        }

    @cached_property
    def executes(self) -> bool:
        """Whether any of its sites runs PHP, so that the account has a runtime."""
        return any(site.app.php for site in self.sites)


def _options(site: Site, app: App) -> OptionsModel:
    options, problems = check(app.options, site.options, site.origin.below("options"), app=app.name)
    if options is None:
        raise ConfigError.of(problems)
    return options


def _php_problems(server: Server, account: Account, release: releases.Release) -> list[Problem]:
    wanted = account.php or server.php
    if wanted == release.php.version:
        return []
    where = account.origin.places("php") if account.php else server.origin.places("php")
    message = f"PHP {wanted} is not there on Debian {release.debian}, which has {release.php.version}"
    hint = f'php: "{release.php.version}", or leave it out'
    return [Problem("config.php-version", message, hint, where, f"account:{account.name}")]
