"""Start the process that keeps a server, and sweep up what a server leaves on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from wsh_lab import keeper
from wsh_lab.cgroup import Group
from wsh_lab.errors import LabError
from wsh_lab.network import Network
from wsh_lab.state import Process, State, Store
from wsh_lab.tools import ENVIRONMENT, locked, run, wait_until

_NSPAWN = Path("/run/systemd/nspawn")


def start(store: Store, state: State) -> None:
    """Boot the server on its disks and leave it to itself. Hold its lock."""
    directory = store.server(state.name)
    network = Network(store.number)
    sweep(store, state)
    with locked(store.lock("lab")):
        (directory / "exit").unlink(missing_ok=True)  # from here it counts as in use
        network.up()
    Group(store.machine(state.name)).make()
    spec = {
        "directory": str(directory),
        "machine": store.machine(state.name),
        "machine_id": state.machine_id,
        "layers": state.layers,
    }
    with (directory / "console.log").open("ab") as log:
        process = subprocess.Popen(
            [
                "unshare",
                "--mount",
                "--net",
                "--propagation=slave",
                "--",
                sys.executable,
                "-I",
                "-S",
                keeper.__file__,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=ENVIRONMENT,
            text=True,
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    state.keeper = Process.of(process.pid)
    state.save(directory)
    with process.stdin, process.stdout:
        print(json.dumps(spec), file=process.stdin, flush=True)
        if process.stdout.readline() != "mounted\n":
            raise LabError(
                "boot",
                f"{state.name}: its file systems cannot be mounted{_tail(directory)}",
                "look at the kernel's log: dmesg | tail",
            )
        network.attach(process.pid, state.address)
        print("go", file=process.stdin, flush=True)
    process.returncode = 0  # it outlives us; the interpreter need not warn


def _tail(directory: Path) -> str:
    lines = (directory / "console.log").read_text(errors="replace").strip().splitlines()[-5:]
    return "".join(f"\n  {line}" for line in lines)


def sweep(store: Store, state: State) -> None:
    """Kill what is left of the server and remove all that it has outside its directory. Hold its lock."""
    machine = store.machine(state.name)
    group = Group(machine)
    group.kill()
    if (
        state.keeper is not None and state.keeper.alive()
    ):  # it had not joined its group yet, so it waits for input
        wait_until(
            lambda: state.keeper is None or not state.keeper.alive(),
            10,
            f"{state.name}: the end of its keeper",
        )
    group.remove()
    Network(store.number).detach(state.address)
    shutil.rmtree(_NSPAWN / "propagate" / machine, ignore_errors=True)
    directory = store.server(state.name)
    wait_until(
        lambda: str(directory) not in run(["losetup", "--list", "--output", "BACK-FILE"]),
        10,
        f"{directory}: the kernel's loop devices",
    )


def remove(store: Store, name: str) -> None:
    """Sweep, then remove its directory; the last server takes the lab's network along. Hold its lock."""
    directory = store.server(name)
    state = State.load(directory)
    if state is not None:
        sweep(store, state)
    else:
        group = Group(store.machine(name))
        group.kill()
        group.remove()
    shutil.rmtree(directory, ignore_errors=True)
    with locked(store.lock("lab")):
        if all((store.server(other.name) / "exit").exists() for other in store.states()):
            Network(store.number).down()
