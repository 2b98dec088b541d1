"""A site that is being worked on: its steps, its runtime, its fence, and whether it is well; forward and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import drain, fence, paths, probe
from .errors import AgentError
from .host import Host
from .jailed import Helpers
from .protocol import event, resolve, secret_names
from .record import Record
from .site import account_secrets, inside

_SHOWN = 2000
"""Characters of a failed step's output that are reported: its end."""


class Worksite:
    """One site, by what its record says; nothing here needs a request."""

    def __init__(self, host: Host, object_: str, record: Record, helpers: Helpers) -> None:
        self.host, self.object, self.record, self.helpers = host, object_, record, helpers
        self.slug = object_.partition(":")[2].replace("/", "-")

    def say(self, text: str) -> None:
        self.host.emit(event("log", object=self.object, text=text))

    def ask(self, verb: str, **request: Any) -> Any:
        """Have the account's helper do something, without network."""
        return self.helpers.get().ask(verb, **request)

    def inode(self, path: str) -> int | None:
        """The number of what is there; a rename keeps it. UnsafePathError for a link on the way."""
        info = self.host.fs.stat(path)
        return None if info is None else info.st_ino

    def write_config(self, tree: str, files: Sequence[Mapping[str, Any]]) -> bool:
        """Write files of wsh's into a tree; whether PHP code was among them."""
        for file in files:
            path = inside(tree, file["path"])
            self.ask("write", path=path, content=file["content"], mode=file["mode"], absent=False)
        return any(file["path"].endswith(".php") for file in files)

    @property
    def release(self) -> str:
        """The application, with the version that is being made."""
        return f"{self.record.app} {self.record.hops[self.record.hop].version}"

    # who visits

    def close(self) -> None:
        """Let nobody in, stop the site's jobs, and wait until its requests are answered."""
        fence.up(self.host, self.slug)
        key = self.slug.partition("-")[2]
        self.host.run(["systemctl", "stop", f"wsh-job-{self.record.uid}-{key}-*.service"], check=False)
        drain.drain(self.host, self.runtime, f"{self.record.tree}/", self.say)

    def open(self) -> None:
        fence.down(self.host, self.slug)

    # the runtime

    @property
    def runtime(self) -> drain.Runtime:
        return drain.Runtime(paths.runtime(self.record.php), self.record.uid)

    def reload(self) -> None:
        """Have the runtime drop what it knows of the old code; one that does not run knows nothing."""
        self.host.run(["systemctl", "try-reload-or-restart", self.runtime.unit])

    # steps

    def take_all(self, steps: Sequence[Mapping[str, Any]]) -> None:
        for number, step in enumerate(steps, 1):
            self.say(f"step {number} of {len(steps)}: {step_name(step)}")
            self.take(step)

    def take(self, step: Mapping[str, Any]) -> None:
        """Take one step in the site's tree. Raises AgentError, ``app.step`` where it did not do what it should."""
        if step["step"] in ("write", "remove"):
            request = {key: step[key] for key in ("content", "mode") if key in step}
            if step["step"] == "write":
                request["absent"] = True
            self.ask(step["step"], path=inside(self.record.tree, step["path"]), **request)
            return
        outcome = self._outcome(step)
        why = _failure(step, outcome)
        if why is not None:
            raise AgentError("app.step", f"{self.release}: {step_name(step)} {why}", None, self._words(outcome))

    def _outcome(self, step: Mapping[str, Any]) -> Mapping[str, Any]:
        outcome: Mapping[str, Any] = self.helpers.get(network=step["network"]).ask(
            "step",
            seconds=step["timeout"],
            step=dict(step),
            tree=self.record.tree,
            php=self.record.php,
            home=f"/home/{self.record.account}",
            account=self.record.account,
        )
        return outcome

    def _words(self, outcome: Mapping[str, Any]) -> str | None:
        said = "\n".join(filter(None, (str(outcome[out]).strip() for out in ("stderr", "stdout"))))
        return self.without_secrets(said)[-_SHOWN:] or None

    def without_secrets(self, text: str) -> str:
        """What programs print may hold what they were given."""
        for value in account_secrets(self.host, self.record.account):
            text = text.replace(value, "(secret)")
        return text

    # health

    def verify(self) -> None:
        """See by the application's own word that it is well, and that its database is its release's.

        Raises AgentError ``app.unhealthy`` or ``app.not-migrated``.
        """
        asked = self._resolved(self.record.probe)
        wanted = probe.Wanted(**{key: asked[key] for key in ("host", "path", "status", "contains")})
        try:
            answer = probe.check(self.host, self.slug, wanted)
        except AgentError as error:
            error.detail = self.without_secrets(error.detail or "") or None
            raise
        self.say(f"https://{wanted.host}{wanted.path} answered {answer.status} in {answer.seconds * 1000:.0f} ms")
        self._see_up_to_date()

    def _see_up_to_date(self) -> None:
        if self.record.up_to_date is None:
            return
        step = self._resolved(self.record.up_to_date)
        outcome = self._outcome(step)
        why = _failure(step, outcome)
        if why is not None:
            raise AgentError(
                "app.not-migrated",
                f"{self.release} says that its database is not up to date: {step_name(step)} {why}",
                None,
                self._words(outcome),
            )

    def _resolved(self, value: Mapping[str, Any]) -> dict[str, Any]:
        secrets = {name: self.host.secrets.get(name) or "" for name in secret_names(value)}
        found: dict[str, Any] = resolve(dict(value), self.host.facts(self.record.account), secrets)
        return found


def _failure(step: Mapping[str, Any], outcome: Mapping[str, Any]) -> str | None:
    """Why a step did not do what it should; None if it did."""
    code, said = outcome["code"], str(outcome["stdout"])
    if code is None:
        return f"did not end within {step['timeout']}s"
    if code not in step["ok"]:
        return f"ended with {code}"
    if step.get("expect") and not re.search(step["expect"], said, re.MULTILINE):
        return f"ended with {code}, but did not say what it should ({step['expect']})"
    return None


def step_name(step: Mapping[str, Any]) -> str:
    """What people call a step."""
    if step["step"] == "run":
        return str(step["argv"][0])
    if step["step"] == "php":
        return str(step["entry"] or step["script"]["name"])
    return f"{step['step']} {step['path']}"
