"""Talk to the helpers that run in an account's jail."""

from __future__ import annotations

import json
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from .enter import MARGIN, SYSTEMD_CODES, Bind, Jail, agent_file, command, no_entry, step_unit
from .errors import AgentError
from .host import Host

_ANSWER_LIMIT = 4 << 20


class Helper:
    """A helper (helper.py) that runs in a jail. What it answers is data of the account's, never more."""

    def __init__(self, host: Host, jail: Jail, *, network: bool = False, shown: Sequence[Bind] = ()) -> None:
        self.jail = jail
        self._host = host
        self._unit = step_unit(jail)
        argv = ["/usr/bin/python3", "-I", "-S", agent_file(), "helper"]
        argv = command(jail, self._unit, argv, network=network, timeout=None, memory=None, shown=shown)
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the helper runs
        self._process = host.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words)
        self._unread = b""
        self.alive = True

    def ask(self, verb: str, *, seconds: float = 600, **request: Any) -> Any:
        """Have one thing done and return its result.

        Raises AgentError: the helper's own, ``server.timeout``, or ``account.jail`` when the helper is gone.
        """
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps({"verb": verb, **request}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._gone() from None
        return self._result(self._line(verb, seconds + MARGIN))

    def _line(self, verb: str, seconds: float) -> bytes:
        assert self._process.stdout
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.close()
                    raise AgentError(
                        "server.timeout",
                        f"{verb}, in the jail of {self.jail.account}: no answer in {seconds:g}s",
                    )
                data = self._process.stdout.read1(1 << 20)  # type: ignore[attr-defined]
                if not data:
                    raise self._gone()
                self._unread += data
                if len(self._unread) > _ANSWER_LIMIT:
                    raise self._nonsense()
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _result(self, line: bytes) -> Any:
        """The result in an answer. A process of the account's wrote it: it is read like any other input."""
        try:
            answer: Mapping[str, Any] = json.loads(line)
            if "result" in answer:
                return answer["result"]
            said = answer["error"]
            texts = [None if said[key] is None else str(said[key]) for key in ("hint", "detail")]
            raise AgentError(str(said["code"]), str(said["message"]), *texts)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._nonsense() from None

    def _nonsense(self) -> AgentError:
        self.close()
        return AgentError(
            "account.jail", f"the helper in the jail of {self.jail.account} answered nonsense; it was stopped"
        )

    def _gone(self) -> AgentError:
        """Why nothing more comes: it could not start, or it was killed."""
        self._end()
        self._words.seek(0)
        words = self._words.read()[-4096:]
        self.close()
        code = self._process.returncode
        if code in SYSTEMD_CODES:
            return no_entry(self.jail, code, words)
        return AgentError(
            "account.jail",
            f"the helper in the jail of {self.jail.account} ended with code {code}",
            "apply again; if it was killed for its memory, the account needs a larger package",
            words.decode(errors="replace").strip() or None,
        )

    def close(self) -> None:
        """End the helper and all that it started. It can be called again."""
        self._end()
        self._words.close()

    def _end(self) -> None:
        self.alive = False
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._host.run(["systemctl", "kill", "--signal=SIGKILL", self._unit], check=False)
            self._process.wait(10)


@dataclass
class Helpers:
    """The helpers of one account in one run: one without network and, where a step asks for it, one with."""

    host: Host
    jail: Jail
    shown: Sequence[tuple[str, str, str]]

    def __post_init__(self) -> None:
        self._running: dict[bool, Helper] = {}

    def get(self, *, network: bool = False) -> Helper:
        helper = self._running.get(network)
        if helper is None or not helper.alive:
            helper = self._running[network] = Helper(self.host, self.jail, network=network, shown=self.shown)
        return helper

    def close(self) -> None:
        for helper in self._running.values():
            helper.close()
