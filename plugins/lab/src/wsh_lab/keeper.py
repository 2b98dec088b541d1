"""The process that keeps one server: it holds its mounts and its network, and boots it again when it reboots.

Started as a file, with the standard library alone, in a mount and a network namespace of its own. So all that
a server needs of this machine (overlay, loop devices, addresses) ends with its processes, however they end.

Standard input: one line of JSON, later the line ``go``. Standard output: ``mounted`` when the network may be
attached. If the starting process dies in between, the end of input ends the keeper too.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))

from wsh_lab.cgroup import Group

REBOOT = 133  # systemd-nspawn --keep-unit: the server wants to be booted again
# A server of its own network, with the rest that services use and nspawn leaves out by default.
CAPABILITIES = "CAP_NET_ADMIN,CAP_IPC_LOCK,CAP_SYSLOG,CAP_BPF,CAP_PERFMON"
SYSTEM_CALLS = "@keyring bpf"
# systemd/docs/ENVIRONMENT.md. The lock would only repeat the lab's own, and outlive a killed server.
SETTINGS = {
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
    "SYSTEMD_NSPAWN_LOCK": "0",
}


def main() -> int:
    """Mount, wait for the network, boot until it is over."""
    line = sys.stdin.readline()
    if not line:
        return 1
    spec: dict[str, Any] = json.loads(line)
    directory = Path(spec["directory"])
    group = Group(spec["machine"])
    group.join("keeper")
    for name in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    mount(directory, spec["layers"])
    sys.stdout.write("mounted\n")
    sys.stdout.flush()
    if sys.stdin.readline() != "go\n":
        return 1
    detach(directory / "console.log")
    status = REBOOT
    while status == REBOOT:
        group.remove("boot")
        status = boot(directory, spec, group)
    unmount(directory)
    (directory / "exit").write_text(f"{status}\n")
    return 0


def mount(directory: Path, layers: list[str]) -> None:
    """The server's root, and on it the two file systems of its own."""
    root = directory / "root"
    options = f"lowerdir={':'.join(layers)},upperdir={directory}/upper,workdir={directory}/work,redirect_dir=on"
    subprocess.run(["mount", "-t", "overlay", "wsh-lab", "-o", options, root], check=True)
    for image, place in (("home.img", "home"), ("mysql.img", "var/lib/mysql")):
        (root / place).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "ext4", "-o", "loop", directory / image, root / place], check=True)
        with contextlib.suppress(OSError):  # fsck would make it again; here it would pass for an account or a database
            (root / place / "lost+found").rmdir()


def unmount(directory: Path) -> None:
    """What the end of the process would do too; but here it is done when the process has ended."""
    for place in ("var/lib/mysql", "home", ""):
        subprocess.run(["umount", directory / "root" / place], check=False)


def boot(directory: Path, spec: dict[str, Any], group: Group) -> int:
    """Boot once; returns nspawn's exit code when the server has stopped."""
    argv = [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--boot",
        f"--directory={directory}/root",
        f"--machine={spec['machine']}",
        f"--uuid={spec['machine_id']}",
        "--settings=no",
        "--network-namespace-path=/proc/self/ns/net",
        f"--capability={CAPABILITIES}",
        f"--system-call-filter={SYSTEM_CALLS}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
    ]
    environment = {**os.environ, **SETTINGS}
    result = subprocess.run(argv, env=environment, preexec_fn=lambda: group.join("boot"), check=False)
    return result.returncode


def detach(log: Path) -> None:
    """Let go of the starting process: from here on the server lives by itself."""
    null = os.open("/dev/null", os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, copies in ((null, (0,)), (out, (1, 2))):
        for copy in copies:
            os.dup2(descriptor, copy)
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
