"""Names that a shell completes, from the names of files and the keys in them: no model, no plugin is loaded.

Root's shell asks as root, and no process of root's reads a description, so it becomes the user `wsh` first.
Whatever goes wrong, nothing is offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click

from wsh_core.cli import privilege
from wsh_core.cli.session import Session
from wsh_core.errors import WshError

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _of(names: Callable[[Path], Iterable[str]]) -> Complete:
    """A completion that offers those of `names` of the description that begin as typed."""

    def complete(ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
        with suppress(WshError, OSError):
            privilege.become_ordinary_for_good()
            given = ctx.find_root().params.get("description") or ctx.params.get("description")
            return sorted(name for name in names(Session(description_given=given).root) if name.startswith(typed))
        return []

    return complete


def _accounts(root: Path) -> Iterable[str]:
    return (path.stem for path in root.glob("servers/*/accounts/*.yaml"))


def _servers(root: Path) -> Iterable[str]:
    return (path.parent.name for path in root.glob("servers/*/server.yaml"))


def _sites(root: Path) -> Iterable[str]:
    from wsh_core.models.files import NotRead, read
    from wsh_core.models.source import parse

    for path in root.glob("servers/*/accounts/*.yaml"):
        with suppress(NotRead):
            keys = (parse(read(path, path.name), path.name).value or {}).get("sites")
            yield from (f"{path.stem}/{key}" for key in (keys if isinstance(keys, dict) else ()))


def _apps(_root: Path) -> Iterable[str]:
    from importlib.metadata import entry_points

    return {"php", "static", *(entry.name for entry in entry_points(group="wsh"))}


accounts = _of(_accounts)
servers = _of(_servers)
sites = _of(_sites)
apps = _of(_apps)
