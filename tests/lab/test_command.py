"""The real command against a real server: two ways to it, one answer; and every wrong input in its words."""

from __future__ import annotations

import json
import re
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from wsh_lab import Server

from tools import wheelhouse

from .desk import Console, Desk, Done, account
from .operations import wait_for

pytestmark = pytest.mark.needs_machine("root", "namespaces")
SPY = """
import os
def note(what):
    with open("/var/tmp/wsh-spied", "a") as file:
        file.write(f"{what} {os.getresuid()}\\n")
note("import")
from wsh_core.plugin import App, ConfigFile, Vhost, hookimpl
WSH_API = 1
@hookimpl
def wsh_app():
    note("wsh_app")
    return App("spy", "Spy", php=False)
@hookimpl
def wsh_vhost(site):
    note("wsh_vhost")
    return Vhost()
"""
HOLD = "flock /run/wsh.lock sh -c 'touch /run/held; while [ -e /run/held ]; do sleep 0.1; done'"


def install_spy(place: Path) -> None:
    info = place / "wsh_spy-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "wsh_spy.py").write_text(SPY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-spy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wsh]\nspy = wsh_spy\n")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A directory that the user `wsh` can reach, as those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="wsh-desk-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)
    Path("/var/tmp/wsh-spied").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def desk(place: Path, wsh_server: Server) -> Desk:
    install_spy(place / "spy")
    desk = Desk(place / "description", wsh_server, plugins="spy")
    for name, app in (("alice", "php"), ("bob", "static"), ("carol", "spy")):
        desk.put(desk.file(name), account(name, app))
    return desk


@pytest.fixture(scope="module")
def spied(place: Path) -> dict[str, str]:
    """The environment in which Python knows the plugin that tells who imports it."""
    return {"PYTHONPATH": str(place / "spy")}


@pytest.fixture(scope="module")
def applied(desk: Desk, spied: Mapping[str, str]) -> Done:
    return desk.run("apply", "--yes", "--json", env=spied)


@pytest.fixture(scope="module")
def console(desk: Desk, place: Path, applied: Done) -> Console:
    """wsh on the server, after the first apply from here."""
    assert applied.status == 0, applied
    command = wheelhouse.install(desk.server, Path(tempfile.gettempdir()) / "wsh-wheels", desk.server.debian)
    desk.server.push(place / "spy", str(place / "spy"))
    return Console(desk, command)


# two ways


def test_a_first_apply_from_here(applied: Done, desk: Desk) -> None:
    assert applied.status == 0, applied.err
    assert applied.envelope["data"]["servers"][0]["accounts"] == dict.fromkeys(("alice", "bob", "carol"), "changed")
    assert {e["type"] for e in applied.events} >= {"started", "resource", "done"}
    assert {e["server"] for e in applied.events} == {"web1"}
    assert desk.server.run(["id", "-un", "6002"]).stdout == "carol\n"


@contextmanager
def held(server: Server) -> Iterator[None]:
    """Somebody else holds the server's lock meanwhile."""
    server.run(["rm", "-f", "/run/held"])
    server.run(["systemd-run", "--quiet", "--collect", "--unit=holder", "sh", "-c", HOLD])
    wait_for(lambda: server.run(["test", "-e", "/run/held"], check=False).returncode == 0)
    try:
        yield
    finally:
        server.run(["rm", "-f", "/run/held"])
        wait_for(lambda: server.run(["systemctl", "is-active", "holder"], check=False).returncode)


def carried(way: Desk, env: Mapping[str, str]) -> tuple[bytes, Done]:
    """The request of an apply, as it lies on the server while the apply queues; and what came of it."""
    server = way.server
    stored = ["sh", "-c", "cat /var/lib/wsh/operations/*.json"]
    with ThreadPoolExecutor(1) as executor:
        with held(server):
            applying = executor.submit(way.run, "apply", "--yes", "--json", "--wait", "60s", env=env)
            request = wait_for(lambda: server.run_bytes(stored, check=False).stdout)
        return request, applying.result()


