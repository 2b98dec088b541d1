"""A real application, really installed: as its account, in its jail, by a transaction that can be cut."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .toy import Toy, failed, install_plugin, put_release
from .world import Event, World, changes, troubles

pytestmark = pytest.mark.needs_machine("root", "namespaces")
PHASES = ["built", "fenced", "saved", "switched", "migrated", "verified", "done"]


@pytest.fixture(scope="module")
def world(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    install_plugin(tmp_path_factory.mktemp("plugin"))
    world = World(wsh_server, tmp_path_factory.mktemp("description"), plugins=["toyapp"])
    put_release(world, tmp_path_factory.mktemp("release"))
    world.server.write("/root/killed.py", (Path(__file__).parent / "killed.py").read_bytes())
    return world


@pytest.fixture(scope="module")
def steady(world: World) -> Toy:
    """A site that is there from the start, and must never notice anything."""
    toy = Toy(world, "steady")
    toy.describe()
    world.apply()
    toy.note("first of all")
    return toy


def installed(world: World, account: str) -> Toy:
    toy = Toy(world, account)
    toy.describe()
    world.apply(accounts=[account])
    return toy


def nothing_is_left(toy: Toy) -> None:
    """Nothing of an installation is there: neither files nor tables, and visitors see the fence's page."""
    assert toy.on_disk() == ["app"]
    assert toy.world.server.run(["ls", "-A", toy.tree]).stdout == ""
    assert toy.tables() == []
    assert toy.unfinished() == 0
    assert toy.fenced()
    assert toy.status() == 503


def is_whole(toy: Toy, notes: list[str]) -> None:
    """The application is there once, whole and open, and works."""
    assert toy.on_disk() == ["app"]
    assert toy.notes() == notes
    toy.note("written <later>")
    assert toy.notes() == [*notes, "admin: written &lt;later&gt;"]
    assert toy.tables() == ["notes", "settings", "users"]
    assert toy.unfinished() == 0
    assert not toy.fenced()
    assert "wsh-step" not in toy.world.server.run(["systemctl", "list-units", "--all", "wsh-step-*"]).stdout
    again = toy.world.apply(accounts=[toy.account])
    assert changes(again) == {}, troubles(again)


# installed


def test_an_application_is_installed_and_works(world: World, steady: Toy) -> None:
    toy = Toy(world, "alice")
    toy.describe()
    events = world.apply(accounts=["alice"])
    assert [e["phase"] for e in events if e["type"] == "phase"] == PHASES
    assert changes(events)["app:alice/notes"] == "changed"
    is_whole(toy, ["admin: Installed."])
    assert steady.notes() == ["admin: Installed.", "admin: first of all"]


def test_all_of_it_is_the_accounts_and_only_the_web_server_may_read(world: World, steady: Toy) -> None:
    found = world.server.run(["find", steady.tree, "-printf", "%P %y %U %G %m\n"]).stdout.splitlines()
    uid = world.uid("steady")
    rows = {row.split(" ")[0]: row.split(" ")[1:] for row in found}
    assert {(row[1], row[2]) for row in rows.values()} == {(str(uid), str(uid))}
    assert {row[0] for row in rows.values()} == {"f", "d"}
    assert rows["config.php"][3] == "600"
    assert {row[3] for name, row in rows.items() if name != "config.php"} == {"640", "750"}
    reader = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "cat"]
    assert world.server.run([*reader, f"{steady.tree}/index.php"], check=False).returncode == 0
    assert world.server.run([*reader, f"{steady.tree}/config.php"], check=False).returncode == 1


def test_what_visitors_must_not_see_is_closed(world: World, steady: Toy) -> None:
    for path in ("config.php", "lib.php", "install.php", "VERSION"):
        assert world.get(f"{steady.url}/{path}").status == 403
    assert world.get(f"{steady.url}/uploads/first.txt").body == "The first upload.\n"


