"""What can go wrong in the lab, said as cause and remedy."""

from __future__ import annotations

import subprocess
from typing import Any


class LabError(Exception):
    """A failure that a person can act on.

    ``code`` names it for scripts (``lab.missing-tools``), ``message`` says what happened and where, ``hint``
    what to do about it. ``status`` is the exit code of the command line: 1 for a failure, 2 for wrong use.
    """

    def __init__(self, code: str, message: str, hint: str = "", *, status: int = 1) -> None:
        super().__init__(message)
        self.code = f"lab.{code}"
        self.message = message
        self.hint = hint
        self.status = status

    def __str__(self) -> str:
        lines = [f"error[{self.code}]: {self.message}"]
        if self.hint:
            lines.append(f"help: {self.hint}")
        return "\n".join(lines)


class CommandError(LabError):
    """A command ended with an exit code other than 0; ``result`` holds the code and all it printed."""

    def __init__(self, where: str, result: subprocess.CompletedProcess[Any]) -> None:
        argv = " ".join(str(word) for word in result.args)
        shown = argv if len(argv) <= 200 else f"{argv[:200]}…"
        super().__init__("command", f"{where}: `{shown}` ended with {result.returncode}{_last_words(result)}")
        self.result = result


def _last_words(result: subprocess.CompletedProcess[Any]) -> str:
    said = result.stderr or result.stdout or ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    lines = text.strip().splitlines()[-12:]
    return "".join(f"\n  {line}" for line in lines)
