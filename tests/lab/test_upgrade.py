"""Upgrades of a real application that can be undone: good ones, broken ones, and the way back by hand."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from wsh_core.testing import toyapp

from .aged import PHASES, TWO_HOPS, Aged, app_error, furnished, phases, put_blind, recover, with_release
from .operations import wait_for
from .toy import Toy, failed, put_release
from .world import World, changes

pytestmark = pytest.mark.needs_machine("root", "namespaces")


@pytest.fixture(scope="module")
def world(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    return furnished(wsh_server, tmp_path_factory)


# good


def test_a_site_keeps_its_version_until_somebody_tells(world: World) -> None:
    toy = Aged(world, "anna")
    content = toy.content()
    toy.describe()
    for events in (world.plan(accounts=["anna"]), world.apply(accounts=["anna"])):
        (said,) = [e for e in events if e["type"] == "outdated"]
        assert (said["object"], said["installed"], said["wanted"]) == ("site:anna/notes", "1.0", "2.0")
        assert changes(events) == {}
    toy.is_as(content)


def test_an_upgrade_over_two_releases_keeps_all_that_is_the_accounts(world: World) -> None:
    toy = Aged(world, "berta")
    config = world.server.read(f"{toy.tree}/config.php")
    events = toy.upgrade()
    assert phases(events) == TWO_HOPS
    assert [e.get("text") for e in events if e.get("phase") == "switched"] == [
        "toyapp 1.1, hop 1 of 2",
        "toyapp 2.0, hop 2 of 2",
    ]
    (said,) = [e for e in events if e["type"] == "resource"]
    assert said["changes"] == [{"field": "version", "before": "1.0", "after": "2.0"}]
    assert toy.version() == "2.0"
    assert toy.notes() == list(Aged.NOTES)
    assert world.get(f"{toy.url}/uploads/own.txt").body == "my upload"
    assert world.get(f"{toy.url}/uploads/first.txt").body == "The first upload.\n"
    assert world.server.run(["ls", f"{toy.tree}/extras"]).stdout.split() == ["greeting.php", "mine.php"]
    assert "stale" not in world.server.run(["ls", f"{toy.tree}/cache"]).stdout.split()
    assert world.server.read(f"{toy.tree}/config.php") == config
    assert toy.on_disk() == [".previous", "app"]
    toy.works()
    assert changes(world.apply(accounts=["berta"])) == {}


def test_a_release_in_the_description_is_an_upgrade_by_any_apply(world: World) -> None:
    toy = Aged(world, "clara")
    toy.describe(release="1.1")
    assert changes(world.plan(accounts=["clara"])) == {"app:clara/notes": "planned"}
    assert phases(world.apply(accounts=["clara"])) == PHASES
    assert toy.version() == "1.1"
    toy.works()
    toy.describe(release="1.0")
    error = failed(world, toy)
    assert (error["outcome"], error["code"]) == ("refused", "app.downgrade")
    assert error["hint"] == "if a snapshot of it is kept: wsh site rollback clara/notes"
    assert toy.version() == "1.1"


def test_the_snapshot_is_the_accounts_and_nobody_elses(world: World) -> None:
    toy = Aged(world, "dora")
    toy.upgrade()
    uid = str(world.uid("dora"))
    found = world.server.run(["find", f"{toy.site}/.previous", "-maxdepth", "1", "-printf", "%f %U %m\n"]).stdout
    rows = {name: (owner, mode) for name, owner, mode in (line.split() for line in found.splitlines())}
    assert set(rows) == {".previous", "tree", "database.sql.gz", "about.json"}
    assert {owner for owner, _ in rows.values()} == {uid}
    assert [rows[name][1] for name in (".previous", "database.sql.gz", "about.json")] == ["700", "600", "600"]
    reader = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "ls", f"{toy.site}/.previous"]
    assert world.server.run(reader, check=False).returncode == 2
    about = json.loads(world.server.read(f"{toy.site}/.previous/about.json"))
    assert (about["app"], about["version"], about["replaced_by"]) == ("toyapp", "1.0", "2.0")


def test_all_other_sites_stay_up_meanwhile(world: World) -> None:
    """A sister in the same account, of the same PHP, and a neighbour are asked all the time."""
    toy, sister = Aged(world, "emma"), Aged(world, "emil")
    world.account("emma", {"notes": toy.yaml(release="1.0"), "other": Toy(world, "emma", "other").yaml(release="1.0")})
    world.apply(accounts=["emma"])
    other = Toy(world, "emma", "other")
    answers: dict[str, list[int]] = {other.url: [], sister.url: []}
    over = threading.Event()

    def visit(url: str) -> None:
        while not over.is_set():
            answers[url].append(world.get(url).status)

    visitors = [threading.Thread(target=visit, args=[url]) for url in answers]
    for visitor in visitors:
        visitor.start()
    world.account("emma", {"notes": toy.yaml(), "other": other.yaml(release="1.0")})
    toy.told("upgrade")
    over.set()
    for visitor in visitors:
        visitor.join()
    assert toy.version() == "2.0"
    for url, statuses in answers.items():
        assert len(statuses) > 5
        assert set(statuses) == {200}, url


def test_requests_that_run_are_waited_for(world: World) -> None:
    toy = Aged(world, "frieda")
    slow = "<?php set_time_limit(60); sleep(4); file_put_contents('/home/frieda/ended', 'all'); echo 'ended';"
    world.put("frieda", "notes/app/slow.php", slow)
    with subprocess.Popen(
        ["curl", "-s", "-k", "--resolve", f"{toy.domain}:443:{world.server.address}", f"{toy.url}/slow.php"],
        stdout=subprocess.PIPE,
    ) as visitor:
        time.sleep(1)
        began = time.monotonic()
        toy.upgrade()
        assert time.monotonic() - began > 2
        assert visitor.communicate()[0] == b"ended"
    assert world.server.read("/home/frieda/home/ended") == b"all"
    assert toy.version() == "2.0"


def test_jobs_that_run_are_stopped_and_none_begins(world: World) -> None:
    toy = Aged(world, "gerda")
    unit = f"wsh-job-{world.uid('gerda')}-notes-count.service"
    world.put("gerda", "notes/app/count.php", "<?php sleep(300);")
    world.server.run(["systemctl", "start", "--no-block", unit])
    active = ["systemctl", "is-active", unit]
    wait_for(lambda: world.server.run(active, check=False).stdout.strip() == "activating")
    toy.upgrade()
    assert world.server.run(active, check=False).stdout.strip() in ("inactive", "failed")
    world.server.run(["touch", "/var/lib/wsh/fence/gerda-notes"])
    world.server.run(["systemctl", "start", unit])
    assert world.server.run(["systemctl", "show", "-P", "ConditionResult", unit]).stdout == "no\n"
    world.server.run(["rm", "/var/lib/wsh/fence/gerda-notes"])
    world.server.run(["systemctl", "start", unit])


# broken


BROKEN = {
    "migration": ("app.step", "toyapp 1.1: migrate.php ended with 3"),
    "killed": ("app.step", "toyapp 1.1: migrate.php ended with 137"),
    "fatal": ("app.unhealthy", "answered 500"),
    "page": ("app.unhealthy", "answered 500"),
    "content": ("app.unhealthy", "answered 200 without"),
    "silent": ("app.unhealthy", "answered 500"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_release_is_put_back_whole(world: World, tmp_path: Path, fault: toyapp.Fault) -> None:
    toy = Aged(world, f"b{fault}")
    content = toy.content()
    toy.describe(put_release(world, tmp_path, fault, version="1.1"))
    error = failed(world, toy)
    assert error["code"] == BROKEN[fault][0]
    assert BROKEN[fault][1] in error["message"]
    assert (
        f"everything was put back, toyapp 1.0 is in service as before; to try again: wsh site upgrade b{fault}/notes"
        in (error["hint"])
    )
    toy.is_as(content)


def test_a_migration_that_is_only_said_to_be_done_is_found_out_where_pages_are_blind(
    world: World, tmp_path: Path
) -> None:
    """The release answers as if all were well, as most applications do; its own check knows better."""
    toy = Aged(world, "hanna")
    content = toy.content()
    built = toyapp.build(tmp_path, "1.1", "silent")
    option = put_blind(world, built.path)
    toy.describe(option)
    error = failed(world, toy)
    assert error["code"] == "app.not-migrated"
    assert "schema 1, this release needs 2" in error["detail"]
    toy.is_as(content)


def test_a_failed_upgrade_is_not_tried_again_until_told(world: World, tmp_path: Path) -> None:
    toy = Aged(world, "ida")
    toy.describe(put_release(world, tmp_path, "migration", version="1.1"))
    failed(world, toy)
    again = failed(world, toy)
    assert (again["outcome"], again["code"]) == ("refused", "app.upgrade-failed")
    assert again["detail"] == "toyapp 1.1: migrate.php ended with 3"
    assert app_error(world.plan(accounts=["ida"]))["code"] == "app.upgrade-failed"
    assert phases(toy.told("upgrade", check=False))[-1] == "migrated"
    toy.describe(release="1.1")
    assert failed(world, toy)["code"] == "app.upgrade-failed"
    toy.told("upgrade")
    assert toy.version() == "1.1"
    assert changes(world.apply(accounts=["ida"])) == {}


def test_the_second_of_two_hops_fails_and_both_are_undone(world: World, tmp_path: Path) -> None:
    toy = Aged(world, "jana")
    content = toy.content()
    broken = toyapp.build(tmp_path, "2.0", "migration").path.read_bytes()
    right = world.server.read("/srv/toyapp/toyapp-2.0.zip")
    error = with_release(world, toy, broken, right)
    assert "toyapp 2.0: migrate.php ended with 3" in error["message"]
    toy.is_as(content)


def test_a_disk_that_is_full_half_way_is_put_back_and_said(world: World, tmp_path: Path) -> None:
    """The account's sites lie on a small disk, which the migration fills."""
    world.account("karla", {"www": "domains: [www.karla.example.org], app: php"})
    world.apply(accounts=["karla"])
    sites = "/home/karla/sites"
    world.server.run(
        ["sh", "-c", f"umount -q {sites}; rm -rf {sites}/www && mount -t tmpfs -o size=8m,mode=0755 tmpfs {sites}"]
    )
    world.server.run(["systemctl", "stop", f"wsh-php*-{world.uid('karla')}.service"])
    toy = Aged(world, "karla")
    content = toy.content()
    toy.describe(put_release(world, tmp_path, "full", version="1.1"))
    error = failed(world, toy)
    assert "toyapp 1.1: migrate.php ended with 4" in error["message"]
    assert "no room for" in error["detail"]
    toy.is_as(content)
    # and where there is no room for the new release at all
    world.as_account("karla", "sh", "-c", f"dd if=/dev/zero of={sites}/filler bs=4k 2>/dev/null")
    toy.describe(release="1.1")
    error = app_error(toy.told("upgrade", check=False))
    assert (error["code"], "everything was put back" in error["hint"]) == ("account.disk-full", True)
    world.as_account("karla", "rm", f"{sites}/filler")
    assert toy.version() == "1.0"
    toy.works()


