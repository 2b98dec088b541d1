"""What an application is: facts, declared once."""

from __future__ import annotations

from . import checks
from .base import Declaration, checked
from .options import AppOptions, OptionsModel
from .sources import Release
from .steps import Php
from .upstream import Upstream


class VersionFile(Declaration):
    """The file that tells the installed version: the expression's one group (``re.MULTILINE``) holds it."""

    path: str = checked(checks.relative)
    regex: str = checked(checks.one_group)


class Database(Declaration):
    """The database of a site.

    Its collation is explicit, because MariaDB's own default differs between Debian releases.
    """

    collation: str = checked(
        checks.matching(r"utf8mb4_[a-z0-9_]+", "collation of utf8mb4"), default="utf8mb4_unicode_ci"
    )


class Probe(Declaration):
    """How the application's health is seen from outside: a page, its status, and text that stands in it."""

    path: str = checked(checks.url_path)
    status: int = checked(checks.whole(100, 599), default=200)
    contains: str = checked(checks.word, default="")


class Layout(Declaration):
    """What in the tree is not code.

    ``config`` is what the application keeps of its configuration: copied into a new tree, and back with the
    database. ``data`` is moved over at an upgrade, ``cache`` is emptied both ways, ``outside`` names directories
    beside the tree, which no upgrade touches. ``additions`` are directories of code where the account puts things
    of its own: what the release did not bring is moved over too.
    """

    config: tuple[str, ...] = checked(checks.each(checks.relative), default=())
    data: tuple[str, ...] = checked(checks.each(checks.relative), default=())
    cache: tuple[str, ...] = checked(checks.each(checks.relative), default=())
    outside: tuple[str, ...] = checked(checks.each(checks.matching(r"[a-z][a-z0-9-]{0,31}", "name")), default=())
    additions: tuple[str, ...] = checked(checks.each(checks.relative), default=())

    def check(self) -> None:
        taken = {"app"} & {*self.outside}
        if taken:
            raise ValueError("Layout.outside: 'app' is the tree itself")


def _options(value: object) -> type[OptionsModel]:
    """A subclass of ``OptionsModel``; of ``AppOptions``, if the application is installed."""
    if not isinstance(value, type) or not issubclass(value, OptionsModel):
        raise TypeError(f"{value!r} is no subclass of OptionsModel")
    return value


class App(Declaration):
    """An application that a site can have.

    ``releases`` are newest first; an app is installed if its ``options`` are `AppOptions`. ``php`` says
    whether anything in the site is executed; ``extensions`` are named as ``php -m`` does, in lower case.
    ``up_to_date`` is a step that succeeds only where no migration is outstanding: many applications answer
    visitors as if nothing were wrong when their database is still that of the release before.
    ``upstream`` is what `wsh app refresh` needs to find newer releases.
    """

    name: str = checked(checks.matching(r"[a-z][a-z0-9]{1,31}", "name of an app"))
    title: str = checked(checks.word)
    options: type[OptionsModel] = checked(_options, default=OptionsModel)
    releases: tuple[Release, ...] = checked(checks.each(checks.instance(Release)), default=())
    version: VersionFile | None = checked(checks.optional(checks.instance(VersionFile)), default=None)
    health: Probe | None = checked(checks.optional(checks.instance(Probe)), default=None)
    up_to_date: Php | None = checked(checks.optional(checks.instance(Php)), default=None)
    layout: Layout = checked(checks.instance(Layout), default=Layout())
    database: Database | None = checked(checks.optional(checks.instance(Database)), default=None)
    extensions: tuple[str, ...] = checked(
        checks.each(checks.matching(r"[a-z0-9_]+", "name of an extension")), default=()
    )
    php: bool = checked(checks.boolean, default=True)
    upstream: Upstream | None = checked(checks.optional(checks.instance(Upstream)), default=None)

    @property
    def installed(self) -> bool:
        """Whether wsh installs it, rather than leaving the site's tree to the account."""
        return issubclass(self.options, AppOptions)

    def check(self) -> None:
        if self.installed and (self.version is None or self.health is None):
            raise ValueError(f"App {self.name}: what is installed needs version (VersionFile) and health (Probe)")
        if self.releases and not self.installed:
            raise ValueError(f"App {self.name}: has releases, so its options must be a subclass of AppOptions")
