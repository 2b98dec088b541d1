"""Small helpers around processes, locks and files."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from wsh_lab.errors import CommandError, LabError
from wsh_lab.requirements import SEARCH_PATH

ENVIRONMENT = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}


def run(argv: Sequence[str | Path], *, input: str | None = None, check: bool = True) -> str:
    """Run a tool of this machine in a clean environment and return what it printed."""
    result = subprocess.run(
        [str(word) for word in argv],
        input=input,
        text=True,
        capture_output=True,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL if input is None else None,
        check=False,
    )
    if check and result.returncode != 0:
        raise CommandError("this machine", result)
    return result.stdout


def write_atomically(path: Path, data: str, mode: int = 0o600) -> None:
    """Replace the file at once: a reader sees the old or the new content, never a part."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(data)
    new.replace(path)


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on the file; with ``wait=False`` yields whether it was got.

    The kernel lets go of it when the process ends, however it ends.
    """
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def wait_until(ready: Callable[[], bool], seconds: float, what: str, *, pause: float = 0.02) -> None:
    """Ask until it is so; after ``seconds`` raise `LabError` that names what did not happen."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise LabError("timeout", f"{what}: not within {seconds:g} s")
        time.sleep(pause)


class Steps:
    """Tells someone what is being done and how long it took.

    ``report`` is called with the text and ``None`` when a step begins, with the text and its seconds when it
    ended (not a number: it failed).
    """

    def __init__(self, report: Callable[[str, float | None], None] | None = None) -> None:
        self._report = report or (lambda _text, _seconds: None)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """One step."""
        self._report(text, None)
        begin = time.monotonic()
        try:
            yield
        except BaseException:
            self._report(text, math.nan)
            raise
        self._report(text, time.monotonic() - begin)
