"""What holds as long as the site exists: compared and mended on every apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from wsh_core.resources.text import Text

from . import checks
from .base import Declaration, checked
from .steps import Php, ini

HEADER = checks.matching(r"[A-Za-z][A-Za-z0-9-]*", "name of a header")
HEADER_VALUE = checks.matching(r"[A-Za-z0-9 !#&'()*+,./:;<=>?@^_`|~-]*", "value of a header that needs no quoting")


class ConfigFile(Declaration):
    """A file that is wholly wsh's; the application's own file takes it in.

    ``after="install"`` for applications whose installer refuses to find it.
    """

    path: str = checked(checks.relative)
    content: Text = checked(checks.text)
    mode: str = checked(checks.mode, default="0600")
    after: Literal["install"] | None = checked(checks.choice(None, "install"), default=None)


EVERY = ("1min", "5min", "10min", "15min", "30min", "1h", "6h", "1d")


class Job(Declaration):
    """An entry of the application's own that runs again and again, as the account, in its jail.

    When in the period is different for each site. While the site is fenced it does not run. What it prints
    goes to the account's ``jobs.log``.
    """

    name: str = checked(checks.matching(r"[a-z][a-z0-9]{0,15}", "name of a job"))
    run: Php = checked(checks.instance(Php))
    every: Literal["1min", "5min", "10min", "15min", "30min", "1h", "6h", "1d"] = checked(checks.choice(*EVERY))

    def check(self) -> None:
        if self.run.entry is None or self.run.files or self.run.input is not None:
            raise ValueError(f"Job {self.name}: runs an entry of the application, without files or input")
        if not all(isinstance(argument, str) for argument in self.run.argv):
            raise ValueError(f"Job {self.name}: its arguments are plain text")


class Vhost(Declaration):
    """What the web server must know of a site.

    ``docroot`` is the directory of the tree that is served; ``fallback`` answers for what does not exist.
    ``deny`` and ``no_php`` are patterns of paths below it: never served, and never executed.
    ``redirects`` lead from one path to another, ``headers`` are set on every answer. ``body_limit`` is in
    bytes, ``timeout`` in seconds. ``php`` are settings for this site.
    """

    docroot: str = checked(checks.tree, default="")
    fallback: str | None = checked(checks.optional(checks.url_path), default=None)
    deny: tuple[str, ...] = checked(checks.each(checks.pattern), default=())
    no_php: tuple[str, ...] = checked(checks.each(checks.pattern), default=())
    redirects: Mapping[str, str] = checked(checks.table(checks.url_path, checks.url_path), default={})
    headers: Mapping[str, str] = checked(checks.table(HEADER, HEADER_VALUE), default={})
    body_limit: int | None = checked(checks.optional(checks.whole(0, 1 << 40)), default=None)
    timeout: int | None = checked(checks.optional(checks.whole(1, 3600)), default=None)
    php: Mapping[str, str] = checked(ini, default={})
