"""What fails on a server: each failure is named with its cause and its remedy, and harms nobody else."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from wsh_lab import Server

from .operations import Operation, wait_for
from .test_app import is_whole, nothing_is_left
from .toy import Toy, install_plugin, put_release
from .world import Event, World, changes, troubles

pytestmark = pytest.mark.needs_machine("root", "namespaces")
FIRST_NOTE = ["admin: Installed."]
CRASHER = """
from wsh_core.plugin import App, Vhost, hookimpl
WSH_API = 1
@hookimpl
def wsh_app():
    return App("crasher", "Crasher", php=False)
@hookimpl
def wsh_vhost(site):
    if site.key == "bad":
        raise ZeroDivisionError("this is what a plugin's fault looks like")
    return Vhost()
"""


@pytest.fixture(scope="module")
def world(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A server with an account, `steady`, that must never notice anything."""
    install_plugin(tmp_path_factory.mktemp("toyapp"))
    install_crasher(tmp_path_factory.mktemp("crasher"))
    world = World(wsh_server, tmp_path_factory.mktemp("description"), plugins=["crasher", "toyapp"])
    put_release(world, tmp_path_factory.mktemp("release"))
    Toy(world, "steady").describe()
    world.apply()
    return world


def install_crasher(place: Path) -> None:
    info = place / "wsh_crasher-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-crasher\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wsh]\ncrasher = wsh_crasher\n")
    (place / "wsh_crasher.py").write_text(CRASHER)
    sys.path.insert(0, str(place))


@pytest.fixture(autouse=True)
def unharmed(world: World) -> Iterator[None]:
    """After each test the server converges to all that was described, and `steady` is as it was."""
    yield
    assert world.server.failed_units() == []
    assert changes(world.plan()) == {}
    assert Toy(world, "steady").notes() == FIRST_NOTE


def static(world: World, account: str) -> str:
    """Describe an account with one static site; its URL."""
    world.account(account, {"www": f"domains: [www.{account}.example.org], app: static"})
    return f"https://www.{account}.example.org/"


def errors(events: Sequence[Event]) -> dict[str, Event]:
    """What failed, by resource; each with a code, a cause and a remedy."""
    found = {e["id"]: e["error"] for e in events if e["type"] == "resource" and e.get("error")}
    for id_, error in found.items():
        assert error["code"], id_
        assert error["message"], id_
        assert error["hint"], (id_, error)
    return found


def codes(events: Sequence[Event]) -> dict[str, str]:
    return {id_: error["code"] for id_, error in errors(events).items()}


# services


def test_a_stopped_mariadb_holds_up_those_alone_who_need_it(world: World) -> None:
    toy, url = Toy(world, "datax"), static(world, "plain")
    toy.describe()
    world.server.run(["systemctl", "stop", "mariadb"])
    try:
        for events in (world.plan(), world.apply(check=False)):
            assert set(codes(events).values()) == {"database.unreachable"}
            told = errors(events)["database:datax_notes"]
            assert "/run/mysqld/mysqld.sock" in told["message"]
            assert "systemctl start mariadb" in told["hint"]
        assert events[-1]["accounts"] == {"datax": "failed", "plain": "changed", "steady": "failed"}
        assert world.get(url).status == 403  # it is there, and empty
        assert world.get(toy.url, "--insecure").status == 421
        assert world.server.run(["ls", "/home/datax"], check=False).returncode == 2
    finally:
        world.server.run(["systemctl", "start", "mariadb"])
    assert world.apply()[-1]["accounts"] == {"datax": "changed", "plain": "ok", "steady": "ok"}
    is_whole(toy, FIRST_NOTE)


