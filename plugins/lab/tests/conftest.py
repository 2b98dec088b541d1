"""A lab of the tests' own, on the bases of the machine's lab; one test run at a time."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from wsh_lab import Lab, LabError
from wsh_lab.state import State
from wsh_lab.tools import locked


def pytest_runtest_setup(item):
    """Without root or its tools, a test that boots servers is skipped; in CI that is a failure."""
    if item.get_closest_marker("needs_machine") is None:
        return
    try:
        Lab()
    except LabError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"needs_machine: {error}")


@pytest.fixture(scope="session")
def lab():
    """Nothing of the machine's own lab is touched; what a killed test run left here is removed first."""
    machines = Lab()
    bases = [machines.base(debian) for debian in (12, 13)]
    directory = machines.directory.with_name(f"{machines.directory.name}-test")
    with locked(machines.directory / "locks/tests"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSH_LAB_DIR", str(directory))
        empty(Lab())
        said("cp", "-a", str(machines.directory / "ssh"), str(directory))
        for base in bases:
            said("cp", "-al", str(base.directory), str(directory / "images"))
        yield Lab()
        empty(Lab())
        said("rm", "-r", str(directory))


def empty(lab):
    for name in lab.names():
        lab.down(name)
    lab.remove_images()


@pytest.fixture
def name(lab, request):
    """A server name of this test's own; the server is removed afterwards, whatever happened to it."""
    name = f"test-{abs(hash(request.node.nodeid)) % 10**6}"
    yield name
    if name in lab.names():
        lab.down(name)


@pytest.fixture(scope="module")
def server(lab):
    """A server that tests may change, but not break."""
    yield lab.up("shared")
    lab.down("shared")


@pytest.fixture(scope="session")
def command(lab):
    """Runs ``wsh lab`` as a user would."""

    def run(*argv):
        env = {**os.environ, "WSH_LAB_DIR": str(lab.directory)}
        argv = [sys.executable, "-m", "wsh_lab", *argv]
        return subprocess.run(argv, capture_output=True, text=True, check=False, env=env)

    return run


@pytest.fixture(scope="session")
def left(lab):
    """What a server has on this machine outside the lab's directory, by kind."""

    def kinds(name):
        machine = lab._store.machine(name)
        state = State.load(lab.directory / "servers" / name)
        link = f"wl{lab._store.number}-{state.address.rpartition('.')[2]}" if state else "no link"
        marks = [f"{machine} ", f"/servers/{name}/", f"{link} "]
        shown = {
            "mounts": Path("/proc/self/mounts").read_text(),
            "loops": said("losetup", "--list"),
            "links": " ".join(path.name for path in Path("/sys/class/net").iterdir()),
            "groups": " ".join(path.name for path in Path("/sys/fs/cgroup").glob("**/wsh-lab-*")),
            "nspawn": " ".join(path.name for path in Path("/run/systemd/nspawn").glob("*/*")),
            "processes": said("ps", "axww", "-o", "args"),
        }
        return {what for what, text in shown.items() if any(mark in f"{text} " for mark in marks)}

    return kinds


@pytest.fixture(scope="session")
def eventually():
    """Waits until it is so; a server that is between two boots is not."""

    def wait(so):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(LabError):
                if so():
                    return
            time.sleep(0.1)
        raise AssertionError("not within 60 s")

    return wait


def said(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
