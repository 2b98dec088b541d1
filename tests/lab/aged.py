"""A site of the toy application that has been used, and what must not be lost of it."""

from __future__ import annotations

import difflib
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

from wsh_core.testing import toyapp

from .toy import Toy, install_plugin, put_release
from .world import Event, World

HOP = ["switched", "migrated"]
PHASES = ["built", "fenced", "saved", *HOP, "verified", "done"]
TWO_HOPS = ["built", "fenced", "saved", *HOP, *HOP, "verified", "done"]


def furnished(server: Any, factory: Any) -> World:
    """A server that has all good releases of the toy application on its shelf."""
    install_plugin(factory.mktemp("plugin"))
    world = World(server, factory.mktemp("description"), plugins=["toyapp"])
    for version in toyapp.VERSIONS:
        put_release(world, factory.mktemp("release"), version=version)
    world.server.write("/root/killed.py", (Path(__file__).parent / "killed.py").read_bytes())
    return world


class Aged(Toy):
    """A site of the toy application in release 1.0 that has been used: notes, an upload, an addition of its own."""

    NOTES = ("admin: Installed.", "admin: an old note")

    def __init__(self, world: World, account: str, key: str = "notes") -> None:
        super().__init__(world, account, key)
        self.describe(release="1.0")
        world.apply(accounts=[account])
        self.note("an old note")
        world.put(account, f"{key}/app/uploads/own.txt", "my upload")
        world.put(account, f"{key}/app/extras/mine.php", "<?php return 'my motto';")
        world.put(account, f"{key}/app/cache/stale", "of the old code")

    def upgrade(self, *, check: bool = True) -> list[Event]:
        """Tell the site to be upgraded to the newest release."""
        self.describe()
        return self.told("upgrade", check=check)

    def told(self, word: str, *, check: bool = True) -> list[Event]:
        return self.world.apply(check=check, accounts=[self.account], told={f"site:{self.account}/{self.key}": word})

    def request(self, word: str | None = None) -> str:
        told = {f"site:{self.account}/{self.key}": word} if word else None
        return self.world.request(accounts=[self.account], told=told)

    def version(self) -> str:
        return self.world.server.read(f"{self.tree}/VERSION").decode().strip()

    def rows(self) -> str:
        """All of the database, in words."""
        options = ["--skip-comments", "--skip-dump-date", "--single-transaction", "--order-by-primary"]
        return self.world.server.run(["mariadb-dump", *options, f"{self.account}_{self.key}"]).stdout

    def files(self) -> str:
        """Every file and directory of the site's, with owner, mode, rights and checksum; caches left out."""
        look = (
            "cd $1 && find . -path ./app/cache -prune -o -printf '%p %y %U %G %m %l\\n' | sort"
            " && find . -path ./app/cache -prune -o -type f -print0 | sort -z | xargs -0 sha256sum"
            " && find . -path ./app/cache -prune -o -print0 | sort -z | xargs -0 getfacl"
        )
        return self.world.server.run(["sh", "-c", look, "sh", self.site]).stdout

    def content(self) -> list[str]:
        return [*self.rows().splitlines(), *self.files().splitlines()]

    def is_as(self, content: list[str], version: str = "1.0") -> None:
        """The site is open and well, and its code, its data and its tables are these to the byte."""
        assert self.version() == version
        assert not self.fenced()
        assert [*difflib.unified_diff(content, self.content())] == []
        assert self.notes()[:2] == list(self.NOTES)
        assert self.unfinished() == 0
        self.works()

    def works(self) -> None:
        """Notes can be written, and nothing of a transaction is left."""
        number = len(self.notes())
        self.note(f"note {number}")
        assert len(self.notes()) == number + 1
        assert set(self.on_disk()) <= {"app", ".previous"}
        assert "wsh-step" not in self.world.server.run(["systemctl", "list-units", "--all", "wsh-step-*"]).stdout


def phases(events: list[Event]) -> list[str]:
    return [e["phase"] for e in events if e["type"] == "phase"]


def app_error(events: list[Event]) -> dict[str, Any]:
    (said,) = [e for e in events if e.get("error") and str(e.get("id")).startswith("app:")]
    return {**said["error"], "outcome": said["outcome"]}


def recover(world: World) -> None:
    """What happens at boot, after a failed operation and once a day; nobody applies anything."""
    done = world.server.run(["systemctl", "start", "wsh-recover.service"], check=False, timeout=300)
    assert done.returncode == 0, world.server.run(["journalctl", "-n", "30", "-u", "wsh-recover.service"]).stdout


def put_blind(world: World, release: Path) -> str:
    """The same release with a front page that needs no table."""
    packed = io.BytesIO()
    with zipfile.ZipFile(release) as old, zipfile.ZipFile(packed, "w") as new:
        for info in old.infolist():
            blind = b"<?php require __DIR__ . '/lib.php'; page(TOYAPP_TITLE, 'blind');"
            new.writestr(info, blind if info.filename.endswith("/index.php") else old.read(info))
    path, data = "/srv/toyapp/blind-1.1.zip", packed.getvalue()
    world.server.write(path, data)
    return f", source: {{version: '1.1', path: {path}, sha256: {hashlib.sha256(data).hexdigest()}, root: toyapp-1.1}}"


def with_release(world: World, toy: Aged, data: bytes, right: bytes) -> dict[str, Any]:
    """What is said of an upgrade to 2.0 for which the agent is given another file of the right checksum's name."""
    sums = [hashlib.sha256(each).hexdigest() for each in (right, data)]
    world.server.write("/srv/toyapp/toyapp-2.0.zip", data)
    toy.describe()
    try:
        request = toy.request("upgrade").replace(*sums)
        return app_error(world.verb("start", request=request))
    finally:
        world.server.write("/srv/toyapp/toyapp-2.0.zip", right)
