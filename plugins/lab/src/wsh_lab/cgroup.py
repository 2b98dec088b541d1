"""A control group per server, on hosts with cgroup v2 alone and on hybrid ones (cgroups(7)).

Servers that share a group see each other's units; so each gets one of its own. Within it: ``keeper/`` holds
the process that keeps the server, ``boot/`` what it boots; nspawn makes ``supervisor`` and ``payload`` there.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from wsh_lab.errors import LabError


def hierarchies(mounts: str | None = None) -> tuple[Path, list[Path]]:
    """The mount point of cgroup v2, and those of systemd's named v1 hierarchy (none on a pure v2 host)."""
    unified: Path | None = None
    named: list[Path] = []
    for line in (Path("/proc/self/mounts").read_text() if mounts is None else mounts).splitlines():
        _, where, kind, options = line.split()[:4]
        if kind == "cgroup2" and unified is None:
            unified = Path(where)
        elif kind == "cgroup" and "name=systemd" in options.split(","):
            named.append(Path(where))
    if unified is None:
        raise LabError(
            "cgroup",
            "cgroup v2 is not mounted on this machine",
            "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
        )
    return unified, named


class Group:
    """The control group of one server."""

    def __init__(self, name: str) -> None:
        unified, named = hierarchies()
        self.path = unified / name
        self._parent = unified
        self._all = [self.path, *(hierarchy / name for hierarchy in named)]

    def make(self) -> None:
        """Make it, with all controllers that this machine can hand down."""
        for path in self._all:
            (path / "keeper").mkdir(parents=True, exist_ok=True)
        for path in (self._parent, self.path):
            for controller in (path / "cgroup.controllers").read_text().split():
                with contextlib.suppress(OSError):  # busy, or not to be handed down: the server does without
                    (path / "cgroup.subtree_control").write_text(f"+{controller}")

    def join(self, part: str) -> None:
        """Move the calling process into ``keeper`` or ``boot``."""
        for path in self._all:
            (path / part).mkdir(exist_ok=True)
            (path / part / "cgroup.procs").write_text(str(os.getpid()))

    def populated(self) -> bool:
        """Whether any process is left in it."""
        try:
            return "populated 1" in (self.path / "cgroup.events").read_text()
        except OSError:
            return False

    def kill(self, seconds: float = 30) -> None:
        """Kill all processes in it at once (kernel ≥ 5.14), none outside; return when they are gone."""
        end = time.monotonic() + seconds
        while self.populated():
            with contextlib.suppress(OSError):
                (self.path / "cgroup.kill").write_text("1")
            if time.monotonic() > end:
                raise LabError("cgroup", f"processes in {self.path} outlive SIGKILL for {seconds:g} s", "dmesg | tail")
            time.sleep(0.01)

    def remove(self, part: str = "") -> None:
        """Remove it, or a part of it; its processes must have ended."""
        for path in self._all:
            for directory, _, _ in os.walk(path / part, topdown=False):
                for _ in range(100):  # a dead process may take a moment to leave
                    try:
                        Path(directory).rmdir()
                    except FileNotFoundError:
                        break
                    except OSError:
                        time.sleep(0.01)
                    else:
                        break
