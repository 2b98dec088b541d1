"""The jobs of applications: as the account, in its jail, at a time of its own, and not behind the fence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from wsh_lab import Server

from .toy import Toy, install_plugin, put_release
from .world import World, changes

pytestmark = pytest.mark.needs_machine("root", "namespaces")

SPY = """<?php
$seen = [posix_getuid(), glob('/home/*'), @file_get_contents('/etc/shadow'), scandir('/proc/self/root')];
echo json_encode($seen), "\\n";
"""


@pytest.fixture(scope="module")
def world(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    install_plugin(tmp_path_factory.mktemp("plugin"))
    world = World(wsh_server, tmp_path_factory.mktemp("description"), plugins=["toyapp"])
    for version in ("1.0", "1.1", "2.0"):
        put_release(world, tmp_path_factory.mktemp("release"), version=version)
    for name in ("alice", "bob"):
        Toy(world, name).describe()
    world.apply()
    return world


def unit(world: World, account: str = "alice") -> str:
    return f"wsh-job-{world.uid(account)}-notes-count"


def start(world: World) -> str:
    """Run the job now; how it ended, in systemd's words."""
    world.server.run(["systemctl", "start", f"{unit(world)}.service"], check=False)
    shown = ["systemctl", "show", "--property=ConditionResult,Result,ExecMainStatus", f"{unit(world)}.service"]
    return world.server.run(shown).stdout


def log(world: World) -> str:
    return world.server.run(["cat", "/var/log/wsh/alice/jobs.log"], check=False).stdout


@pytest.fixture
def fence(world: World) -> Iterator[None]:
    world.server.run(["touch", "/var/lib/wsh/fence/alice-notes"])
    yield
    world.server.run(["rm", "/var/lib/wsh/fence/alice-notes"])


def test_a_job_runs_and_what_it_prints_is_in_the_accounts_log(world: World) -> None:
    before = log(world)
    said = start(world)
    assert "ConditionResult=yes" in said
    assert "ExecMainStatus=0" in said
    assert log(world).removeprefix(before).strip()
    owner = world.server.run(["stat", "--format=%U:%G %a", "/var/log/wsh/alice/jobs.log"]).stdout.split()
    assert owner[0].startswith("root:")


@pytest.mark.usefixtures("fence")
def test_it_does_not_run_while_the_site_is_fenced(world: World) -> None:
    before = log(world)
    assert "ConditionResult=no" in start(world)
    assert log(world) == before


def test_it_is_the_account_in_its_jail(world: World) -> None:
    world.put("alice", "notes/app/count.php", SPY)
    before = log(world)
    assert "ExecMainStatus=0" in start(world)
    said = log(world).removeprefix(before)
    assert f"[{world.uid('alice')}," in said
    assert "bob" not in said
    assert '"\\/home\\/alice"' in said
    assert ",false," in said


def test_every_site_has_a_time_of_its_own(world: World) -> None:
    shown = ["systemctl", "show", "--property=NextElapseUSecRealtime"]
    times = {world.server.run([*shown, f"{unit(world, name)}.timer"]).stdout for name in ("alice", "bob")}
    assert len(times) == 2
    assert all(re.search(r"=\w{3} \d{4}-", time) for time in times)


def test_a_timer_that_was_stopped_is_started_again(world: World) -> None:
    world.server.run(["systemctl", "stop", f"{unit(world)}.timer"])
    assert changes(world.apply())[f"unit:{unit(world).replace(str(world.uid('alice')), 'alice')}.timer"] == "changed"
    assert world.server.run(["systemctl", "is-active", f"{unit(world)}.timer"]).stdout == "active\n"
    assert changes(world.apply()) == {}


def test_what_a_job_is_told_can_be_read_by_root_alone(world: World) -> None:
    frame = "/var/lib/wsh/jobs/alice-notes-count"
    assert world.server.run(["stat", "--format=%U %a", frame]).stdout == "root 600\n"
    assert Path(frame).name in world.server.run(["ls", "/var/lib/wsh/jobs"]).stdout
