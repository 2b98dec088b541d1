"""Nextcloud as browsers, sync clients and calendars meet it, and its way through the major versions.

It runs where ``WSH_SOURCES`` has a release; a second one is needed for the upgrade. A tree that somebody left
files out of is good enough: what is said of that is Nextcloud's check of its own code.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import caldav
import pytest

from tests import sources
from tests.sources import Found

from .cloud import PRIVATE, Cloud, overlay
from .test_wordpress import watched_processes
from .world import World, changes

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]
MEETING = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example Co-op//tests//EN
BEGIN:VEVENT
UID:meeting@example.org
DTSTAMP:20261124T090000Z
DTSTART:20261201T090000Z
DTEND:20261201T100000Z
SUMMARY:Meeting & cake
END:VEVENT
END:VCALENDAR
"""
WHEN = datetime(2026, 12, 1, 9, tzinfo=UTC)
STARVED = """\
<?php
$new = str_contains(file_get_contents(__DIR__ . '/../version.php'), "'%s'");
if ($new && in_array('upgrade', $_SERVER['argv'] ?? [])) {
    ini_set('memory_limit', '48M');
}
"""
EXPECTED = {
    "OCA\\AppAPI\\SetupChecks\\DaemonCheck",  # applications of other servers: they need containers
    "OCA\\LogReader\\SetupChecks\\LogErrors",  # what the tests did, and files that a tree lacks
    "OCA\\Settings\\SetupChecks\\BruteForceThrottler",  # asked by occ, which has no remote address
    "OCA\\Settings\\SetupChecks\\EmailTestSuccessful",  # somebody has to press its button
    "OCA\\Settings\\SetupChecks\\FileLocking",  # in the database, there is no Redis
    "OCA\\Settings\\SetupChecks\\ForwardedForHeaders",  # as the second above
    "OCA\\Settings\\SetupChecks\\ServerIdConfig",  # for those who have several servers
    "OCA\\Settings\\SetupChecks\\TwoFactorConfiguration",  # the administrator's choice
    "OCA\\Theming\\SetupChecks\\PhpImagickModule",  # ImageMagick is not for strangers' files
}
"""What the checks say that is no error, and why it stays."""


class Installed:
    """Two clouds in alice's account with the newest release, and bob's with the oldest; what was seen meanwhile."""

    def __init__(self, world: World, releases: list[Found]) -> None:
        self.world, self.releases = world, releases
        self.newest, self.oldest = releases[0], releases[-1]
        self.cloud, self.team, self.bobs = Cloud(world, "alice"), Cloud(world, "alice", "team"), Cloud(world, "bob")
        wide = (world.root / "wsh.yaml").read_text().replace("cpu: 50%", "cpu: 200%")
        (world.root / "wsh.yaml").write_text(wide)
        file = world.root / "releases/nextcloud.toml"
        file.parent.mkdir()
        file.write_text(overlay(releases))
        world.server.run(["mkdir", "-p", sources.SHELF])
        sources.send(world.server, releases)
        newest = self.newest.version
        options = ", phone_region: GB"
        world.account("alice", {each.key: each.yaml(newest, options) for each in (self.cloud, self.team)})
        self.describe_bob(self.oldest.version)
        with watched_processes(world):
            self.events = world.apply()

    def describe_bob(self, version: str) -> None:
        self.world.account("bob", {self.bobs.key: self.bobs.yaml(version)})

    def all(self) -> list[Cloud]:
        return [self.cloud, self.team, self.bobs]


