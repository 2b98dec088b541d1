"""`wsh server setup`: make plain Debian servers wsh servers, by the playbook beside this file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from wsh_core.agent import paths
from wsh_core.agent.protocol import canonical
from wsh_core.errors import Problem
from wsh_core.releases import Release
from wsh_core.transport import runner
from wsh_core.transport.login import Login
from wsh_core.transport.problems import unreachable, words

PLAYBOOK = runner.PLAYBOOKS / "setup.yml"


@dataclass(frozen=True)
class Progress:
    """One task of one server: begun, or ended.

    `outcome` is `begun`, `ok` (as wanted), `changed`, `skipped`, `failed` or `note`; `text` is the note.
    `number` of `of` counts within the part, `done` of `total` over all. `seconds` are since the beginning.
    """

    server: str
    part: str
    task: str
    outcome: str
    number: int
    of: int
    done: int
    total: int
    seconds: float
    text: str = ""


@dataclass
class Result:
    """How the set-up of one server ended; `problem` is None where it is a wsh server now."""

    server: str
    changed: int = 0
    as_wanted: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    problem: Problem | None = None


def set_up(
    servers: Mapping[Login, Release],
    report: Callable[[Progress], None] = lambda _: None,
    *,
    log: Path | None = None,
) -> dict[str, Result]:
    """Make each server a wsh server, all at once, and say how each ended, by its name.

    A server that fails does not stop the others: its result has the task, its place, the module's words.

    Raises:
        TransportError: Ansible could not be run at all.
    """
    fold = _Fold({login.name: login for login in servers}, report)
    told = {login: variables(release) for login, release in servers.items()}
    runner.play(PLAYBOOK, told, fold.take, log=log)
    return fold.results()


def variables(release: Release) -> dict[str, Any]:
    """What the playbook is told of a server."""
    return {**_told(release), "setup": digest(release)}


def _told(release: Release) -> dict[str, Any]:
    php = asdict(release.php) | {"builtin": sorted(release.php.builtin)}
    known = {name.lower(): value for name, value in vars(paths).items() if name.isupper()}
    return {"release": asdict(release) | {"php": php}, "paths": known}


def digest(release: Release) -> str:
    """Sixteen hex digits for all that a set-up is made of: a server marked with them is up to date."""
    hashed = hashlib.sha256(canonical(_told(release)).encode())
    for path in sorted(runner.PLAYBOOKS.rglob("*")):
        if path.is_file():
            hashed.update(f"{path.relative_to(runner.PLAYBOOKS)}\0".encode() + path.read_bytes() + b"\0")
    return hashed.hexdigest()[:16]


@cache
def parts() -> dict[str, int]:
    """The parts of the playbook, in order, with the number of tasks in each."""
    import yaml

    (play,) = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    names = [Path(task["import_tasks"]).stem for task in play["tasks"]]
    files = {name: runner.PLAYBOOKS / f"{name}.yml" for name in names}
    return {name: len(yaml.safe_load(file.read_text(encoding="utf-8"))) for name, file in files.items()}


class _Fold:
    """Turns the runner's events into progress, and keeps count of each server."""

    def __init__(self, logins: Mapping[str, Login], report: Callable[[Progress], None]) -> None:
        self.logins = logins
        self.report = report
        self.began = time.monotonic()
        self.found = {name: Result(name) for name in logins}
        self.ended: dict[str, int] = dict.fromkeys(logins, 0)
        self.complete: set[str] = set()

    def take(self, event: runner.Event) -> None:
        data = event.get("event_data") or {}
        server = data.get("host")
        if server not in self.found:
            return
        result = data.get("res") or {}
        match event["event"]:
            case "runner_on_start":
                self._say(server, data, "begun")
            case "runner_on_ok":
                self._end(server, data, "changed" if result.get("changed") else "ok")
                if data.get("task_action", "").endswith("debug") and "results" not in result:
                    self._note(server, data, result)
            case "runner_item_on_ok" if data.get("task_action", "").endswith("debug"):
                self._note(server, data, result)
            case "runner_on_skipped":
                self._end(server, data, "skipped")
            case "runner_on_failed" if not data.get("ignore_errors"):
                self._end(server, data, "failed")
                self.found[server].problem = failure(server, data)
            case "runner_on_unreachable":
                self.found[server].problem = unreachable(self.logins[server], result)

    def _note(self, server: str, data: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        self.found[server].notes.append(str(result.get("msg", "")))
        self._say(server, data, "note", self.found[server].notes[-1])

    def _end(self, server: str, data: Mapping[str, Any], outcome: str) -> None:
        self.ended[server] += 1
        result = self.found[server]
        result.changed += outcome == "changed"
        result.as_wanted += outcome in {"ok", "skipped"}
        result.seconds = time.monotonic() - self.began
        self._say(server, data, outcome)

    def _say(self, server: str, data: Mapping[str, Any], outcome: str, text: str = "") -> None:
        part, _ = place(data)
        sizes = parts()
        names = list(sizes)
        before = sum(sizes[name] for name in names[: names.index(part)])
        number = self.ended[server] + (outcome == "begun") - before
        self.report(
            Progress(
                server,
                part,
                data.get("task", ""),
                outcome,
                number,
                sizes[part],
                self.ended[server],
                sum(sizes.values()),
                time.monotonic() - self.began,
                text,
            )
        )

    def results(self) -> dict[str, Result]:
        """The results; a server of which too little was heard has failed, whatever else was said."""
        total = sum(parts().values())
        for name, result in self.found.items():
            if result.problem is None and self.ended[name] != total:
                result.problem = Problem(
                    "setup.broken-off",
                    f"the set-up of {name} broke off after {self.ended[name]} of {total} tasks",
                    f"wsh server setup {name}",
                )
        return self.found


def place(data: Mapping[str, Any]) -> tuple[str, str]:
    """The part of a task, and `FILE:LINE` of the playbook where it stands."""
    file, _, line = data.get("task_path", "").rpartition(":")
    return Path(file).stem, f"playbooks/{Path(file).name}:{line}"


REMEDIES = {
    "packages": "see that `dpkg --configure -a` and `apt-get update` succeed on {server}",
    "mariadb": "journalctl -u mariadb.service on {server}",
    "apache": "apache2ctl configtest, and journalctl -u apache2.service, on {server}",
}


def failure(server: str, data: Mapping[str, Any]) -> Problem:
    """The problem of a task that failed on a server."""
    part, where = place(data)
    said = words(data.get("res") or {})
    first, _, _ = said.partition("\n")
    remedy = REMEDIES.get(part, "mend that on {server}").format(server=server)
    return Problem(
        "setup.task",
        f'{server}, {part}, "{data.get("task", "")}": {first or "failed"} ({where})',
        hint=f"{remedy}; then wsh server setup {server}",
        object=f"server:{server}",
        detail=said or None,
    )