# back by hand


def test_what_was_replaced_comes_back_by_hand_and_goes_again(world: World) -> None:
    toy = Aged(world, "lisa")
    rows = toy.rows()
    toy.upgrade()
    toy.note("a new note")
    world.put("lisa", "notes/app/uploads/later.txt", "a later upload")
    newer = toy.rows()
    events = toy.told("rollback")
    (said,) = [e for e in events if e["type"] == "resource"]
    assert said["changes"] == [{"field": "version", "before": "2.0", "after": "1.0"}]
    assert phases(events) == PHASES
    assert (toy.version(), toy.rows(), toy.notes()) == ("1.0", rows, list(Aged.NOTES))
    assert world.get(f"{toy.url}/uploads/later.txt").body == "a later upload"
    assert world.server.run(["ls", f"{toy.tree}/extras"]).stdout.split() == ["mine.php", "motto.php"]
    assert changes(world.apply(accounts=["lisa"])) == {}
    assert toy.version() == "1.0"
    toy.told("rollback")
    assert (toy.version(), toy.rows()) == ("2.0", newer)
    assert toy.notes()[-1] == "admin: a new note"
    assert world.get(f"{toy.url}/uploads/own.txt").body == "my upload"
    toy.works()


def test_a_rollback_without_a_snapshot_is_refused(world: World) -> None:
    toy = Aged(world, "maria")
    error = app_error(toy.told("rollback", check=False))
    assert (error["outcome"], error["code"]) == ("refused", "app.no-snapshot")
    toy.works()


