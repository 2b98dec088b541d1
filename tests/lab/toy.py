"""The toy application on a server of the lab, used as a visitor and as its owner."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from wsh_core.plugins import installed
from wsh_core.testing import toyapp
from wsh_core.testing.conformance import Browser, Conformance, Machine

from .world import World, troubles


def install_plugin(place: Path, name: str = "toyapp", module: str = toyapp.__name__) -> None:
    """Make a plugin, that of the toy application, known to this Python, as pip would; once, whoever asks."""
    if name in {plugin.name for plugin in installed()}:
        return
    info = place / f"wsh_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: wsh-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[wsh]\n{name} = {module}\n")
    sys.path.insert(0, str(place))


class Toy:
    """A site of the toy application: ``alice/notes`` has the domain notes.alice.example.org."""

    def __init__(self, world: World, account: str, key: str = "notes") -> None:
        self.world, self.account, self.key = world, account, key
        self.domain = f"{key}.{account}.example.org"
        self.url = f"https://{self.domain}"
        self.site = f"/home/{account}/sites/{key}"
        self.tree = f"{self.site}/app"

    def yaml(self, options: str = "", release: str | None = None) -> str:
        pin = f", release: '{release}'" if release else ""
        return f"domains: [{self.domain}], app: toyapp{pin}, options: {{title: Notes of {self.account}{options}}}"

    def describe(self, options: str = "", release: str | None = None) -> None:
        """Give the account this one site."""
        self.world.account(self.account, {self.key: self.yaml(options, release)})

    def secret(self, name: str = "admin") -> str:
        return self.world.server.read(f"/etc/wsh/secrets/{self.account}/{self.key}/{name}").decode()

    def status(self) -> int:
        return self.world.get(self.url).status

    def note(self, text: str) -> None:
        """Log in and write a note."""
        cookies = str(self.world.root / "cookies")
        form = f"user=admin&password={self.secret()}"
        assert self.world.get(f"{self.url}/login.php", "-d", form, "-c", cookies).status == 303
        assert self.world.get(f"{self.url}/note.php", "-b", cookies, "--data-urlencode", f"text={text}").status == 303

    def notes(self) -> list[str]:
        """What the front page shows, read as a visitor."""
        answer = self.world.get(self.url)
        assert answer.status == 200, answer
        return [line.removeprefix("<li>").removesuffix("</li>") for line in answer.body.splitlines() if "<li>" in line]

    def tables(self) -> list[str]:
        return self.sql(f"SHOW TABLES IN {self.account}_{self.key}")

    def sql(self, statement: str) -> list[str]:
        return self.world.server.run(["mariadb", "-N", "-B", "-e", statement]).stdout.split("\n")[:-1]

    def on_disk(self) -> list[str]:
        """The names in the site's directory."""
        return sorted(self.world.server.run(["ls", "-A", self.site]).stdout.split())

    def fenced(self) -> bool:
        return f"{self.account}-{self.key}" in self.world.server.run(["ls", "/var/lib/wsh/fence"]).stdout

    def unfinished(self) -> int:
        """How many transactions the journal holds."""
        ledger = "import sqlite3; d = sqlite3.connect('/var/lib/wsh/ledger.db')"
        count = "print(*d.execute('SELECT COUNT(*) FROM journal').fetchone())"
        return int(self.world.server.run(["python3", "-c", f"{ledger}; {count}"]).stdout)


def put_release(world: World, place: Path, fault: toyapp.Fault | None = None, version: str = "2.0") -> str:
    """Put a release on the server's shelf; the option ``source`` that takes it (one of `VERSIONS` needs none)."""
    built = toyapp.build(place, version, fault)
    path = f"{toyapp.SHELF}/{fault or 'toyapp'}-{version}.zip"
    world.server.run(["mkdir", "-p", toyapp.SHELF])
    world.server.write(path, built.path.read_bytes())
    return f", source: {{version: '{version}', path: {path}, sha256: {built.sha256}, root: toyapp-{version}}}"


def put_releases(world: World, place: Path) -> None:
    """Put all the good releases there: sites take them by ``release:``, and the newest without it."""
    for version in toyapp.VERSIONS:
        put_release(world, place, version=version)


def failed(world: World, toy: Toy) -> dict[str, Any]:
    """Apply, which must fail, and return what is said of the application."""
    events = world.apply(accounts=[toy.account], check=False)
    assert events[-1]["outcome"] != "ok"
    app = [e for e in events if e.get("id") == f"app:{toy.account}/{toy.key}"]
    assert len(app) == 1, troubles(events)
    return {**app[0]["error"], "outcome": app[0]["outcome"]}


class ToyConformance(Conformance):
    """What the kit must know of it."""

    app = "toyapp"

    def prepare(self, machine: Machine) -> None:
        for version in toyapp.VERSIONS:
            path = f"{toyapp.SHELF}/toyapp-{version}.zip"
            machine.run(["install", "-D", "--mode=644", "/dev/stdin", path], input=toyapp.archive(version))

    def login(self, browser: Browser, password: str) -> bool:
        user = browser.site.options.get("admin", "admin")
        return "Note it" in browser.post("/login.php", {"user": user, "password": password}).text

    def write(self, browser: Browser, words: str) -> str:
        browser.post("/note.php", {"text": words})
        return "/"
