from __future__ import annotations

import threading

import pytest

from wsh_core.errors import TransportError
from wsh_core.transport.fleet import each


def test_servers_are_worked_on_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)

    def work():
        both.wait()
        yield {"type": "done"}

    assert sorted(server for server, _ in each({"web1": work, "web2": work})) == ["web1", "web2"]


def test_an_error_ends_its_own_server_alone() -> None:
    def fails():
        yield {"type": "started"}
        raise TransportError("server.lost", "gone")

    def works():
        yield {"type": "started"}
        yield {"type": "done"}

    found = list(each({"web1": fails, "web2": works}))
    assert [what["type"] for server, what in found if server == "web2"] == ["started", "done"]
    assert isinstance([what for server, what in found if server == "web1"][-1], TransportError)


def test_a_mistake_in_the_program_is_raised() -> None:
    def mistaken():
        yield {"type": "started"}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(each({"web1": mistaken}))


def test_no_more_than_so_many_at_once() -> None:
    now: set[str] = set()
    most = 0
    lock = threading.Lock()

    def work(name):
        def run():
            nonlocal most
            with lock:
                now.add(name)
                most = max(most, len(now))
            yield {"type": "done"}
            with lock:
                now.discard(name)

        return run

    assert len(list(each({f"web{n}": work(f"web{n}") for n in range(9)}, at_once=2))) == 9
    assert most <= 2
