"""Where an application comes from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, ClassVar

from . import checks
from .base import Declaration, checked

_PACKAGE = checks.matching(
    r"[a-z0-9]([a-z0-9_.-]*[a-z0-9])?/[a-z0-9]([a-z0-9_.-]*[a-z0-9])?", "name of a Composer package"
)
_CONSTRAINT = checks.matching(r"[0-9A-Za-z~^*@<>=!|,. +_-]+", "version constraint of Composer")


class _MaybeComposed(Declaration):
    """An archive; ``composer``: it brings a composer.lock, and not the packages that the lock names."""

    def as_data(self) -> dict[str, Any]:
        return {name: value for name, value in super().as_data().items() if name != "composer" or value}


class Archive(_MaybeComposed):
    """A tar or zip file on the web; ``root`` is the directory in it that becomes the site's tree.

    ``composer``: it brings a composer.lock, and not the packages that the lock names.
    """

    tag: ClassVar[Mapping[str, str]] = {"type": "archive"}

    url: str = checked(checks.https)
    sha256: str = checked(checks.sha256)
    root: str = checked(checks.tree, default="")
    composer: bool = checked(checks.boolean, default=False)


class DebianPackage(Declaration):
    """Packages of one Debian release, unpacked and never installed.

    ``packages`` are the application's own and those that its links lead into, each in the version that apt
    prefers, or ``name=version``; ``version`` is that of the first one. ``links`` are links that the packages
    lack, path and target as ln(1) would have them from ``/``: what they lead to is put in their place, so that
    the tree is laid out as the application's publisher does.
    """

    tag: ClassVar[Mapping[str, str]] = {"type": "debian"}

    packages: tuple[str, ...] = checked(
        checks.each(checks.matching(r"[a-z0-9][a-z0-9.+-]+(=[0-9][A-Za-z0-9.+:~-]*)?", "name of a package"), least=1)
    )
    version: str = checked(checks.matching(r"[0-9][A-Za-z0-9.+:~-]*", "version of a package"))
    root: str = checked(checks.relative)
    debian: int = checked(checks.whole(12, 99))
    links: Mapping[str, str] = checked(checks.table(checks.relative, checks.word), default={})

    def as_data(self) -> dict[str, Any]:
        without = {"debian"} if self.links else {"debian", "links"}
        return {name: value for name, value in super().as_data().items() if name not in without}


class LocalFile(_MaybeComposed):
    """A tar or zip file that lies on the server, readable by root; otherwise as an Archive."""

    tag: ClassVar[Mapping[str, str]] = {"type": "file"}

    path: str = checked(checks.absolute)
    sha256: str = checked(checks.sha256)
    root: str = checked(checks.tree, default="")
    composer: bool = checked(checks.boolean, default=False)


class ComposerProject(Declaration):
    """A project that Composer creates: the package of that name, in the release's version.

    ``require`` is added to what the project requires, or says it more narrowly; ``self.version`` stands for the
    release's version, as everywhere with Composer. ``lock`` is a composer.lock on the
    server, with the checksum ``sha256``: what is installed is then what it says. Without one the lock is made on
    the server when the release is first wanted there, and kept.
    """

    tag: ClassVar[Mapping[str, str]] = {"type": "composer"}

    package: str = checked(_PACKAGE)
    require: Mapping[str, str] = checked(checks.table(_PACKAGE, _CONSTRAINT), default={})
    lock: str | None = checked(checks.optional(checks.absolute), default=None)
    sha256: str | None = checked(checks.optional(checks.sha256), default=None)

    def check(self) -> None:
        if (self.lock is None) != (self.sha256 is None):
            raise ValueError("ComposerProject: lock and sha256 come together")


Source = Archive | DebianPackage | LocalFile | ComposerProject
_SOURCES: Mapping[str, type[Source]] = {
    "archive": Archive,
    "debian": DebianPackage,
    "file": LocalFile,
    "composer": ComposerProject,
}


_VERSION = checks.matching(r"[0-9][A-Za-z0-9.+~-]*", "version")


class Release(Declaration):
    """A version of an application: the PHP versions that it is known to run on, and where it can be had.

    Of the sources, the first that fits the server is taken. ``upgrades_from`` is the lowest version from which
    one hop leads here; what is older goes by way of other releases.
    """

    version: str = checked(_VERSION)
    php: tuple[str, ...] = checked(checks.each(checks.matching(r"[0-9]\.[0-9]{1,2}", "PHP version"), least=1))
    sources: tuple[Source, ...] = checked(
        checks.each(checks.instance(Archive, DebianPackage, LocalFile, ComposerProject), least=1)
    )
    upgrades_from: str = checked(_VERSION, default="0")

    def source(self, debian: int) -> Source | None:
        """The first source that a server with this Debian release can have."""
        return next(
            (s for s in self.sources if not isinstance(s, DebianPackage) or s.debian == debian),
            None,
        )


def releases(package: str, file: str = "releases.toml") -> tuple[Release, ...]:
    """Read the releases that a plugin ships as data, the one to be preferred first.

    Each ``[[release]]`` has ``version``, ``php``, ``sources`` and, where not every older version can be upgraded
    to it at once, ``upgrades_from``; a source's ``type`` is archive, debian, file or composer.

    Raises:
        TypeError, ValueError: what the file says is no release, with the place.
    """
    return parse(files(package).joinpath(file).read_text(encoding="utf-8"), file)


def parse(text: str, file: str) -> tuple[Release, ...]:
    """Read releases from the text of a *file*; raises as `releases` does."""
    data = tomllib.loads(text)
    return tuple(_release(entry, f"{file}, release {number}") for number, entry in enumerate(data["release"], 1))


def _release(entry: dict[str, Any], place: str) -> Release:
    try:
        sources = [_source(dict(source)) for source in entry.pop("sources")]
        return Release(**entry, sources=tuple(sources))
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"{place}: {error}") from error


def _source(entry: dict[str, Any]) -> Source:
    kind = entry.pop("type", None)
    if kind not in _SOURCES:
        raise ValueError(f"a source's type is one of {', '.join(_SOURCES)}, not {kind!r}")
    return _SOURCES[kind](**entry)