def test_no_secret_is_seen_anywhere_while_it_is_installed(world: World) -> None:
    """Known secrets are in place first; /proc is watched, and all that was said and logged is searched."""
    toy, words = (
        Toy(world, "hidden"),
        {"admin": "AdminWordForThisTestOnly1", "key": "K" * 30 + "eyWordForThisTest1"},
    )
    for name, word in words.items():
        path = f"/etc/wsh/secrets/hidden/notes/{name}"
        world.server.run(["mkdir", "-p", "-m", "0700", path.rpartition("/")[0]])
        world.server.write(path, word.encode())
        world.server.run(["chmod", "600", path])
    watch = f"""
import os, time
words, seen, users, end = {[w.encode() for w in words.values()]!r}, set(), set(), time.monotonic() + 60
while time.monotonic() < end and not os.path.exists("/root/over"):
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        for file in ("cmdline", "environ"):
            try:
                text = open(f"/proc/{{pid}}/{{file}}", "rb").read()
            except OSError:
                continue
            if b"shim.php" in text:
                users.add(os.stat(f"/proc/{{pid}}").st_uid)
            seen |= {{(file, text) for word in words if word in text}}
    time.sleep(0.002)
open("/root/seen", "w").write(repr((users, sorted(seen))))
"""
    world.server.run(["rm", "-f", "/root/over", "/root/seen"])
    world.server.write("/root/watch.py", watch.encode())
    world.server.run(["systemd-run", "--quiet", "--collect", "--unit=watch", "python3", "/root/watch.py"])
    toy.describe()
    events = world.apply(accounts=["hidden"])
    world.server.run(["touch", "/root/over"])
    for _ in range(100):
        if world.server.run(["test", "-e", "/root/seen"], check=False).returncode == 0:
            break
        time.sleep(0.1)
    users, seen = eval(world.server.read("/root/seen"))
    assert users == {world.uid("hidden")}, "the step was not seen, or not as the account"
    assert seen == []
    said = json.dumps(events) + json.dumps(world.plan())
    logged = world.server.run(
        [
            "sh",
            "-c",
            "journalctl --no-pager; cat /var/log/wsh/*/* /var/lib/wsh/ledger.db*",
        ],
        check=False,
        timeout=60,
    ).stdout
    for word in words.values():
        assert word not in said
        assert word not in logged
    assert (
        world.server.run(
            ["grep", "-rl", words["admin"], "/etc", "/var/lib/wsh", "/var/cache", "/home", "/tmp", "/run"],
            check=False,
        ).stdout
        == "/etc/wsh/secrets/hidden/notes/admin\n"
    )
    is_whole(toy, ["admin: Installed."])


# cut


@pytest.mark.parametrize(
    ("when", "what"),
    [
        *[(when, phase) for phase in PHASES for when in ("before", "after")],
        ("before", "finish"),
        ("after", "finish"),
        ("during", "unpack"),
        ("during", "exchange"),
        ("during", "step"),
    ],
)
def test_an_installation_that_is_killed_is_finished_by_the_next_apply(
    world: World, steady: Toy, when: str, what: str
) -> None:
    toy = Toy(world, f"{when}{what}")
    toy.describe()
    request = world.request(accounts=[toy.account])
    died = world.server.run(["python3", "-I", "/root/killed.py", world.agent, when, what], input=request, check=False)
    assert died.returncode in (-9, 137), died.stdout
    assert toy.fenced() == (what != "finish")
    assert toy.status() == (200 if what == "finish" else 503)
    events = world.apply(accounts=[toy.account])
    assert events[-1]["accounts"] == {toy.account: "ok" if (when, what) == ("after", "finish") else "changed"}
    is_whole(toy, ["admin: Installed."])
    assert len(steady.notes()) == 2


# failed


def test_a_failed_step_is_put_back_and_said_without_secrets(world: World, tmp_path: Path) -> None:
    toy = Toy(world, "halfway")
    toy.describe(put_release(world, tmp_path, "install"))
    error = failed(world, toy)
    assert error["code"] == "app.step"
    assert error["message"] == "toyapp 2.0: install.php ended with 3"
    assert error["detail"] == "half way: (secret)"
    assert "put back" in error["hint"]
    nothing_is_left(toy)
    assert failed(world, toy) == error
    nothing_is_left(toy)
    toy.describe()
    world.apply(accounts=[toy.account])
    is_whole(toy, ["admin: Installed."])


def test_a_site_that_is_not_well_is_put_back(world: World, tmp_path: Path) -> None:
    toy = Toy(world, "ill")
    toy.describe(put_release(world, tmp_path, "page"))
    error = failed(world, toy)
    assert error["code"] == "app.unhealthy"
    assert (
        error["message"] == f"{toy.url}/ answered 500 without 'content=\"toyapp '; "
        "wanted was 200 with 'content=\"toyapp '"
    )
    assert error["detail"] == "toyapp is ill"
    nothing_is_left(toy)


