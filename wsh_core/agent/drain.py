"""Wait until a runtime answers no more requests of one site, by what its status page says (FPM's pm.status_path).

The socket is asked as Apache would (FastCGI 1.0, section 3). Who answers is the account's own process: what it
says is bounded in bytes and time, and read like any input of a stranger's.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import paths
from .host import Host

STATUS = "/wsh-status"
"""The path in php-fpm.conf; no virtual host leads there."""
_PATIENCE = 30.0
"""Seconds that running requests have to come to their end."""
_SECONDS = 5.0
"""How long one answer may take."""
_LIMIT = 1 << 20
_PAUSE = 0.2
_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6


@dataclass(frozen=True)
class Runtime:
    """One PHP of one account: its unit and its socket."""

    stem: str
    uid: int

    @property
    def unit(self) -> str:
        return f"wsh-{self.stem}-{self.uid}.service"

    @property
    def socket(self) -> str:
        return f"{paths.FPM_SOCKETS}/{self.stem}-{self.uid}.sock"


def drain(host: Host, runtime: Runtime, below: str, say: Callable[[str], None]) -> None:
    """Wait until no script below a path runs; what still does when patience ends is stopped with the runtime."""
    deadline = time.monotonic() + _PATIENCE
    while _runs(host, runtime.unit):
        try:
            running = [
                script
                for script in ask(os.path.join(host.root, runtime.socket.lstrip("/")))
                if script.startswith(below)
            ]
        except (OSError, ValueError) as error:
            running = [f"unknown ({error})"]
        if not running:
            return
        if time.monotonic() >= deadline:
            say(f"{len(running)} requests did not end within {_PATIENCE:g}s and are stopped")
            host.run(["systemctl", "stop", runtime.unit], check=False)
            return
        time.sleep(_PAUSE)


def _runs(host: Host, unit: str) -> bool:
    return host.run(["systemctl", "is-active", unit], check=False).returncode == 0


def ask(path: str) -> list[str]:
    """The scripts that a runtime runs now, the status page itself left out.

    Raises OSError when nobody answers, ValueError for an answer that is none.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(path)
        connection.sendall(_request())
        answer = _answer(connection, time.monotonic() + _SECONDS)
    _, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        raise ValueError("no status page")
    return _scripts(body)


def _scripts(body: bytes) -> list[str]:
    try:
        rows = json.loads(body)["processes"]
        running = [(str(row["state"]), str(row["script"])) for row in rows]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"no status page: {error!r}") from None
    return [script for state, script in running if state != "Idle" and script != STATUS]


def _request() -> bytes:
    parameters = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": STATUS,
        "SCRIPT_FILENAME": STATUS,
        "REQUEST_URI": f"{STATUS}?full&json",
        "QUERY_STRING": "full&json",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    pairs = b"".join(
        bytes([len(name), len(value)]) + name.encode() + value.encode() for name, value in parameters.items()
    )
    begin = _sent(_BEGIN, struct.pack(">HB5x", 1, 0))
    return begin + _sent(_PARAMS, pairs) + _sent(_PARAMS, b"") + _sent(_STDIN, b"")


def _sent(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def _answer(connection: socket.socket, deadline: float) -> bytes:
    """What comes on the stream of the one request until its end."""
    received, answer = b"", b""
    while True:
        while len(received) >= 8:
            _, kind, _, length, padding = struct.unpack(">BBHHBx", received[:8])
            if len(received) < 8 + length + padding:
                break
            content, received = received[8 : 8 + length], received[8 + length + padding :]
            if kind == _END:
                return answer
            if kind == _STDOUT:
                answer += content
        if time.monotonic() > deadline:
            raise TimeoutError("no whole answer in time")
        data = connection.recv(65536)
        if not data or len(answer) + len(received) > _LIMIT:
            raise ValueError("an answer without its end")
        received += data
