"""The one way into an account's jail: a transient unit as its user, in its slice, with PHP's sandbox.

The sandbox itself is not said here: systemd applies the drop-in of ``wsh-step-.service.d`` to every unit
whose name begins so (systemd.unit(5)), transient ones too. Here is only what is the account's own.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .errors import AgentError
from .host import Host

Bind = tuple[str, str, str]
"""Source on the server, place in the jail, ``rw`` or ``ro``."""

MARGIN = 30.0
"""Seconds that an answer may take beyond the time of what was asked for."""
SYSTEMD_CODES = range(200, 246)
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


def _properties(jail: Jail, *, network: bool, shown: Sequence[Bind]) -> list[str]:
    found = [
        f"User={jail.uid}",
        f"Group={jail.uid}",
        f"RootDirectory={jail.path}",
        f"WorkingDirectory=/home/{jail.account}",
        "KillSignal=SIGKILL",
        f"PrivateNetwork={'no' if network else 'yes'}",
    ]
    for source, target, access in (*jail.binds, *shown):
        found.append(f"{'BindPaths' if access == 'rw' else 'BindReadOnlyPaths'}={source}:{target}")
        if access == "rw":
            found.append(f"ReadWritePaths=+{target}")
    return found


def command(
    jail: Jail,
    unit: str,
    argv: Sequence[str],
    *,
    network: bool,
    timeout: float | None,
    memory: int | None,
    shown: Sequence[Bind],
) -> list[str]:
    """The systemd-run(1) command that runs ``argv`` in the jail."""
    properties = _properties(jail, network=network, shown=shown)
    if timeout is not None:
        properties.append(f"RuntimeMaxSec={timeout:g}")
    if memory is not None:
        properties.append(f"MemoryMax={memory}")
    return [
        "systemd-run",
        "--quiet",
        "--pipe",
        "--wait",
        "--collect",
        "--expand-environment=no",
        f"--unit={unit}",
        f"--slice={paths.slice_name(str(jail.uid))}",
        f"--description=a step of {jail.account}",
        *(f"--property={text}" for text in properties),
        "--",
        *argv,
    ]


def step_unit(jail: Jail) -> str:
    return f"wsh-step-{jail.uid}-{secrets.token_hex(4)}.service"


def enter(
    host: Host,
    jail: Jail,
    argv: Sequence[str],
    *,
    input: bytes = b"",
    timeout: float = 60,
    memory: int | None = None,
    network: bool = False,
    shown: Sequence[Bind] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run one program in the jail to its end and return its code and outputs.

    ``memory`` is in bytes, ``timeout`` in seconds, ``shown`` is mounted beside what the jail has. Raises
    AgentError ``account.jail`` when the program could not be started there, ``server.timeout`` when its time
    ran out.
    """
    started = time.monotonic()
    argv = command(jail, step_unit(jail), argv, network=network, timeout=timeout, memory=memory, shown=shown)
    done = host.run(argv, input=input, timeout=timeout + MARGIN, check=False)
    if done.returncode and time.monotonic() - started >= timeout:
        raise AgentError(
            "server.timeout", f"{' '.join(argv[argv.index('--') + 1 :][:3])} did not end within {timeout:g}s"
        )
    if done.returncode in SYSTEMD_CODES:
        raise no_entry(jail, done.returncode, done.stderr)
    return done


def no_entry(jail: Jail, code: int, words: bytes) -> AgentError:
    return AgentError(
        "account.jail",
        f"nothing can be started in the jail of {jail.account} (code {code}, systemd.exec(5))",
        f"journalctl -u 'wsh-step-{jail.uid}-*'; wsh server setup NAME mends the sandbox",
        words.decode(errors="replace").strip() or None,
    )


def agent_file() -> str:
    """The one file that this agent is, which the jail sees at the same place (/usr)."""
    for path in Path(__file__).parents:
        if path.is_file():
            return str(path)
    raise AgentError("server.agent", "the agent does not run from its .pyz, so it cannot send itself into a jail")


def stop_steps(host: Host, jail: Jail) -> None:
    """End what an operation that was killed may have left running in the jail."""
    host.run(["systemctl", "stop", jail.units], check=False)
