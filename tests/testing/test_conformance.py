"""The parts of the kit that need no server: levels and table, comparison, the visitor, and the plugin of pytest."""

from __future__ import annotations

import http.server
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from wsh_core.testing.conformance import Browser
from wsh_core.testing.conformance.checks import CHECKS
from wsh_core.testing.conformance.fingerprint import Fingerprint
from wsh_core.testing.conformance.levels import LEVELS, NOT_YET, Check, Level, Outcome, Result, level, table
from wsh_core.testing.conformance.says import Says

BRONZE, SILVER, GOLD = (Check(name, f"a thing of {name}") for name in LEVELS)
TEST = """
from wsh_core.testing.conformance import Conformance

class TestNothing(Conformance):
    app = "static"
"""


def results(*outcomes: Outcome) -> dict[Check, Result]:
    return {check: Result(outcome, 1.25) for check, outcome in zip((BRONZE, SILVER, GOLD), outcomes, strict=False)}


# levels


@pytest.mark.parametrize(
    ("outcomes", "reached"),
    [
        (("passed", "passed", "passed"), "gold"),
        (("passed", "passed", "not run"), "silver"),
        (("passed", "failed", "passed"), "bronze"),
        (("not run", "passed", "passed"), None),
        (("passed",), "bronze"),
        ((), None),
    ],
)
def test_a_level_is_reached_by_passing_all_of_it_and_of_those_below(
    outcomes: tuple[Outcome, ...], reached: Level | None
) -> None:
    assert level((BRONZE, SILVER, GOLD), results(*outcomes)) == reached


def test_a_level_of_which_nothing_can_be_checked_is_reached_by_nobody() -> None:
    assert level((BRONZE, SILVER), results("passed", "passed")) == "silver"
    assert {check.level for check in CHECKS} == {"bronze", "silver"}


def test_the_table_says_what_passed_and_what_the_core_cannot_do() -> None:
    lines = table((BRONZE, SILVER), {"wiki": results("passed", "failed"), "shop": results("passed", "not run")})
    assert lines[0].split() == ["wiki", "shop"]
    rows = {re.split(r"  +", line.strip())[0]: re.split(r"  +", line.strip())[1:] for line in lines[1:]}
    assert rows["a thing of bronze"] == ["passed 1.2 s", "passed 1.2 s"]
    assert rows["a thing of silver"] == ["failed 1.2 s", "not run"]
    assert rows["clone"] == ["not yet in the core"]
    assert rows["level"] == ["bronze", "bronze"]
    assert max(map(len, lines)) <= 100


def test_every_check_has_a_title_of_its_own() -> None:
    assert len({check.title for check in CHECKS}) == len(CHECKS) >= 16


# comparison


def test_what_differs_is_named() -> None:
    before = Fingerprint({"a": "1", "b": "1", "c": "1"}, {"notes": "1", "cache_page": "1", "users": "1"})
    after = Fingerprint({"a": "1", "b": "2", "d": "1"}, {"notes": "2", "cache_page": "2"})
    assert before.differences(before) == []
    assert before.differences(after, ["cache_*"]) == [
        "file b is another", "file c is gone", "file d is new", "table notes is another", "table users is gone",
    ]  # fmt: skip


# the visitor


class Page(http.server.BaseHTTPRequestHandler):
    """Says under which name it was asked, and leads elsewhere on demand."""

    def do_GET(self) -> None:
        moved = self.path == "/moved"
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", f"https://other.example.org:{self.server.server_address[1]}/there")
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} {self.path} {self.headers['Cookie'] or ''}".encode())

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """The port of a server on 127.0.0.1 that is ``*.example.org``, and the file of who says so."""
    place = tmp_path_factory.mktemp("tls")
    key, certificate = place / "key.pem", place / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=DNS:*.example.org", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1], str(certificate)
        server.shutdown()
        thread.join()


def browser(served: tuple[int, str], name: str = "blog.example.org", authority: str | None = None) -> Browser:
    machine = SimpleNamespace(address="127.0.0.1")
    site = SimpleNamespace(url=f"https://{name}:{served[0]}", stage=SimpleNamespace(machine=machine))
    return Browser(site, authority or served[1])  # type: ignore[arg-type]


def test_names_lead_to_the_machine_whatever_name_servers_say(served: tuple[int, str]) -> None:
    with browser(served) as visitor:
        assert visitor.get("/page?a=1").text == f"blog.example.org:{served[0]} /page?a=1 "
        assert visitor.get("/moved").text.startswith(f"other.example.org:{served[0]} /there")
        visitor.cookies.set("a", "b", domain="blog.example.org")
        assert visitor.get("/").text.endswith("a=b")
        assert visitor.get("/moved").text.endswith("/there "), "a cookie went to another name"


def test_a_certificate_must_hold(served: tuple[int, str]) -> None:
    for wrong in (browser(served, "blog.example.net"), browser(served, authority="/etc/ssl/certs/ca-certificates.crt")):
        with wrong, pytest.raises(requests.exceptions.SSLError):
            wrong.get("/")


def test_hidden_fields_are_those_of_the_form_that_is_posted() -> None:
    page: Any = SimpleNamespace(
        text="""<form><input type="hidden" name="token" value="other"><input name="search"></form>
        <form><input type="hidden" name="token" value="a&amp;'b"><input value='2' name='id' type='hidden'/>
        <input name="user"><textarea name="text"></textarea><input type="hidden" value="x"></form>"""
    )
    visitor: Any = None
    assert Browser.form(visitor, page, user="alice", id="3") == {"token": "a&'b", "id": "3", "user": "alice"}
    assert Browser.form(visitor, page, text="x") == {"token": "a&'b", "id": "2", "text": "x"}
    assert Browser.form(visitor, page, search="x") == {"token": "other", "search": "x"}
    assert Browser.form(visitor, page, none="x") == {"token": "a&'b", "id": "2", "none": "x"}


# the plugin of pytest


def test_without_a_server_nothing_is_run_and_the_table_says_so(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(TEST)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    argv = [sys.executable, "-m", "pytest", "-p", "wsh_core.testing.pytest_plugin", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert f"{len(CHECKS)} skipped" in done.stdout, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert next(line for line in lines if line.startswith("level")).split() == ["level", "none"]
    assert any(line.endswith("no server to check applications on: --wsh-server root@SERVER") for line in lines)


# its page


def test_the_page_names_every_check_and_everything_that_can_be_said() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/conformance.md").read_text(encoding="utf-8")
    heads = {check.title.partition(":")[0] for check in CHECKS}
    assert [head for head in heads if f"| {head} |" not in page] == []
    left = {title for titles in NOT_YET.values() for title in titles}
    assert [title for title in left if f"| *{title}* | *not yet in the core* |" not in page] == []
    said = {name for name in (*vars(Says), *Says.__annotations__) if not name.startswith("_")} - {"enter"}
    assert [name for name in said if not re.search(rf"^\| `{name}[`(]", page, re.MULTILINE)] == []
