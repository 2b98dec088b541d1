"""One run of Ansible: a playbook, some servers, its events one by one. Nothing of it is left on the disk."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wsh_core.errors import TransportError
from wsh_core.transport.login import Login

Event = Mapping[str, Any]

PLAYBOOKS = Path(__file__).with_name("playbooks")
LIBRARY = Path(__file__).with_name("library")

LARGEST_RESULT = 256 * 1024 * 1024
"""Bytes. Above its own limit of 700,000 the runner empties a result and calls the run successful."""

CONNECT_SECONDS = 10
END_SECONDS = 10

_SHARED = ["/dev/shm"]  # noqa: S108 - a private directory is made in it


def play(
    playbook: Path,
    hosts: Mapping[Login, Mapping[str, Any]],
    on_event: Callable[[Event], None],
    *,
    log: Path | None = None,
) -> None:
    """Run `playbook` against `hosts`, each with its own variables; hand every event to `on_event`.

    What became of each host is in the events; that one failed is no error of this function. Ansible's own
    output goes to `log` alone, appended.

    Raises:
        TransportError: Ansible could not be run at all.
    """
    try:
        import ansible_runner
    except ImportError as error:
        raise TransportError(
            "server.no-ansible", "Ansible is not installed beside wsh", "pip install 'wsh-core[ansible]'"
        ) from error
    inventory = {login.name: {**login.inventory(), **own} for login, own in hosts.items()}
    output: list[str] = []
    started = False
    with private_directory() as private:
        (private / "ansible.cfg").touch()

        def handle(event: Event) -> bool:
            nonlocal started
            started = started or event["event"] == "playbook_on_start"
            output.append(event.get("stdout") or "")
            on_event(event)
            return False  # true would make the runner write the event, with all that it holds, to a file

        try:
            ansible_runner.run(
                private_data_dir=str(private),
                project_dir=str(playbook.parent),
                playbook=str(playbook),
                inventory={"all": {"hosts": inventory}},
                envvars=environment(private),
                event_handler=handle,
                cancel_callback=lambda: False,  # without one the runner would swallow Ctrl-C
                quiet=True,
                forks=min(len(hosts), 50),
            )
        except BaseException:
            _end_children(private)
            raise
        finally:
            _close_connections(private)
            _write(log, output)
    if not started:
        said = "\n".join(filter(None, output))
        remedy = "pip install 'wsh-core[ansible]'"
        raise TransportError("server.ansible", "Ansible could not be run", remedy, detail=said)


def environment(private: Path) -> dict[str, str]:
    """The environment of ansible-playbook: nothing of the operator's configuration of Ansible takes part."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "MAX_EVENT_RES": str(LARGEST_RESULT),
        "ANSIBLE_CONFIG": str(private / "ansible.cfg"),
        "ANSIBLE_HOME": str(private / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(private / "ansible" / "tmp"),
        "ANSIBLE_LIBRARY": str(LIBRARY),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_TIMEOUT": str(CONNECT_SECONDS),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(private / "ssh"),
        "ANSIBLE_SSH_ARGS": "-o BatchMode=yes -o ControlMaster=auto -o ControlPersist=30s",
    }


@contextmanager
def private_directory() -> Iterator[Path]:
    """A directory in memory that its owner alone can read; gone at the end, however the end comes.

    Raises:
        TransportError: there is no file system in memory to make it on.
    """
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}", *_SHARED]
    for base in map(Path, filter(None, candidates)):
        if base.is_dir() and os.access(base, os.W_OK) and _in_memory(base):
            path = Path(tempfile.mkdtemp(prefix="wsh-", dir=base))
            break
    else:
        raise TransportError("server.no-tmpfs", "there is no tmpfs that wsh may write to", "mount /dev/shm")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _in_memory(path: Path) -> bool:
    device = path.stat().st_dev
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[2] == f"{os.major(device)}:{os.minor(device)}":
            return fields[fields.index("-") + 1] in {"tmpfs", "ramfs"}
    return False


def _end_children(private: Path) -> None:
    """End the ansible-playbook of this run, by the signal that it passes on to its own workers."""
    mine = [pid for pid in _children() if str(private) in _read(f"/proc/{pid}/cmdline")]
    for pid in mine:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    for pid in mine:
        while " (ansible" in (stat_ := _read(f"/proc/{pid}/stat")) and ") Z" not in stat_:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


def _children() -> list[int]:
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in _read(f"{task}/children").split()]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _close_connections(private: Path) -> None:
    """End the SSH connections that were kept open from task to task."""
    for path in (private / "ssh").glob("*"):
        if stat.S_ISSOCK(path.lstat().st_mode):
            subprocess.run(
                ["ssh", "-o", f"ControlPath={path}", "-O", "exit", "unused"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )


def _write(log: Path | None, output: Sequence[str]) -> None:
    if log is None:
        return
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in output if line)
