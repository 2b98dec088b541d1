"""Setting servers up: progress as it comes; of this machine by root's half, as lines of JSON."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wsh_core.errors import Problem, WshError
from wsh_core.transport.login import LOCAL, Login
from wsh_core.transport.setup import Progress, Result, set_up

Line = Mapping[str, Any]


def here(server: str, debian: int) -> Iterator[bytes]:
    """Make this machine a wsh server and yield its progress, then its result."""
    for line in lines({Login(server, LOCAL): debian}, None):
        yield json.dumps(line).encode() + b"\n"


def lines(servers: Mapping[Login, int], log: Path | None) -> Iterator[Line]:
    """Set servers up (name, Debian release), all at once; yield progress as it comes, then the results.

    Raises:
        TransportError: Ansible could not be run at all.
    """
    from wsh_core import releases

    told: queue.Queue[Line | WshError | None] = queue.Queue()
    wanted = {login: releases.load(debian) for login, debian in servers.items()}

    def work() -> None:
        try:
            results = set_up(wanted, lambda progress: told.put({"progress": asdict(progress)}), log=log)
            for result in results.values():
                told.put({"result": asdict(result)})
        except WshError as error:
            told.put(error)
        told.put(None)

    threading.Thread(target=work, daemon=True).start()
    while (line := told.get()) is not None:
        if isinstance(line, WshError):
            raise line
        yield line


def read(pieces: Iterable[bytes]) -> Iterator[Line]:
    """The lines of `here`, from pieces of them."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from map(json.loads, whole)


def progress(line: Line) -> Progress | None:
    """The progress that a line tells of."""
    return Progress(**line["progress"]) if "progress" in line else None


def result(line: Line) -> Result | None:
    """The result that a line tells of."""
    if "result" not in line:
        return None
    values = dict(line["result"])
    problem = values.pop("problem")
    if problem is not None:
        problem = Problem(**{**problem, "where": ()})
    return Result(**values, problem=problem)
