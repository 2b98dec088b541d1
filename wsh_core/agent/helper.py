"""The helper of one account: it runs as the account inside its jail, and does there what root must not.

Requests come by stdin, answers go by stdout, both private pipes: ``{"verb": …}`` is answered by ``{"result":
…}`` or ``{"error": {code, message, hint, detail}}``. When stdin ends, whatever still runs is killed and the
helper ends.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from . import assemble, dump, moves, steps, tree
from .errors import AgentError
from .union import Limits
from .unpack import unpack

_MEMORY = 512 << 20
"""Bytes of data that the helper itself may have: an archive's headers cannot eat the account's memory."""
_REPORTED = 100
"""As many links that lead to nothing are named."""
_PR_SET_DUMPABLE = 4


class Helper:
    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers = requests, answers
        self._verbs: dict[str, Callable[..., Any]] = {
            "unpack": _unpack,
            "write": _write,
            "directory": _directory,
            "exchange": tree.exchange,
            "remove": tree.remove,
            "entries": moves.entries,
            "movable": moves.movable,
            "bring": moves.bring,
            "copy": moves.copy,
            "clear": moves.clear,
            "keep": moves.keep,
            "dump": dump.dump,
            "load": dump.load,
            "checksum": dump.checksum,
            "step": self._step,
            "compose": self._compose,
        }

    def serve(self) -> None:
        """Answer requests until there are no more."""
        while line := self._requests.readline():
            self._answers.write(json.dumps(self._answer(json.loads(line))).encode() + b"\n")
            self._answers.flush()
            _reap()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": self._verbs[request.pop("verb")](**request)}
        except AgentError as error:
            return {"error": error.event()}
        except OSError as error:
            return {"error": _io_error(error).event()}

    def _step(self, step: dict[str, Any], tree: str, php: str, home: str, account: str) -> dict[str, Any]:
        outcome = steps.take(step, tree=tree, php=php, home=home, account=account, caller=self._requests.fileno())
        return vars(outcome)

    def _compose(self, tree: str, php: str) -> None:
        assemble.assemble(tree, php, self._requests.fileno())


def _unpack(
    archives: list[str], into: str, root: str, entries: int, bytes: int, links: dict[str, str] | None = None
) -> dict[str, Any]:
    tree.remove(into)
    report = unpack(archives, into, root, Limits(entries, bytes), links)
    dangling = sorted(report.dangling)[:_REPORTED]
    shown = [[os.fsencode(text).decode(errors="replace") for text in pair] for pair in dangling]
    return {"entries": report.entries, "bytes": report.bytes, "dangling": shown}


def _write(path: str, content: str, mode: str, absent: bool) -> bool:
    return tree.write(path, content, int(mode, 8), absent=absent)


def _directory(path: str, mode: str = "0750", own: bool = False) -> None:
    tree.directory(path, int(mode, 8), own=own)


def _io_error(error: OSError) -> AgentError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AgentError(
            "account.disk-full",
            f"there is no room left for {error.filename or 'what is to be written'}",
            "make room, or give the account a larger package: df -h; df -i",
        )
    return AgentError(
        "app.files",
        f"{error.filename or 'the site'}: {error.strerror or error}",
        "look at the owner and the mode of that place; the account itself must be able to write there",
    )


def _reap() -> None:
    """Collect what steps left behind: in a process namespace of its own the helper is everyone's parent."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main() -> None:
    """Serve stdin and stdout. All that is started here has pipes of its own in their place."""
    os.umask(0o027)
    # Steps run as the same user; none of them shall open this process's pipes or memory by /proc (prctl(2)).
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    with suppress(steps.CallerGoneError, BrokenPipeError):
        Helper(sys.stdin.buffer, sys.stdout.buffer).serve()
