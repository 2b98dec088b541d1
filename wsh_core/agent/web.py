"""Bring changed sites into service: tried on a shadow Apache, put in place together, and one reload.

A site that Apache refuses is left out and named while the others go on; a reload that fails although the
trial had passed is taken back.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from . import paths
from .errors import AgentError
from .host import Host
from .protocol import Resource

RELOAD_OWED = "apache2-reload"
"""The ledger's flag: something that Apache had read was changed, and Apache has not read it again."""

_SERVICE = "apache2.service"
_PID_FILE = "/run/apache2/apache2.pid"
_ERROR_LOG = "/var/log/apache2/error.log"
_SECONDS = 60.0
_KEY = re.compile("[a-z0-9]{1,16}")
_PLACE = re.compile(rf"line (\d+) of {re.escape(paths.VHOSTS)}/(\S+?\.conf)")


def slug(resource: Resource) -> str:
    """The name of a resource's site (``alice-blog``); AgentError if its account can have no such site."""
    name = str(resource.want["name"])
    account, _, key = name.partition("-")
    if account != resource.account or not _KEY.fullmatch(key):
        owner = resource.account or "the server"
        raise AgentError("request.site", f"{resource.id}: {name} is no site of {owner}")
    return name


def is_serving(host: Host) -> bool:
    """Whether Apache runs and takes connections for https."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", 443), timeout=5):
        return _is_running(host)
    return False


def commit(host: Host, changed: Mapping[str, bytes]) -> dict[str, AgentError]:
    """Take changed files of sites (by name in their directory) into service, and whatever is owed a reload.

    Returns what was left out, and why. Raises AgentError when nothing could be done: ``web.broken`` (the
    configuration is broken without these changes), ``web.reload`` or ``web.down``.
    """
    if not host.booted:
        _put(host, changed)
        return {}
    good, failures = _sift(host, changed)
    if not good and RELOAD_OWED not in host.ledger.flags() and is_serving(host):
        return failures
    former = {file: _content(host, file) for file in good}
    host.ledger.raise_flag(RELOAD_OWED)
    _put(host, good)
    words = _reload(host)
    if words is not None:
        raise _taken_back(host, former, words)
    host.ledger.lower_flag(RELOAD_OWED)
    return failures


# the trial


def _sift(host: Host, changed: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, AgentError]]:
    """What Apache serves of the changes, and what it refuses."""
    good, failures = dict(changed), dict[str, AgentError]()
    while (words := _try_out(host, good)) is not None:
        file = _named(words, good)
        if file is None:
            file, words = _first_refused(host, good, words)
        place = _PLACE.search(words)
        failures[file] = AgentError(
            "web.shadow",
            f"Apache refuses {paths.VHOSTS}/{file}"
            + (f" at line {place[1]}" if place and place[2] == file else "")
            + "; the site was left as it is",
            "correct what the site, its options or its plugin ask for, then: wsh apply",
            words,
        )
        del good[file]
    return good, failures


def _named(words: str, good: Mapping[str, bytes]) -> str | None:
    """The changed file that Apache names, if it names one."""
    return next((file for _, file in _PLACE.findall(words) if file in good), None)


def _first_refused(host: Host, good: Mapping[str, bytes], words: str) -> tuple[str, str]:
    """The first change with which Apache refuses what it takes without; found by halves."""
    without = _try_out(host, {}) if good else words
    if without is not None:
        raise AgentError(
            "web.broken",
            "Apache's configuration is broken without any change of wsh's; nothing was touched",
            "mend what Apache names (apache2ctl configtest), then: wsh apply",
            without,
        )
    files, taken, refused = list(good), 0, len(good)
    while refused - taken > 1:
        middle = (taken + refused) // 2
        said = _try_out(host, {file: good[file] for file in files[:middle]})
        if said is None:
            taken = middle
        else:
            refused, words = middle, said
    return files[refused - 1], words


def _try_out(host: Host, staged: Mapping[str, bytes]) -> str | None:
    from .shadow import try_out  # it loads TLS, which a run without changes need not wait for

    return try_out(host, staged)


# the real one


def _put(host: Host, contents: Mapping[str, bytes | None]) -> None:
    """Put each file in its place whole, or none where there is no room for one; None: there is to be none."""
    host.fs.makedirs(paths.VHOSTS)
    places = {f"{paths.VHOSTS}/{file}": content for file, content in contents.items()}
    host.fs.write_all({path: content for path, content in places.items() if content is not None})
    for path in (path for path, content in places.items() if content is None):
        host.fs.unlink(path)


def _content(host: Host, file: str) -> bytes | None:
    with suppress(FileNotFoundError):
        return host.fs.read(f"{paths.VHOSTS}/{file}")
    return None


def _reload(host: Host) -> str | None:
    """Have Apache read its configuration, or start it. None when it serves by it, else words of why not."""
    generation, log, began = _generation(host), host.fs.stat(_ERROR_LOG), time.time()
    done = host.run(["systemctl", "reload-or-restart", _SERVICE], check=False)
    if done.returncode == 0 and _came_up(host, generation):
        return None
    from .shadow import errors

    logged = b""
    with suppress(OSError, AgentError):
        logged = host.fs.read(_ERROR_LOG, limit=1 << 30)[log.st_size if log else 0 :]
    since = f"--since=@{began:.3f}"
    journal = host.run(["journalctl", f"--unit={_SERVICE}", since, "--lines=10", "--output=cat"], check=False)
    said = journal.stdout.decode(errors="replace").strip()
    return "\n".join([*errors(logged.decode(errors="replace")), said])


def _generation(host: Host) -> tuple[int, int] | None:
    """What changes each time that Apache has accepted a configuration: it then writes its pid file anew."""
    info = host.fs.stat(_PID_FILE)
    return None if info is None else (info.st_ino, info.st_mtime_ns)


def _came_up(host: Host, before: tuple[int, int] | None) -> bool:
    """Wait until Apache serves by a newer configuration; a reload that answered 0 may still end it."""
    from .shadow import answers_https

    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        now = _generation(host)
        if now not in (None, before) and answers_https(timeout=5):
            return True
        if not _is_running(host) and host.run(["systemctl", "is-active", _SERVICE], check=False).returncode:
            return False
        time.sleep(0.01)
    return False


def _is_running(host: Host) -> bool:
    with suppress(FileNotFoundError, ValueError):
        return host.fs.exists(f"/proc/{int(host.fs.read(_PID_FILE, limit=32))}")
    return False


def _taken_back(host: Host, former: Mapping[str, bytes | None], words: str) -> AgentError:
    """Put the former files in service again, if there was a change, and say what happened."""
    _put(host, former)
    again = _reload(host) if former else words
    if again is not None:
        either = ", nor with its former configuration" if former else ""
        return AgentError(
            "web.down",
            f"Apache does not run{either}",
            f"systemctl status {_SERVICE}; journalctl -u {_SERVICE}",
            again,
        )
    host.ledger.lower_flag(RELOAD_OWED)
    return AgentError(
        "web.reload",
        "Apache did not come up with the new configuration, although a trial of it had passed;"
        " the former one is in service again",
        f"journalctl -u {_SERVICE}",
        words,
    )
