"""A scratch tree that looks like a wsh server on which nothing runs, and requests against it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wsh_core.agent import operation
from wsh_core.agent.protocol import canonical

PASSWD = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nwww-data:x:33:\nadm:x:4:\nwsh:x:5999:\n"


def make_scratch(root: Path) -> Path:
    places = ("etc/wsh", "etc/systemd/system", "home", "run", "var/lib/wsh/jail", "var/log/wsh", "var/cache/wsh")
    for directory in places:
        (root / directory).mkdir(parents=True)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    (root / "etc/shadow").write_text("root:*:1::::::\nwww-data:*:1::::::\n")
    (root / "etc/gshadow").write_text("root:*::\nwww-data:*::\nadm:*::\nwsh:*::\n")
    (root / "etc/wsh/server.json").write_text('{"setup": "scratch", "debian": 13, "php": "8.4"}')
    return root


def resource(id_: str, account: str | None = None, **want: Any) -> dict[str, Any]:
    object_ = "server" if account is None else f"account:{account}"
    return {
        "id": id_,
        "kind": id_.partition(":")[0],
        "account": account,
        "object": object_,
        "why": f"accounts/{account}.yaml:1",
        "origin": "wsh",
        "want": want,
    }


def account_resources(name: str) -> list[dict[str, Any]]:
    """An account of each kind that needs nothing running."""
    uid = {"fact": "uid"}
    place = {"owner": "root", "group": name, "mode": "0750"}
    jail = {"join": ["/var/lib/wsh/jail/", uid]}
    return [
        resource(f"user:{name}", name, name=name, uid=uid, home=f"/home/{name}", shell="/bin/sh", groups=["wsh"]),
        resource(f"directory:/home/{name}", name, path=f"/home/{name}", **place, acl=["user:www-data:--x"]),
        resource(
            f"directory:/home/{name}/sites",
            name,
            path=f"/home/{name}/sites",
            owner=name,
            group=name,
            mode="0750",
            acl=["user:www-data:--x"],
            default_acl=["user:www-data:r-x"],
        ),
        resource(f"directory:/var/log/wsh/{name}", name, path=f"/var/log/wsh/{name}", **place),
        resource(
            f"file:{name}/note",
            name,
            path=f"/var/log/wsh/{name}/note",
            owner="root",
            group=name,
            mode="0640",
            content={"join": ["uid ", uid, "\n", {"secret": f"{name}/key"}]},
        ),
        resource(f"link:{name}/latest", name, path=f"/var/log/wsh/{name}/latest", target="note"),
        resource(
            f"jail:{name}",
            name,
            path=jail,
            directories=["etc", "home"],
            links={"bin": "usr/bin"},
            files={"etc/passwd": {"join": [f"{name}:x:", uid, "\n"]}},
            binds=[],
            reload=[],
        ),
        resource(f"slice:{name}", name, name={"join": ["wsh-", uid, ".slice"]}, properties={"MemoryMax": 536870912}),
        resource(
            f"unit:{name}/php84.socket",
            name,
            name={"join": ["wsh-php84-", uid, ".socket"]},
            content={"join": ["[Socket]\nListenStream=/run/wsh/fpm/php84-", uid, ".sock\n"]},
            wanted_by="wsh.target",
            state="active",
        ),
    ]


def request(*accounts: str, **changes: Any) -> dict[str, Any]:
    return {
        "protocol": "1.0",
        "description": "7f0c",
        "server": "web1",
        "by": {"user": "jo", "host": "desk"},
        "scope": {"accounts": None},
        "held": {},
        "expect": None,
        "secrets": {f"{name}/key": {"account": name, "length": 24} for name in accounts},
        "resources": [r for name in accounts for r in account_resources(name)],
        **changes,
    }


class Agent:
    """The agent's verbs on a scratch tree; each returns its events."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _run(self, verb: Callable[..., str], wanted: dict[str, Any]) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        verb(str(self.root), canonical(wanted), events.append)
        return json.loads(json.dumps(events))  # type: ignore[no-any-return]

    def plan(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        return self._run(operation.plan, wanted)

    def apply(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        return self._run(operation.apply, wanted)

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")


def outcomes(events: list[dict[str, Any]]) -> dict[str, str]:
    return {e["id"]: e["outcome"] for e in events if e["type"] == "resource"}


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    if os.geteuid():
        pytest.skip("needs root: it makes users and files of other owners")
    return Agent(make_scratch(tmp_path / "root"))
