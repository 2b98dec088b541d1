"""Operations: one writer at a time, each in a transient unit of its own whose events can be followed by offset."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from . import paths
from .converge import Converge
from .errors import AgentError, told
from .host import Host
from .ledger import unusable
from .protocol import canonical, event, now, parse_request
from .safefs import Root

Emit = Callable[[dict[str, Any]], None]
_TICK = 0.02
_KEEP_SECONDS = 90 * 86400
RECOVER = "recover"
"""What holds the lock instead of an operation while nobody has asked (recovery.py)."""
_RECOVERY = "wsh-recover.service"
_ID = re.compile(r"[0-9a-f]{6}")


@contextmanager
def lock(fs: Root, holder: dict[str, str], wait: float = 0) -> Iterator[None]:
    """Be the one writer of this server (flock(2): it dies with its process; there is no lock to delete).

    ``wait`` is in seconds. Raises AgentError ``server.locked`` that names the holder.
    """
    fd = fs.open(paths.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _locked(fd) from None
                time.sleep(0.1)
        os.ftruncate(fd, 0)
        os.pwrite(fd, canonical(holder).encode(), 0)
        yield
        os.ftruncate(fd, 0)
    finally:
        os.close(fd)


def _see_unlocked(fs: Root) -> None:
    """Raise as `lock` does if somebody writes now. Whoever only looks keeps nobody from writing."""
    fd = fs.open(paths.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _locked(fd) from None
    finally:
        os.close(fd)


def _locked(fd: int) -> AgentError:
    try:
        who = json.loads(os.pread(fd, 4096, 0) or b"{}")
    except ValueError:
        who = {}
    operation = who.get("operation", "unknown")
    if operation == RECOVER:
        return AgentError(
            "server.locked",
            f"what was cut on this server is being ended, since {who.get('since', 'a moment ago')}",
            "wait for it: journalctl -fu wsh-recover, or queue: wsh apply --wait 10m; there is no lock to delete",
        )
    return AgentError(
        "server.locked",
        f"{who.get('user', 'somebody')}, from {who.get('host', 'here')}, changes this server since"
        f" {who.get('since', 'a moment ago')} (operation {operation})",
        f"wsh log {operation} --follow, or queue: wsh apply --wait 10m; there is no lock to delete",
    )


def plan(root: str, text: str, emit: Emit) -> str:
    """Say what an apply would do; nothing is written."""
    host = Host(root, writable=False, emit=emit)
    try:
        return Converge(host, parse_request(text), apply=False).run()
    finally:
        host.close()


def apply(root: str, text: str, emit: Emit, operation: str | None = None, wait: float = 0) -> str:
    """Converge here and now, in this process, under the lock."""
    request = parse_request(text)
    holder = {**request.by, "operation": operation or "", "since": now()}
    with lock(Root(root), holder, wait):
        host = Host(root, writable=True, emit=emit)
        try:
            return Converge(host, request, apply=True, operation=operation).run()
        finally:
            host.close()


# operations in units of their own


def _events_file(operation: str) -> str:
    if not _ID.fullmatch(operation):
        raise AgentError("operation.unknown", f"{operation!r} is not the name of an operation", "wsh log lists them")
    return f"{paths.OPERATION_LOGS}/{operation}.jsonl"


def _request_file(operation: str) -> str:
    return f"{paths.OPERATIONS}/{operation}.json"


def unit(operation: str) -> str:
    return f"wsh-operation-{operation}.service"


def _nowhere(what: dict[str, Any]) -> None:
    pass


def _new_log(host: Host) -> str:
    """Draw a name that no operation has, and make its log."""
    while True:
        operation = secrets.token_hex(3)
        with suppress(FileExistsError), host.fs.parent(_events_file(operation)) as (directory, name):
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640, dir_fd=directory)
            os.fchown(fd, 0, host.names.gid("adm"))
            os.close(fd)
            return operation


def start(text: str, wait: float) -> str:
    """Store a request and have it applied by a transient unit; return the operation's name.

    The unit outlives whoever asked for it. ``wait`` is how many seconds it may queue for the lock. Raises AgentError
    when the request cannot be read or the lock is taken and ``wait`` is 0.
    """
    parse_request(text)
    host = Host("/", writable=True, emit=_nowhere)
    fs = host.fs
    if not wait:
        _see_unlocked(fs)
    fs.makedirs(paths.OPERATIONS, mode=0o700)
    fs.makedirs(paths.OPERATION_LOGS)
    _prune(fs)
    operation = _new_log(host)
    fs.write(_request_file(operation), text.encode(), mode=0o600)
    _link_agent(host)
    host.run(
        [
            "systemd-run",
            "--quiet",
            "--collect",
            "--no-block",
            "--expand-environment=no",
            f"--unit={unit(operation)}",
            "--property=KillMode=mixed",
            f"--property=OnFailure={_RECOVERY}",
            f"--description=wsh apply, operation {operation}",
            sys.executable,
            "-I",
            sys.argv[0],
            "run",
            operation,
            "--lock-wait",
            str(wait),
        ]
    )
    host.close()
    return operation


def _link_agent(host: Host) -> None:
    """Let units that outlive this agent's caller find an agent (wsh-recover.service)."""
    here = os.path.abspath(sys.argv[0])
    name = os.path.basename(here)
    if here == paths.AGENT or os.path.dirname(here) != paths.LIB:
        return
    with suppress(FileNotFoundError):
        if host.fs.readlink(paths.AGENT) == name:
            return
    host.fs.symlink(name, paths.AGENT)