def test_a_wrong_checksum_stops_before_anything_is_unpacked(world: World, tmp_path: Path) -> None:
    toy = Toy(world, "forged")
    option = put_release(world, tmp_path, version="1.1")
    world.server.run(["sh", "-c", "printf x >> /srv/toyapp/toyapp-1.1.zip"])
    toy.describe(option)
    error = failed(world, toy)
    assert error["code"] == "app.checksum"
    assert "/srv/toyapp/toyapp-1.1.zip has the checksum" in error["message"]
    nothing_is_left(toy)


def test_another_version_than_promised_is_refused(world: World, tmp_path: Path) -> None:
    toy = Toy(world, "other")
    toy.describe(put_release(world, tmp_path, version="1.2").replace("version: '1.2'", "version: '1.3'"))
    error = failed(world, toy)
    assert (error["code"], error["message"]) == (
        "app.version",
        "the release was to be toyapp 1.3, and is 1.2",
    )
    nothing_is_left(toy)


def test_a_missing_release_is_said(world: World) -> None:
    toy = Toy(world, "nowhere")
    toy.describe(f", source: {{version: '9', path: /srv/toyapp/nine.zip, sha256: '{'0' * 64}'}}")
    error = failed(world, toy)
    assert (error["code"], error["message"]) == (
        "app.source",
        "/srv/toyapp/nine.zip: No such file or directory",
    )
    nothing_is_left(toy)


def test_one_sites_failure_stops_neither_its_sisters_nor_the_neighbours(world: World, tmp_path: Path) -> None:
    bad, good, neighbour = Toy(world, "mixed", "bad"), Toy(world, "mixed", "good"), Toy(world, "besides")
    option = put_release(world, tmp_path, "install")
    world.account("mixed", {"bad": bad.yaml(option), "good": good.yaml()})
    neighbour.describe()
    events = world.apply(accounts=["mixed", "besides"], check=False)
    assert events[-1]["accounts"] == {"besides": "changed", "mixed": "failed"}
    assert good.notes() == neighbour.notes() == ["admin: Installed."]
    nothing_is_left(bad)


# what is there already


def test_what_is_not_wshs_is_left_alone(world: World) -> None:
    """A tree that somebody else filled, and a database with somebody else's table."""
    for account, fill, code in (
        ("filled", "files", "server.conflict"),
        ("tabled", "tables", "app.not-empty"),
    ):
        toy = Toy(world, account)
        world.account(account, {toy.key: f"domains: [{toy.domain}], app: php"})
        world.apply(accounts=[account])
        if fill == "files":
            world.put(account, f"{toy.key}/app/own.php", "<?php echo 'own';")
        else:
            toy.sql(f"CREATE TABLE {account}_notes.own (a INT); INSERT INTO {account}_notes.own VALUES (7)")
        toy.describe()
        assert failed(world, toy)["code"] == code
        assert failed(world, toy)["code"] == code
        if fill == "files":
            assert world.server.read(f"{toy.tree}/own.php") == b"<?php echo 'own';"
        else:
            assert toy.sql(f"SELECT a FROM {account}_notes.own") == ["7"]


def test_drift_of_configuration_is_mended_by_the_account(world: World) -> None:
    toy = installed(world, "drifted")
    config = f"{toy.tree}/config.php"
    right = world.server.read(config)
    for spoil in ("chmod 0644 {}", "echo '//' >> {}", "rm {}", "rm {0}; mkfifo {0}"):
        world.as_account("drifted", "sh", "-c", spoil.format(config))
        planned = world.plan(accounts=["drifted"])
        if "mkfifo" in spoil:
            assert failed(world, toy)["code"] == "path.type"
            world.as_account("drifted", "rm", config)
        else:
            assert changes(planned) == {"app:drifted/notes": "planned"}
        events = world.apply(accounts=["drifted"])
        assert changes(events) == {"app:drifted/notes": "changed"}
        assert world.server.read(config) == right
        assert world.server.run(["stat", "-c", "%U %G %a", config]).stdout == "drifted drifted 600\n"
    is_whole(toy, ["admin: Installed."])


