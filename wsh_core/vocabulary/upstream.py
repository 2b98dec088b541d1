"""Where the makers of an application announce its releases, and how what they publish is verified."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Any

from . import checks
from .base import Declaration, checked

_SAMPLE = {"version": "1.2.3", "line": "1"}


def _page(value: Any) -> str:
    """An https URL, which may end in a slash."""
    url = checks.word(value)
    checks.https(f"{url}x" if url.endswith("/") else url)
    return url


def _template(value: Any) -> str:
    """An https URL in which ``{version}`` and ``{line}`` stand for those of a release."""
    url = checks.word(value)
    checks.https(filled(url, **_SAMPLE))
    return url


def _directory(value: Any) -> str:
    """A directory of an archive, in which ``{version}`` and ``{line}`` stand for those of a release."""
    path = checks.word(value)
    checks.tree(filled(path, **_SAMPLE))
    return path


def filled(template: str, *, version: str, line: str) -> str:
    """Put a version, and the line that it belongs to, into a template; ValueError for what else is in braces."""
    if unknown := set(re.findall(r"\{([^{}]*)\}", template)) - {"version", "line"}:
        raise ValueError(f"{template!r} has {{{min(unknown)}}}: there are {{version}} and {{line}}")
    return template.replace("{version}", version).replace("{line}", line)


class Upstream(Declaration):
    """What `wsh app refresh` needs to know of the makers of an application.

    ``index`` are the pages that name the versions; ``version`` is the expression that finds them there, by its
    one group. Versions that begin with the same ``line`` numbers are one line: of each, the newest is taken.
    ``every_line`` says that an upgrade must pass through each line. ``archive``, ``root``, ``checksum`` and
    ``signature`` are what one release is published as, with ``{version}`` and ``{line}`` in them; without an
    archive the application comes by Composer. ``keyring`` is the text of the makers' OpenPGP keys, armoured
    (RFC 9580, 6).
    """

    index: tuple[str, ...] = checked(checks.each(_page, least=1))
    version: str = checked(checks.one_group)
    line: int = checked(checks.whole(1, 3), default=1)
    every_line: bool = checked(checks.boolean, default=False)
    archive: str | None = checked(checks.optional(_template), default=None)
    root: str = checked(_directory, default="")
    checksum: str | None = checked(checks.optional(_template), default=None)
    signature: str | None = checked(checks.optional(_template), default=None)
    keyring: str | None = checked(checks.optional(checks.text), default=None)

    def check(self) -> None:
        if (self.checksum or self.signature) and not self.archive:
            raise ValueError("Upstream: a checksum or a signature needs the archive that it is of")
        if bool(self.signature) != bool(self.keyring):
            raise ValueError("Upstream: signature and keyring belong together")

    def line_of(self, version: str) -> str:
        """The line that a version belongs to: its first numbers."""
        return ".".join(version.split(".")[: self.line])


def upstream(package: str, file: str = "releases.toml") -> Upstream:
    """Read what a plugin ships as data: the table ``[upstream]``; its ``keyring`` is the name of a file beside it.

    Raises:
        TypeError, ValueError, KeyError: what the file says is no `Upstream`, with the place.
    """
    data = tomllib.loads(files(package).joinpath(file).read_text(encoding="utf-8"))["upstream"]
    if keyring := data.get("keyring"):
        data["keyring"] = files(package).joinpath(checks.relative(keyring)).read_text(encoding="utf-8")
    try:
        return Upstream(**data)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}, upstream: {error}") from error
