"""Upgrades that are killed at any point: they are ended without an apply, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from .aged import TWO_HOPS, Aged, furnished, recover
from .operations import Operation, wait_for
from .world import World

pytestmark = pytest.mark.needs_machine("root", "namespaces")


@pytest.fixture(scope="module")
def world(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    return furnished(wsh_server, tmp_path_factory)


def kill(world: World, request: str, when: str, what: str, verb: str = "apply") -> None:
    argv = ["python3", "-I", "/root/killed.py", world.agent, when, what, verb]
    died = world.server.run(argv, input=request, check=False, timeout=300)
    assert died.returncode in (-9, 137), died.stdout


CUTS = [
    *[(when, phase) for phase in dict.fromkeys(TWO_HOPS) for when in ("before", "after")],
    ("before", "2:switched"),
    ("after", "2:switched"),
    ("before", "2:migrated"),
    ("after", "2:migrated"),
    ("before", "finish"),
    ("after", "finish"),
    *[("during", verb) for verb in ("unpack", "2:unpack", "dump", "copy", "bring", "2:bring", "exchange", "clear")],
    *[("during", verb) for verb in ("2:exchange", "step", "2:step", "keep")],
]
FINISHED = {("after", "verified"), ("before", "done"), ("after", "done"), ("before", "finish"), ("after", "finish")}
FINISHED |= {("during", "keep")}


@pytest.mark.parametrize(("when", "what"), CUTS)
def test_an_upgrade_that_is_killed_is_ended_without_an_apply(world: World, when: str, what: str) -> None:
    toy = Aged(world, f"{when[:2]}{what.replace(':', '')}")
    content, rows = toy.content(), toy.rows()
    toy.describe()
    kill(world, toy.request("upgrade"), when, what)
    recover(world)
    if (when, what) in FINISHED:
        assert toy.version() == "2.0"
        assert toy.notes() == list(Aged.NOTES)
        assert world.get(f"{toy.url}/uploads/own.txt").body == "my upload"
        toy.works()
        assert toy.unfinished() == 0
        assert not toy.fenced()
        toy.told("rollback")
        assert toy.rows() == rows
    else:
        toy.is_as(content)
        toy.upgrade()
        assert toy.version() == "2.0"


BACK = [("before", "undone"), ("after", "undone"), ("during", "load"), ("during", "3:exchange"), ("during", "3:bring"),
        ("during", "4:bring"), ("during", "checksum"), ("during", "remove")]  # fmt: skip


@pytest.mark.parametrize(("when", "what"), BACK)
def test_an_undo_that_is_killed_is_ended_too(world: World, when: str, what: str) -> None:
    toy = Aged(world, f"u{when[:2]}{what.replace(':', '')}")
    content = toy.content()
    toy.describe()
    kill(world, toy.request("upgrade"), "after", "2:migrated")
    kill(world, "", when, what.replace("3:", "1:").replace("4:", "2:"), "recover")
    recover(world)
    toy.is_as(content)


@pytest.mark.parametrize(
    ("when", "what"),
    [("after", "fenced"), ("after", "switched"), ("during", "exchange"), ("after", "migrated"), ("during", "load"),
     ("after", "verified"), ("during", "keep")],
)  # fmt: skip
def test_a_rollback_that_is_killed_is_ended_and_its_snapshot_is_still_one(world: World, when: str, what: str) -> None:
    toy = Aged(world, f"r{when[:2]}{what}")
    old = toy.rows()
    toy.upgrade()
    toy.note("a new note")
    newer = toy.rows()
    kill(world, toy.request("rollback"), when, what)
    recover(world)
    rows = {"1.0": old, "2.0": newer}
    assert toy.rows() == rows[toy.version()]
    assert toy.version() == ("1.0" if what in ("verified", "keep") else "2.0")
    assert toy.unfinished() == 0
    toy.told("rollback")
    assert toy.rows() == rows[toy.version()]
    toy.works()


def test_an_operation_that_is_killed_is_recovered_by_itself(world: World) -> None:
    toy = Aged(world, "olga")
    content = toy.content()
    toy.describe()
    operation = Operation.begin(world, accounts=["olga"], told={"site:olga/notes": "upgrade"})
    operation.until("switched")
    operation.signal("KILL")
    wait_for(lambda: toy.unfinished() == 0)
    if toy.version() == "1.0":
        wait_for(lambda: not toy.fenced())
        toy.is_as(content)
    recovered = world.server.run(["journalctl", "-u", "wsh-recover.service", "-o", "cat"]).stdout
    assert "site:olga/notes" in recovered


def test_a_server_that_loses_power_is_recovered_at_boot(world: World) -> None:
    toy = Aged(world, "paula")
    content = toy.content()
    toy.describe()
    kill(world, toy.request("upgrade"), "after", "2:migrated")
    world.server.run(["sync"])
    world.server.kill()
    world.server.start()
    wait_for(lambda: world.server.listening(443))
    wait_for(lambda: toy.unfinished() == 0 and not toy.fenced())
    toy.is_as(content)