def test_a_mariadb_that_stops_in_the_middle_leaves_nothing_open(world: World) -> None:
    """Whatever it was that failed, what it left is put back, at the latest by the next apply."""
    toy = Toy(world, "midx")
    toy.describe()
    operation = Operation.begin(world, accounts=["midx"])
    operation.until("built")
    with operation.stopped():
        world.server.run(["systemctl", "stop", "mariadb"])
    try:
        events = operation.follow()
        assert codes(events).keys() == {"app:midx/notes"}
        assert codes(events)["app:midx/notes"] in ("database.unreachable", "app.step", "app.unhealthy")
        assert toy.fenced()
        assert toy.status() == 503
    finally:
        world.server.run(["systemctl", "start", "mariadb"])
    world.apply()
    is_whole(toy, FIRST_NOTE)


def test_a_broken_apache_stops_what_depends_on_it_before_it_begins(world: World) -> None:
    toy = Toy(world, "webx")
    toy.describe()
    broken = "/etc/apache2/conf-enabled/zz-by-hand.conf"
    world.server.write(broken, "Nonsense on\n")
    try:
        events = world.apply(check=False)
        assert codes(events) == {"vhost:webx-notes": "web.broken"}
        assert "zz-by-hand.conf" in errors(events)["vhost:webx-notes"]["detail"]
        assert not [e for e in events if e["type"] == "phase"]
        assert toy.on_disk() == ["app"]
        assert toy.tables() == []
        assert toy.unfinished() == 0
    finally:
        world.server.run(["rm", broken])
    world.apply()
    is_whole(toy, FIRST_NOTE)


def test_a_stopped_apache_is_started_and_the_installation_goes_on(world: World) -> None:
    toy = Toy(world, "upx")
    toy.describe()
    world.server.run(["systemctl", "stop", "apache2"])
    events = world.apply()
    assert {id_ for id_ in changes(events) if id_.startswith("vhost:")} >= {"vhost:upx-notes", "vhost:steady-notes"}
    is_whole(toy, FIRST_NOTE)


def test_a_site_that_apache_refuses_is_left_out_alone(world: World) -> None:
    """As a fault of a template would make it; the site of the other account is served by the same apply."""
    toy, url = Toy(world, "faulty"), static(world, "fine")
    toy.describe()
    request = json.loads(world.request())
    (vhost,) = [r for r in request["resources"] if r["id"] == "vhost:faulty-notes"]
    good = vhost["want"]["content"]
    vhost["want"]["content"] = {"join": [good, "Nonsense on\n"]}
    events = world.verb("start", request=json.dumps(request))
    assert codes(events) == {"vhost:faulty-notes": "web.shadow"}
    assert "Invalid command 'Nonsense'" in errors(events)["vhost:faulty-notes"]["detail"]
    assert events[-1]["accounts"] == {
        **dict.fromkeys(events[-1]["accounts"], "ok"), "faulty": "failed", "fine": "changed",
    }  # fmt: skip
    assert world.get(url).status == 403
    assert world.get(toy.url, "--insecure").status == 421
    assert (toy.on_disk(), toy.tables()) == (["app"], [])
    world.apply()
    is_whole(toy, FIRST_NOTE)


# disks


@contextmanager
def full(world: World, directory: str) -> Iterator[None]:
    """Fill the file system of a directory until root, too, can write nothing there."""
    filler = f"{directory}/filler"
    blocks = f"fallocate -l $(($(stat -f -c '%f * %S' {directory}))) {filler}"
    try:
        world.server.run(["sh", "-c", f"{blocks}; while echo x; do :; done >>{filler}.2"], check=False)
        assert world.server.run(["sh", "-c", f"echo x >{filler}.3"], check=False).returncode
        yield
    finally:
        world.server.run(["sh", "-c", f"rm -f {filler}*"])


def test_a_full_home_is_named_and_nothing_of_the_application_stays(world: World) -> None:
    toy = Toy(world, "fullx")
    world.account("fullx", {toy.key: f"domains: [{toy.domain}], app: php"})
    world.apply()
    toy.describe()
    with full(world, "/home"):
        events = world.apply(check=False)
        assert codes(events) == {"app:fullx/notes": "account.disk-full"}
        nothing_is_left(toy)
    world.apply()
    is_whole(toy, FIRST_NOTE)


