"""What is remembered of servers, and what is decided by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from wsh_lab import cgroup, network, requirements, tools
from wsh_lab.errors import CommandError, LabError
from wsh_lab.state import Process, State, Store, condition

HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
PURE = "sysfs /sys sysfs rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n"


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "lab")


def a_state(name="web1", address="10.213.1.2", keeper=None):
    return State(name, address, 13, "debian13-base", ["/lower"], "0" * 32, "2030-01-01T00:00:00+0000", keeper)


def saved(store, state):
    store.server(state.name).mkdir()
    state.save(store.server(state.name))
    return store.server(state.name)


def test_a_process_is_known_by_more_than_its_number():
    child = subprocess.Popen(["sleep", "60"])
    process = Process.of(child.pid)
    assert process is not None
    assert process.alive()
    assert not Process(process.pid, process.start - 1, process.boot).alive()
    assert not Process(process.pid, process.start, "an earlier boot").alive()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process.alive(), "a zombie is not alive"
    child.wait()
    assert Process.of(child.pid) is None


def test_a_state_is_read_back_as_it_was_written(store):
    state = a_state(keeper=Process.of(os.getpid()))
    directory = saved(store, state)
    assert State.load(directory) == state
    assert [path.name for path in directory.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"keeper": 3}', '{"keeper": null, "what": 1}'])
def test_a_state_that_cannot_be_read_is_none(store, text):
    directory = store.server("web1")
    directory.mkdir()
    (directory / "state.json").write_text(text)
    assert State.load(directory) is None
    assert condition(directory, None) == "dead"
    assert store.names() == ["web1"]
    assert store.states() == []


def test_what_is_cleaned_and_what_is_not(store):
    running = saved(store, a_state("running", keeper=Process.of(os.getpid())))
    stopped = saved(store, a_state("stopped", keeper=Process(1, 1, "an earlier boot")))
    (stopped / "exit").write_text("0\n")
    killed = saved(store, a_state("killed", keeper=Process(1, 1, "an earlier boot")))
    half_made = saved(store, a_state("half"))
    conditions = [condition(path, State.load(path)) for path in (running, stopped, killed, half_made)]
    assert conditions == ["running", "stopped", "dead", "dead"]


@pytest.mark.parametrize("name", ["", "Web", "1web", "web_1", "a/b", "../x", "a b", "web-", "a" * 31, "web\n"])
def test_what_cannot_be_a_host_name_is_refused(store, name):
    with pytest.raises(LabError) as caught:
        store.server(name)
    assert caught.value.status == 2


def test_only_root_may_look_into_the_lab(store):
    assert store.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["a:b", "a,b", "a b", "a\\b"])
def test_a_directory_that_overlayfs_would_misread_is_refused(tmp_path, name):
    with pytest.raises(LabError, match="overlayfs"):
        Store.open(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_two_labs_differ_in_all_names(tmp_path):
    one, two = Store.open(tmp_path / "one"), Store.open(tmp_path / "two")
    assert one.number != two.number
    assert one.machine("web") != two.machine("web")
    assert network.Network(one.number).range != network.Network(two.number).range


def test_a_lock_is_held_by_one(tmp_path):
    with tools.locked(tmp_path / "lock") as first, tools.locked(tmp_path / "lock", wait=False) as second:
        assert (first, second) == (True, False)
    with tools.locked(tmp_path / "lock", wait=False) as again:
        assert again


def test_addresses_are_given_out_lowest_first_until_none_is_left(monkeypatch):
    monkeypatch.setenv("WSH_LAB_NETWORK", "10.99.1.0/29")
    with pytest.raises(LabError, match="too small"):
        network.Network(7)
    monkeypatch.setenv("WSH_LAB_NETWORK", "10.99.1.0/28")
    net = network.Network(7)
    assert net.free_address([]) == "10.99.1.2"
    assert net.free_address(["10.99.1.2", "10.99.1.4"]) == "10.99.1.3"
    with pytest.raises(LabError, match="taken"):
        net.free_address(str(address) for address in net.range.hosts())


@pytest.mark.parametrize("value", ["", "10.99.1.1/24", "fd00::/64", "web"])
def test_a_network_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("WSH_LAB_NETWORK", value or " ")
    with pytest.raises(LabError, match="WSH_LAB_NETWORK"):
        network.Network(7)


def test_servers_ask_the_resolver_behind_a_local_stub(tmp_path):
    etc, run = tmp_path / "etc", tmp_path / "run"
    (run / "systemd/resolve").mkdir(parents=True)
    etc.mkdir()
    (etc / "resolv.conf").write_text("# comment\nnameserver 127.0.0.53\nsearch example\n")
    with pytest.raises(LabError, match="no server that others can reach"):
        network.resolver(etc, run)
    (run / "systemd/resolve/resolv.conf").write_text("nameserver 192.0.2.53\nnameserver ::1\nsearch example\n")
    assert network.resolver(etc, run) == "nameserver 192.0.2.53\nsearch example\n"
    (etc / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    assert network.resolver(etc, run) == "nameserver 192.0.2.1\n"


def test_servers_know_the_hosts_that_this_machine_knows():
    text = "127.0.0.1 localhost\n127.0.1.1 me\n::1 ip6-localhost\n# note\n\n192.0.2.9 mirror.example\n"
    lines = network.hosts("web1", text).splitlines()
    assert lines == [
        "127.0.0.1 localhost",
        "127.0.1.1 web1",
        "::1 localhost ip6-localhost",
        "192.0.2.9 mirror.example",
    ]


def test_control_groups_are_found_on_hybrid_and_on_pure_hosts():
    unified, named = cgroup.hierarchies(HYBRID)
    assert (str(unified), [str(path) for path in named]) == (
        "/sys/fs/cgroup/unified",
        ["/sys/fs/cgroup/systemd"],
    )
    unified, named = cgroup.hierarchies(PURE)
    assert (str(unified), named) == ("/sys/fs/cgroup", [])
    with pytest.raises(LabError, match="mount -t cgroup2"):
        cgroup.hierarchies("proc /proc proc rw 0 0\n")


def test_what_is_missing_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(requirements.os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements.shutil, "which", lambda tool, **_: None if tool in ("nft", "mmdebstrap") else "/x")
    with pytest.raises(LabError) as caught:
        requirements.check()
    assert caught.value.hint == "apt-get install --no-install-recommends mmdebstrap nftables"


def test_without_root_the_lab_says_so(monkeypatch):
    monkeypatch.setattr(requirements.os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="needs root"):
        requirements.check()


def test_the_list_of_packages_is_printed_one_a_line():
    out = subprocess.run(
        [sys.executable, "-m", "wsh_lab.requirements"], capture_output=True, text=True, check=True
    ).stdout
    assert out.splitlines() == requirements.PACKAGES


def test_a_failed_command_shows_its_last_words_and_keeps_all_of_them():
    result = subprocess.CompletedProcess(["make", "it"], 3, b"out", b"\n".join(b"line %d" % n for n in range(50)))
    error = CommandError("web1", result)
    assert "web1: `make it` ended with 3" in str(error)
    assert "line 49" in str(error)
    assert "line 20" not in str(error)
    assert error.result is result


def test_a_step_is_reported_with_its_time_and_a_failed_one_with_none():
    seen = []
    steps = tools.Steps(lambda text, seconds: seen.append((text, seconds)))
    with steps.step("one"):
        pass
    with pytest.raises(ValueError, match="no"), steps.step("two"):
        raise ValueError("no")
    assert seen[0] == ("one", None)
    assert 0 <= seen[1][1] < 1
    assert seen[2] == ("two", None)
    assert seen[3][1] != seen[3][1], "not a number"


def test_states_are_plain_json(store):
    directory = saved(store, a_state(keeper=Process(5, 6, "boot")))
    assert json.loads((directory / "state.json").read_text())["keeper"] == {
        "pid": 5,
        "start": 6,
        "boot": "boot",
    }
