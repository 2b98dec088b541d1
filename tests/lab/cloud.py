"""A Nextcloud of the lab: used by browsers, by sync clients and by calendars, and looked after by occ."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree as ET

from tests import sources
from tests.sources import Found
from wsh_core.features.account import binds
from wsh_core.plugin import Php
from wsh_core.resources.text import encode

from .world import Answer, World

PRIVATE = (
    "config/config.php", "config/wsh.config.php", "data/nextcloud.log", "lib/base.php", "3rdparty/autoload.php",
    "updater/index.php", "occ", "console.php", "cron.php", "custom_apps/.keep", ".htaccess", ".user.ini",
)  # fmt: skip
"""Files of the document root that are nobody's business."""
NAMESPACES = {"d": "DAV:"}


def overlay(releases: list[Found]) -> str:
    """Each upgrades from the major version before it."""
    majors = {each.version: int(each.version.partition(".")[0]) for each in releases}
    return sources.overlay(releases, upgrades_from={each: f"{major - 1}.0.0" for each, major in majors.items()})


class Cloud:
    """``alice/cloud`` has the domain cloud.alice.example.org and an administrator called as its account."""

    def __init__(self, world: World, account: str, key: str = "cloud") -> None:
        self.world, self.account, self.key = world, account, key
        self.domain = f"{key}.{account}.example.org"
        self.url = f"https://{self.domain}"
        self.site = f"/home/{account}/sites/{key}"
        self.tree, self.data = f"{self.site}/app", f"{self.site}/data"
        self.database = f"{account}_{key}"

    def yaml(self, release: str, options: str = "") -> str:
        """Its line of YAML. The lab has no way out, so Nextcloud is told not to try."""
        return f"domains: [{self.domain}], app: nextcloud, release: '{release}', options: {{internet: false{options}}}"

    def get(self, path: str = "/", *options: str) -> Answer:
        return self.world.get(self.url + path, *options)

    def secret(self, name: str = "admin") -> str:
        return self.world.server.read(f"/etc/wsh/secrets/{self.account}/{self.key}/{name}").decode()

    def status(self) -> dict[str, Any]:
        """What Nextcloud says of itself to anybody."""
        said: dict[str, Any] = json.loads(self.get("/status.php").body)
        return said

    # a browser

    def login(self, password: str) -> Answer:
        """Send the form of the login page, with the token that stands in it."""
        page = self.get("/login", "-c", self.jar)
        found = re.search('data-requesttoken="([^"]+)"', page.body)
        assert found, page
        fields = {"user": self.account, "password": password, "requesttoken": found[1]}
        form = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]
        return self.get("/login", "-b", self.jar, "-c", self.jar, "-H", f"Origin: {self.url}", *form)

    def as_admin(self, path: str, *options: str) -> Answer:
        """Fetch a page with the cookies of the last login."""
        return self.get(path, "-b", self.jar, *options)

    # a sync client

    def dav(self, path: str, *options: str) -> Answer:
        """A request to the administrator's own files, with the password in its head."""
        return self.get(f"/remote.php/dav{path}", "--user", self.login_name(), *options)

    def login_name(self) -> str:
        """The administrator's name and password, as curl takes them."""
        return f"{self.account}:{self.secret()}"

    def transfer(self, path: str, *options: str, stdin: IO[bytes] | None = None) -> bytes:
        """A request like those of `dav`, for what is large: what curl wrote is the body alone, as it came."""
        argv = [
            "curl", "--silent", "--show-error", "--fail", "--cacert", str(self.world.ca()), "--user", self.login_name(),
            "--resolve", f"{self.domain}:443:{self.world.server.address}", *options, f"{self.url}/remote.php/dav{path}",
        ]  # fmt: skip
        done = subprocess.run(argv, stdin=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def listing(self, path: str) -> list[str]:
        """The addresses that PROPFIND finds one level down."""
        answer = self.dav(path, "-X", "PROPFIND", "-H", "Depth: 1")
        assert answer.status == 207, answer
        return [str(each.text) for each in ET.fromstring(answer.body).iterfind("d:response/d:href", NAMESPACES)]

    # occ

    def occ(self, *argv: str, network: bool = False) -> tuple[int, str, str]:
        """Run occ as the account in its jail; its code and what it printed."""
        world, account, uid = self.world, self.account, self.world.uid(self.account)
        step = Php(entry="occ", argv=(*argv, "--no-interaction"), ini={"memory_limit": "512M"}, network=network)
        options = {
            "step": step.as_data(), "tree": self.tree, "php": "8.4", "home": f"/home/{account}", "account": account,
            "network": network, "seconds": 600,
        }  # fmt: skip
        jail = {"path": f"/var/lib/wsh/jail/{uid}", "binds": binds(account)}
        request = {
            "jails": {account: jail}, "uids": {account: uid}, "account": account,
            "calls": [["ask", "step", options]],
        }  # fmt: skip
        world.server.write("/root/on_server.py", (Path(__file__).parent / "on_server.py").read_bytes())
        argv_ = ["python3", "-I", "/root/on_server.py", world.agent]
        said = json.loads(world.server.run(argv_, input=json.dumps(encode(request))).stdout)
        return said["code"], said["stdout"], said["stderr"]

    def run_job(self, name: str) -> None:
        """Do now what the timer does; AssertionError with what systemd says where it failed."""
        unit = f"wsh-job-{self.world.uid(self.account)}-{self.key}-{name}.service"
        done = self.world.server.run(["systemctl", "start", unit], check=False)
        said = self.world.server.run(["systemctl", "status", "--no-pager", unit], check=False).stdout
        assert done.returncode == 0, said

    @property
    def jar(self) -> str:
        return str(self.world.root / f"cookies-{self.account}-{self.key}")
