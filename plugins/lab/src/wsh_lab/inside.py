"""The first process of a booted server, and the way into its namespaces."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from wsh_lab.cgroup import hierarchies
from wsh_lab.errors import LabError
from wsh_lab.tools import ENVIRONMENT

# The shell joins the server's own control group first: what is run belongs to the server, not to who runs it.
_JOIN = 'echo $$ >"$1" && shift && exec "$@"'


def leader(keeper: int) -> int | None:
    """The process that is number 1 in the server kept by that process; ``None`` before and between boots."""
    pending = [keeper]
    while pending:
        pid = pending.pop()
        if pid != keeper and _is_first(pid):
            return pid
        pending += _children(pid)
    return None


def entering(pid: int, argv: Sequence[str]) -> list[str]:
    """The command line that runs ``argv`` in the namespaces and the control group of that process."""
    return [
        "sh",
        "-c",
        _JOIN,
        "sh",
        str(_group(pid) / "cgroup.procs"),
        "nsenter",
        f"--target={pid}",
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--cgroup",
        "--",
        *argv,
    ]


def execute(
    pid: int,
    argv: Sequence[str],
    *,
    stdin: IO[bytes] | int,
    stdout: IO[bytes] | int,
    timeout: float,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``argv`` there to its end, in a clean environment.

    Raises `subprocess.TimeoutExpired` after ``timeout`` seconds;
    the command is killed then, with what it started.
    """
    with subprocess.Popen(
        entering(pid, argv),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, **(env or {})},
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(list(argv), process.returncode, out or b"", err)


def _is_first(pid: int) -> bool:
    """Whether it is process 1 of a namespace below ours, and past the start of init itself."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return len(line.split()) > 2 and line.split()[-1] == "1"
    except OSError:
        pass
    return False


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _group(pid: int) -> Path:
    """Its group in cgroup v2, as this machine sees it."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        raise LabError("not-running", "the server stopped just now", "wsh lab list") from None
    path = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
    return hierarchies()[0] / path
