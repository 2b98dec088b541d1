"""What Ansible says of a failure, as a problem with cause, place and remedy."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

from wsh_core.errors import Problem
from wsh_core.transport.login import Login


def unreachable(login: Login, result: Mapping[str, Any]) -> Problem:
    """The problem of a server that could not be entered, in the words of ssh(1)."""
    said = str(result.get("msg", "")).strip().removeprefix("Task failed: ")
    reason = said.removeprefix("Failed to connect to the host via ssh: ").strip()
    if reason.startswith("Data could not be sent"):
        reason = _words_of_ssh(login) or reason  # Ansible lost them: ssh ended before it was given its input
    lines = [line for line in reason.splitlines() if line.strip()] or ["no reason was given"]
    return Problem(
        "server.unreachable",
        f"{login.name} could not be entered: {lines[-1].strip()}",
        hint=login.command,
        detail=reason if len(lines) > 1 else None,
    )


def _words_of_ssh(login: Login) -> str:
    options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    argv = [*login.argv[:-1], *options, login.argv[-1], "true"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def words(result: Mapping[str, Any]) -> str:
    """What a failed module has to say: its message, then what its program wrote; of a loop what failed."""
    failed = [item for item in result.get("results", ()) if item.get("failed")]
    if failed:
        return "\n".join(filter(None, map(words, failed)))
    parts = [str(result.get(key, "")).strip() for key in ("msg", "module_stderr", "stderr", "stdout")]
    seen: list[str] = []
    for part in (part.removeprefix("Task failed: ") for part in parts):
        if part and not any(part in other for other in seen):
            seen.append(part)
    return "\n".join(seen)