def run(operation: str, wait: float) -> str:
    """Apply a stored request; the events go to the operation's log. Runs inside the unit."""
    fs = Root("/")
    fd = fs.open(_events_file(operation), os.O_WRONLY | os.O_APPEND)

    def emit(what: dict[str, Any]) -> None:
        os.write(fd, (canonical(what) + "\n").encode())

    try:
        text = fs.read(_request_file(operation), limit=1 << 30).decode()
        if wait:
            emit(event("queued", operation=operation))
        return apply("/", text, emit, operation, wait)
    except Exception as error:  # noqa: BLE001  # the last word of an operation is an event, whatever happened
        emit(refused(error, operation))
        return "refused"
    finally:
        fs.unlink(_request_file(operation))
        os.close(fd)


def follow(operation: str, offset: int, seconds: float, out: Callable[[bytes], None]) -> bool:
    """Hand on the events of an operation from byte ``offset``, at most for ``seconds``; True when it is done.

    When time runs out the last line is ``detached``, with the offset to go on from. An operation whose unit is gone
    without a last word gets one here.
    """
    path = _events_file(operation)
    host = Host("/", writable=False, emit=_nowhere)
    try:
        fd = host.fs.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise AgentError("operation.unknown", f"there is no operation {operation} here", "wsh log lists them") from None
    deadline, look_again = time.monotonic() + seconds, time.monotonic() + 1
    os.lseek(fd, offset, os.SEEK_SET)
    pending = b""
    while True:
        pending += os.read(fd, 1 << 20)
        whole, newline, pending = pending.rpartition(b"\n")
        if newline:
            out(whole + newline)
            offset += len(whole) + 1
            if b'"type":"done"' in whole.rpartition(b"\n")[2]:
                return True
            continue
        if time.monotonic() >= deadline:
            out(_line(event("detached", operation=operation, offset=offset)))
            return False
        if time.monotonic() >= look_again:
            look_again = time.monotonic() + 1
            if not _alive(host, operation) and not os.read(fd, 1):
                out(_line(_died(operation)))
                return True
            os.lseek(fd, offset + len(pending), os.SEEK_SET)
        time.sleep(_TICK)


def _alive(host: Host, operation: str) -> bool:
    state = host.run(["systemctl", "is-active", unit(operation)], check=False).stdout.strip()
    return state in (b"active", b"activating", b"deactivating")


def _died(operation: str) -> dict[str, Any]:
    error = AgentError(
        "operation.died",
        f"operation {operation} ended without a word: it was killed, or the server went down",
        "wsh apply again: it finds out what is done and goes on",
        f"journalctl -u {unit(operation)}",
    )
    return refused(error, operation)


def refused(error: Exception, operation: str | None = None) -> dict[str, Any]:
    """The last event of what could not be done at all."""
    told = _told(error)
    return event(
        "done",
        operation=operation,
        outcome="refused",
        counts={},
        accounts={},
        processes=0,
        seconds=0,
        error=told.event(),
    )


def _told(error: Exception) -> AgentError:
    return unusable(error) if isinstance(error, sqlite3.Error) else told("the operation cannot go on", error)


def _line(what: dict[str, Any]) -> bytes:
    return (canonical(what) + "\n").encode()


def listed(fs: Root) -> list[str]:
    """The operations whose events are still kept, newest first."""
    stamped = []
    for name in fs.listdir(paths.OPERATION_LOGS):
        info = fs.stat(f"{paths.OPERATION_LOGS}/{name}")
        if info is not None and name.endswith(".jsonl"):
            stamped.append((info.st_mtime, name.removesuffix(".jsonl")))
    return [name for _, name in sorted(stamped, reverse=True)]


def _prune(fs: Root) -> None:
    for name in fs.listdir(paths.OPERATION_LOGS):
        info = fs.stat(f"{paths.OPERATION_LOGS}/{name}")
        if info is not None and info.st_mtime < time.time() - _KEEP_SECONDS:
            fs.unlink(f"{paths.OPERATION_LOGS}/{name}")
