"""What `wsh init` writes: a small description with a comment at every place where a choice can be made."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from wsh_core.errors import ConfigError, Problem, Where
from wsh_core.models.emit import flow
from wsh_core.models.types import Address, Name

ACCOUNT: Final = "alice"
"""The name of the example account."""


def write_template(
    root: Path, server_name: str, address: str, plugins: Sequence[str] = (), *, debian: int = 13
) -> tuple[Path, ...]:
    """Write the first description into the directory `root`, which is made if need be; give its files.

    Raises Refused for a name or address that is none, and ConfigError if one of the files exists already or
    cannot be written; then nothing is left of them.
    """
    texts = template(server_name, address, plugins, debian=debian)
    if there := [file for file in texts if (root / file).exists() or (root / file).is_symlink()]:
        message = "there is a description here already; nothing was written"
        places = tuple(Where(file, 1) for file in there)
        raise ConfigError.of([Problem("config.exists", message, "choose an empty directory", places)])
    made: list[Path] = []
    try:
        for file, text in texts.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                made.append(path)
                stream.write(text)
    except OSError as error:
        for path in made:
            path.unlink()
        message = f"{error.filename or root} cannot be written: {error.strerror}; nothing was left"
        raise ConfigError("config.unwritable", message, f"ls -ld {root}") from error
    return tuple(made)


def template(server_name: str, address: str, plugins: Sequence[str] = (), *, debian: int = 13) -> dict[str, str]:
    """The texts of a first description, by file. Raises Refused for a name or address that is none."""
    name = Name(server_name)
    values = {
        "id": str(uuid.uuid4()),
        "plugins": flow([Name(plugin) for plugin in plugins]),
        "name": name,
        "address": flow(Address(address)),
        "debian": str(debian),
    }
    starter = files("wsh_core.models") / "starter"
    texts = {
        "wsh.yaml": "wsh.yaml",
        f"servers/{name}/server.yaml": "server.yaml",
        f"servers/{name}/accounts/{ACCOUNT}.yaml": "account.yaml",
    }
    return {
        file: Template((starter / source).read_text(encoding="utf-8")).substitute(values)
        for file, source in texts.items()
    }