def test_no_account_is_half_made_on_a_full_home(world: World) -> None:
    url = static(world, "latex")
    with full(world, "/home"):
        events = world.apply(check=False)
        (told,) = errors(events).values()
        assert told["code"] == "server.io"
        assert "No space left on device" in told["message"]
        assert events[-1]["accounts"]["latex"] == "failed"
        assert world.get(url, "--insecure").status == 421
    world.apply()
    assert world.get(url).status == 403


def test_a_full_disk_of_the_database_is_named_and_nothing_stays(world: World) -> None:
    """There is the database of one already, which gets no tables; that of the other cannot even be made."""
    toy, other = Toy(world, "tablex"), Toy(world, "schemax")
    world.account("tablex", {toy.key: f"domains: [{toy.domain}], app: php"})
    world.apply()
    toy.describe()
    other.describe()
    with full(world, "/var/lib/mysql"):
        events = world.apply(check=False)
        assert codes(events) == {"app:tablex/notes": "app.step", "database:schemax_notes": "database.statement"}
        told = errors(events)
        assert "notes" in told["app:tablex/notes"]["detail"]
        assert "No space left on device" in told["database:schemax_notes"]["detail"]
        assert "df -h /var/lib/mysql" in told["database:schemax_notes"]["hint"]
        assert world.get(other.url, "--insecure").status == 421
    events = world.apply()
    assert {name for name, word in events[-1]["accounts"].items() if word == "changed"} == {"tablex", "schemax"}
    is_whole(toy, FIRST_NOTE)
    is_whole(other, FIRST_NOTE)


def small(world: World, directory: str) -> None:
    """Give a directory a file system of its own, of four megabytes; it stays there."""
    world.server.run(["sh", "-ec", f"""
        copy=$(mktemp -d)
        cp -a {directory}/. $copy
        mount -t tmpfs -o size=4m,mode=$(stat -c %a {directory}) tmpfs {directory}
        cp -a $copy/. {directory}
    """])  # fmt: skip


def test_a_full_disk_of_wshs_own_records_stops_before_anything_is_done(world: World) -> None:
    small(world, "/var/lib/wsh")
    assert changes(world.apply()) == {}
    url = static(world, "recordx")
    with full(world, "/var/lib/wsh"):
        for verb in ("start", "apply"):
            (*before, last) = world.verb(verb, request=world.request())
            assert (last["type"], last["outcome"]) == ("done", "refused")
            assert last["error"]["code"] == "server.io"
            assert "/var/lib/wsh/" in last["error"]["message"]
            assert re.search("No space left on device|disk is full", last["error"]["message"])
            assert "df -h" in last["error"]["hint"]
            assert [e["type"] for e in before] in ([], ["started"])
        assert world.server.run(["id", "recordx"], check=False).returncode == 1
        assert changes(world.plan())["user:recordx"] == "planned"
    world.apply()
    assert world.get(url).status == 403


def test_a_full_disk_of_apaches_sites_is_named_and_apache_goes_on(world: World) -> None:
    place = "/etc/apache2/wsh/sites"
    small(world, place)
    assert changes(world.apply()) == {}
    url = static(world, "vhostx")
    with full(world, place):
        events = world.apply(check=False)
        assert codes(events) == {"vhost:vhostx-www": "server.io"}
        told = errors(events)["vhost:vhostx-www"]["message"]
        assert f"{place}/vhostx-www.conf: No space left on device" in told
        assert world.get(url, "--insecure").status == 421
    world.apply()
    assert world.get(url).status == 403


# wsh's own records