def test_a_new_title_reaches_visitors_at_once(world: World) -> None:
    toy = installed(world, "titled")
    assert "<h1>Notes of titled</h1>" in world.get(toy.url).body
    for number in range(3):
        world.account("titled", {toy.key: toy.yaml().replace("Notes of titled", f"Title {number}")})
        world.apply(accounts=["titled"])
        assert f"<h1>Title {number}</h1>" in world.get(toy.url).body


@pytest.mark.parametrize("victim", ["config.php", "", "VERSION"])
def test_a_link_in_the_place_of_something_changes_nothing_elsewhere(world: World, victim: str) -> None:
    """T20: the account puts links to a directory and a file of root's where wsh reads and writes."""
    account = f"linked{victim[:3].lower()}"
    toy = installed(world, account)
    world.server.run(
        [
            "sh",
            "-c",
            "mkdir -p /etc/victim; cd /etc/victim; echo root >config.php; echo 1.0 >VERSION; chmod -R a+rX .",
        ]
    )
    look = [
        "sh",
        "-c",
        "find /etc/victim -printf '%p %U %G %m %T@\\n'; getfacl -pR /etc/victim; cat /etc/victim/*",
    ]
    before = world.server.run(look).stdout
    place = f"{toy.tree}/{victim}".rstrip("/")
    world.as_account(
        account,
        "sh",
        "-c",
        f"mv {place} {toy.site}/moved && ln -s /etc/victim{'/' + victim if victim else ''} {place}",
    )
    toy.world.account(account, {toy.key: toy.yaml().replace("Notes of", "Other title of")})
    events = world.apply(accounts=[account], check=False)
    errors = [e["error"] for e in events if e.get("error")]
    assert errors, events
    assert {e["code"] for e in errors} <= {"path.unsafe", "path.type"}
    assert any(place in e["message"] for e in errors)
    assert world.server.run(look).stdout == before


def test_a_site_whose_tree_was_away_for_a_while_is_opened_again(world: World) -> None:
    toy = installed(world, "pauline")
    world.server.run(["mv", toy.tree, f"{toy.tree}.away"])
    assert failed(world, toy)["code"] == "app.not-empty"
    assert toy.status() == 503
    world.server.run(["rmdir", toy.tree])
    world.server.run(["mv", f"{toy.tree}.away", toy.tree])
    assert changes(world.plan(accounts=["pauline"])) == {"app:pauline/notes": "planned"}
    world.apply(accounts=["pauline"])
    is_whole(toy, ["admin: Installed."])


@pytest.mark.usefixtures("steady")
def test_a_socket_in_the_place_of_a_file_stops_no_other_account(world: World) -> None:
    toy = installed(world, "quentin")
    bind = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    for name in ("config.php", "VERSION"):
        done = world.as_account("quentin", "sh", "-c", f"cd {toy.tree} && mv {name} {name}.old")
        assert done.returncode == 0, done.stderr
        world.as_account("quentin", "python3", "-c", bind, f"{toy.tree}/{name}")
        events = world.apply(accounts=["quentin", "steady"], check=False)
        assert [e["error"]["code"] for e in events if e["type"] == "resource"] == ["path.unsafe"]
        assert events[-1]["accounts"] == {"quentin": "failed", "steady": "ok"}
        world.as_account("quentin", "sh", "-c", f"cd {toy.tree} && rm {name} && mv {name}.old {name}")
    is_whole(toy, ["admin: Installed."])


def test_a_tree_without_its_version_is_not_installed_over(world: World) -> None:
    toy = installed(world, "unread")
    world.as_account("unread", "rm", f"{toy.tree}/VERSION")
    error = failed(world, toy)
    assert (error["outcome"], error["code"]) == ("refused", "app.unknown-version")
    assert toy.tables() == ["notes", "settings", "users"]


def outcome(events: list[Event], id_: str) -> str | None:
    return next((e["outcome"] for e in events if e.get("id") == id_), None)


def test_a_lost_ledger_takes_the_application_for_wshs_again(world: World, steady: Toy) -> None:
    world.server.run(["sh", "-c", "rm /var/lib/wsh/ledger.db*"])
    events = world.apply(accounts=["steady"])
    assert outcome(events, "app:steady/notes") is None
    assert len(steady.notes()) == 2
