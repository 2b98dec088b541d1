from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wsh_core.transport.ansible import Ansible
from wsh_core.transport.login import Login
from wsh_core.transport.package import Package, pack

HERE = Login("here", "localhost")


def throwaway(body: str) -> Package:
    """An agent that does what `body` says; `say(**event)` writes an event, `request` is its input."""
    text = (
        "import json, sys\n"
        "request = sys.stdin.buffer.read().decode()\n"
        "def say(**event):\n"
        "    print(json.dumps({'version': '1.0', **event}), flush=True)\n" + body
    )
    return pack({"__main__.py": text.encode()})


@pytest.fixture(autouse=True)
def _root():
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("needs_machine: the agent runs as root")
        pytest.skip("needs_machine: the agent runs as root")


@pytest.fixture(autouse=True)
def memory(monkeypatch) -> Iterator[Path]:
    """A runtime directory of this test's own, in memory: what a run leaves behind is seen there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        monkeypatch.setenv("XDG_RUNTIME_DIR", directory)
        yield Path(directory)


@pytest.fixture
def ansible(tmp_path) -> Callable[[str], Ansible]:
    """The channel over Ansible to this machine, with a throw-away agent."""
    return lambda body: Ansible(HERE, tmp_path / "log", directory=str(tmp_path), agent=throwaway(body))
