"""A lab server with a description of its own: what tests change, apply, and look at through real clients."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsh_lab import Server

from wsh_core.agent.protocol import canonical
from wsh_core.models.load import load_description
from wsh_core.plan.collect import collect
from wsh_core.plan.document import document
from wsh_core.plugins import Apps
from wsh_core.transport import package

Event = dict[str, Any]

ORGANISATION = """\
description: 7f0c2a9e-5d1b-4b7e-9a51-0c5d1e6f7a8b
plugins: [{plugins}]
mail: {{from: support@example.org, signature: Example Hosting Co-op}}
packages:
  small: {{disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 10, databases: 10}}
"""
ACCOUNT = """\
name: {name}
email: {name}@example.org
package: small
sites:
{sites}
"""


@dataclass(frozen=True)
class Answer:
    """What curl got: status, protocol version, headers (lower case) and body."""

    status: int
    version: str
    headers: Mapping[str, str]
    body: str


class World:
    """One server and the description that it is converged to."""

    def __init__(self, server: Server, root: Path, plugins: Sequence[str] = ("wordpress",)) -> None:
        self.server, self.root = server, root
        (root / "servers/web1/accounts").mkdir(parents=True)
        (root / "wsh.yaml").write_text(ORGANISATION.format(plugins=", ".join(plugins)))
        (root / "servers/web1/server.yaml").write_text(f"address: {server.address}\ndebian: {server.debian}\n")
        agent = package.build()
        self.agent = f"/usr/lib/wsh/{agent.name}"
        server.write(self.agent, agent.data)

    def account(self, name: str, sites: Mapping[str, str]) -> None:
        """Describe an account: its sites' keys, and what stands behind each, as YAML on one line."""
        lines = "\n".join(f"  {key}: {{{value}}}" for key, value in sites.items())
        self.file(name).write_text(ACCOUNT.format(name=name, sites=lines))

    def releases(self, app: str, toml: str) -> None:
        """Give the description releases of its own of an app (TOML); they come before the plugin's."""
        place = self.root / f"releases/{app}.toml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(toml)

    def file(self, account: str) -> Path:
        return self.root / f"servers/web1/accounts/{account}.yaml"

    def request(self, **options: Any) -> str:
        description = load_description(self.root)
        _, desired = collect(description, Apps(description.organisation.plugins, self.root / "releases"))
        return canonical(document(desired["web1"], {"user": "test", "host": "lab"}, **options))

    def verb(self, *words: str, request: str = "") -> list[Event]:
        done = self.server.run(["python3", "-I", self.agent, *words], input=request, check=False, timeout=900)
        assert not done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def plan(self, **options: Any) -> list[Event]:
        return self.verb("plan", request=self.request(**options))

    def apply(self, *, check: bool = True, **options: Any) -> list[Event]:
        events = self.verb("start", request=self.request(**options))
        assert not check or events[-1]["outcome"] == "ok", troubles(events)
        return events

    def uid(self, account: str) -> int:
        return int(self.server.run(["id", "-u", account]).stdout)

    def as_account(self, account: str, *argv: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program as the account on the host, outside its jail: what a hole would give it."""
        return self.server.run(
            ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups", *argv], input=input, check=False
        )

    def put(self, account: str, path: str, text: str, mode: str = "0640") -> None:
        """Write a file below the account's sites, as the account."""
        full = f"/home/{account}/sites/{path}"
        done = self.as_account(
            account, "sh", "-c", 'umask 027; cat > "$1" && chmod "$2" "$1"', "sh", full, mode, input=text
        )
        assert done.returncode == 0, done.stderr

    def get(self, url: str, *options: str) -> Answer:
        """Fetch a page from this machine with curl; its name leads to the server, its certificate must hold."""
        scheme, host = re.match(r"(https?)://([^/:]+)", url).groups()  # type: ignore[union-attr]
        port = 443 if scheme == "https" else 80
        done = subprocess.run(
            [
                "curl",
                "--silent",
                "--show-error",
                "--include",
                "--max-time",
                "60",
                "--cacert",
                str(self.ca()),
                "--resolve",
                f"{host}:{port}:{self.server.address}",
                *options,
                url,
            ],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        head, _, body = done.stdout.decode(errors="replace").replace("\r\n", "\n").partition("\n\n")
        while head.split(" ", 2)[1] == "100":
            head, _, body = body.partition("\n\n")
        first, *lines = head.split("\n")
        version, status, *_ = first.split(" ")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        return Answer(int(status), version, headers, body)

    def ca(self) -> Path:
        place = self.root / "ca.pem"
        if not place.exists():
            place.write_bytes(self.server.read("/var/lib/wsh/ca/ca.pem"))
        return place


def troubles(events: Sequence[Event]) -> str:
    """What went wrong, for the message of a failed assertion."""
    return json.dumps([e for e in events if e.get("error")] + [events[-1]], indent=1)


def changes(events: Sequence[Event]) -> dict[str, str]:
    return {e["id"]: e["outcome"] for e in events if e["type"] == "resource"}
