"""``wsh lab``: disposable Debian servers from the command line."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from wsh_lab.errors import LabError
from wsh_lab.lab import Lab
from wsh_lab.server import Server


class _Group(click.Group):
    """Says a `LabError` in its own words and ends with its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.status)


class _Progress:
    """Each step with its time, one line each; on standard error when the result is JSON."""

    def __init__(self, err: bool) -> None:
        self._err = err

    def __call__(self, text: str, seconds: float | None) -> None:
        if seconds is None:
            click.echo(f"  {text:<52}", nl=False, err=self._err)
        else:
            click.echo(" failed" if math.isnan(seconds) else f"{seconds:7.1f} s", err=self._err)


@click.group(cls=_Group)
def lab() -> None:
    """Disposable Debian servers on this machine (as root)."""


@lab.command()
@click.argument("name")
@click.option("--debian", type=click.Choice(["12", "13"]), default="13", show_default=True, help="The release to boot.")
@click.option("--json", "as_json", is_flag=True, help="Print the server as JSON.")
def up(name: str, debian: str, as_json: bool) -> None:
    """Boot a fresh server NAME and say how to reach it."""
    server = Lab(report=_Progress(as_json)).up(name, debian=int(debian))
    if as_json:
        click.echo(json.dumps(facts(server)))
        return
    _say_ready(server)


@lab.command()
@click.argument("name")
def start(name: str) -> None:
    """Boot NAME again on the disks it has, after a poweroff or a restart of this machine."""
    server = _find(Lab(report=_Progress(False)), name)
    server.start()
    _say_ready(server)


@lab.command()
@click.argument("name")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path))
def login(name: str, directory: Path) -> None:
    """Put what opens NAME into DIRECTORY, for the user who owns that; print what server.yaml says of it."""
    config = _find(Lab(), name).ssh_config().handed_to(directory)
    click.echo(f"address: {config.address}")
    click.echo(f"ssh: {{key: {config.key}, known_hosts: {config.known_hosts}}}")


@lab.command("list")
@click.option("--clean", is_flag=True, help="First remove what killed runs left.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(clean: bool, as_json: bool) -> None:
    """Show all servers and what they do."""
    the_lab = Lab()
    cleaned = the_lab.clean() if clean else []
    servers = the_lab.servers()
    if as_json:
        click.echo(json.dumps({"servers": [facts(server) for server in servers], "cleaned": cleaned}))
        return
    for name in cleaned:
        click.echo(f"removed what was left of {name}")
    if not servers:
        click.echo("no servers; `wsh lab up NAME` boots one")
    for server in servers:
        columns = f"{server.name:<20}{server.condition:<10}{server.address:<17}"
        click.echo(f"{columns}Debian {server.debian}  {server.image}")


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
def shell(name: str, argv: tuple[str, ...]) -> None:
    """Open root's shell in NAME, or run a command there: wsh lab shell NAME -- COMMAND…"""
    sys.exit(_find(Lab(), name).shell(argv))


@lab.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="All servers of this lab.")
@click.option("--images", is_flag=True, help="With --all: the images and packages too.")
def down(name: str | None, every: bool, images: bool) -> None:
    """Remove a server, its disks and all that it has on this machine."""
    if bool(name) == every or (images and not every):
        raise click.UsageError("say which: wsh lab down NAME, or wsh lab down --all [--images]")
    the_lab = Lab(report=_Progress(False))
    for one in the_lab.names() if every else [name or ""]:
        the_lab.down(one)
    if images:
        the_lab.remove_images()


def facts(server: Server) -> dict[str, object]:
    """What a program wants to know of a server."""
    ssh = server.ssh_config()
    return {
        "name": server.name,
        "condition": server.condition,
        "address": server.address,
        "debian": server.debian,
        "image": server.image,
        "created": server.created,
        "directory": str(server.directory),
        "ssh": {"user": ssh.user, "port": ssh.port, "key": str(ssh.key), "known_hosts": str(ssh.known_hosts)},
    }


def main(argv: Sequence[str] | None = None) -> None:
    """The command by itself, without wsh: ``python -m wsh_lab``."""
    lab.main(args=None if argv is None else list(argv), prog_name="wsh lab")


def _find(the_lab: Lab, name: str) -> Server:
    server = the_lab.server(name)
    if server is None:
        raise LabError("unknown", f"there is no server {name}", f"wsh lab up {name}")
    return server


def _say_ready(server: Server) -> None:
    if failed := server.failed_units():
        click.echo(f"{server.name} is degraded; failed: {', '.join(failed)}", err=True)
    ssh = server.ssh_config()
    click.echo(
        f"{server.name} is up: {server.address}, Debian {server.debian}\n"
        f"  look inside:  wsh lab shell {server.name}\n"
        f"  by SSH:       ssh {' '.join(ssh.options())} {ssh.user}@{ssh.address}\n"
        f"  remove it:    wsh lab down {server.name}"
    )
