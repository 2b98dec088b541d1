"""Start the process that keeps a server, and sweep up what a server leaves on this machine."""

from __future__ import annotations

import contextlib
import json
import os
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
    process = _keeper(directory)
    state.keeper = Process.of(process.pid)
    state.save(directory)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        print(_spec(store, state), file=process.stdin, flush=True)
        if process.stdout.readline() != "mounted\n":
            raise LabError(
                "boot",
                f"{state.name}: its disks cannot be mounted{_tail(directory)}",
                "see also: dmesg | tail",
            )
        network.attach(process.pid, state.address)
        print("go", file=process.stdin, flush=True)
    process.returncode = 0  # it outlives this process: the interpreter need not warn


def _keeper(directory: Path) -> subprocess.Popen[str]:
    """In namespaces of its own; a session of its own, so that it outlives the terminal."""
    namespaces = ["unshare", "--mount", "--net", "--propagation=slave", "--"]
    with (directory / "console.log").open("ab") as log:
        return subprocess.Popen(
            [*namespaces, sys.executable, "-I", "-S", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=ENVIRONMENT,
            text=True,
            cwd="/",
            umask=0o022,
            start_new_session=True,
        )


def _spec(store: Store, state: State) -> str:
    return json.dumps(
        {
            "directory": str(store.server(state.name)),
            "machine": store.machine(state.name),
            "machine_id": state.machine_id,
            "layers": state.layers,
        }
    )


def _tail(directory: Path) -> str:
    lines = (directory / "console.log").read_text(errors="replace").strip().splitlines()[-5:]
    return "".join(f"\n  {line}" for line in lines)


def sweep(store: Store, state: State) -> None:
    """Kill what is left of the server and remove all that it has outside its directory. Hold its lock."""
    _sweep_group(store, state.name)
    if (keeper_process := state.keeper) is not None:
        # One that was not in its group yet waits for input that ended: it goes by itself.
        wait_until(lambda: not keeper_process.alive(), 10, f"{state.name}: the end of its keeper")
        with contextlib.suppress(ChildProcessError):  # only if it is this very process that started it
            os.waitpid(keeper_process.pid, os.WNOHANG)
    Network(store.number).detach(state.address)
    shutil.rmtree(_NSPAWN / "propagate" / store.machine(state.name), ignore_errors=True)
    disks = f"{store.server(state.name)}/"
    wait_until(
        lambda: disks not in run(["losetup", "--list", "--output", "BACK-FILE"]),
        10,
        f"{disks}: the end of its loop devices",
    )


def _sweep_group(store: Store, name: str) -> None:
    group = Group(store.machine(name))
    group.kill()
    group.remove()


def remove(store: Store, name: str) -> None:
    """Sweep, then remove its directory; the last server takes the lab's network along. Hold its lock."""
    directory = store.server(name)
    state = State.load(directory)
    if state is not None:
        sweep(store, state)
    else:
        _sweep_group(store, name)
    shutil.rmtree(directory, ignore_errors=True)
    with locked(store.lock("lab")):
        if all((store.server(other.name) / "exit").exists() for other in store.states()):
            Network(store.number).down()
