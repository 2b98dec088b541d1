"""The one way into an account's jail: a transient unit with the sandbox of its PHP, in its slice, as its
user.

The sandbox itself is not said here: systemd applies the drop-in of ``wsh-step-.service.d`` to every unit
whose name begins so (systemd.unit(5)), transient ones too. Here is only what is the account's own.
"""

from __future__ import annotations

import json
import secrets
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from . import paths
from .errors import AgentError
from .host import Host

Bind = tuple[str, str, str]
"""Source on the server, place in the jail, ``rw`` or ``ro``."""

_ANSWER_LIMIT = 4 << 20
_MARGIN = 30.0
"""Seconds that an answer may take beyond the time of what was asked for."""
_SYSTEMD_CODES = range(200, 246)
"""systemd.exec(5): it could not even start the program."""


@dataclass(frozen=True)
class Jail:
    """What of an account is visible in its jail, and where the rest of it stands."""

    account: str
    uid: int
    path: str
    binds: tuple[Bind, ...]

    @classmethod
    def of(cls, host: Host, account: str) -> Jail:
        """The jail that this operation wants for an account; AgentError if it wants none."""
        want = host.jails.get(account)
        if want is None:
            raise AgentError("account.jail", f"the request does not describe the jail of {account}")
        return cls(account, int(host.facts(account)["uid"]), want["path"], tuple(map(tuple, want["binds"])))

    @property
    def units(self) -> str:
        """The names of all its steps, as a pattern of systemctl(1)."""
        return f"wsh-step-{self.uid}-*.service"


def command(
    jail: Jail, unit: str, argv: Sequence[str], *, network: bool, timeout: float | None, memory: int | None,
    shown: Sequence[Bind],
) -> list[str]:
    """The systemd-run(1) command that runs ``argv`` in the jail."""
    properties = [
        f"User={jail.uid}", f"Group={jail.uid}", f"RootDirectory={jail.path}", f"WorkingDirectory=/home/{jail.account}",
        "KillSignal=SIGKILL", f"PrivateNetwork={'no' if network else 'yes'}",
    ]
    for source, target, access in (*jail.binds, *shown):
        properties.append(f"{'BindPaths' if access == 'rw' else 'BindReadOnlyPaths'}={source}:{target}")
        if access == "rw":
            properties.append(f"ReadWritePaths={target}")
    if timeout is not None:
        properties.append(f"RuntimeMaxSec={timeout:g}")
    if memory is not None:
        properties.append(f"MemoryMax={memory}")
    return [
        "systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--expand-environment=no", f"--unit={unit}",
        f"--slice={paths.slice_name(str(jail.uid))}", f"--description=a step of {jail.account}",
        *(f"--property={text}" for text in properties), "--", *argv,
    ]


def _unit(jail: Jail) -> str:
    return f"wsh-step-{jail.uid}-{secrets.token_hex(4)}.service"


def enter(
    host: Host, jail: Jail, argv: Sequence[str], *, input: bytes = b"", timeout: float = 60, memory: int | None = None,
    network: bool = False, shown: Sequence[Bind] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run one program in the jail to its end and return its code and outputs.

    ``memory`` is in bytes, ``timeout`` in seconds, ``shown`` is mounted beside what the jail has. Raises
    AgentError ``account.jail`` when the program could not be started there, ``server.timeout`` when its time
    ran out.
    """
    started = time.monotonic()
    argv = command(jail, _unit(jail), argv, network=network, timeout=timeout, memory=memory, shown=shown)
    done = host.run(argv, input=input, timeout=timeout + _MARGIN, check=False)
    if done.returncode and time.monotonic() - started >= timeout:
        raise AgentError("server.timeout", f"{' '.join(argv[argv.index('--') + 1:][:3])} did not end within {timeout:g}s")
    if done.returncode in _SYSTEMD_CODES:
        raise _no_entry(jail, done.returncode, done.stderr)
    return done


def _no_entry(jail: Jail, code: int, words: bytes) -> AgentError:
    return AgentError(
        "account.jail", f"nothing can be started in the jail of {jail.account} (code {code}, systemd.exec(5))",
        f"journalctl -u 'wsh-step-{jail.uid}-*'; wsh server setup NAME mends the sandbox",
        words.decode(errors="replace").strip() or None,
    )


def agent_file() -> str:
    """The one file that this agent is, which the jail sees at the same place (/usr)."""
    for path in Path(__file__).parents:
        if path.is_file():
            return str(path)
    raise AgentError("server.agent", "the agent does not run from its .pyz, so it cannot send itself into a jail")


class Helper:
    """A helper.py running in a jail, and the only one who talks to it. What it answers is never more than
    data.
    """

    def __init__(self, host: Host, jail: Jail, *, network: bool = False, shown: Sequence[Bind] = ()) -> None:
        self.jail = jail
        self._host = host
        self._unit = _unit(jail)
        argv = ["/usr/bin/python3", "-I", "-S", agent_file(), "helper"]
        argv = command(jail, self._unit, argv, network=network, timeout=None, memory=None, shown=shown)
        self._words: IO[bytes] = tempfile.TemporaryFile()
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
        return self._result(verb, self._line(verb, seconds + _MARGIN))

    def _line(self, verb: str, seconds: float) -> bytes:
        assert self._process.stdout
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.close()
                    raise AgentError("server.timeout", f"{verb}, in the jail of {self.jail.account}: no answer in {seconds:g}s")
                data = self._process.stdout.read1(1 << 20)  # type: ignore[attr-defined]
                if not data:
                    raise self._gone()
                self._unread += data
                if len(self._unread) > _ANSWER_LIMIT:
                    raise self._nonsense()
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _result(self, verb: str, line: bytes) -> Any:
        """The result in an answer; it was written by a process of the account's, so it is looked at like any
        input.
        """
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
        return AgentError("account.jail", f"the helper in the jail of {self.jail.account} answered nonsense; it was stopped")

    def _gone(self) -> AgentError:
        """Why nothing more comes: it could not start, or it was killed."""
        code = self._process.wait()
        self._words.seek(0)
        words = self._words.read()[-4096:]
        self.close()
        if code in _SYSTEMD_CODES:
            return _no_entry(self.jail, code, words)
        return AgentError(
            "account.jail", f"the helper in the jail of {self.jail.account} ended with code {code}",
            "apply again; if it was killed for its memory, the account needs a larger package",
            words.decode(errors="replace").strip() or None,
        )

    def close(self) -> None:
        """End the helper and all that it started. It can be called again."""
        if not self.alive:
            return
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
        self._words.close()


def stop_steps(host: Host, jail: Jail) -> None:
    """End what an operation that was killed may have left running in the jail."""
    host.run(["systemctl", "stop", jail.units], check=False)
