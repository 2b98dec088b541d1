"""Servers of the lab on which `wsh server setup` has run: one image, made once per version of the set-up."""

from __future__ import annotations

from wsh_lab import Image, Lab, Server

from wsh_core import releases
from wsh_core.transport import setup
from wsh_core.transport.login import Login


def login(server: Server) -> Login:
    """How wsh enters a server of the lab."""
    ssh = server.ssh_config()
    return Login(server.name, ssh.address, ssh.user, ssh.port, str(ssh.key), str(ssh.known_hosts))


def run_setup(server: Server) -> setup.Result:
    """Run the set-up on a server of the lab. Raises AssertionError with the problem when it failed."""
    result = setup.set_up({login(server): releases.load(server.debian)})[server.name]
    assert result.problem is None, f"{result.problem.message}\n{result.problem.detail}"
    return result


def prepare(server: Server) -> None:
    run_setup(server)


def wsh_image(lab: Lab, debian: int = 13) -> Image:
    """The image of a server that is set up; made in a minute if this version of the set-up has none yet."""
    return lab.prepared(f"wsh-{setup.digest(releases.load(debian))}", prepare, debian=debian)
