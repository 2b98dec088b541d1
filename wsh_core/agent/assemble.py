"""Composer in the jail: it completes a new tree from its lock and the packages that came with it, without network."""

from __future__ import annotations

import os
import re

from . import steps
from .composer import CACHE, COMPOSER, OPTIONS, SECONDS, environment, failure
from .tree import remove

PLACE = "/tmp/wsh-composer"
"""Composer's own directory, so that it does not read what the account may have configured."""

_NEEDED = ("intl", "mbstring")
"""Extensions that Composer needs for itself: to begin at all, and to say what is wrong."""


def assemble(tree: str, php: str, caller: int) -> None:
    """Install what the lock in ``tree`` says, from the packages that came with it. ``caller`` as in steps.run."""
    cache = f"{tree}/{CACHE}"
    remove(PLACE)
    os.makedirs(f"{PLACE}/php")
    with open(f"{PLACE}/php/composer.ini", "w", encoding="utf-8") as file:
        file.write(_extensions(os.environ.get("PHP_INI_SCAN_DIR", "")))
    done = steps.run(
        [f"/usr/bin/php{php}", COMPOSER, "install", "--no-dev", "--optimize-autoloader", *OPTIONS],
        input="",
        env={
            **environment(PLACE, cache),
            "COMPOSER_CACHE_READ_ONLY": "1",
            "COMPOSER_DISABLE_NETWORK": "1",
            "PHPRC": os.environ.get("PHPRC", ""),
            "PHP_INI_SCAN_DIR": f"{os.environ.get('PHP_INI_SCAN_DIR', '')}:{PLACE}/php",
        },
        directory=tree,
        timeout=SECONDS,
        caller=caller,
    )
    remove(PLACE)
    if done.code != 0:
        raise failure(done.code, done.stdout + done.stderr)
    remove(cache)


def _extensions(scanned: str) -> str:
    """Load what Composer cannot do without; whether the application has what it needs is to be seen."""
    known = ""
    for directory in filter(None, scanned.split(":")):
        for name in sorted(os.listdir(directory)):
            with open(f"{directory}/{name}", encoding="utf-8", errors="replace") as file:
                known += file.read() + "\n"
    loaded = set(re.findall(r"^extension=(\w+)", known, re.MULTILINE))
    return "".join(f"extension={name}.so\n" for name in _NEEDED if name not in loaded)
