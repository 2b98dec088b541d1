"""The description by which an application is put on the machine, and the sites of it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
import yaml

from wsh_core import releases
from wsh_core.agent import paths
from wsh_core.features.scope import SiteScope
from wsh_core.models.load import load_description
from wsh_core.plan.collect import collect
from wsh_core.plan.document import document
from wsh_core.plugins import Apps, LoadedApp
from wsh_core.transport.base import Event, Transport

from .browser import Browser
from .fingerprint import Fingerprint, take
from .machine import AgentChannel, Machine
from .says import Says

DESCRIPTION = "5c1d7a3e-9f20-4c0b-8d64-2b7f0a9c6e51"
"""The kit's own, so that the agent of a server that belongs to somebody refuses it."""
PACKAGE = {"disk": "8G", "inodes": 500000, "cpu": "100%", "tasks": 200, "sites": 10, "databases": 10}

Request = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Site:
    """A site on the stage: ``Site(stage, "k12ab34one", "first", "wordpress")`` with options and release as in YAML."""

    stage: Stage
    account: str
    key: str
    app: str
    yaml: str = ""
    release: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Its options, as the YAML says."""
        return yaml.safe_load(self.yaml) or {}

    @property
    def domain(self) -> str:
        """``first.kit12ab.example.org``: nobody is asked where that is."""
        return f"{self.key}.{self.account}.example.org"

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"https://{self.domain}"

    @property
    def place(self) -> str:
        """The site's own directory."""
        return paths.site(self.account, self.key)

    @property
    def tree(self) -> str:
        """The application's."""
        return f"{self.place}/app"

    @property
    def loaded(self) -> LoadedApp:
        """The plugin's declaration."""
        return self.stage.apps.get(self.app)

    @property
    def database(self) -> str | None:
        """The name of its database, if the application has one."""
        return f"{self.account}_{self.key}" if self.loaded.app.database else None

    def described(self) -> dict[str, Any]:
        """The site as YAML has it."""
        release = {} if self.release is None else {"release": self.release}
        return {"domains": [self.domain], "app": self.app, "options": self.options, **release}

    def secret(self, name: str) -> str:
        """A secret that the server made for the site."""
        return self.stage.root("cat", f"{paths.SECRETS}/{self.account}/{self.key}/{name}")

    def browser(self) -> Browser:
        """A visitor without cookies."""
        return Browser(self, self.stage.authority)

    def front(self) -> requests.Response:
        """What the application's own health probe gets, over https, as a visitor."""
        probe = self.loaded.app.health
        assert probe is not None
        answer = self.browser().get(probe.path, allow_redirects=False)
        assert answer.status_code == probe.status, f"{answer.url} answered {answer.status_code}: {answer.text[:500]}"
        assert probe.contains in answer.text, f"{answer.url} came without {probe.contains!r}: {answer.text[:500]}"
        return answer

    def version(self) -> str:
        """The version on disk."""
        file = self.loaded.app.version
        assert file is not None
        found = re.search(file.regex, self.stage.root("cat", f"{self.tree}/{file.path}"), re.MULTILINE)
        assert found, f"{self.tree}/{file.path} holds no version"
        return found[1]

    def scope(self) -> SiteScope:
        """What the plugin says of the site as it is described now."""
        server = load_description(self.stage.place).servers["web1"]
        account = next(each for name, each in server.accounts.items() if str(name) == self.account)
        site = next(each for key, each in account.sites.items() if str(key) == self.key)
        return SiteScope.of(site, account, self.loaded, releases.load(server.debian))

    def run_jobs(self) -> None:
        """Run each job once, as its timer would; AssertionError with what it said if it fails."""
        unit = f"wsh-job-{self.stage.uid(self.account)}-{self.key}"
        for job in self.scope().jobs:
            if not self.stage.succeeds("systemctl", "start", f"{unit}-{job.name}.service"):
                log = self.stage.root("tail", f"{paths.logs(self.account)}/jobs.log")
                raise AssertionError(f"the job {job.name} failed: {log}")

    def fingerprint(self) -> Fingerprint:
        """Everything that is not a cache: files of the site's directory, and tables."""
        caches = [f"app/{path}" for path in self.loaded.app.layout.cache]
        return take(self.stage.machine, self.place, self.database, [*caches, ".previous"])


