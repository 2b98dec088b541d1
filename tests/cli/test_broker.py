"""The socket between root's half and its child: what may be wished, and that answers are never mixed up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.cli.broker import LARGEST, WISHES, Child, serve
from wsh_core.errors import AgentFailure, TransportError

ALLOWED = [
    "plan", "log", "start", "start --wait 600 --lock-wait 0", "follow 7f3a00 0",
    "follow 7f3a00 12345 --wait 0.5", "setup web1 13",
]  # fmt: skip


class Halves:
    """A child, and root's half in a thread, which notes what it was asked to do."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.done: list[tuple[list[str], bytes]] = []
        self.child = Child(theirs)
        self.socket = theirs
        self.thread = threading.Thread(target=self._serve, args=(ours,), daemon=True)
        self.thread.start()

    def _serve(self, ours: socket.socket) -> None:
        with ours:
            serve(ours, self._run)

    def _run(self, words, request: bytes) -> Iterator[bytes]:
        self.done.append((list(words), request))
        if words[0] == "log":
            raise TransportError("server.not-ready", "it is not", "make it so", detail="their words")
        if words[0] == "setup":
            raise AgentFailure("agent.broken-off", "it broke off")
        yield from (f"{words[0]} {number}\n".encode() for number in range(3))


@pytest.fixture
def halves() -> Iterator[Halves]:
    made = Halves()
    yield made
    made.socket.close()
    made.thread.join(5)
    assert not made.thread.is_alive()


@pytest.mark.parametrize("words", ALLOWED)
def test_the_verbs_of_the_protocol_are_wishes(words):
    assert WISHES.fullmatch(words)


@pytest.mark.parametrize(
    "words",
    [
        "", "apply", "run 7f3a00", "helper", "fetch", "plan --root /tmp", "--root /tmp plan", "plan\nrun",
        "start --wait", "follow ../../etc/passwd 0", "follow 7f3a00 0 --wait 1e9", "follow 7F3A00 0",
        "setup web1 14", "setup --x 13", "setup web1 13 13", "log extra", "follow 7f3a00 -1",
    ],
)  # fmt: skip
def test_all_else_is_refused_before_anything_is_done(halves, words):
    with pytest.raises(AgentFailure) as refused:
        list(halves.child.run(words.split(" ")))
    assert refused.value.problems[0].code == "run.refused"
    assert halves.done == []


@given(st.text(max_size=80))
def test_whatever_is_wished_names_no_path_and_no_other_option(words):
    if WISHES.fullmatch(words):
        assert "/" not in words
        assert {word for word in words.split(" ") if word.startswith("-")} <= {"--wait", "--lock-wait"}


def test_an_answer_and_its_request(halves):
    assert b"".join(halves.child.run(["plan"], b"x" * 200_000)) == b"plan 0\nplan 1\nplan 2\n"
    assert halves.done == [(["plan"], b"x" * 200_000)]


def test_an_answer_that_was_not_heard_out_does_not_disturb_the_next(halves):
    first = halves.child.run(["plan"])
    assert next(first) == b"plan 0\n"
    first.close()
    assert b"".join(halves.child.run(["start"])) == b"start 0\nstart 1\nstart 2\n"


@pytest.mark.parametrize(("words", "kind"), [(["log"], TransportError), (["setup", "web1", "13"], AgentFailure)])
def test_an_error_arrives_as_what_it_was(halves, words, kind):
    with pytest.raises(kind) as failed:
        list(halves.child.run(words))
    (problem,) = failed.value.problems
    assert problem.hint == ("make it so" if words == ["log"] else None)
    assert list(halves.child.run(["plan"])), "the next wish is answered"


def test_root_s_half_gone_is_told():
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs, pytest.raises(TransportError, match="is gone"):
        list(Child(theirs).run(["plan"]))


def test_a_frame_that_is_too_large_ends_the_conversation(halves):
    halves.socket.sendall((LARGEST + 1).to_bytes(4, "big"))
    halves.thread.join(5)
    assert not halves.thread.is_alive()
