"""How a server is entered."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from wsh_core.models.server import Server

LOCAL = "localhost"


@dataclass(frozen=True)
class Login:
    """A server's name in the description, and what ssh(1) needs to enter it.

    What is None is left to the operator's own SSH configuration.
    """

    name: str
    address: str
    user: str | None = "root"
    port: int | None = None
    key: str | None = None
    known_hosts: str | None = None

    @classmethod
    def of(cls, server: Server) -> Self:
        """How the description says that a server is entered."""
        ssh = server.ssh
        return cls(str(server.name), str(server.address), str(ssh.user), ssh.port, ssh.key, ssh.known_hosts)

    @property
    def local(self) -> bool:
        """Whether it is this machine, which needs no SSH."""
        return self.address == LOCAL

    @property
    def becomes_root(self) -> bool:
        """Whether sudo(8) is needed after the login."""
        return not self.local and self.user not in {None, "root"}

    @property
    def argv(self) -> list[str]:
        """The command with which a person enters the server the same way."""
        parts = ["ssh"]
        if self.key:
            parts += ["-i", self.key]
        if self.known_hosts:
            parts += ["-o", f"UserKnownHostsFile={self.known_hosts}"]
        if self.port:
            parts += ["-p", str(self.port)]
        return [*parts, f"{self.user}@{self.address}" if self.user else self.address]

    @property
    def command(self) -> str:
        """`argv` as a line to type."""
        return shlex.join(self.argv)

    def inventory(self) -> dict[str, object]:
        """The host's variables in Ansible's inventory."""
        variables: dict[str, object] = {
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_become": self.becomes_root,
        }
        if self.local:
            return variables | {"ansible_connection": "local"}
        given = {
            "ansible_host": self.address,
            "ansible_user": self.user,
            "ansible_port": self.port,
            "ansible_ssh_private_key_file": self.key,
            "ansible_ssh_extra_args": self.known_hosts and f"-o UserKnownHostsFile={self.known_hosts}",
        }
        return variables | {key: value for key, value in given.items() if value is not None}