@pytest.fixture(scope="module")
def installed(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    releases = sources.needs("nextcloud")
    return Installed(World(wsh_server, tmp_path_factory.mktemp("description"), plugins=["nextcloud"]), releases)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 100 MB that cannot be guessed."""
    path = tmp_path_factory.mktemp("files") / "big.bin"
    with Path("/dev/urandom").open("rb") as random:
        path.write_bytes(random.read(100_000_000))
    return path


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# a browser


def test_each_says_that_it_is_installed_and_which_version_it_is(installed: Installed) -> None:
    versions = [installed.newest.version, installed.newest.version, installed.oldest.version]
    for cloud, version in zip(installed.all(), versions, strict=True):
        said = cloud.status()
        state = [said[key] for key in ("installed", "maintenance", "needsDbUpgrade", "versionstring")]
        assert state == [True, False, False, version]
        assert cloud.occ("status", "--exit-code")[0] == 0


def test_the_front_page_leads_to_the_login_and_that_to_the_files(installed: Installed) -> None:
    for cloud in installed.all():
        front = cloud.get()
        assert (front.status, front.version) == (302, "HTTP/2")
        assert front.headers["location"].endswith("/login")
        wrong = cloud.login(cloud.secret()[::-1])
        assert wrong.status != 303 or "/login" in wrong.headers["location"]
        right = cloud.login(cloud.secret())
        assert (right.status, "/apps/" in right.headers["location"]) == (303, True)
        assert f'data-user="{cloud.account}"' in cloud.as_admin("/apps/files/").body
    assert len({cloud.secret() for cloud in installed.all()}) == 3


def test_pages_are_sent_with_the_headers_that_nextcloud_asks_for(installed: Installed) -> None:
    for path in ("/login", "/core/css/guest.css"):
        headers = installed.cloud.get(path).headers
        assert headers["strict-transport-security"] == "max-age=15552000"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex, nofollow"


def test_a_name_that_is_not_its_own_gets_nothing_of_it(installed: Installed) -> None:
    """Another name leads to no virtual host; the two of one account do not answer for each other."""
    cloud, team = installed.cloud, installed.team
    cloud.login(cloud.secret())
    assert team.get("/index.php/apps/files/", "-b", cloud.jar).headers.get("location", "").endswith("/login") or (
        team.get("/index.php/apps/files/", "-b", cloud.jar).status == 401
    )
    assert team.get("/remote.php/dav/", "--user", f"alice:{cloud.secret()}").status == 401
    assert cloud.get("/remote.php/dav/", "--user", f"alice:{cloud.secret()}", "-X", "PROPFIND").status == 207


# a sync client


def test_a_large_file_comes_back_as_it_went(installed: Installed, big: Path) -> None:
    cloud = installed.cloud
    assert cloud.dav("/files/alice/big.bin", "-T", str(big)).status == 201
    assert "/remote.php/dav/files/alice/big.bin" in cloud.listing("/files/alice/")
    assert fetched(cloud, "/files/alice/big.bin") == sha256(big)
    assert cloud.dav("/files/alice/big.bin", "-X", "DELETE").status == 204


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_an_upload_that_does_not_say_how_long_it_is_is_whole(installed: Installed, big: Path, version: str) -> None:
    """What Finder, Cyberduck and programs that pipe do: without care PHP reads it as empty, and all say 201."""
    for cloud in (installed.cloud, installed.bobs):
        path = f"/files/{cloud.account}/piped.bin"
        with big.open("rb") as stdin:
            cloud.transfer(path, version, "--upload-file", "-", stdin=stdin)
        assert fetched(cloud, path) == sha256(big)
        assert cloud.dav(path, "-X", "DELETE").status == 204


def test_a_file_comes_in_pieces_and_is_put_together(installed: Installed, big: Path, tmp_path: Path) -> None:
    """The desktop client's way: a folder of pieces, and a MOVE that makes a file of them."""
    cloud, folder = installed.cloud, "/uploads/alice/of-a-client"
    target = ("-H", f"Destination: {cloud.url}/remote.php/dav/files/alice/pieces.bin")
    assert cloud.dav(folder, "-X", "MKCOL", *target).status == 201
    with big.open("rb") as file:
        for number in range(1, 11):
            piece = tmp_path / "piece"
            piece.write_bytes(file.read(10_000_000))
            assert cloud.dav(f"{folder}/{number:05}", "-T", str(piece), *target).status == 201
    length = ("-H", "OC-Total-Length: 100000000")
    assert cloud.dav(f"{folder}/.file", "-X", "MOVE", *target, *length).status == 201
    assert fetched(cloud, "/files/alice/pieces.bin") == sha256(big)
    assert cloud.dav("/files/alice/pieces.bin", "-X", "DELETE").status == 204


def fetched(cloud: Cloud, path: str) -> str:
    """The checksum of a file as it is downloaded."""
    return hashlib.sha256(cloud.transfer(path)).hexdigest()


# a calendar


@pytest.fixture(name="names_lead_here")
def _names_lead_here(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that do not run as `curl --resolve` find the sites of the server by their names too."""
    real, address = socket.getaddrinfo, installed.world.server.address

    def found(host: Any, *args: Any, **options: Any) -> Any:
        return real(address if str(host).endswith(".example.org") else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)


def calendar(cloud: Cloud, path: str = "/.well-known/caldav") -> caldav.DAVClient:
    ca = str(cloud.world.ca())
    return caldav.DAVClient(f"{cloud.url}{path}", username=cloud.account, password=cloud.secret(), ssl_verify_cert=ca)


def meetings(cloud: Cloud, name: str) -> list[str]:
    """What a calendar has on the day of the meeting."""
    with calendar(cloud, "/remote.php/dav/") as client:
        found = client.principal().calendar(name=name).search(start=WHEN, end=WHEN + timedelta(days=1), event=True)
    return [re.findall(r"SUMMARY:(.*)", each.data)[0] for each in found]


@pytest.mark.usefixtures("names_lead_here")
def test_a_calendar_is_made_searched_and_removed(installed: Installed) -> None:
    cloud = installed.cloud
    with calendar(cloud, "/remote.php/dav/") as client:
        work = client.principal().make_calendar(name="Work")
        work.save_event(MEETING)
        assert meetings(cloud, "Work") == ["Meeting & cake"]
        assert not work.search(start=WHEN + timedelta(days=9), end=WHEN + timedelta(days=10), event=True)
        work.delete()
    with calendar(cloud, "/remote.php/dav/") as client:
        assert "Work" not in [each.name for each in client.principal().calendars()]


def test_clients_find_calendars_and_contacts_by_the_domain_alone(installed: Installed) -> None:
    """RFC 6764: a redirect from the well-known address."""
    for what in ("caldav", "carddav"):
        answer = installed.cloud.get(f"/.well-known/{what}", "-X", "PROPFIND")
        assert (answer.status, answer.headers["location"]) == (301, f"{installed.cloud.url}/remote.php/dav/")


# who looks after it


def test_setup_checks_find_no_error(installed: Installed) -> None:
    cloud = installed.cloud
    cloud.run_job("cron")
    _, out, err = cloud.occ("setupchecks", "--output=json", network=True)
    found = {name: check for group in json.loads(out).values() for name, check in group.items()}
    assert len(found) > 40, err
    by = {name: check["severity"] for name, check in found.items() if check["severity"] != "success"}
    errors = {name for name, severity in by.items() if severity == "error"}
    assert errors <= {"OCA\\Settings\\SetupChecks\\CodeIntegrity"}, found
    if errors:
        assert_complete_but_for_what_the_tree_lacks(cloud)
    assert set(by) - errors <= EXPECTED, {name: found[name] for name in set(by) - errors - EXPECTED}


def assert_complete_but_for_what_the_tree_lacks(cloud: Cloud) -> None:
    """Nothing was added to the code; what is missing or differs is so in the archive that it came from."""
    _, out, _ = cloud.occ("integrity:check-core", "--output=json")
    said = json.loads(out)
    assert set(said) <= {"FILE_MISSING", "INVALID_HASH"}
    assert ".htaccess" not in said.get("INVALID_HASH", {})


def test_background_jobs_run_by_their_timer_and_not_by_visitors(installed: Installed) -> None:
    server = installed.world.server
    for cloud in installed.all():
        timer = f"wsh-job-{cloud.world.uid(cloud.account)}-{cloud.key}-cron.timer"
        assert server.run(["systemctl", "is-active", timer]).stdout == "active\n"
        assert cloud.occ("config:app:set", "core", "lastcron", "--value=0", "--type=integer")[0] == 0
        cloud.get("/cron.php")
        assert cloud.occ("config:app:get", "core", "lastcron")[1] == "0\n"
        cloud.run_job("cron")
        assert int(cloud.occ("config:app:get", "core", "lastcron")[1]) > 1_600_000_000


def test_what_is_private_is_closed_with_and_without_nextclouds_own_rules(installed: Installed) -> None:
    cloud, server = installed.cloud, installed.world.server
    rules = f"{cloud.tree}/.htaccess"
    for path in PRIVATE:
        assert cloud.get(f"/{path}").status in (403, 404), path
        assert cloud.get(f"/./{path}", "--path-as-is").status in (400, 403, 404), path
    server.run(["mv", rules, "/root/rules"])
    try:
        assert {path: cloud.get(f"/{path}").status for path in PRIVATE} == dict.fromkeys(PRIVATE, 403)
        assert cloud.get("/apps/files/lib/App.php").status == 403
        assert cloud.get("/index.php/login").status == 200
    finally:
        server.run(["mv", "/root/rules", rules])


def test_configuration_and_files_are_closed_to_the_web_server(installed: Installed) -> None:
    server = installed.world.server
    reader = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "cat"]
    for cloud in installed.all():
        assert server.run([*reader, f"{cloud.tree}/status.php"], check=False).returncode == 0
        for path in (f"{cloud.tree}/config/config.php", f"{cloud.tree}/config/wsh.config.php",
                     f"{cloud.data}/nextcloud.log"):  # fmt: skip
            assert server.run(["test", "-f", path], check=False).returncode == 0
            refused = server.run([*reader, path], check=False)
            assert (refused.returncode, "Permission denied" in refused.stderr) == (1, True)


def test_the_password_was_in_no_process_and_no_log(installed: Installed) -> None:
    server = installed.world.server
    seen = server.run_bytes(["cat", "/root/seen"]).stdout
    assert b"shim.php" in seen, "no step was ever seen, so nothing is shown"
    values = [cloud.secret() for cloud in installed.all()]
    assert not [value for value in values if value.encode() in seen or value in json.dumps(installed.events)]
    server.write("/root/values", "\n".join(values), mode=0o600)
    found = server.run(["grep", "-rlaFf", "/root/values", "/home", "/tmp", "/var/log", "/var/lib/wsh"], check=False)
    assert found.stdout == ""


def test_a_second_apply_changes_nothing(installed: Installed) -> None:
    """After all that was written here."""
    assert changes(installed.world.apply()) == {}


# through the major versions


@pytest.fixture(scope="module")
def before(installed: Installed) -> list[str]:
    """Bob's cloud, in use: a file, a calendar, an app and a theme of his own; its tables."""
    sources.needs("nextcloud", at_least=2)
    bobs, world = installed.bobs, installed.world
    note = world.root / "note.txt"
    note.write_text("Kept through every version.\n")
    assert bobs.dav("/files/bob/note.txt", "-T", str(note)).status == 201
    for path in ("custom_apps/mine/README", "themes/mine/README"):
        world.as_account("bob", "mkdir", "-p", f"{bobs.tree}/{path.rpartition('/')[0]}")
        world.put("bob", f"cloud/app/{path}", "bob's own\n")
    return tables(installed)


def tables(installed: Installed) -> list[str]:
    """The tables of bob's database with their columns."""
    columns = "SELECT table_name, column_name, column_type FROM information_schema.columns"
    sql = f"{columns} WHERE table_schema = 'bob_cloud' ORDER BY 1, 2"
    return installed.world.server.run(["mariadb", "-NBe", sql]).stdout.splitlines()


def is_as_bob_left_it(installed: Installed, version: str) -> None:
    bobs, server = installed.bobs, installed.world.server
    assert bobs.status()["versionstring"] == version
    assert bobs.occ("status", "--exit-code")[0] == 0
    assert bobs.dav("/files/bob/note.txt").body == "Kept through every version.\n"
    assert bobs.login(bobs.secret()).status == 303
    for path in ("custom_apps/mine/README", "themes/mine/README"):
        assert server.read(f"{bobs.tree}/{path}") == b"bob's own\n"


def test_an_upgrade_that_runs_out_of_memory_half_way_is_put_back(installed: Installed, before: list[str]) -> None:
    """In the last hop, when those before it have long changed the database."""
    bobs, world = installed.bobs, installed.world
    world.put("bob", "cloud/app/config/starved.config.php", STARVED % installed.newest.version)
    installed.describe_bob(installed.newest.version)
    events = world.apply(accounts=["bob"], check=False)
    assert events[-1]["outcome"] == "failed"
    (error,) = (each["error"] for each in events if each.get("id") == "app:bob/cloud")
    assert error["code"] == "app.step", error
    assert f"nextcloud {installed.newest.version}: occ ended with" in error["message"]
    assert "Updated <" in error["detail"], "it was to break off half-way"
    is_as_bob_left_it(installed, installed.oldest.version)
    assert tables(installed) == before
    again = world.apply(accounts=["bob"], check=False)
    (error,) = (each["error"] for each in again if each.get("id") == "app:bob/cloud")
    assert error["code"] == "app.upgrade-failed"
    world.as_account("bob", "rm", f"{bobs.tree}/config/starved.config.php")


def test_it_goes_through_every_major_version_in_one_upgrade(installed: Installed, before: list[str]) -> None:
    installed.describe_bob(installed.newest.version)
    events = installed.world.apply(accounts=["bob"], told={"site:bob/cloud": "upgrade"})
    assert changes(events)["app:bob/cloud"] == "changed"
    is_as_bob_left_it(installed, installed.newest.version)
    assert tables(installed) != before
    _, out, _ = installed.bobs.occ("setupchecks", "--output=json", network=True)
    found = {name: check for group in json.loads(out).values() for name, check in group.items()}
    errors = {name for name, check in found.items() if check["severity"] == "error"}
    assert errors <= {"OCA\\Settings\\SetupChecks\\CodeIntegrity"}, {name: found[name] for name in errors}


def test_a_rollback_by_hand_brings_the_old_version_back(installed: Installed, before: list[str]) -> None:
    installed.describe_bob(installed.oldest.version)
    installed.world.apply(accounts=["bob"], told={"site:bob/cloud": "rollback"})
    is_as_bob_left_it(installed, installed.oldest.version)
    assert tables(installed) == before
