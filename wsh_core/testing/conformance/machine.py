"""The server on which an application is checked: any that can be entered as root, and may be thrown away."""

from __future__ import annotations

import shlex
import socket
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Protocol

from wsh_core.errors import AgentFailure
from wsh_core.transport import package
from wsh_core.transport.local import PYTHON

Done = subprocess.CompletedProcess[str]


class Machine(Protocol):
    """What the kit needs of a server: where it answers https, which Debian it is, and how programs are run there.

    The server must have been set up (``wsh server setup``), and belong to no description but the kit's own.
    """

    @property
    def address(self) -> str:
        """The address that visitors reach, without a name server."""

    @property
    def debian(self) -> int:
        """12 or 13."""

    def run(
        self, argv: Sequence[str], *, input: str | bytes | None = None, check: bool = True, timeout: float = 600
    ) -> Done:
        """Run a program as root, without a shell; with *check*, an exit code other than 0 raises."""


class SshMachine:
    """A server that OpenSSH enters, as the user's own configuration says: ``root@203.0.113.7``, or an alias."""

    def __init__(self, destination: str) -> None:
        self.destination = destination

    def run(
        self, argv: Sequence[str], *, input: str | bytes | None = None, check: bool = True, timeout: float = 600
    ) -> Done:
        """See `Machine.run`. Raises subprocess.CalledProcessError and subprocess.TimeoutExpired."""
        command = ["ssh", "-o", "BatchMode=yes", "--", self.destination, shlex.join(argv)]
        data = input.encode() if isinstance(input, str) else input or b""
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout, check=check)
        out, err = (part.decode(errors="replace") for part in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    @cached_property
    def address(self) -> str:
        """The address behind the name that OpenSSH itself would use. Raises OSError if it has none."""
        said = subprocess.run(["ssh", "-G", "--", self.destination], capture_output=True, check=True, text=True).stdout
        name = next(line.partition(" ")[2] for line in said.splitlines() if line.startswith("hostname "))
        return socket.gethostbyname(name)

    @cached_property
    def debian(self) -> int:
        """As its os-release(5) says."""
        lines = self.run(["cat", "/etc/os-release"]).stdout.splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        return int(values["VERSION_ID"].strip('"'))


class AgentChannel:
    """The agent of a machine (`wsh_core.transport.base.Channel`)."""

    wait = 600.0

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        agent = package.build()
        self.path = f"/usr/lib/wsh/{agent.name}"
        machine.run(["install", "-D", "--mode=644", "/dev/stdin", self.path], input=agent.data)

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        """See `wsh_core.transport.base.Channel`."""
        argv = [PYTHON, "-I", self.path, *words]
        done = self.machine.run(argv, input=request, check=False, timeout=self.wait + 60)
        if not done.stdout:
            raise AgentFailure(
                "agent.broken-off",
                f"the agent ended with status {done.returncode} and said nothing",
                "has the server been set up? wsh server setup",
                detail=done.stderr or None,
            )
        yield done.stdout.encode()
