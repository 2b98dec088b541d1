"""A plugin of the tests' own, as pip would install it, and a server that answers what a test gives it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MODULE = """
from pydantic import Field
from wsh_core.plugin import App, AppOptions, ConfigFile, Database, Layout, Line, Probe, VersionFile
from wsh_core.plugin import hookimpl, php_constants, releases
WSH_API = 1
class Options(AppOptions):
    title: Line = Field(Line("Guests"), description="Title of the front page")
@hookimpl
def wsh_config(site):
    return [ConfigFile("title.php", php_constants({{"TITLE": site.options.title}}))]
{more}
@hookimpl
def wsh_app():
    return App(
        name="guestbook", title="Guest book", options=Options, releases=releases(__name__), database=Database(),
        version=VersionFile("VERSION", r"^([0-9.]+)$"), health=Probe("/"),
        layout=Layout(config=("c.php",), data=("up",)),
        {arguments}
    )
"""
RELEASE = """
[[release]]
version = "{version}"
php = {php}
sources = [{{ type = "file", path = "/srv/guestbook-{version}.tar.gz", sha256 = "{sha}" }}]
"""
RELEASES = "".join(
    RELEASE.format(version=version, php=php, sha="0" * 64)
    for version, php in [("2.0", '["8.4"]'), ("1.1", '["8.2", "8.4"]'), ("0.9", '["7.4"]')]
)
YAML = "  book: {domains: [book.example.org], app: guestbook}   # for visitors\n"


@contextmanager
def installed(
    place: Path, *, toml: str = RELEASES, more: str = "", arguments: str = "", files: dict[str, str] | None = None
) -> Iterator[None]:
    package, info = place / "wsh_guestbook", place / "wsh_guestbook-1.4.dist-info"
    for directory in (package, info):
        directory.mkdir(parents=True)
    (package / "__init__.py").write_text(MODULE.format(more=more, arguments=arguments))
    for name, text in {"releases.toml": toml, **(files or {})}.items():
        (package / name).write_text(text)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-guestbook\nVersion: 1.4\n")
    (info / "entry_points.txt").write_text("[wsh]\nguestbook = wsh_guestbook\n")
    sys.path.insert(0, str(place))
    try:
        yield
    finally:
        sys.path.remove(str(place))
        sys.modules.pop("wsh_guestbook", None)


class Replies:
    """A channel that answers with the events a test gives it, verb by verb, and keeps what it was asked."""

    wait = 600.0

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.events: list[dict[str, Any]] = []
        self.accounts: dict[str, str] = {"alice": "ok"}
        self.outcome = "ok"

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        verb = {"start": "apply"}.get(words[0], words[0])
        self.requests.append((verb, json.loads(request)))
        operation = "7f3b" if verb == "apply" else None
        plan = [e for e in self.events if e["type"] != "phase"]
        body = self.events if verb == "apply" else [planned(e) for e in plan]
        accounts = self.accounts if verb == "apply" else dict.fromkeys(self.accounts, "ok") | self._failed()
        started = event("started", operation=operation, server="web1", description="x", accounts=1, resources=20)
        done = event(
            "done", operation=operation, outcome=self.outcome, counts={}, accounts=accounts, processes=1, seconds=1.0
        )
        for each in [started, *body, done]:
            yield json.dumps(each).encode() + b"\n"

    def _failed(self) -> dict[str, str]:
        return {k: v for k, v in self.accounts.items() if v != "changed"}

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.requests]


def planned(each: dict[str, Any]) -> dict[str, Any]:
    return each | {"outcome": "planned"} if each.get("outcome") == "changed" else each


_CLOCK = iter(range(10**6))


def event(type_: str, **values: Any) -> dict[str, Any]:
    second = next(_CLOCK)
    stamp = f"2026-11-24T{10 + second // 3600 % 10}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    return {"type": type_, "version": "1.0", "time": stamp, **values}


def app(
    outcome: str, *, before: str = "1.1", after: str = "2.0", site: str = "alice/book", **more: Any
) -> dict[str, Any]:
    changes = [{"field": "version", "before": before, "after": after}] if outcome == "changed" else []
    changes += more.pop("fields", [])
    return event(
        "resource", id=f"app:{site}", object=f"site:{site}", account=site.partition("/")[0], action="change",
        outcome=outcome, why="accounts/alice.yaml:8", origin="wsh-guestbook", changes=changes, digest="d", drift=False,
        **more,
    )  # fmt: skip


def phases(*names: str, site: str = "alice/book") -> list[dict[str, Any]]:
    return [event("phase", object=f"site:{site}", phase=name, done=n, total=len(names)) for n, name in enumerate(names)]


UP = ("built", "fenced", "saved", "switched", "migrated", "verified")
