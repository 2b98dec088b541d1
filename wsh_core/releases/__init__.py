"""What differs between the Debian releases that wsh knows: one data file each, and a typed loader.

A fact that is the same on all of them does not belong here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

DEBIAN = (12, 13)
"""The releases with a data file here, oldest first."""


@dataclass(frozen=True)
class Php:
    """Debian's PHP of one release: its programs, packages and loadable extensions."""

    version: str
    packages: tuple[str, ...]
    builtin: frozenset[str]
    extensions: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]

    always = ("opcache", "posix")
    """Loaded for every account: the code cache, and what the guard asks for the account's uid."""

    @property
    def fpm(self) -> str:
        """The FastCGI process manager, as it is called on the server and in the jail."""
        return f"/usr/sbin/php-fpm{self.version}"

    @property
    def cli(self) -> str:
        """The interpreter of the command line."""
        return f"/usr/bin/php{self.version}"

    @property
    def short(self) -> str:
        """The version as it stands in names of units and sockets: ``84``."""
        return self.version.replace(".", "")

    def ordered(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Give the extensions to load, in loading order, with those that they need.

        What is built into PHP is left out. Names are as ``php -m`` prints them, in lower case.

        Raises:
            ValueError: an extension that no package of this release brings.
        """
        unknown = sorted(set(wanted) - self.builtin - set(self.extensions))
        if unknown:
            raise ValueError(f"PHP {self.version} of Debian has no extension {', '.join(unknown)}")
        found = {*self.always, *wanted}
        while more := {need for name in found for need in self.needs.get(name, ())} - found:
            found |= more
        return tuple(name for name in self.extensions if name in found)

    def ini(self, wanted: Collection[str]) -> str:
        """Give the ini text that loads these extensions (see `ordered`), one line each.

        Raises:
            ValueError: an extension that no package of this release brings.
        """
        lines = [
            f"{'zend_extension' if name == 'opcache' else 'extension'}={name}.so\n" for name in self.ordered(wanted)
        ]
        return "".join(lines)


@dataclass(frozen=True)
class Release:
    """One Debian release as wsh uses it."""

    debian: int
    codename: str
    systemd: int
    python: str
    mariadb: str
    packages: tuple[str, ...]
    """Packages that only this release has, or needs by name."""
    sandbox: tuple[str, ...]
    """Directives of systemd.exec(5) for every jail that older releases lack."""
    php: Php


@cache
def load(debian: int) -> Release:
    """Read the data file of a Debian release.

    Raises:
        ValueError: a release that wsh does not know.
    """
    if debian not in DEBIAN:
        raise ValueError(f"wsh knows Debian {' and '.join(map(str, DEBIAN))}, not {debian}")
    data = tomllib.loads(files(__name__).joinpath(f"debian{debian}.toml").read_text(encoding="utf-8"))
    php = data["php"]
    return Release(
        debian=data["debian"],
        codename=data["codename"],
        systemd=data["systemd"],
        python=data["python"],
        mariadb=data["mariadb"],
        packages=tuple(data["packages"]),
        sandbox=tuple(data["sandbox"]),
        php=Php(
            version=php["version"],
            packages=tuple(php["packages"]),
            builtin=frozenset(php["builtin"]),
            extensions=tuple(php["extensions"]),
            needs={name: tuple(needs) for name, needs in php["needs"].items()},
        ),
    )