class Stage:
    """A description of one server, in *place*, for one application and what is beside it."""

    def __init__(self, machine: Machine, place: Path, says: Says) -> None:
        self.machine, self.place, self.says = machine, place, says
        self.token = f"k{secrets.token_hex(3)}"
        (place / "servers/web1/accounts").mkdir(parents=True)
        (place / "releases").mkdir()
        releases = says.prepare(machine)
        if releases is not None:
            (place / f"releases/{says.app}.toml").write_text(releases, encoding="utf-8")
        self._put("servers/web1/server.yaml", {"address": machine.address, "debian": machine.debian})
        package = {**PACKAGE, "memory": says.memory}
        self._put("wsh.yaml", {"description": DESCRIPTION, "plugins": [says.app], "packages": {"conformance": package}})
        self._transport = Transport("web1", AgentChannel(machine))

    @cached_property
    def apps(self) -> Apps:
        """The application's plugin, and what is built in."""
        return Apps([self.says.app], overlays=self.place / "releases")

    @cached_property
    def authority(self) -> str:
        """The file of who signs the certificates of the machine."""
        file = self.place / "ca.pem"
        file.write_text(self.root("cat", f"{paths.CA}/ca.pem"), encoding="utf-8")
        return str(file)

    def account(self, role: str) -> str:
        """The name of an account that no other run has: ``account("one")``."""
        return f"{self.token}{role}"

    def describe(self, *sites: Site) -> None:
        """Describe these sites, all of one account, in place of what that account had."""
        (account,) = {site.account for site in sites}
        self._put(
            f"servers/web1/accounts/{account}.yaml",
            {
                "name": f"Account {account}",
                "email": f"{account}@example.org",
                "package": "conformance",
                "sites": {site.key: site.described() for site in sites},
            },
        )

    def apply(
        self, account: str, *, change: Callable[[Request], None] | None = None, told: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> list[Event]:  # fmt: skip
        """Apply one account and return the events; *change* may alter the request on its way.

        Raises AssertionError with the reasons, unless *check* is false.
        """
        events = list(self._transport.apply(self._request(account, change, told)))
        assert not check or events[-1]["outcome"] == "ok", told_of(events)
        return events

    def plan(self, account: str) -> list[Event]:
        """What an apply of that account would do."""
        return list(self._transport.plan(self._request(account, None, None)))

    def root(self, *argv: str, input: str | None = None) -> str:
        """Run a program on the machine as root; what it printed."""
        return self.machine.run(argv, input=input).stdout

    def succeeds(self, *argv: str) -> bool:
        """Whether a program on the machine, run as root, ends with 0."""
        return self.machine.run(argv, check=False).returncode == 0

    def uid(self, account: str) -> int:
        """The number of an account."""
        return int(self.root("id", "-u", account))

    def put(self, site: Site, path: str, text: str) -> None:
        """Write a file into a site's tree, as its account would."""
        script = 'umask 027; mkdir -p "${1%/*}"; cat > "$1"'
        who = ["setpriv", f"--reuid={site.account}", f"--regid={site.account}", "--init-groups"]
        self.root(*who, "sh", "-c", script, "sh", f"{site.tree}/{path}", input=text)

    def _request(
        self, account: str, change: Callable[[Request], None] | None, told: Mapping[str, str] | None
    ) -> Request:
        description = load_description(self.place)
        held, desired = collect(description, self.apps, [account])
        reasons = [problem.message for problems in held.held.values() for problem in problems]
        assert not reasons, "; ".join(reasons)
        made = document(desired["web1"], {"user": "kit", "host": "conformance"}, accounts=[account], told=told or {})
        request: Request = json.loads(json.dumps(made))
        if change is not None:
            change(request)
        return request

    def _put(self, file: str, content: Mapping[str, Any]) -> None:
        (self.place / file).write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")


def told_of(events: list[Event]) -> str:
    """What went wrong, for people."""
    errors = [event["error"] for event in events if event.get("error")]
    lines = [f"{each['code']}: {each['message']}\n{each.get('detail') or ''}".strip() for each in errors]
    return "\n".join(lines) or f"the operation ended as {events[-1]['outcome']}"


def of_app(events: list[Event], site: Site) -> Event | None:
    """What is said of a site's application; None if it is as wanted."""
    name = f"app:{site.account}/{site.key}"
    return next((event for event in events if event.get("id") == name), None)
