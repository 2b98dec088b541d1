"""Waiting for a runtime's requests: what FPM says, and what somebody says who is not FPM."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from wsh_core.agent import drain
from wsh_core.agent.host import Host

from .conftest import make_scratch

RUNTIME = drain.Runtime("php84", 6001)
TREE = "/home/alice/sites/blog/app/"


def page(*running: tuple[str, str]) -> bytes:
    """FPM's status page as a whole answer: state and script of each process, and the one that answers."""
    rows = [{"state": state, "script": script} for state, script in (*running, ("Running", drain.STATUS))]
    body = b"Content-type: application/json\r\n\r\n" + json.dumps({"processes": rows}).encode()
    return record(6, body) + record(6, b"") + record(3, bytes(8))


def record(kind: int, content: bytes, padding: int = 3) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), padding) + content + bytes(padding)


class Runtime:
    """Who answers at the socket: one answer after the other, the last one again and again."""

    def __init__(self, root: Path, *answers: bytes, slowly: float = 0) -> None:
        self.asked: list[bytes] = []
        self._answers, self._slowly = list(answers), slowly
        place = root / RUNTIME.socket.lstrip("/")
        place.parent.mkdir(parents=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(place))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                self.asked.append(connection.recv(65536))
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                try:
                    for byte in [answer] if not self._slowly else [answer[i : i + 1] for i in range(len(answer))]:
                        connection.sendall(byte)
                        time.sleep(self._slowly)
                except OSError:
                    pass


@pytest.fixture
def drained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Wait for a runtime that answers so; what was started and said."""
    root = make_scratch(tmp_path / "r")
    monkeypatch.setattr(drain, "_PATIENCE", 0.5)
    monkeypatch.setattr(drain, "_SECONDS", 0.3)
    monkeypatch.setattr(drain, "_PAUSE", 0.01)

    def wait(*answers: bytes, slowly: float = 0) -> list[Any]:
        runtime, seen = Runtime(root, *answers, slowly=slowly), list[Any]()

        def run(_: Host, argv: list[str], **__: Any) -> CompletedProcess[bytes]:
            if "is-active" not in argv:
                seen.append(argv)
            return CompletedProcess(argv, 0, b"", b"")

        monkeypatch.setattr(Host, "run", run)
        host = Host(str(root), writable=False, emit=lambda _: None)
        began = time.monotonic()
        drain.drain(host, RUNTIME, TREE, seen.append)
        assert time.monotonic() - began < 3
        host.close()
        assert runtime.asked[0].count(b"/wsh-status") == 3
        return seen

    return wait


def test_it_waits_until_the_sites_own_requests_are_answered(drained: Callable[..., list[Any]]) -> None:
    mine, others = ("Running", f"{TREE}index.php"), ("Running", "/home/alice/sites/other/app/index.php")
    assert drained(page(mine, others), page(mine), page(("Finishing", f"{TREE}x.php")), page(others)) == []


def test_what_has_been_idle_is_not_waited_for(drained: Callable[..., list[Any]]) -> None:
    assert drained(page(("Idle", f"{TREE}index.php"))) == []


def test_what_does_not_end_in_time_is_stopped(drained: Callable[..., list[Any]]) -> None:
    said, stopped = drained(page(("Running", f"{TREE}slow.php"), ("Running", f"{TREE}slower.php")))
    assert said == "2 requests did not end within 0.5s and are stopped"
    assert stopped == ["systemctl", "stop", "wsh-php84-6001.service"]


STRANGE = {
    "nothing": b"",
    "no FastCGI": b"HTTP/1.1 200 OK\r\n\r\n" * 100,
    "no end": record(6, b"x" * 100) * 3,
    "too much": record(6, b"x" * 60_000) * 40,
    "no page": record(6, b"nothing") + record(3, bytes(8)),
    "no JSON": record(6, b"a: b\r\n\r\n{") + record(3, bytes(8)),
    "deep JSON": record(6, b"\r\n\r\n" + b"[" * 60_000) + record(3, bytes(8)),
    "other JSON": record(6, b"\r\n\r\n[1, null]") + record(3, bytes(8)),
    "strange rows": record(6, b"\r\n\r\n" + b'{"processes": [3]}') + record(3, bytes(8)),
}  # fmt: skip


@pytest.mark.parametrize("answer", STRANGE)
def test_a_stranger_at_the_socket_is_not_believed_and_stopped(drained: Callable[..., list[Any]], answer: str) -> None:
    *_, stopped = drained(STRANGE[answer])
    assert stopped == ["systemctl", "stop", "wsh-php84-6001.service"]


def test_one_who_sends_byte_after_byte_has_no_more_time(drained: Callable[..., list[Any]]) -> None:
    *_, stopped = drained(page(), slowly=0.05)
    assert stopped == ["systemctl", "stop", "wsh-php84-6001.service"]
