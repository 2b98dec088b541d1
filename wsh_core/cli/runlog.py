"""What runs leave on the controller, for their owner alone: tracebacks, and what Ansible said."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path

from wsh_core.cli.session import Session
from wsh_core.errors import Problem

KEPT = 30
"""How many of them."""


def directory() -> Path:
    """Where runs are kept (XDG Base Directory Specification); made if need be, 0700."""
    base = os.environ.get("XDG_STATE_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    path = home / "wsh"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def new(command: str) -> Path | None:
    """The path of a log for a run of `command`, or None where nothing can be kept; the oldest runs go."""
    try:
        return _new(command)
    except (OSError, RuntimeError):  # RuntimeError: nobody's home
        return None


def _new(command: str) -> Path:
    runs = directory()
    for old in sorted(runs.glob("*.log"))[: -KEPT + 1]:
        old.unlink(missing_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = runs / f"{stamp}-{command.replace(' ', '-') or 'wsh'}-{os.getpid()}.log"
    path.touch(mode=0o600)
    return path


def bug(error: Exception, session: Session) -> Problem:
    """Keep a traceback and return the one line that admits it."""
    text = "".join(traceback.format_exception(error))
    hint = "please run it again with -vv, and report what is shown"
    if path := new(session.command):
        path.write_text(text, encoding="utf-8")
        hint = f"please report it with {path}"
    shown = text if session.verbose > 1 else None
    return Problem("run.bug", f"this is a bug in wsh: {type(error).__name__}: {error}", hint, detail=shown)
