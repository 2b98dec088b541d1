"""SIGKILL of the agent at every write of the ledger, one after the other: the next apply converges, nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.conftest import Agent, make_scratch, outcomes, request
from wsh_core.agent.protocol import canonical

pytestmark = pytest.mark.needs_machine

_DRIVER = """
import os, signal, sys
from wsh_core.agent import ledger, operation
left = int(sys.argv[2])
commit = ledger.Ledger._commit
def counted(self):
    global left
    when = sys.argv[3]
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    commit(self)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
ledger.Ledger._commit = counted
operation.apply(sys.argv[1], sys.stdin.read(), lambda event: None)
"""


def kill_at(root: Path, number: int, when: str, wanted: str) -> bool:
    """Apply in a process that kills itself at the given write; False when it got through without."""
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(root), str(number), when],
        input=wanted.encode(),
        check=False,
        capture_output=True,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_write_of_a_first_apply(tmp_path: Path, when: str) -> None:
    wanted = request("alice", "bob")
    whole = Agent(make_scratch(tmp_path / "whole"))
    whole.apply(wanted)
    number = 0
    while True:
        number += 1
        agent = Agent(make_scratch(tmp_path / f"{when}{number}"))
        killed = kill_at(agent.root, number, when, canonical(wanted))
        events = agent.apply(wanted)
        assert events[-1]["outcome"] == "ok", (number, events)
        assert outcomes(agent.apply(wanted)) == {}
        for name in ("alice", "bob"):
            uid = agent.path("/etc/passwd").read_text().split(f"{name}:x:")[1].split(":")[0]
            assert agent.path(f"/var/lib/wsh/jail/{uid}/etc/passwd").read_text() == f"{name}:x:{uid}\n"
            assert (
                agent.path(f"/etc/wsh/secrets/{name}/key").read_text()
                in agent.path(f"/var/log/wsh/{name}/note").read_text()
            )
        if not killed:
            break
    assert number > 15


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_write_while_drift_is_mended(tmp_path: Path, when: str) -> None:
    wanted, number, killed = request("alice"), 0, True
    while killed:
        number += 1
        agent = Agent(make_scratch(tmp_path / f"{when}{number}"))
        agent.apply(wanted)
        agent.path("/home/alice").chmod(0o777)
        agent.path("/var/log/wsh/alice/note").write_text("gone")
        secret = agent.path("/etc/wsh/secrets/alice/key").read_text()
        killed = kill_at(agent.root, number, when, canonical(wanted))
        agent.apply(wanted)
        assert outcomes(agent.plan(wanted)) == {}
        assert secret in agent.path("/var/log/wsh/alice/note").read_text()
    assert number > 3
