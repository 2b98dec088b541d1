"""One server of the lab: run things in it, reach it, stop it and start it."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from wsh_lab import boot, inside, transfer
from wsh_lab.errors import CommandError, LabError
from wsh_lab.ssh import SshConfig, greets
from wsh_lab.state import Process, State, Store, condition
from wsh_lab.tools import ENVIRONMENT, Steps, locked, wait_until

Text = subprocess.CompletedProcess[str]
Bytes = subprocess.CompletedProcess[bytes]


class Server:
    """A server of the lab, made by `Lab`.

    ``name``, ``address`` (IPv4), ``debian`` (12, 13), ``image`` (identifier), ``created`` (ISO 8601) and
    ``directory`` do not change. Methods raise `LabError` when the server does not run, unless they say else.
    """

    def __init__(self, store: Store, state: State, steps: Steps) -> None:
        self._store = store
        self._steps = steps
        self.name = state.name
        self.address = state.address
        self.debian = state.debian
        self.image = state.image
        self.created = state.created
        self.directory = store.server(state.name)

    def __repr__(self) -> str:
        return f"Server({self.name!r}, {self.address!r}, {self.condition!r})"

    @property
    def condition(self) -> str:
        """As of now: ``running``, ``stopped`` (on purpose), or ``dead`` (killed, half made)."""
        return condition(self.directory, State.load(self.directory))

    @property
    def console(self) -> Path:
        """The file with what the server printed on its console since it was made."""
        return self.directory / "console.log"

    # ---- inside, without SSH

    def run(
        self,
        argv: Sequence[str],
        *,
        input: str | bytes | None = None,
        check: bool = True,
        timeout: float = 600,
        env: dict[str, str] | None = None,
    ) -> Text:
        """Run a command as root inside, in the server's namespaces and control group, without a shell.

        The environment is clean (PATH, HOME, LANG; ``env`` adds to it), the working directory is ``/``.
        ``timeout`` is in seconds; a command that takes longer is killed. Raises `CommandError` for an exit
        code other than 0 unless ``check`` is false, `LabError` ``lab.timeout`` when the time is over.
        """
        return _text(self.run_bytes(argv, input=input, check=check, timeout=timeout, env=env))

    def run_bytes(
        self,
        argv: Sequence[str],
        *,
        input: str | bytes | None = None,
        check: bool = True,
        timeout: float = 600,
        env: dict[str, str] | None = None,
    ) -> Bytes:
        """`run`, for what is not text."""
        with tempfile.TemporaryFile() as stdin:
            stdin.write(_bytes(input))
            stdin.seek(0)
            return self._execute(argv, stdin, check=check, timeout=timeout, env=env)

    def read(self, path: str) -> bytes:
        """The content of a file inside."""
        return self.run_bytes(["cat", "--", path]).stdout

    def write(self, path: str, data: str | bytes, mode: int = 0o644) -> None:
        """Make or replace a file inside, as root's; missing directories are made."""
        self.run(["install", "-D", f"--mode={mode:o}", "/dev/stdin", path], input=data)

    def push(self, local: str | Path, remote: str) -> None:
        """Copy a file or directory in, to the path ``remote``, as root's, with its modes.

        A directory that exists there is merged with.
        """
        target = PurePosixPath(remote)
        with tempfile.TemporaryFile() as stream:
            transfer.pack(Path(local), target.name, stream)
            self.run(["mkdir", "--parents", "--", str(target.parent)])
            argv = ["tar", "--extract", f"--directory={target.parent}", "--preserve-permissions"]
            self._execute(argv, stream)

    def pull(self, remote: str, local: str | Path) -> None:
        """Copy a file or directory out, to the path ``local``, as the caller's."""
        source = PurePosixPath(remote)
        argv = ["tar", "--create", f"--directory={source.parent}", "--", source.name]
        with tempfile.TemporaryFile() as stream:
            self._execute(argv, subprocess.DEVNULL, stream)
            transfer.unpack(stream, source.name, Path(local))

    def shell(self, argv: Sequence[str] = ()) -> int:
        """Run a command, or root's login shell, on this terminal; returns its exit code."""
        login = ["script", "--quiet", "--return", "--command", "cd && exec bash --login", "/dev/null"]
        command = inside.entering(self._leader(), list(argv) or login)
        env = {**ENVIRONMENT, "TERM": os.environ.get("TERM", "dumb")}
        return subprocess.run(command, env=env, check=False).returncode

    # ---- from outside

    def ssh_config(self, user: str = "root") -> SshConfig:
        """Address, key and known host key. The lab's key opens root's account."""
        ssh = self._store.directory / "ssh"
        return SshConfig(self.address, user, ssh / "id_ed25519", ssh / "known_hosts")

    def ssh(
        self,
        argv: Sequence[str],
        *,
        user: str = "root",
        input: str | bytes | None = None,
        check: bool = True,
        timeout: float = 600,
        options: Sequence[str] = (),
    ) -> Text:
        """Run a command by the real OpenSSH client; ``options`` (``-i``, ``-o`` …) win over the lab's.

        Raises as `run` does.
        """
        try:
            result = self.ssh_config(user).run(argv, _bytes(input), timeout, options)
        except subprocess.TimeoutExpired:
            raise self._too_long(argv, timeout) from None
        return _text(self._checked(result, check=check))

    def listening(self, port: int = 22) -> bool:
        """Whether the server accepts a TCP connection on that port and, on 22, greets. Never raises."""
        return greets(self.address, port)

    # ---- its life

    def start(self, timeout: float = 300) -> float:
        """Boot a stopped or dead server on its own disks; returns the seconds until it was ready."""
        with locked(self._store.lock(self.name)):
            return self.start_locked(timeout)

    def start_locked(self, timeout: float = 300) -> float:
        """`start` for who holds the server's lock."""
        state = self._state()
        if condition(self.directory, state) == "running":
            raise LabError("running", f"{self.name} runs already", f"wsh lab shell {self.name}")
        begin = time.monotonic()
        with self._steps.step(f"boot {self.name} at {self.address}"):
            boot.start(self._store, state)
            self._wait_ready(timeout)
        return time.monotonic() - begin

    def stop(self, timeout: float = 300) -> None:
        """Power off from inside, so that databases close; nothing of it is left then but its disks."""
        with locked(self._store.lock(self.name)), self._steps.step(f"power off {self.name}"):
            keeper = self._keeper()
            self.run(["systemctl", "poweroff"], check=False)
            self._wait(lambda: not keeper.alive(), timeout, "poweroff")
            boot.sweep(self._store, self._state())

    def kill(self) -> None:
        """Cut the power: SIGKILL to all processes of the server at once; nothing is closed.

        What programs had written is still on the disks, for the page cache is this machine's: it shows what
        they leave when they are killed, not what a disk loses.
        """
        with locked(self._store.lock(self.name)):
            self._keeper()
            (self.directory / "exit").write_text("killed\n")
            boot.sweep(self._store, self._state())

    def reboot(self, timeout: float = 300) -> float:
        """Reboot from inside; returns the seconds until it was ready again."""
        begin = time.monotonic()
        keeper, before = self._keeper(), self._leader()
        with self._steps.step(f"reboot {self.name}"):
            self.run(["systemctl", "reboot"], check=False)
            self._wait(lambda: inside.leader(keeper.pid) not in (None, before), timeout, "reboot")
            self._wait_ready(timeout)
        return time.monotonic() - begin

    def failed_units(self) -> list[str]:
        """The units that failed; a healthy server has none."""
        out = self.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend", "--full"]).stdout
        return [line.split()[0] for line in out.splitlines()]

    # ---- helpers

    def _wait_ready(self, timeout: float) -> None:
        self._wait(self._is_up, timeout, "boot")
        self._wait(self.listening, timeout, "sshd")

    def _wait(self, ready: Callable[[], bool], timeout: float, what: str) -> None:
        wait_until(ready, timeout, f"{self.name}: {what} (see {self.console})", pause=0.05)

    def _is_up(self) -> bool:
        if inside.leader(self._keeper().pid) is None:
            return False
        result = self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout=300)
        return result.stdout.strip() in {"running", "degraded"}

    def _state(self) -> State:
        state = State.load(self.directory)
        if state is None:
            raise LabError("unknown", f"there is no server {self.name} any more", "wsh lab list")
        return state

    def _keeper(self) -> Process:
        keeper = self._state().keeper
        if keeper is None or not keeper.alive():
            raise LabError(
                "not-running", f"{self.name} does not run (see {self.console})", f"wsh lab start {self.name}"
            )
        return keeper

    def _leader(self) -> int:
        found = inside.leader(self._keeper().pid)
        if found is None:
            raise LabError("not-running", f"{self.name} is between two boots", "try again in a moment")
        return found

    def _execute(
        self,
        argv: Sequence[str],
        stdin: IO[bytes] | int,
        stdout: IO[bytes] | int = subprocess.PIPE,
        *,
        check: bool = True,
        timeout: float = 600,
        env: dict[str, str] | None = None,
    ) -> Bytes:
        try:
            result = inside.execute(self._leader(), argv, stdin=stdin, stdout=stdout, timeout=timeout, env=env)
        except subprocess.TimeoutExpired:
            raise self._too_long(argv, timeout) from None
        return self._checked(result, check=check)

    def _checked(self, result: Bytes, *, check: bool) -> Bytes:
        if check and result.returncode != 0:
            raise CommandError(self.name, result)
        return result

    def _too_long(self, argv: Sequence[str], timeout: float) -> LabError:
        what = shlex.join(argv)[:200]
        return LabError(
            "timeout",
            f"{self.name}: `{what}` took more than {timeout:g} s",
            "allow more, or see what it awaits",
        )


def _bytes(data: str | bytes | None) -> bytes:
    return data.encode() if isinstance(data, str) else data or b""


def _text(result: Bytes) -> Text:
    out, err = (part.decode(errors="replace") for part in (result.stdout, result.stderr))
    return subprocess.CompletedProcess(result.args, result.returncode, out, err)
