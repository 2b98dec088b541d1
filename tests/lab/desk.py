"""The command `wsh` as people type it: on this machine over SSH, or on the server itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsh_lab import Server

ROOT = Path(__file__).parents[2]
ORGANISATION = """\
description: 7f0c2a9e-5d1b-4b7e-9a51-0c5d1e6f7a8b
plugins: [{plugins}]
packages:
  small: {{disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 10, databases: 10}}
"""
ACCOUNT = """\
name: {name}
email: {name}@example.org
package: small
sites:
  www: {{domains: [www.{name}.example.org], app: {app}}}
"""


def account(name: str, app: str = "static") -> str:
    """The YAML of an account with one site."""
    return ACCOUNT.format(name=name, app=app)


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """What --json has printed before its last line."""
        return [json.loads(line) for line in self.out.splitlines()[:-1]]

    @property
    def envelope(self) -> dict[str, Any]:
        """The last line of --json."""
        found = json.loads(self.out.splitlines()[-1])
        assert found["type"] == "result"
        assert found["exit"] == self.status
        assert found["ok"] == (self.status == 0)
        return found


class Desk:
    """This machine: a description that the user `wsh` can read, of one server, and the command, started by root."""

    def __init__(self, place: Path, server: Server, plugins: str = "") -> None:
        self.place, self.server = place, server
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
        shutil.chown(place, "wsh")
        login = server.ssh_config().handed_to(place)
        self.address = f"address: {server.address}\ndebian: {server.debian}\n"
        self.ssh = f"ssh: {{key: {login.key}, known_hosts: {login.known_hosts}}}\n"
        self.put("wsh.yaml", ORGANISATION.format(plugins=plugins))
        self.put("servers/web1/server.yaml", self.address + self.ssh)

    def put(self, file: str, text: str) -> None:
        """Write a file of the description."""
        path = self.place / file
        for directory in reversed(path.relative_to(self.place).parents):
            (self.place / directory).mkdir(exist_ok=True)
            shutil.chown(self.place / directory, "wsh")
        path.write_text(text)
        shutil.chown(path, "wsh")

    def text(self, file: str) -> str:
        return (self.place / file).read_text()

    def file(self, name: str) -> str:
        return f"servers/web1/accounts/{name}.yaml"

    def argv(self, *words: str) -> list[str]:
        """The command beside the Python that runs the tests; in a checkout without it, the module that it is."""
        beside = Path(sys.executable).parent / "wsh"
        command = [str(beside)] if beside.exists() else [sys.executable, "-m", "wsh_core.cli"]
        return [*command, "-C", str(self.place), *words]

    def begin(self, *words: str, env: Mapping[str, str] | None = None, uid: int = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*words), cwd=ROOT, env={**os.environ, **(env or {})}, user=uid, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str, env: Mapping[str, str] | None = None, uid: int = 0) -> Done:
        process = self.begin(*words, env=env, uid=uid)
        out, err = process.communicate(timeout=300)
        return Done(process.returncode, out, err)


class Console(Desk):
    """The server: the same description, in which it calls itself localhost, and the command that is installed there."""

    def __init__(self, desk: Desk, command: str) -> None:
        self.place, self.server, self._command = Path("/srv/description"), desk.server, command
        self.server.push(desk.place, str(self.place))
        self.put("servers/web1/server.yaml", f"address: localhost\ndebian: {desk.server.debian}\n")

    def put(self, file: str, text: str) -> None:
        self.server.write(f"{self.place}/{file}", text)
        self.server.run(["chown", "-R", "wsh:", str(self.place)])

    def text(self, file: str) -> str:
        return self.server.read(f"{self.place}/{file}").decode()

    def argv(self, *words: str) -> list[str]:
        return [self._command, "-C", str(self.place), *words]

    def run(self, *words: str, env: Mapping[str, str] | None = None, uid: int = 0) -> Done:
        assert not uid
        done = self.server.run(self.argv(*words), env=dict(env or {}), check=False)
        return Done(done.returncode, done.stdout, done.stderr)
