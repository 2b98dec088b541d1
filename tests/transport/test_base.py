"""The conversation, whatever the way: what is yielded, and what happens when it is cut."""

from __future__ import annotations

import json

import pytest

from wsh_core.errors import AgentFailure, TransportError, UnreachableError
from wsh_core.transport import base
from wsh_core.transport.base import Transport

STARTED = {"type": "started", "version": "1.0", "operation": "abc123"}
CHANGED = {"type": "resource", "version": "1.0", "id": "user:älice"}
DONE = {"type": "done", "version": "1.0", "operation": "abc123", "outcome": "ok"}


def line(event: dict) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


LOG = line(STARTED) + line(CHANGED) + line(DONE)


class Server:
    """A channel to a server whose operation has written LOG; `script` says how each call ends."""

    wait = 5.0

    def __init__(self, *script: int | Exception) -> None:
        self.script = list(script)
        self.calls: list[list[str]] = []

    def run(self, words, request=b""):  # noqa: ARG002
        self.calls.append(list(words))
        upto = self.script.pop(0)
        if isinstance(upto, Exception):
            raise upto
        offset = int(words[2]) if words[0] == "follow" else 0
        whole = LOG[offset:upto]
        yield whole[:7]
        yield whole[7:]
        if upto < len(LOG) and LOG[upto - 1 : upto] == b"\n":
            yield line({"type": "detached", "version": "1.0", "operation": "abc123", "offset": upto})


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch) -> None:
    monkeypatch.setattr(base.time, "sleep", lambda _: None)


def test_apply_yields_every_event_of_an_operation_that_ends_within_the_call() -> None:
    server = Server(len(LOG))
    assert list(Transport("web1", server).apply({})) == [STARTED, CHANGED, DONE]
    assert server.calls == [["start", "--wait", "5", "--lock-wait", "0"]]


def test_a_long_operation_is_followed_from_the_byte_where_the_call_ended() -> None:
    first = len(line(STARTED))
    server = Server(first, first, len(LOG))
    assert list(Transport("web1", server).apply({})) == [STARTED, CHANGED, DONE]
    assert server.calls[1:] == [["follow", "abc123", str(first), "--wait", "5"]] * 2


def test_a_lost_connection_loses_and_repeats_no_event() -> None:
    cut_in_a_line = len(line(STARTED)) + 9
    server = Server(cut_in_a_line, UnreachableError("server.unreachable", "gone"), len(LOG))
    assert list(Transport("web1", server).apply({})) == [STARTED, CHANGED, DONE]


def test_a_server_that_stays_away_is_given_up_with_the_name_of_the_operation(monkeypatch) -> None:
    clock = iter(range(0, 10_000, 50))
    monkeypatch.setattr(base.time, "monotonic", lambda: float(next(clock)))
    gone = UnreachableError("server.unreachable", "gone")
    server = Server(len(line(STARTED)), *[gone] * 20)
    with pytest.raises(TransportError) as caught:
        list(Transport("web1", server).apply({}))
    assert caught.value.problems[0].code == "server.lost"
    assert caught.value.problems[0].hint == "wsh log abc123 --follow"


def test_what_never_began_is_not_tried_again() -> None:
    server = Server(UnreachableError("server.unreachable", "refused"))
    with pytest.raises(UnreachableError):
        list(Transport("web1", server).apply({}))
    assert len(server.calls) == 1


def test_an_agent_that_says_nothing_of_an_end_broke_off() -> None:
    with pytest.raises(AgentFailure, match="broke off while planning"):
        list(Transport("web1", Server(len(line(STARTED)) + 3)).plan({}))


class Says:
    wait = 5.0

    def __init__(self, said: bytes) -> None:
        self.said = said

    def run(self, words, request=b""):  # noqa: ARG002
        yield self.said


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"Welcome to web1\n", "agent.garbled"),
        (b"[]\n", "agent.garbled"),
        (b'{"version": "1.0"}\n', "agent.garbled"),
        (b'{"type": "done", "version": "2.0"}\n', "protocol.version"),
    ],
)
def test_what_is_no_event_is_refused(said, code) -> None:
    with pytest.raises(AgentFailure) as caught:
        list(Transport("web1", Says(said)).plan({}))
    assert caught.value.problems[0].code == code


def test_a_newer_minor_version_is_understood() -> None:
    said = b'{"type": "done", "version": "1.7", "new": 1}\n'
    assert list(Transport("web1", Says(said)).plan({})) == [json.loads(said)]