def test_a_snapshot_is_removed_after_its_days_and_not_before(world: World) -> None:
    toy = Aged(world, "nora")
    toy.upgrade()
    recover(world)
    assert toy.on_disk() == [".previous", "app"]
    age = """
import json, sqlite3
d = sqlite3.connect("/var/lib/wsh/ledger.db")
((data,),) = d.execute("SELECT data FROM apps WHERE object='site:nora/notes'")
data = json.loads(data)
data["snapshot"]["time"] = "2001-01-01T00:00:00Z"
d.execute("UPDATE apps SET data=? WHERE object='site:nora/notes'", (json.dumps(data),))
d.commit()
"""
    world.server.run(["python3", "-c", age])
    recover(world)
    assert toy.on_disk() == ["app"]
    assert app_error(toy.told("rollback", check=False))["code"] == "app.no-snapshot"
    assert toy.version() == "2.0"


# what was fenced for an application that is no longer wanted


def test_a_site_whose_installation_failed_may_become_another(world: World, tmp_path: Path) -> None:
    toy = Toy(world, "rosa")
    toy.describe(put_release(world, tmp_path, "install"))
    failed(world, toy)
    assert toy.status() == 503
    world.account("rosa", {toy.key: f"domains: [{toy.domain}], app: static"})
    (planned,) = [e for e in world.plan(accounts=["rosa"]) if e.get("id") == "vhost:rosa-notes"]
    assert {"field": "fenced", "before": True, "after": False} in planned["changes"]
    assert changes(world.apply(accounts=["rosa"], check=False))["vhost:rosa-notes"] == "changed"
    world.put("rosa", "notes/app/index.html", "static at last")
    assert world.get(toy.url).body == "static at last"
    assert "vhost:rosa-notes" not in changes(world.apply(accounts=["rosa"], check=False))
