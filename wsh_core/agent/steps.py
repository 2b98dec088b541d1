"""Programs as steps of an installation: input by a pipe, the end of the output kept, a clock on each."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from . import paths
from .errors import AgentError
from .protocol import shim_frame
from .tree import remove

OUTPUT = 64 << 10
"""Bytes of each output that are kept: its end, where the cause of a failure stands."""
_GRACE = 2.0
"""Seconds that children which a step left behind may hold its outputs open."""


class CallerGoneError(Exception):
    """The one who asked is no longer there: what it asked for is stopped."""


@dataclass
class _Tail:
    kept: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def take(self, fd: int) -> bool:
        """Read what is there; False at the end."""
        data = os.read(fd, 65536)
        self.kept += data
        if len(self.kept) > OUTPUT:
            self.cut = True
            del self.kept[:-OUTPUT]
        return bool(data)

    def text(self) -> str:
        return ("[…]" if self.cut else "") + self.kept.decode(errors="replace")


@dataclass(frozen=True)
class Outcome:
    """How a program ended: ``code`` as the shell would say it (128 + signal), None if its time ran out."""

    code: int | None
    stdout: str
    stderr: str
    seconds: float


@dataclass
class _Running:
    """One program and its three pipes, watched together."""

    process: subprocess.Popen[bytes]
    input: memoryview
    caller: int | None
    out: _Tail = field(default_factory=_Tail)
    err: _Tail = field(default_factory=_Tail)

    def watch(self, timeout: float) -> int | None:
        """Serve the pipes until the program has ended: its code, or None when ``timeout`` seconds passed."""
        ended, deadline, over = os.pidfd_open(self.process.pid), time.monotonic() + timeout, False
        with selectors.DefaultSelector() as selector:
            due = self._register(selector, ended)
            while due and (left := deadline - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    if key.fd == self.caller:
                        raise CallerGoneError
                    if key.fd == ended:
                        over, deadline = True, time.monotonic() + _GRACE
                    if not key.data(key.fd):
                        selector.unregister(key.fd)
                        due.discard(key.fd)
        os.close(ended)
        return self.process.wait() if over else None

    def _register(self, selector: selectors.BaseSelector, ended: int) -> set[int]:
        """Say what is waited for and what is done then; return what must come to its end."""
        stdin, stdout, stderr = self.pipes()
        os.set_blocking(stdin.fileno(), False)
        selector.register(stdin.fileno(), selectors.EVENT_WRITE, self._feed)
        selector.register(stdout.fileno(), selectors.EVENT_READ, self.out.take)
        selector.register(stderr.fileno(), selectors.EVENT_READ, self.err.take)
        selector.register(ended, selectors.EVENT_READ, lambda _: False)
        if self.caller is not None:
            selector.register(self.caller, selectors.EVENT_READ)
        return {stdout.fileno(), stderr.fileno(), ended}

    def _feed(self, fd: int) -> bool:
        """Give it what its pipe takes of its input; False when that was all, or it wants no more."""
        with suppress(BrokenPipeError):
            self.input = self.input[os.write(fd, self.input[:65536]) :]
            if self.input:
                return True
        self.pipes()[0].close()
        return False

    def pipes(self) -> list[IO[bytes]]:
        return [pipe for pipe in (self.process.stdin, self.process.stdout, self.process.stderr) if pipe is not None]


def _limit(memory: int | None) -> None:
    """In the child: its own memory limit, and the soft limits of the helper lifted again."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (memory if memory is not None else hard, hard))


def _start(argv: list[str], env: Mapping[str, str], directory: str, memory: int | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=directory,
            start_new_session=True,
            umask=0o027,
            preexec_fn=lambda: _limit(memory),  # noqa: PLW1509 - the helper has one thread
        )
    except FileNotFoundError as error:
        raise AgentError("app.step", f"{error.filename} is not to be found in the jail") from None


def run(
    argv: list[str],
    *,
    input: str,
    env: Mapping[str, str],
    directory: str,
    timeout: float,
    memory: int | None = None,
    caller: int | None = None,
) -> Outcome:
    """Run a program in a session of its own; all of the session is killed when it ends, or its time is over.

    ``memory``: bytes of data it may have (RLIMIT_DATA). ``caller``: a descriptor that becomes readable when
    the one who waits for the outcome is gone: CallerGoneError then. Raises OSError when the program cannot be
    started.
    """
    started = time.monotonic()
    process = _start(argv, env, directory, memory)
    running = _Running(process, memoryview(input.encode()), caller)
    try:
        code = running.watch(timeout)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in running.pipes():
            pipe.close()
    if code is not None and code < 0:
        code = 128 - code
    return Outcome(code, running.out.text(), running.err.text(), time.monotonic() - started)


def environment(step: Mapping[str, Any], home: str, account: str) -> dict[str, str]:
    """All that a step finds in its environment. Where PHP reads its settings is the sandbox's to say."""
    php = {name: value for name in ("PHPRC", "PHP_INI_SCAN_DIR") if (value := os.environ.get(name))}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "USER": account,
        "LOGNAME": account,
        **php,
        **(step["env"] if step["step"] == "run" else {}),
    }


def _php(php: str) -> list[str]:
    # Stack traces print arguments unless told not to, before any script can say so.
    return [f"/usr/bin/php{php}", "-d", "zend.exception_ignore_args=1", paths.SHIM]


def _entry(step: Mapping[str, Any], tree: str) -> str:
    """The file that the shim shall require; a script of the plugin's is put down, read-only, for the step."""
    script = step["script"]
    if script is None:
        return f"{tree}/{step['entry']}"
    _put(script["name"], script["text"], 0o400)
    return f"{paths.STEP_FILES}/{script['name']}"


def _frame(step: Mapping[str, Any], entry: str, directory: str) -> str:
    env, memory, text = step.get("env") or {}, step["memory"], step["input"] or ""
    return shim_frame(
        entry=entry, argv=step["argv"], cwd=directory, env=env, ini=step["ini"], memory=memory, input=text
    )


def take(step: Mapping[str, Any], *, tree: str, php: str, home: str, account: str, caller: int | None) -> Outcome:
    """Take one ``run`` or ``php`` step in the tree. Its files and script last no longer than the step."""
    remove(paths.STEP_FILES)
    os.mkdir(paths.STEP_FILES, 0o700)
    try:
        for name, text in step["files"].items():
            _put(name, text, 0o600)
        if step["step"] == "run":
            argv, text_in, memory = [*step["argv"]], step["stdin"] or "", step["memory"]
        else:
            argv, text_in, memory = _php(php), _frame(step, _entry(step, tree), tree), None
        return run(
            argv,
            input=text_in,
            env=environment(step, home, account),
            directory=tree,
            timeout=step["timeout"],
            memory=memory,
            caller=caller,
        )
    finally:
        remove(paths.STEP_FILES)


def _put(name: str, text: str, mode: int) -> None:
    if "/" in name or name in (".", ".."):
        raise ValueError(f"a file of a step has a plain name, not {name!r}")
    fd = os.open(f"{paths.STEP_FILES}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with open(fd, "w", encoding="utf-8", newline="") as file:
        file.write(text)
