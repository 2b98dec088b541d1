"""The way to a server from outside: the real OpenSSH client with the lab's own keys."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wsh_lab.tools import ENVIRONMENT


@dataclass(frozen=True)
class SshConfig:
    """What any SSH client needs to log in to a server."""

    address: str
    user: str
    key: Path
    known_hosts: Path
    port: int = 22

    def handed_to(self, directory: Path) -> SshConfig:
        """Copies of key and known hosts in an existing directory, for the user whose directory it is."""
        owner = directory.stat()
        key, known_hosts = directory / "key", directory / "known_hosts"
        for source, copy in ((self.key, key), (self.known_hosts, known_hosts)):
            with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(source.read_bytes())
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        return SshConfig(self.address, self.user, key, known_hosts, self.port)

    def options(self) -> list[str]:
        """The arguments of ssh, scp and sftp that come before the destination."""
        settings = [
            f"UserKnownHostsFile={self.known_hosts}",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
            "LogLevel=ERROR",
        ]
        return ["-F", "/dev/null", "-i", str(self.key), *(word for one in settings for word in ("-o", one))]

    def run(
        self, argv: Sequence[str], data: bytes, timeout: float, options: Sequence[str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command there. Raises `subprocess.TimeoutExpired` after ``timeout`` seconds."""
        place = f"{self.user}@{self.address}"
        command = ["ssh", *options, *self.options(), "-p", str(self.port), place, "--", shlex.join(argv)]
        return subprocess.run(command, input=data, capture_output=True, timeout=timeout, check=False, env=ENVIRONMENT)


def greets(address: str, port: int = 22) -> bool:
    """Whether something accepts a TCP connection there and, on port 22, speaks SSH. Never raises."""
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            return port != 22 or connection.recv(4) == b"SSH-"
    except OSError:
        return False
