"""Which releases the makers of an application announce that are newer than those known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsh_core.agent import versions
from wsh_core.errors import WshError
from wsh_core.upstream.web import Web
from wsh_core.vocabulary.sources import Release
from wsh_core.vocabulary.upstream import Upstream

_STABLE = re.compile(r"[0-9]{1,8}(\.[0-9]{1,8}){0,3}")
"""What is taken for a version: numbers and dots, so that it can be part of a path; no tries, betas or candidates."""

MOST = 12
"""How many releases are taken at once. Nobody is so many lines behind, so a page that names more is not what it was."""


@dataclass(frozen=True)
class Announced:
    """A release that is announced, and the known one that it follows: its PHP and its kind of source are alike."""

    version: str
    line: str
    follows: Release
    upgrades_from: str


def announced(upstream: Upstream, known: Sequence[Release], web: Web) -> list[Announced]:
    """Read the index; of each line that is not older than all that is known, the newest release not known.

    The newest comes first.

    Raises:
        WshError: a page cannot be fetched, or names no version.
    """
    found: set[str] = set()
    for page in upstream.index:
        text = web.read(page).decode("utf-8", "replace")
        versions_there = {v for v in re.findall(upstream.version, text, re.MULTILINE) if _STABLE.fullmatch(v)}
        if not versions_there:
            message = f"{page} names no version any more: it was looked for as {upstream.version}"
            raise WshError("app.upstream", message, "a newer version of the plugin may know the new page")
        found |= versions_there
    return _newer(upstream, known, _newest_of_lines(upstream, found))


def _newest_of_lines(upstream: Upstream, found: Iterable[str]) -> dict[str, str]:
    newest: dict[str, str] = {}
    for version in sorted(found, key=versions.key):
        newest[upstream.line_of(version)] = version
    return newest


def _newer(upstream: Upstream, known: Sequence[Release], newest: dict[str, str]) -> list[Announced]:
    ours = sorted(known, key=lambda release: versions.key(release.version))
    taken: list[Announced] = []
    for line in sorted(newest, key=versions.key):
        version = newest[line]
        same = [each for each in ours if upstream.line_of(each.version) == line]
        below = [each for each in ours if versions.key(each.version) < versions.key(version)]
        if not below or (same and versions.key(same[-1].version) >= versions.key(version)):
            continue
        follows = (same or below)[-1]
        lines = [*(each.line for each in taken), upstream.line_of(below[-1].version)]
        before = max(lines, key=versions.key) if upstream.every_line and not same else follows.upgrades_from
        taken.append(Announced(version, line, follows, before))
    if len(taken) > MOST:
        message = f"{', '.join(upstream.index)} names {len(taken)} lines that are newer than {ours[-1].version}"
        raise WshError("app.upstream", message, "that cannot be: look at the page, and tell the plugin's author")
    return taken[::-1]
