"""The agent of this machine, as a process of this process's own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from wsh_core.agent import paths
from wsh_core.errors import AgentFailure, TransportError
from wsh_core.transport import package
from wsh_core.transport.library import wsh_agent

PYTHON = "/usr/bin/python3"


class Local:
    """The channel to this machine's agent. It needs root, and a server that is set up."""

    wait = 600.0

    def __init__(self, directory: str = paths.LIB, agent: package.Package | None = None) -> None:
        self.directory = directory
        self.agent = agent or package.build()

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        """See `wsh_core.transport.base.Channel`. What the agent writes is yielded as it comes."""
        path = self._install()
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
            stdin.write(request)
            stdin.seek(0)
            with subprocess.Popen(
                [PYTHON, "-I", path, *words],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            ) as process:
                assert process.stdout
                said = False
                while piece := os.read(process.stdout.fileno(), 1 << 16):
                    said = True
                    yield piece
            stderr.seek(0)
            if not said:
                raise AgentFailure(
                    "agent.broken-off",
                    f"the agent ended with status {process.returncode} and said nothing",
                    f"{PYTHON} must be Debian's own Python",
                    detail=stderr.read().decode("utf-8", "replace") or None,
                )

    def _install(self) -> str:
        if os.geteuid() != 0:
            raise need_root()
        if not Path(self.directory).is_dir():
            raise not_ready("localhost")
        if not wsh_agent.installed(self.directory, self.agent.name):
            wsh_agent.install(self.directory, self.agent.name, self.agent.data)
        return f"{self.directory}/{self.agent.name}"


def need_root() -> TransportError:
    """This machine's agent was asked for by somebody who is not root."""
    return TransportError(
        "server.need-root",
        "this server is localhost, its agent must run as root",
        "sudo wsh … (YAML and plugins are still read as the user wsh, not as root)",
    )


def not_ready(server: str) -> TransportError:
    """The machine has never been set up."""
    return TransportError("server.not-ready", f"{server} is no wsh server yet", f"wsh server setup {server}")
