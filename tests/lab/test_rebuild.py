"""A lost server comes back from its YAML; and what is as described costs next to nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wsh_lab import Server

from .blog import Blog
from .conftest import server_name
from .look import differences, state
from .world import World, changes

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]
UNCHANGED = 1
"""The programs that an apply without changes starts, for any number of accounts: systemd is asked once."""
MANY = 97
"""Accounts that are added to the three of the first world."""


def describe(world: World) -> Blog:
    blog = Blog(world, "alice")
    world.account("alice", {"blog": blog.yaml(), "old": "domains: [old.alice.example.org], app: static"})
    world.account("bob", {"tool": "domains: [tool.bob.example.org, www.tool.bob.example.org], app: php"})
    world.account("carol", {"www": "domains: [www.carol.example.org], app: static"})
    return blog


@pytest.fixture(scope="module")
def first(lab: Any, wsh_image: Any, request: Any, tmp_path_factory: Any) -> tuple[Path, list[str]]:
    """A server that was described, made, used, and is no more: its description, and what it was like."""
    name = server_name(request, "1")
    world = World(lab.up(name, image=wsh_image), tmp_path_factory.mktemp("first"))
    blog = describe(world)
    world.apply()
    found = state(world)
    blog.is_well()
    lab.down(name)
    return world.root, found


@pytest.fixture(scope="module")
def world(
    first: tuple[Path, list[str]], wsh_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Another server, with the description of the first and nothing else of it."""
    world = World(wsh_server, tmp_path_factory.mktemp("second"))
    accounts = "servers/web1/accounts"
    shutil.copytree(first[0] / accounts, world.root / accounts, dirs_exist_ok=True)
    world.apply()
    return world


def test_a_lost_server_comes_back_as_it_was(first: tuple[Path, list[str]], world: World) -> None:
    differ = differences(state(world), first[1])
    assert not differ, differ
    assert len(first[1]) > 1000
    Blog(world, "alice").is_well()


def test_the_second_apply_has_nothing_to_do(world: World) -> None:
    assert changes(world.plan()) == {}
    last = world.apply()[-1]
    assert (last["counts"]["changed"], set(last["accounts"].values())) == (0, {"ok"})


def test_no_more_is_started_for_a_hundred_accounts_than_for_three(world: World) -> None:
    world.server.write("/root/counted.py", Path(__file__).with_name("counted.py").read_bytes())
    assert idle(world) == (3, UNCHANGED)
    for number in range(MANY):
        world.account(f"acc{number}", {"www": f"domains: [www.acc{number}.example.org], app: static"})
    world.apply()
    assert idle(world) == (3 + MANY, UNCHANGED)
    for name in ("acc0", f"acc{MANY - 1}"):
        world.put(name, "www/app/index.html", f"this is {name}")
        assert world.get(f"https://www.{name}.example.org/").body == f"this is {name}"


def idle(world: World) -> tuple[int, int]:
    """Apply what is there already: accounts that were looked at, programs that were started."""
    done = world.server.run(["python3", "-I", "/root/counted.py", world.agent, "/root/started"], input=world.request())
    *_, last = events = [json.loads(line) for line in done.stdout.splitlines()]
    started = world.server.read("/root/started").decode().splitlines()
    assert (changes(events), last["outcome"]) == ({}, "ok")
    assert last["processes"] == len(started), started
    return len(last["accounts"]), len(started)


def test_an_apply_for_one_account_reads_and_writes_nothing_of_the_others(world: World) -> None:
    """Another account's drift is neither seen nor mended, and no file outside of the account's changes."""
    world.server.run(["chmod", "0777", "/home/carol/sites/www"])
    world.account("bob", {"tool": "domains: [tool.bob.example.org], app: php, php: {memory_limit: 99M}"})
    world.server.run(["sh", "-c", "sync; sleep 0.1; touch /root/mark; sleep 0.1"])
    events = world.apply(accounts=["bob"])
    assert set(changes(events)) == {"jail:/var/lib/wsh/jail/bob", "certificate:bob-tool", "vhost:bob-tool"}
    assert {e["account"] for e in events if e["type"] == "resource"} == {"bob"}
    assert events[0]["accounts"] == 1
    uid = world.uid("bob")
    vhosts = "/etc/apache2/wsh/sites"
    parents = ["/var/lib/wsh", "/var/lib/wsh/tls", vhosts]
    own = (f"/var/lib/wsh/jail/{uid}", "/var/lib/wsh/tls/bob-tool", f"{vhosts}/bob-tool.conf")
    records = (
        "/var/lib/wsh/ledger.db",
        "/var/lib/wsh/operations",
        "/var/log/wsh/operations",
        "/var/lib/wsh/md/",
    )
    changed = touched(world)
    assert set(own[1:]) <= set(changed)
    assert [path for path in changed if path not in parents and not path.startswith((*own, *records))] == []
    events = world.apply()
    assert changes(events) == {"directory:/home/carol/sites/www": "changed"}


def touched(world: World) -> list[str]:
    """What has changed in any way since /root/mark, in all places where wsh makes something."""
    places = ["/home", "/etc", "/var/lib/wsh", "/usr/lib/wsh", "/var/log/wsh", "/var/lib/mysql/mysql"]
    return world.server.run(["find", *places, "-cnewer", "/root/mark", "-print"]).stdout.splitlines()
