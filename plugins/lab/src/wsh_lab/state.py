"""What the lab knows of its servers: one directory each, with a ``state.json``.

```
LAB/ssh/                   client key, host key, known_hosts
LAB/images/ID/             meta.json, tree/ (a base) or upper/ (a prepared image), home.img, mysql.img
LAB/packages/debian13/     .deb files that image builds share
LAB/servers/NAME/          state.json, upper/ work/ root/, home.img, mysql.img, console.log, exit
LAB/locks/                 one lock per server and image, and one for addresses
```
The directory is root's alone: below it lie whole systems with set-uid programs.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from wsh_lab.errors import LabError
from wsh_lab.tools import write_atomically

DEFAULT_DIRECTORY = "/var/cache/wsh-lab"
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?")


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number (proc_pid_stat(5), field 22)."""

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The living process with that number, if there is one."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        words = stat.rpartition(")")[2].split()
        return None if words[0] in "ZX" else cls(pid, int(words[19]), boot_id())

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self


@dataclass
class State:
    """What must be known to run, find and remove a server."""

    name: str
    address: str
    debian: int
    image: str
    layers: list[str]  # the lower directories of its root, topmost first
    machine_id: str
    created: str
    keeper: Process | None = field(default=None)

    @classmethod
    def load(cls, directory: Path) -> State | None:
        """The state in a server's directory; ``None`` if there is none that can be read."""
        try:
            data = json.loads((directory / "state.json").read_text())
            keeper = data.pop("keeper")
            return cls(**data, keeper=Process(**keeper) if keeper else None)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def save(self, directory: Path) -> None:
        """Write ``state.json``."""
        write_atomically(directory / "state.json", json.dumps(asdict(self), indent=1) + "\n")


@dataclass(frozen=True)
class Store:
    """The lab's directory, and the names that follow from it: two labs never meet."""

    directory: Path

    @classmethod
    def open(cls, directory: Path | str | None = None) -> Store:
        """Open or make the lab's directory (default: ``$WSH_LAB_DIR`` or /var/cache/wsh-lab)."""
        path = Path(directory or os.environ.get("WSH_LAB_DIR") or DEFAULT_DIRECTORY).absolute()
        if re.search(r"[,:\\\s]", str(path)):
            raise LabError(
                "directory",
                f"{path}: commas, colons, backslashes and blanks mean something to overlayfs",
                "set WSH_LAB_DIR to a plain path",
                status=2,
            )
        for part in ("ssh", "images", "packages", "servers", "locks"):
            (path / part).mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        return cls(path)

    @property
    def number(self) -> int:
        """1 to 250, from the directory's path: part of the names of bridge and table, and of addresses."""
        return zlib.crc32(str(self.directory).encode()) % 250 + 1

    def server(self, name: str) -> Path:
        """The directory of a server. Raises `LabError` for what cannot be a host name."""
        if not _NAME.fullmatch(name):
            raise LabError(
                "name",
                f"{name!r} is no server name: a-z, 0-9 and dashes, a letter first, at most 30",
                "call it `web1`, for example",
                status=2,
            )
        return self.directory / "servers" / name

    def names(self) -> list[str]:
        """All servers that have a directory, in whatever state."""
        return sorted(path.name for path in (self.directory / "servers").iterdir() if _NAME.fullmatch(path.name))

    def states(self) -> list[State]:
        """The states that can be read."""
        found = (State.load(self.server(name)) for name in self.names())
        return [state for state in found if state is not None]

    def lock(self, name: str) -> Path:
        """The file to lock for a server, an image or ``lab`` (addresses, bridge)."""
        return self.directory / "locks" / name

    def machine(self, name: str) -> str:
        """The name of a server among all labs of this machine: of its cgroup, and for nspawn."""
        return f"wsh-lab-{self.number}-{name}"


def boot_id() -> str:
    """Identifies the running boot of this machine (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def condition(directory: Path, state: State | None) -> str:
    """``running``, ``stopped`` (on purpose), or ``dead`` (killed, half made, from an earlier boot)."""
    if state is not None and state.keeper is not None and state.keeper.alive():
        return "running"
    return "stopped" if state is not None and (directory / "exit").exists() else "dead"
