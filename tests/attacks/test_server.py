"""What all accounts stand on: the sandbox, Apache's modules, and nothing that grows with their number."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from wsh_lab import Server

from tests.attacks import defences
from tests.lab.world import World
from wsh_core import releases
from wsh_core.agent import paths

pytestmark = pytest.mark.needs_machine("lab")

ACCOUNTS = ("ann", "ben", "cat", "dan", "eve")
EXPOSURE = 1.5


@pytest.fixture(scope="module")
def world(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(wsh_server, tmp_path_factory.mktemp("description"), plugins=())


def add(world: World, *names: str) -> None:
    for name in names:
        world.account(
            name,
            {"www": f"domains: [{name}.test], app: php", "st": f"domains: [st.{name}.test], app: static"},
        )
    world.apply()
    for name in names:
        world.put(name, "www/app/index.php", "<?php echo 'awake';")


def unit(world: World, name: str) -> str:
    return f"wsh-{paths.runtime(releases.load(world.server.debian).php.version)}-{world.uid(name)}.service"


def wake(world: World, *names: str) -> None:
    assert [world.get(f"https://{name}.test/").body for name in names] == ["awake"] * len(names)


def mounts(world: World) -> list[str]:
    """The mounts of the server's own namespace, by place."""
    return sorted(line.split()[4] for line in world.server.read("/proc/1/mountinfo").decode().splitlines())


def processes(world: World, name: str) -> list[str]:
    return world.server.run(["pgrep", "--uid", str(world.uid(name))], check=False).stdout.split()


def test_mounts_do_not_grow_with_accounts_and_who_was_never_asked_has_no_process(world: World) -> None:
    add(world, ACCOUNTS[0])
    wake(world, ACCOUNTS[0])
    with_one = mounts(world)
    add(world, *ACCOUNTS[1:])
    assert mounts(world) == with_one
    for name in ACCOUNTS[1:]:
        assert world.get(f"https://st.{name}.test/").status in {403, 404}
        assert processes(world, name) == []
        assert world.server.run(["systemctl", "is-active", unit(world, name)], check=False).stdout.strip() == "inactive"
    wake(world, *ACCOUNTS)
    assert mounts(world) == with_one
    assert len(with_one) < 100
    for name in ACCOUNTS:
        assert processes(world, name) != []


def exposure(world: World, of: str) -> float:
    """How much of the system the unit is exposed to, 0 to 10 (systemd-analyze(1))."""
    said = world.server.run(["systemd-analyze", "security", "--no-pager", of]).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found[1])


def test_the_runtime_is_exposed_to_little(world: World) -> None:
    name = ACCOUNTS[0]
    assert exposure(world, unit(world, name)) <= EXPOSURE
    sandbox = f"{paths.UNITS}/{unit(world, name).rpartition('-')[0]}-.service.d"
    world.server.run(["mv", sandbox, f"{sandbox}.away"])
    try:
        world.server.run(["systemctl", "daemon-reload"])
        assert exposure(world, unit(world, name)) > 2 * EXPOSURE
    finally:
        world.server.run(["mv", f"{sandbox}.away", sandbox])
        world.server.run(["systemctl", "daemon-reload"])


def test_no_process_of_an_account_or_of_php_is_roots(world: World) -> None:
    wake(world, *ACCOUNTS)
    owners = world.server.run(
        ["ps", "-C", f"php-fpm{releases.load(world.server.debian).php.version}", "-o", "uid="]
    ).stdout
    assert {int(uid) for uid in owners.split()} == {world.uid(name) for name in ACCOUNTS}


def declared() -> set[str]:
    text = files("wsh_core.transport").joinpath("playbooks/apache-modules.yml").read_text(encoding="utf-8")
    return set(yaml.safe_load(text)["apache_modules"])


def loaded(world: World) -> set[str]:
    """The modules in the memory of the Apache that runs, not those of a configuration."""
    assert world.get("http://nobody.test/").status == 421
    pid = world.server.run(["systemctl", "show", "--property=MainPID", "--value", "apache2.service"]).stdout.strip()
    maps = world.server.read(f"/proc/{pid}/maps").decode()
    return {Path(path).stem.removeprefix("mod_") for path in re.findall(r"\S+/apache2/modules/\S+[.]so", maps)}


def test_apache_has_exactly_the_declared_modules(world: World) -> None:
    assert loaded(world) == declared()
    with defences.modules(world, "status"):
        assert loaded(world) == declared() | {"status"}
    assert loaded(world) == declared()