def same(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events without what is another each time: when, how long, and the operation's name."""
    return [{k: v for k, v in e.items() if k not in ("time", "ms", "seconds", "operation")} for e in events]


def test_both_ways_carry_the_same_request(desk: Desk, console: Console, spied: Mapping[str, str]) -> None:
    """Byte by byte, but for the name of the machine that asks."""
    here, there = (carried(way, spied) for way in (desk, console))
    assert here[1].status == there[1].status == 0
    names = (socket.gethostname(), desk.server.name)
    asked = [json.loads(request)["by"] for request in (here[0], there[0])]
    assert asked == [{"user": "root", "host": name} for name in names]
    by = [f'"by":{{"host":"{name}","user":"root"}}'.encode() for name in names]
    assert here[0].count(by[0]) == 1
    assert here[0].replace(by[0], by[1]) == there[0]
    assert len(json.loads(here[0])["resources"]) > 40


def test_both_ways_tell_the_same_events(desk: Desk, console: Console, spied: Mapping[str, str]) -> None:
    """Drift, an addition and a failure: planned and applied, once each way from the same state."""
    spoil = """
        chmod 0777 /home/alice/sites/www; rm -f /etc/apache2/wsh/sites/bob-www.conf
        mv /home/carol/sites/www/app /home/carol/sites/www/away; ln -s away /home/carol/sites/www/app
    """
    mend = "rm /home/carol/sites/www/app; mv /home/carol/sites/www/away /home/carol/sites/www/app"
    told: dict[str, list[Done]] = {}
    for way in (desk, console):
        way.server.run(["sh", "-ec", spoil])
        for words in (("plan",), ("apply", "--yes"), ("plan",)):
            told.setdefault(" ".join(words), []).append(way.run(*words, "--json", env=spied))
        way.server.run(["sh", "-ec", mend])
    for planned in (told["plan"][::2], told["plan"][1::2], told["apply --yes"]):
        here, there = planned
        assert same(here.events) == same(there.events)
        assert here.status == there.status != 0
        assert here.envelope["errors"] == there.envelope["errors"] != []
    first = {e["id"]: e["outcome"] for e in told["plan"][0].events if e["type"] == "resource"}
    assert first["directory:/home/alice/sites/www"] == first["vhost:bob-www"] == "planned"
    assert told["apply --yes"][0].envelope["errors"][0]["code"] == "path.type"


@pytest.mark.parametrize("where", ["here", "there"])
def test_no_process_of_roots_imports_a_plugin(
    desk: Desk, console: Console, spied: Mapping[str, str], where: str
) -> None:
    way, other = (desk, console) if where == "here" else (console, desk)
    wipe = ["rm", "-f", "/var/tmp/wsh-spied"]
    for words in (
        ("check",), ("plan",), ("apply", "--yes"), ("status",), ("account", "list"), ("site", "list"),
        ("plugin", "list"),
        ("site", "add", "--app", "spy", "--account", "bob", "--domain", f"{where}.bob.example.org", "--no-input"),
    ):  # fmt: skip
        done = way.run(*words, env=spied)
        assert done.status == 0, done
    other.put(desk.file("bob"), way.text(desk.file("bob")))
    if where == "here":
        spied_on = Path("/var/tmp/wsh-spied")
        text, uid = spied_on.read_text(), spied_on.stat().st_uid
        spied_on.unlink()
    else:
        text = way.server.read("/var/tmp/wsh-spied").decode()
        uid = int(way.server.run(["id", "-u", "wsh"]).stdout)
        way.server.run(wipe)
    assert uid
    assert {line.split(" ", 1)[1] for line in text.splitlines()} == {f"({uid}, {uid}, {uid})"}
    assert {line.split(" ", 1)[0] for line in text.splitlines()} == {"import", "wsh_app", "wsh_vhost"}
    assert way.server.run(["test", "-e", f"/etc/apache2/wsh/sites/bob-{where}.conf"], check=False).returncode == 0


# in the way


def test_a_second_writer_is_told_who_is_first(desk: Desk, console: Console, spied: Mapping[str, str]) -> None:
    with held(desk.server):
        for way in (desk, console):
            done = way.run("apply", "--yes", "--json", env=spied)
            assert done.status == 6
            (told,) = done.envelope["errors"]
            assert told["code"] == "server.locked"
            assert "--wait" in told["hint"]


def test_a_server_that_is_lost_meanwhile_is_asked_again(desk: Desk, spied: Mapping[str, str]) -> None:
    """All connections are cut while an operation runs: it goes on, and no event is lost or told twice."""
    server = desk.server
    desk.put(desk.file("lost"), account("lost"))
    with held(server), desk.begin("apply", "--yes", "--json", "--wait", "90s", env=spied) as process:
        assert process.stdout
        wait_for(lambda: len(followers(server)) == 1)
        cut(server)
        server.run(["rm", "/run/held"])
        out, err = process.communicate(timeout=120)
    done = Done(process.returncode, out, err)
    assert done.status == 0, done
    operation = done.events[0]["operation"]
    log = server.read(f"/var/log/wsh/operations/{operation}.jsonl").decode().splitlines()
    assert [{**json.loads(line), "server": "web1"} for line in log] == done.events
    assert done.envelope["data"]["servers"][0]["accounts"]["lost"] == "changed"


def followers(server: Server) -> list[str]:
    """The agents that hand on events to somebody: they come after the one that has begun the operation."""
    return server.run(["pgrep", "-f", "pyz follow"], check=False).stdout.split()


def cut(server: Server) -> None:
    """End all SSH connections of a server, and take no other for a moment."""
    end = "systemctl stop ssh.socket ssh.service; pkill -x 'sshd-session|sshd'; sleep 2; systemctl start ssh.service"
    server.run(["sh", "-c", end])


def test_who_stops_watching_stops_nothing(desk: Desk, spied: Mapping[str, str]) -> None:
    """Ctrl-C: what was begun goes on, and is followed by the line that is shown."""
    desk.put(desk.file("patient"), account("patient"))
    with held(desk.server), desk.begin("apply", "--yes", "--wait", "90s", env=spied) as process:
        wait_for(lambda: len(followers(desk.server)) == 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    shown = re.search("wsh (log [0-9a-f]{6} --follow)", err)
    assert shown, err
    followed = desk.run(*shown[1].split(" "), "--json", env=spied)
    assert followed.status == 0
    assert followed.events[-1]["accounts"]["patient"] == "changed"


# wrong input


class Wrong(NamedTuple):
    """A file that is wrong, what `check` says of it, and whether it stops all or holds one account."""

    file: str
    text: str
    code: str
    held: bool = True


NEWLINE = r'["www.bea.example.org\n"]'
WRONG = {
    "unknown app": Wrong("bea", account("bea", "wordpres"), "config.unknown-app"),
    "no plugin installed": Wrong("bea", account("bea", "nowhere"), "plugin.missing"),
    "plugin that is not listed": Wrong("bea", account("bea", "wordpress"), "plugin.not-listed"),
    "domain twice": Wrong("bea", account("bea").replace("www.bea", "www.alice"), "config.domain-taken"),
    "system user": Wrong("mail", account("bea"), "config.name-reserved"),
    "name with a newline": Wrong("bea", account("bea").replace("name: bea", r'name: "a\nb:x:0"'), "config.character"),
    "domain with a newline": Wrong("bea", account("bea").replace("[www.bea.example.org]", NEWLINE), "config.value"),
    "file's name with a newline": Wrong("be\na", account("bea"), "config.file-name", held=False),
    "empty account": Wrong("bea", "", "config.empty"),
    "10 MB": Wrong("bea", account("bea") + "#" * 10_000_000, "config.too-large"),
    "alias bomb": Wrong("bea", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n" + account("bea"), "config.alias"),
    "no YAML": Wrong("bea", "name: [bea\n", "config.yaml-syntax"),
    "empty organisation": Wrong("wsh.yaml", "", "config.empty", held=False),
    "organisation of 10 MB": Wrong("wsh.yaml", "#" * 10_000_000, "config.too-large", held=False),
}  # fmt: skip


@pytest.fixture
def wrong(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Wrong]:
    """The description, with something wrong in it for the time of a test."""
    found: Wrong = WRONG[request.param]
    file = found.file if found.file.endswith(".yaml") else desk.file(found.file)
    before = (desk.place / "wsh.yaml").read_text()
    if found.code == "plugin.missing":
        desk.put("wsh.yaml", before.replace("[spy]", "[spy, nowhere]"))
    desk.put(file, found.text)
    yield found
    (desk.place / file).unlink()
    desk.put("wsh.yaml", before)


def is_told(done: Done, code: str) -> None:
    """The envelope names it, its remedy, and its place if it is in a file; nothing of Python is shown."""
    told = [each for each in done.envelope["errors"] if each["code"] == code]
    assert told, done.out.splitlines()[-1]
    for each in told:
        assert each["message"]
        assert each["hint"]
    assert "Traceback" not in done.out + done.err


@pytest.mark.parametrize("wrong", WRONG, indirect=True)
def test_what_is_wrong_is_told_and_not_half_done(
    desk: Desk, applied: Done, wrong: Wrong, spied: Mapping[str, str]
) -> None:
    """By `check` with its place; by `apply`, which leaves out the account, or does nothing at all."""
    assert applied.status == 0
    checked = desk.run("check", "--json", env=spied)
    assert checked.status == 3
    is_told(checked, wrong.code)
    places = [each["where"] for each in checked.envelope["errors"] if each["code"] == wrong.code]
    assert any(place and place["line"] and place["file"].endswith(".yaml") for place in places)
    shown = desk.run("check", env=spied)
    assert shown.status == 3
    assert f"error[{wrong.code}]" in shown.out + shown.err
    assert "help: " in shown.out + shown.err
    done = desk.run("apply", "--yes", "--json", env=spied)
    assert done.status == (1 if wrong.held else 3)
    is_told(done, wrong.code)
    if wrong.held:
        accounts = done.envelope["data"]["servers"][0]["accounts"]
        assert accounts[wrong.file] == "held"
        assert accounts["bob"] == "ok"
    else:
        assert done.events == []
    assert desk.server.run(["ls", "/home/bea", "/home/mail"], check=False).stdout == ""


def test_a_server_that_does_not_answer_is_told_with_the_line_to_type(desk: Desk, spied: Mapping[str, str]) -> None:
    desk.put("servers/web1/server.yaml", desk.address + desk.ssh.replace("{key", "{port: 1, key"))
    try:
        for words in (("plan",), ("apply", "--yes")):
            done = desk.run(*words, "--json", env=spied)
            assert done.status == 5
            is_told(done, "server.unreachable")
            assert f"-p 1 root@{desk.server.address}" in done.envelope["errors"][0]["hint"]
    finally:
        desk.put("servers/web1/server.yaml", desk.address + desk.ssh)


def test_nobody_but_root_changes_this_machine(desk: Desk, spied: Mapping[str, str]) -> None:
    """As somebody else, on a description whose server is localhost: nothing is even tried."""
    desk.put("servers/web1/server.yaml", f"address: localhost\ndebian: {desk.server.debian}\n")
    try:
        for words in (("plan",), ("apply", "--yes")):
            done = desk.run(*words, "--json", env={**spied, "HOME": "/nonexistent"}, uid=65534)
            assert done.status == 5
            is_told(done, "server.need-root")
            assert "sudo wsh" in done.envelope["errors"][0]["hint"]
    finally:
        desk.put("servers/web1/server.yaml", desk.address + desk.ssh)
