from __future__ import annotations

import json
import re
import stat
from collections.abc import Sequence
from functools import cached_property

from .. import paths
from ..errors import AgentError
from ..host import Host
from ..protocol import Resource
from .base import ROOTS, Kind, State, read_roots

_RELOAD_OWED = "daemon-reload"
_MANY = 10
_NAME = re.compile(r"wsh-[a-z0-9-]+\.(service|socket|timer|slice)")


def _checked(resource: Resource) -> str:
    name = str(resource.want["name"])
    if not _NAME.fullmatch(name):
        raise AgentError("request.unit", f"{resource.id}: {name} is not a unit of wsh's")
    return name


def _manager_units(host: Host) -> dict[str, str]:
    """The active state of each unit of wsh's that systemd has loaded, in one call."""
    if not host.booted:
        return {}
    answer = host.run(
        [
            "busctl",
            "--json=short",
            "call",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            "ListUnitsByPatterns",
            "asas",
            "0",
            "1",
            "wsh-*",
        ]
    )
    return {row[0]: row[3] for row in json.loads(answer.stdout)["data"][0]}


class UnitKind(Kind):
    """A unit file of systemd, what wants it, and whether it is active; started when all files are in place."""

    name = "unit"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._written: list[tuple[Resource, State | None]] = []

    def desired(self, resource: Resource) -> State:
        want = resource.want
        state: State = {"content": want["content"], "file": ROOTS, "wanted_by": want["wanted_by"]}
        if want["state"] == "active" and self.host.booted:
            state["state"] = "active"
        return state

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        fs, found = self.host.fs, dict[str, State | None | AgentError]()
        active = _manager_units(self.host)
        wanted = set(fs.listdir(f"{paths.UNITS}/{paths.TARGET}.wants"))
        for resource in resources:
            try:
                name = _checked(resource)
                content, file = read_roots(fs, f"{paths.UNITS}/{name}")
            except FileNotFoundError:
                found[resource.id] = None
                continue
            except AgentError as error:
                found[resource.id] = error
                continue
            state: State = {
                "content": content,
                "file": file,
                "wanted_by": paths.TARGET if name in wanted else None,
            }
            if resource.want["state"] == "active" and self.host.booted:
                state["state"] = active.get(name, "inactive")
            found[resource.id] = state
        return found

    def write(self, resource: Resource, actual: State | None) -> None:
        name, fs = _checked(resource), self.host.fs
        want = self.desired(resource)
        if not self._written:
            self.host.ledger.raise_flag(_RELOAD_OWED)
        self._written.append((resource, actual))
        if _differs(resource, actual):
            fs.write(f"{paths.UNITS}/{name}", want["content"].encode())
        if want["wanted_by"] is not None:
            fs.makedirs(f"{paths.UNITS}/{want['wanted_by']}.wants")
            fs.symlink(f"{paths.UNITS}/{name}", f"{paths.UNITS}/{want['wanted_by']}.wants/{name}")

    def commit(self) -> dict[str, AgentError]:
        host = self.host
        owed = _RELOAD_OWED in host.ledger.flags()
        failures: dict[str, AgentError] = {}
        if host.booted:
            if owed and (not self._written or any(_differs(*written) for written in self._written)):
                host.run(["systemctl", "daemon-reload"])
            failures = self._settle()
        if owed:
            host.ledger.lower_flag(_RELOAD_OWED)
        return failures

    def _settle(self) -> dict[str, AgentError]:
        """Bring what runs in step with the files.

        A socket cannot restart while its service runs, so what a changed file belongs to stops first.
        """
        host = self.host
        changed = [r.want["name"] for r, actual in self._written if actual is not None and _differs(r, actual)]
        services = {name.replace(".socket", ".service") for name in changed}
        if services:
            host.run(["systemctl", "stop", *sorted(services.union(changed))])
        start = {r.id: r.want["name"] for r, _ in self._written if r.want["state"] == "active"}
        failures = self._start(start) if start else {}
        if reload := sorted(host.reload_units - services):
            host.run(["systemctl", "try-reload-or-restart", *reload], check=False)
        return failures

    def _start(self, units: dict[str, str]) -> dict[str, AgentError]:
        """Start units, many of them through the target that wants them: its jobs run side by side."""
        names = list(units.values()) if len(units) <= _MANY else [paths.TARGET]
        done = self.host.run(["systemctl", "start", *names], check=False)
        states = _manager_units(self.host) if done.returncode or len(units) > _MANY else {}
        words = done.stderr.decode(errors="replace").strip()
        return {
            id_: AgentError(
                "unit.not-started", f"{name} did not start", f"systemctl status {name}; journalctl -u {name}", words
            )
            for id_, name in units.items()
            if states and states.get(name) != "active"
        }


def _differs(resource: Resource, actual: State | None) -> bool:
    return actual is None or (actual["content"], actual["file"]) != (resource.want["content"], ROOTS)


class SliceKind(Kind):
    """The limits of an account: properties of its slice, kept as systemctl set-property keeps them."""

    name = "slice"

    @cached_property
    def _loaded(self) -> dict[str, str]:
        return _manager_units(self.host)

    def desired(self, resource: Resource) -> State:
        return {name: _as_systemd_writes(str(value)) for name, value in resource.want["properties"].items()}

    def _directory(self, resource: Resource) -> str:
        return f"{paths.UNIT_PROPERTIES}/{_checked(resource)}.d"

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        for resource in resources:
            directory = self._directory(resource)
            state: State = {}
            for file in self.host.fs.listdir(directory):
                info = self.host.fs.stat(f"{directory}/{file}")
                if file.endswith(".conf") and info is not None and stat.S_ISREG(info.st_mode):
                    state |= _settings(self.host.fs.read(f"{directory}/{file}").decode(errors="replace"))
            found[resource.id] = state or None
        return found

    def write(self, resource: Resource, actual: State | None) -> None:
        name, want = _checked(resource), self.desired(resource)
        if name in self._loaded:
            self.host.run(["systemctl", "set-property", name, *(f"{key}={value}" for key, value in want.items())])
            return
        directory = self._directory(resource)
        self.host.fs.makedirs(directory)
        for key, value in want.items():
            self.host.fs.write(f"{directory}/50-{key}.conf", f"[Slice]\n{key}={value}\n".encode())


def _as_systemd_writes(value: str) -> str:
    return f"{float(value[:-1]):.2f}%" if value.endswith("%") else value


def _settings(text: str) -> State:
    lines = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in lines}
