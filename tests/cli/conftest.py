"""The command in this process, against the real agent on a scratch tree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.guestbook import Replies
from wsh_core.cli import privilege, root, watch
from wsh_core.errors import AgentFailure, UnreachableError
from wsh_core.transport.base import Transport

ROOT = Path(__file__).parents[2]

WSH = """\
description: 7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f
plugins: []
packages:
  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 3, databases: 3}
"""
SERVER = "address: localhost\ndebian: 13\n"
ALICE = """\
name: Alice Example
email: alice@example.org
package: small
sites:
  blog:
    domains: [blog.example.org, www.blog.example.org]   # the first is canonical
    app: static
"""


@dataclass
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str


Wsh = Callable[..., Done]


class Scratch:
    """A channel to the real agent, which works on a scratch tree, without units of its own."""

    wait = 600.0

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[tuple[str, bytes]] = []

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        verb = {"start": "apply"}.get(words[0], words[0])
        self.requests.append((verb, request))
        done = subprocess.run(
            [sys.executable, "-m", "wsh_core.agent", "--root", str(self.root), verb],
            input=request, capture_output=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
        if not done.stdout:
            raise AgentFailure("agent.broken-off", done.stderr.decode())
        yield done.stdout


@pytest.fixture(autouse=True)
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may run these tests; what it must not do is tested in test_privilege, with real processes."""
    monkeypatch.setattr(privilege, "become_ordinary", lambda: None)
    monkeypatch.setattr(privilege, "assert_ordinary", lambda: None)


@pytest.fixture
def description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A description of one server with one account."""
    root = tmp_path / "description"
    write(root, "wsh.yaml", WSH)
    write(root, "servers/web1/server.yaml", SERVER)
    write(root, "servers/web1/accounts/alice.yaml", ALICE)
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("WSH_DIR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return root


def write(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def wsh(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Wsh:
    """Run a command line; there is no terminal."""

    def run(*words: str) -> Done:
        capsys.readouterr()
        monkeypatch.setattr("sys.argv", ["wsh", *words])
        status = root.run(list(words))
        out, err = capsys.readouterr()
        return Done(status, out, err)

    return run


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scratch:
    """The server web1, as a scratch tree with an authority for certificates."""
    if os.geteuid() != 0:
        pytest.skip("needs_machine: root, to give files away")
    from tests.agent.conftest import make_scratch

    root = tmp_path / "server"
    root.mkdir()
    make_scratch(root)
    authority = root / "var/lib/wsh/ca"
    authority.mkdir()
    (root / "var/lib/wsh/tls").mkdir()
    (root / "etc/apache2/wsh/sites").mkdir(parents=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", authority / "ca.key", "-out", authority / "ca.pem", "-days", "100",
         "-subj", "/CN=wsh local authority"],
        check=True, capture_output=True,
    )  # fmt: skip
    channel = Scratch(root)
    monkeypatch.setattr(watch, "transport", lambda _session, server: Transport(server.name, channel))
    return channel


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Replies:
    """The server web1, which answers what the test gives it."""
    channel = Replies()
    monkeypatch.setattr(watch, "transport", lambda _session, server: Transport(server.name, channel))
    return channel


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server can be entered."""

    def refuse(_session: Any, server: Any) -> Any:
        raise UnreachableError("server.unreachable", f"{server.name} did not answer; nothing was begun there", "ssh it")

    monkeypatch.setattr(watch, "transport", refuse)
