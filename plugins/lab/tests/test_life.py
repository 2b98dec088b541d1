"""Reboots, power cuts, and what killed runs leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wsh_lab import LabError
from wsh_lab.state import State

pytestmark = pytest.mark.needs_machine

BOOT_ID = "/proc/sys/kernel/random/boot_id"
FIREWALL = """\
table ip filter {
    chain FORWARD {
        type filter hook forward priority 0; policy drop;
    }
}
"""
FIREWALLED = """
import subprocess, sys
from wsh_lab.errors import LabError
from wsh_lab.network import Network
subprocess.run(["nft", "-f", "-"], text=True, check=True, input=sys.argv[1])
network = Network(9)
try:
    network.up()
except LabError as error:
    print(error)
    subprocess.run(error.hint.split(" && ")[0].split(), check=True)
network.up()
network.down()
print("up")
"""


def test_a_reboot_keeps_what_was_written_and_who_it_is(lab, name, eventually):
    server = lab.up(name)
    server.write("/home/kept", "1")
    server.write("/etc/kept", "2")
    identity = server.read("/etc/machine-id")
    assert server.reboot() < 20
    assert (server.read("/home/kept"), server.read("/etc/kept")) == (b"1", b"2")
    assert server.read("/etc/machine-id") == identity
    before = server.read(BOOT_ID)
    server.ssh(["systemctl", "reboot"], check=False)  # from inside, without the lab's doing
    eventually(lambda: server.listening() and server.read(BOOT_ID) != before)


def test_power_cut_and_start_and_clean_stop(lab, name, command, left, eventually):
    server = lab.up(name)
    server.write("/home/kept", "1")
    server.kill()
    assert server.condition == "stopped"
    assert left(name) == set()
    with pytest.raises(LabError, match="does not run") as caught:
        server.run(["true"])
    assert "wsh lab start" in caught.value.hint
    assert name not in lab.clean(), "stopped on purpose"
    assert server.start() < 20
    assert server.read("/home/kept") == b"1"
    server.stop()
    assert server.condition == "stopped"
    assert left(name) == set()
    assert command("start", name).returncode == 0
    server.ssh(["systemctl", "poweroff"], check=False)
    eventually(lambda: server.condition == "stopped")


def test_down_leaves_nothing(lab, name, left):
    server = lab.up(name)
    assert left(name) == {"groups", "links", "loops", "nspawn", "processes"}
    lab.down(name)
    assert left(name) == set()
    assert not server.directory.exists()
    with pytest.raises(LabError, match="there is no server"):
        lab.down(name)


def test_a_killed_keeper_is_cleaned_up_after(lab, name, command, left, eventually):
    lab.up(name)
    keeper = State.load(lab.directory / "servers" / name).keeper
    os.kill(keeper.pid, signal.SIGKILL)
    eventually(lambda: lab.server(name).condition == "dead")
    assert "processes" in left(name), "the server itself still ran"
    cleaned = json.loads(command("list", "--clean", "--json").stdout)["cleaned"]
    assert name in cleaned
    assert left(name) == set()
    assert not (lab.directory / "servers" / name).exists()


@pytest.mark.parametrize("delay", [0.15, 0.2, 0.25, 0.3, 0.4, 0.6])
def test_an_up_that_was_killed_anywhere_is_cleaned_by_the_next(lab, name, delay, left):
    starter = subprocess.Popen([sys.executable, "-m", "wsh_lab", "up", name], stdout=subprocess.DEVNULL)
    time.sleep(delay)
    starter.kill()
    starter.wait()
    server = lab.server(name)
    if server is not None and server.condition == "running":
        lab.down(name)
    server = lab.up(name)
    assert server.run(["hostname"]).stdout == f"{name}\n"
    lab.down(name)
    assert left(name) == set()


def test_a_pid_that_became_another_process_is_not_killed(lab, name):
    server = lab.up(name)
    server.kill()
    bystander = subprocess.Popen(["sleep", "1000"])
    path = lab.directory / "servers" / name
    state = State.load(path)
    state.keeper = type(state.keeper)(bystander.pid, 1, state.keeper.boot)
    state.save(path)
    lab.down(name)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_the_last_server_takes_the_network_along(lab, name):
    assert lab.names() == []
    lab.up(name)
    bridge, table = lab._network.bridge, lab._network.table

    def there():
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
        return Path(f"/sys/class/net/{bridge}").exists(), f"{table}\n" in tables

    assert there() == (True, True)
    lab.server(name).stop()
    assert there() == (True, True), "it may be started again"
    lab.down(name)
    assert there() == (False, False)


def test_a_firewall_that_drops_what_is_forwarded_is_named_with_its_remedy():
    """In a network namespace of its own, as if this machine had such a firewall."""
    result = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", FIREWALLED, FIREWALL],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.startswith("error[lab.firewall]: chain ip filter FORWARD"), result.stderr
    assert "help: nft insert rule ip filter FORWARD iifname wshlab9 accept" in result.stdout
    assert result.stdout.endswith("up\n"), result.stderr
