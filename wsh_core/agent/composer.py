"""Composer, driven in two halves that trust each other as little as root trusts both.

The first (compose.py) has the network and runs nothing that packages bring: it resolves and downloads, as a
user who owns nothing. What it brings is kept by checksum like any release. The second runs what packages bring
(plugins, scripts), as the account, in its jail, without network (assemble.py). Between the two stands the lock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import AgentError

if TYPE_CHECKING:
    from .jailed import Helper

COMPOSER = "/usr/bin/composer"
CACHE = ".wsh-composer"
"""In a new tree: the packages, as Composer caches them. It is gone when the tree is whole."""
OPTIONS = ("--no-interaction", "--no-progress", "--no-ansi", "--prefer-dist")
SECONDS = 900
MEMORY = "1G"
"""What PHP may use for Composer; the account's own limit holds as well."""
_SHOWN = 2000
"""Characters of Composer's words that are reported."""


def is_needed(source: Mapping[str, Any]) -> bool:
    """Whether a release is whole only after Composer has run in its tree."""
    return source["type"] == "composer" or bool(source.get("composer"))


def environment(home: str, cache: str) -> dict[str, str]:
    """What both halves tell Composer."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "COLUMNS": "1000",  # it wraps its messages
        "COMPOSER_HOME": home,
        "COMPOSER_CACHE_DIR": cache,
        "COMPOSER_MEMORY_LIMIT": MEMORY,
        "COMPOSER_NO_INTERACTION": "1",
        "COMPOSER_NO_AUDIT": "1",
        "COMPOSER_PROCESS_TIMEOUT": str(SECONDS),
        "COMPOSER_ROOT_VERSION": "dev-main",  # nobody shall look for a version control system
    }


def install(helper: Helper, source: Mapping[str, Any], tree: str, php: str) -> None:
    """Have Composer complete a new tree that was unpacked by ``helper``; nothing where it is not needed.

    Raises AgentError: what went wrong, in words (see `failure`).
    """
    if is_needed(source):
        helper.ask("compose", seconds=SECONDS, tree=tree, php=php)


# what it says


def failure(code: int | None, said: str) -> AgentError:
    """Why Composer failed, in one sentence: ``code`` is None when its time ran out, ``said`` both its outputs."""
    detail = _without_usage(said)[-_SHOWN:] or None
    if code is None:
        return AgentError("app.composer", f"Composer did not end within {SECONDS}s", "apply again", detail)
    if code in (128 + 9, -9):
        said += "\nOut of memory (allocated 0)"
    text = " ".join(said.split())
    for expression, words in _CAUSES:
        if found := re.search(expression, text):
            return AgentError(*words(found), detail)
    return AgentError("app.composer", f"Composer ended with {code}", "what it said stands behind this", detail)


def _without_usage(said: str) -> str:
    """Composer ends each exception with all options that the command has."""
    return re.sub(r"\n+[a-z-]+(?: \[-[^\n]*)?\s*$", "", said.strip()).strip()


def _start(words: str) -> str:
    """The cause at the start of words that go on with something else."""
    return re.split(r" (?=[a-z-]+ \[)| Failed| In [A-Z]\w+\.php", words)[0]


_Words = Callable[[re.Match[str]], tuple[str, str, str]]
_LIMIT = "give the account a larger package, or have less required"
_CAUSES: tuple[tuple[str, _Words], ...] = (
    (
        r"Allowed memory size of (\d+) bytes exhausted|Out of memory \(allocated",
        lambda m: (
            "app.memory",
            "Composer needs more memory than "
            + (f"the {int(m[1]) >> 20} MiB that it may have" if m[1] else "there is for it"),
            _LIMIT,
        ),
    ),
    (
        r"No space left on device|Disk quota exceeded",
        lambda _: ("account.disk-full", "there is no room left for what Composer writes", "df -h; df -i"),
    ),
    (
        r"checksum verification of the file failed \(downloaded from (\S+)\)",
        lambda m: ("app.checksum", f"{m[1]} is not what the lock promises", "do not use it; ask who publishes it"),
    ),
    (
        r"(?:Root composer\.json|(\S+) \S+) requires php (\S+).*?your php version \(([0-9.]+)",
        lambda m: (
            "app.php-version",
            f"{m[1] or 'the project'} requires PHP {m[2]}, this server has {m[3]}",
            "choose a release for this PHP, or a server with a newer one",
        ),
    ),
    (
        r"requires (?:PHP extension )?ext-(\S+)",
        lambda m: (
            "app.extension",
            f"the PHP extension {m[1]} is missing",
            "the application's plugin must name it among its extensions",
        ),
    ),
    (
        r"(Required package .*? (?:lock file\.|your constraint \"[^\"]*\"\.))",
        lambda m: (
            "app.lock",
            f"composer.json and composer.lock do not fit together: {m[1]}",
            "make the lock anew where the project is developed, and give its new checksum",
        ),
    ),
    (
        r"Could not find (?:a version of )?package (\S+?)(?: with version (\S+?))?\.?(?: |$)",
        lambda m: ("app.package", f"there is no package {m[1]} {m[2] or ''}".rstrip(), _NAMES),
    ),
    (
        r"requires (\S+) ?(\S*), (?:it could|found) ",
        lambda m: ("app.package", f"there is no package {m[1]} {m[2]}".rstrip(), _NAMES),
    ),
    (
        r"requires (\S+) (\S+) -> (?:could not|found|satisfiable by .*? but)",
        lambda m: ("app.package", f"there is no package {m[1]} {m[2]} that fits", _NAMES),
    ),
    (
        r"(\S+) (?:\(installed globally\) )?contains a Composer plugin which is (?:currently not|blocked)",
        lambda m: (
            "app.composer",
            f"{m[1]} has a plugin for Composer that the project does not allow",
            "its composer.json must say so: config.allow-plugins",
        ),
    ),
    (
        r"allow connections to (http:\S+?)\.? See",
        lambda m: ("app.source", f"{m[1]} is not https, so nobody knows who answers", "give an https URL"),
    ),
    (
        r'(?:while downloading|The) "?((?:https|file)://[^\s"]+?)"?(?::| file could not be downloaded:?) (.{1,100})',
        lambda m: (
            "app.source",
            f"{m[1]} could not be fetched: {_start(m[2])}",
            "apply again when it can be reached, it goes on where it stopped; or name a mirror: composer.repositories",
        ),
    ),
)
_NAMES = "look at its name and its version; a repository that has it is named under composer.repositories in wsh.yaml"