@pytest.mark.parametrize("content", ["no database at all " * 40, "SQLite format 3\0" * 400])
def test_a_ledger_that_cannot_be_read_is_named_and_never_replaced(world: World, content: str) -> None:
    """As after a failed disk. Moved away as the error says, the server is known again without it."""
    world.server.run(["cp", "-a", "/var/lib/wsh/ledger.db", "/root/ledger.db"])
    world.server.write("/var/lib/wsh/ledger.db", content, mode=0o600)
    try:
        for verb in ("plan", "start"):
            last = world.verb(verb, request=world.request())[-1]
            assert (last["outcome"], last["error"]["code"]) == ("refused", "ledger.unreadable")
            assert "/var/lib/wsh/ledger.db" in last["error"]["message"]
        assert world.server.read("/var/lib/wsh/ledger.db").decode() == content
        command = last["error"]["hint"].partition(";")[0]
        assert command.startswith("mv /var/lib/wsh/ledger.db ")
        world.server.run(command.split(" "))
        assert changes(world.apply()) == {}
    finally:
        world.server.run(["cp", "-a", "/root/ledger.db", "/var/lib/wsh/ledger.db"])


# two at once


def test_a_second_writer_is_told_who_is_first_and_can_wait(world: World) -> None:
    first, second = Toy(world, "onex"), static(world, "twox")
    first.describe()
    operation = Operation.begin(world, accounts=["onex"])
    operation.until("built")
    asked, known = world.request(accounts=["twox"]), operations(world)
    with ThreadPoolExecutor(1) as executor:
        with operation.stopped():
            done = world.server.run(["python3", "-I", world.agent, "start"], input=asked, check=False)
            assert done.returncode == 6
            refused = json.loads(done.stdout)
            assert (refused["type"], refused["outcome"]) == ("done", "refused")
            told = refused["error"]
            assert told["code"] == "server.locked"
            assert told["message"].startswith("test, from lab, changes this server since 20")
            assert operation.id in told["message"]
            assert operation.id in told["hint"]
            assert changes(world.plan(accounts=["twox"]))["user:twox"] == "planned"
            waiting = executor.submit(world.verb, "start", "--lock-wait", "120", request=asked)
            (queued,) = wait_for(lambda: operations(world) - known)
            wait_for(Operation(world, queued).events)
            assert Operation(world, queued).running()
            assert [e["type"] for e in Operation(world, queued).events()] == ["queued"]
        events = waiting.result()
    assert events[-1]["outcome"] == "ok", troubles(events)
    assert operation.follow()[-1]["outcome"] == "ok"
    assert events[-1]["time"] >= operation.follow()[-1]["time"]
    assert world.get(second).status == 403
    is_whole(first, FIRST_NOTE)


def operations(world: World) -> set[str]:
    (known,) = world.verb("log")
    return set(known["operations"])


# held


def test_who_cannot_be_computed_is_held_and_the_others_go_on(world: World) -> None:
    """A plugin that crashes, and YAML that is wrong: nothing of theirs is touched, mended or removed."""
    world.account("ella", {"good": "domains: [good.ella.example.org], app: crasher"})
    static(world, "frank")
    world.apply()
    right = world.file("frank").read_text()
    world.account("ella", {
        "good": "domains: [good.ella.example.org], app: crasher",
        "bad": "domains: [bad.ella.example.org], app: crasher",
    })  # fmt: skip
    world.file("frank").write_text(f"{right}  shop: {{domain: shop.frank.example.org}}\n")
    url = static(world, "gus")
    world.server.run(["chmod", "0777", "/home/ella/sites/good", "/home/frank/sites/www"])
    for events in (world.plan(), world.apply()):
        assert {e["account"] for e in events if e["type"] == "resource"} == {"gus"}
        words = events[-1]["accounts"]
        assert (words["ella"], words["frank"]) == ("held", "held")
    assert events[-1]["accounts"]["gus"] == "changed"
    assert world.get(url).status == 403
    for domain in ("good.ella.example.org", "www.frank.example.org"):
        assert world.get(f"https://{domain}/").status == 403
    reasons = json.loads(world.request())["held"]
    assert "ZeroDivisionError" in reasons["ella"]
    assert "wsh-crasher" in reasons["ella"]
    assert "frank.yaml" in reasons["frank"]
    world.account("ella", {"good": "domains: [good.ella.example.org], app: crasher"})
    world.file("frank").write_text(right)
    assert set(changes(world.apply())) == {"directory:/home/ella/sites/good", "directory:/home/frank/sites/www"}
