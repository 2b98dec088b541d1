from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import write
from tests.cli.test_apply import envelope
from wsh_core.cli import watch
from wsh_core.errors import ExitStatus
from wsh_core.transport.base import Transport

RECORDED = Path(__file__).with_name("recorded")
TIME = "2026-11-24T12:00:00Z"


def event(**values) -> bytes:
    return json.dumps({"version": "1.0", "time": TIME, **values}).encode() + b"\n"


class Kept:
    """A channel to a server that keeps one operation, finished or still running."""

    wait = 600.0

    def __init__(self, name: str, operation: str, *, running: bool = False) -> None:
        self.name, self.operation, self.running = name, operation, running
        self.asked: list[str] = []

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        del request
        self.asked.append(" ".join(words))
        if words[0] == "log":
            yield event(type="operations", operations=[self.operation])
        elif words[1] != self.operation:
            error = {
                "code": "operation.unknown",
                "message": f"there is no operation {words[1]} here",
                "hint": "wsh log",
            }
            yield event(
                type="done",
                operation=None,
                outcome="refused",
                counts={},
                accounts={},
                processes=0,
                seconds=0,
                error=error,
            )
        else:
            lines = (RECORDED / "install.jsonl").read_bytes().splitlines(keepends=True)
            yield from lines[:-5] if self.running and words[-1] == "0" else lines
            if self.running and words[-1] == "0":
                yield event(type="detached", operation=self.operation, offset=99)


@pytest.fixture
def servers(description, monkeypatch) -> dict[str, Kept]:
    write(description, "servers/web2/server.yaml", "address: web2.example.org\ndebian: 13\n")
    write(description, "servers/web2/accounts/.gitkeep", "")
    kept = {"web1": Kept("web1", "aaaaaa"), "web2": Kept("web2", "4f2a13")}
    monkeypatch.setattr(watch, "transport", lambda _session, server: Transport(server.name, kept[server.name]))
    return kept


@pytest.mark.usefixtures("servers")
def test_the_operations_of_all_servers(wsh):
    assert wsh("log").out == "web1   aaaaaa\nweb2   4f2a13\n"
    assert wsh("log", "--server", "web2").out == "web2   4f2a13\n"


@pytest.mark.usefixtures("servers")
def test_an_operation_is_found_on_the_server_that_knows_it(wsh):
    done = wsh("log", "4f2a13")
    assert done.status == ExitStatus.OK
    assert "14:46:48  | step 4 of 4: install.php" in done.out
    assert "1 of 1 account as wanted (1 changed)" in done.out
    assert done.err == ""
    answer = envelope(wsh("log", "4f2a13", "--json"))
    assert (answer["data"]["server"], answer["data"]["running"]) == ("web2", False)


@pytest.mark.usefixtures("servers")
def test_an_operation_that_nobody_knows(wsh):
    done = wsh("log", "bbbbbb")
    assert done.status == ExitStatus.FAILED
    assert "error[operation.unknown]" in done.err


def test_what_still_runs_is_shown_up_to_now_or_followed(wsh, servers):
    servers["web2"].running = True
    now = wsh("log", "4f2a13")
    assert now.status == ExitStatus.OK
    assert "operation 4f2a13 goes on: wsh log 4f2a13 --follow" in now.out
    followed = wsh("log", "4f2a13", "--follow", "--server", "web2")
    assert "1 of 1 account as wanted (1 changed)" in followed.out
    assert servers["web2"].asked[-1] == "follow 4f2a13 0 --wait 600"
