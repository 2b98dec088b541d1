"""The installation of an application as one transaction: all of it, or nothing of it.

Each phase is on disk in the journal before it begins. Until the end the site is fenced, its tree and its
database were empty when it began, and so to put back is to empty them. An upgrade will pass through the same
phases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from . import database, fence, paths, probe
from .errors import AgentError, io_error
from .host import Host
from .jailed import Helpers
from .protocol import Resource, event
from .site import account_secrets, app_database, app_tree, disk_version, inside, say, site_slug

PHASES = ("built", "fenced", "saved", "switched", "migrated", "verified", "done")
_ENTRIES, _BYTES = 200_000, 4 << 30
"""The most that a release may unpack to: files and directories, bytes."""
_SHOWN = 2000
"""Characters of a failed step's output that are reported: its end."""


class Installation:
    """One application that is put into one site. ``archives`` are paths in the jail."""

    def __init__(self, host: Host, resource: Resource, helpers: Helpers, archives: Sequence[str]) -> None:
        self.host, self.resource, self.helpers, self.archives = host, resource, helpers, archives
        self.want = resource.want
        self.tree, self.database = app_tree(resource), app_database(resource)
        self.new = f"{self.tree}.new"
        self.slug = site_slug(resource)
        self._say = partial(say, host, resource)

    def reopen(self) -> None:
        """Let visitors in again where nothing is left to do and the application is healthy by its own word."""
        self._verify()
        self._open()

    # forward

    def install(self) -> None:
        """Install, or raise AgentError with everything put back and the fence still up."""
        self._must_be_free()
        try:
            for phase, act in self._acts().items():
                self._begin(phase)
                act()
        except (AgentError, OSError) as error:
            raise self._put_back(error) from error
        self.host.ledger.finish(self.resource.object)

    def _put_back(self, error: AgentError | OSError) -> AgentError:
        """Undo; where that fails too, say so behind the cause: the journal knows what is left to do."""
        cause = error if isinstance(error, AgentError) else io_error(self.resource.id, error)
        try:
            self.undo()
        except AgentError as second:
            cause.message += f"; and it could not be put back yet: {second.message}"
            cause.hint = second.hint or "apply again: it is put back first"
        return cause

    def _acts(self) -> Mapping[str, Callable[[], None]]:
        return {
            "built": self._build,
            "fenced": self._fence,
            "saved": self._must_be_free,
            "switched": self._switch,
            "migrated": self._migrate,
            "verified": self._verify,
            "done": self._open,
        }

    def _begin(self, phase: str) -> None:
        self.host.ledger.begin(self.resource.object, phase, {"version": self.want["version"]})
        self.host.emit(
            event("phase", object=self.resource.object, phase=phase, done=PHASES.index(phase), total=len(PHASES))
        )

    def _must_be_free(self) -> None:
        """An installation begins in an empty directory and an empty database; what is there is not wsh's."""
        if self.host.fs.listdir(self.tree):
            raise AgentError(
                "app.not-empty",
                f"{self.tree} is not empty, and what is in it is not wsh's; nothing was done",
                "move its content elsewhere, or adopt it",
            )
        if self.database and (count := database.held(self.host.mariadb, self.database)):
            raise AgentError(
                "app.not-empty",
                f"the database {self.database} holds {count} tables or the like; nothing was done",
                "move them elsewhere, or adopt the application",
            )

    def _build(self) -> None:
        source = self.want["source"]
        report = self.helpers.get().ask(
            "unpack",
            seconds=1800,
            archives=[*self.archives],
            into=self.new,
            root=source["root"],
            links=source.get("links", {}),
            entries=_ENTRIES,
            bytes=_BYTES,
        )
        for path, target in report["dangling"]:
            self._say(f"the release has a link to what is not in it, left out: {path} -> {target}")
        found = self.version(self.new)
        if found != self.want["version"]:
            raise AgentError(
                "app.version",
                f"the release was to be {self.want['app']} {self.want['version']}, and is {found or 'none'}",
                "correct the release: its version, its checksum or the directory in it",
            )
        self._write_config(self.new, after=None)

    def _fence(self) -> None:
        fence.up(self.host, self.slug)

    def _switch(self) -> None:
        self.helpers.get().ask("exchange", one=self.new, other=self.tree)
        self.helpers.get().ask("remove", path=self.new)
        self._reload()

    def _migrate(self) -> None:
        for number, step in enumerate(self.want["install"], 1):
            self._say(f"step {number} of {len(self.want['install'])}: {step_name(step)}")
            self._take(step)
        if self._write_config(self.tree, after="install"):
            self._reload()

    def _verify(self) -> None:
        wanted = probe.Wanted(**{key: self.want["probe"][key] for key in ("host", "path", "status", "contains")})
        try:
            answer = probe.check(self.host, self.slug, wanted)
        except AgentError as error:
            error.detail = self._without_secrets(error.detail or "") or None
            raise
        self._say(f"https://{wanted.host}{wanted.path} answered {answer.status} in {answer.seconds * 1000:.0f} ms")

    def _open(self) -> None:
        fence.down(self.host, self.slug)

    # back

    def recover(self) -> bool:
        """End what a killed operation left: True if the installation was as good as done and is now finished.

        From ``verified`` it is finished, if the site is well; before that, all is put back.
        """
        left = self.host.ledger.unfinished()[self.resource.object]
        if left.phase in ("verified", "done") and left.data["version"] == self.want["version"]:
            try:
                self._verify()
                self._open()
                self.host.ledger.finish(self.resource.object)
                return True
            except AgentError as error:
                self._say(f"what was left is not well, so it is put back: {error.message}")
        self.undo()
        return False

    def undo(self) -> None:
        """Put back what was: an empty tree, an empty database, the fence up. It can be done again."""
        left = self.host.ledger.unfinished().get(self.resource.object)
        if left is None:
            return
        reached = PHASES.index(left.phase)
        helper = self.helpers.get()
        for path in (self.new, f"{self.new}.unpacked", f"{self.new}.linked"):
            helper.ask("remove", path=path)
        if reached >= PHASES.index("switched") and self.host.fs.listdir(self.tree):
            helper.ask("directory", path=self.new)
            helper.ask("exchange", one=self.new, other=self.tree)
            helper.ask("remove", path=self.new)
            self._reload()
        if self.database and reached >= PHASES.index("migrated"):
            database.empty(self.host.mariadb, self.database)
        self.host.ledger.finish(self.resource.object)

    # parts

    def version(self, tree: str) -> str | None:
        return disk_version(self.host, tree, self.want["version_file"])

    def mend(self, paths_: Sequence[str]) -> None:
        """Write these configuration files again."""
        helper = self.helpers.get()
        for file in self.want["config"]:
            if file["path"] in paths_:
                helper.ask(
                    "write",
                    path=inside(self.tree, file["path"]),
                    content=file["content"],
                    mode=file["mode"],
                    absent=False,
                )
        if any(path.endswith(".php") for path in paths_):
            self._reload()

    def _write_config(self, tree: str, after: str | None) -> bool:
        """Write the configuration files that are due now; whether PHP code was among them."""
        due = [file for file in self.want["config"] if file["after"] == after]
        for file in due:
            self.helpers.get().ask(
                "write",
                path=inside(tree, file["path"]),
                content=file["content"],
                mode=file["mode"],
                absent=False,
            )
        return any(file["path"].endswith(".php") for file in due)

    def _take(self, step: Mapping[str, Any]) -> None:
        if step["step"] in ("write", "remove"):
            request = {key: step[key] for key in ("content", "mode") if key in step}
            if step["step"] == "write":
                request["absent"] = True
            self.helpers.get().ask(step["step"], path=inside(self.tree, step["path"]), **request)
            return
        jail = self.helpers.jail
        outcome = self.helpers.get(network=step["network"]).ask(
            "step",
            seconds=step["timeout"],
            step=dict(step),
            tree=self.tree,
            php=self.want["php"],
            home=f"/home/{jail.account}",
            account=jail.account,
        )
        self._judge(step, outcome)

    def _judge(self, step: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """Raise AgentError ``app.step`` unless the step did what it should."""
        code, said = outcome["code"], str(outcome["stdout"])
        if code is None:
            why = f"did not end within {step['timeout']}s"
        elif code not in step["ok"]:
            why = f"ended with {code}"
        elif step.get("expect") and not re.search(step["expect"], said, re.MULTILINE):
            why = f"ended with {code}, but did not say what it should ({step['expect']})"
        else:
            return
        detail = self._without_secrets("\n".join(filter(None, (str(outcome["stderr"]).strip(), said.strip()))))
        raise AgentError(
            "app.step",
            f"{self.want['app']} {self.want['version']}: {step_name(step)} {why}",
            "everything was put back, the site stays fenced; mend the cause and apply again",
            detail[-_SHOWN:] or None,
        )

    def _without_secrets(self, text: str) -> str:
        """What programs print may hold what they were given."""
        for value in account_secrets(self.host, self.helpers.jail.account):
            text = text.replace(value, "(secret)")
        return text

    def _reload(self) -> None:
        """Have the runtime drop what it knows of the old code; one that does not run knows nothing."""
        unit = f"wsh-{paths.runtime(self.want['php'])}-{self.helpers.jail.uid}.service"
        self.host.run(["systemctl", "try-reload-or-restart", unit])


def step_name(step: Mapping[str, Any]) -> str:
    """What people call a step."""
    if step["step"] == "run":
        return str(step["argv"][0])
    if step["step"] == "php":
        return str(step["entry"] or step["script"]["name"])
    return f"{step['step']} {step['path']}"
