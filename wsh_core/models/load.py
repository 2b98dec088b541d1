"""From the files to a Description: read, check, cross-check; all that is wrong is told at once."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from wsh_core.errors import ConfigError
from wsh_core.models import cross
from wsh_core.models.description import Description, ordered
from wsh_core.models.reading import Reading, ServerFiles
from wsh_core.models.server import Server


def load_description(
    root: Path,
    *,
    app_names: Collection[str] | None = None,
    app_databases: Mapping[str, int] | None = None,
    app_options: Mapping[str, type[BaseModel]] | None = None,
    strict: bool = False,
    overlay: Mapping[str, str] | None = None,
) -> Description:
    """Read the description in the directory `root`.

    An account with a problem is held: it stands in `held` and not among its server's accounts. A problem of
    wsh.yaml, of a server.yaml, or of a file whose account cannot be known, concerns every account and raises.

    Args:
        root: the directory of wsh.yaml.
        app_names: the applications of the loaded plugins; None leaves the names of applications unchecked.
        app_databases: how many databases a site of an application has; those not named have none.
        app_options: the models of the applications' options; those not named have theirs unchecked.
        strict: raise for problems of accounts too.
        overlay: texts to take in place of files, by their names below `root`: what an edit is about to write.

    Raises:
        ConfigError: with the problems of all files, general files first, then by file and line.
    """
    with _no_collector():
        reading = Reading(root, overlay or {})
        cross.check(reading, cross.Apps(app_names, app_databases or {}, app_options or {}))
    held = {(file.server, file.name): tuple(file.problems) for file in reading.accounts if file.problems}
    problems = ordered([*reading.general, *(problem for each in held.values() for problem in each)])
    if reading.general or reading.organisation is None or (strict and problems):
        error = ConfigError.of(problems)
        error.files = reading.files
        raise error
    servers = {each.name: _with_accounts(each.server, each) for each in reading.servers if each.server}
    return Description(root, reading.organisation, servers, held, problems, reading.files)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Stop Python's garbage collector: it takes a third of the time, and nothing here becomes garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _with_accounts(server: Server, files: ServerFiles) -> Server:
    return server.having({file.name: file.account for file in files.accounts if file.account and not file.problems})
