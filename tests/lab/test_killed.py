"""Installations of WordPress that end in the middle are put back by themselves, and visitors never see a half."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from wsh_lab import Server

from .blog import Blog
from .operations import Operation, wait_for
from .world import World, changes, troubles

pytestmark = pytest.mark.needs_machine("root", "namespaces")
JOURNAL = """
import sqlite3
print(*sqlite3.connect("/var/lib/wsh/ledger.db").execute("SELECT object, phase FROM journal"))
"""


@pytest.fixture(scope="module")
def world(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A server with a WordPress that is there already: its release is in the cache, and it must never notice."""
    world = World(wsh_server, tmp_path_factory.mktemp("description"))
    Blog(world, "steady").describe()
    world.apply()
    return world


def journal(world: World) -> str:
    return world.server.run(["python3", "-c", JOURNAL]).stdout.strip()


def tables(blog: Blog) -> int:
    files = blog.world.server.run(["sh", "-c", f"ls /var/lib/mysql/{blog.database}/*.ibd || true"]).stdout
    return len(files.splitlines())


def is_unseen(blog: Blog) -> None:
    """Visitors meet the fence, or no such site."""
    answer = blog.get("/", "--insecure")
    assert answer.status in (421, 503)
    assert "WordPress" not in answer.body


def is_whole(blog: Blog) -> None:
    """The site is there, nothing of the cut installation is, and nothing is left to do."""
    blog.is_well()
    server = blog.world.server
    assert server.run(["ls", "-A", f"/home/{blog.account}/sites/{blog.key}"]).stdout == "app\n"
    assert server.run(["ls", "-A", "/var/lib/wsh/fence"]).stdout == ""
    assert "wsh-step" not in server.run(["systemctl", "list-units", "--all", "wsh-step-*"]).stdout
    assert journal(blog.world) == ""
    assert changes(blog.world.apply()) == {}
    assert Blog(blog.world, "steady").shown_title() == "blog of steady"


def in_the_middle_of_the_tables(operation: Operation, blog: Blog) -> None:
    operation.until("migrated")
    wait_for(lambda: tables(blog) > 3)


MOMENTS: dict[str, Callable[[Operation, Blog], None]] = {
    **{phase: lambda operation, _blog, phase=phase: operation.until(phase)
       for phase in ("built", "switched", "migrated", "verified")},
    "tables": in_the_middle_of_the_tables,
}  # fmt: skip


def is_recovered(world: World) -> None:
    """What was cut is ended by itself (wsh-recover.service), although nobody applies anything."""
    active = ["systemctl", "is-active", "wsh-recover.service"]
    wait_for(lambda: journal(world) == "")
    wait_for(lambda: world.server.run(active, check=False).stdout.strip() == "inactive")


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_operation_that_is_killed_is_put_back_by_itself_and_made_by_the_next_apply(
    world: World, moment: str
) -> None:
    blog = Blog(world, f"at{moment}")
    blog.describe()
    operation = Operation.begin(world)
    MOMENTS[moment](operation, blog)
    operation.signal("KILL")
    last = operation.follow()[-1]
    assert (last["outcome"], last["error"]["code"]) == ("refused", "operation.died")
    assert operation.id in last["error"]["message"]
    assert "wsh apply" in last["error"]["hint"]
    is_recovered(world)
    planned = changes(world.plan())
    if moment == "verified" and planned == {}:  # it was as good as done, and is finished
        is_whole(blog)
        return
    assert planned == {f"app:{blog.account}/blog": "planned"}
    is_unseen(blog)
    events = world.apply()
    assert events[-1]["accounts"] == {**dict.fromkeys(events[-1]["accounts"], "ok"), blog.account: "changed"}
    is_whole(blog)


def test_a_server_that_loses_power_puts_back_what_was_cut(world: World) -> None:
    """The fence stands in a file, so the site stays shut when the server is up again."""
    blog = Blog(world, "powerless")
    blog.describe()
    in_the_middle_of_the_tables(Operation.begin(world), blog)
    world.server.kill()
    world.server.start()
    wait_for(lambda: world.server.listening(443))
    is_recovered(world)
    is_unseen(blog)
    events = world.apply()
    assert changes(events) == {f"app:{blog.account}/blog": "changed"}, troubles(events)
    is_whole(blog)


def test_a_lost_connection_stops_nothing_and_loses_nothing(world: World) -> None:
    """The ssh client dies in the middle; the operation goes on, and is followed from where the client was."""
    blog = Blog(world, "lost")
    blog.describe()
    ssh = world.server.ssh_config()
    argv = ["ssh", *ssh.options(), f"{ssh.user}@{ssh.address}", "python3", "-I", world.agent, "start"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin
        assert client.stdout
        client.stdin.write(world.request().encode())
        client.stdin.close()
        seen = b""
        while b'"phase":"built"' not in seen:
            seen += client.stdout.readline()
        client.kill()
    operation = Operation.newest(world)
    assert operation.running()
    rest = operation.follow(len(seen))
    assert operation.log().startswith(seen)
    assert len(operation.events()) == seen.count(b"\n") + len(rest)
    assert (rest[-1]["type"], rest[-1]["outcome"]) == ("done", "ok")
    assert operation.follow() == operation.events()
    is_whole(blog)
