"""What all accounts share, sockets and MariaDB: alice's PHP sees and reaches nothing of bob's by them."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks import defences, fastcgi
from tests.attacks.scene import MARK, REPORT, Scene
from wsh_core.agent import paths

pytestmark = pytest.mark.needs_machine("lab")

# sockets

PATH = "preg_split('/\\s+/', trim($line), 8)[7] ?? ''"
LISTED = f"array_map(fn($line) => {PATH}, array_slice(file('/proc/self/net/unix'), 1))"
REACHED = """
    $reached = [];
    foreach (array_filter(array_unique($paths)) as $path) foreach (['unix', 'udg'] as $type) {
        $name = $path[0] === '@' ? "\\0" . substr($path, 1) : $path;
        if (@stream_socket_client("$type://$name", $number, $words, 1)) $reached[] = $path;
    }
    sort($reached); echo json_encode(array_values(array_unique($reached)));
"""
ALLOWED = [paths.MARIADB_SOCKET, "/run/systemd/notify"]
"""MariaDB, who knows alice by her uid; and what PHP tells systemd by that it is ready."""


def test_the_sockets_that_can_be_reached_are_two_and_their_list_names_nobody(scene: Scene) -> None:
    scene.world.get("https://www.bob.test/")
    listed = {*scene.value(LISTED)}
    assert scene.socket("bob") in listed
    assert not any("bob" in path or "alice" in path for path in listed)
    assert json.loads(scene.php(f"$paths = {LISTED};{REACHED}")) == ALLOWED


def test_control_with_what_systemd_brings_into_a_jail_the_journal_is_reached(scene: Scene) -> None:
    with defences.sandbox(scene, "alice", "InaccessiblePaths="):
        reached = json.loads(scene.php(f"$paths = {LISTED};{REACHED}"))
    journal = {f"/run/systemd/journal/{name}" for name in ("dev-log", "socket", "stdout")}
    assert {*reached} == {*ALLOWED} | journal


def connect(scene: Scene) -> dict[str, str]:
    """What becomes of a connection to every socket of PHP on the server."""
    sockets = scene.server.run(["sh", "-c", f"ls {paths.FPM_SOCKETS}/*.sock"]).stdout.split()
    assert {scene.socket("alice"), scene.socket("bob")} <= {*sockets}
    tried = "(@stream_socket_client('unix://' . $path, $n, $words, 1) ? 'connected' : $words)"
    found = scene.value(f"array_map(fn($path) => {tried}, {sockets})")
    return dict(zip(sockets, found, strict=True))


def test_no_socket_of_php_can_be_reached(scene: Scene) -> None:
    assert set(connect(scene).values()) == {"No such file or directory"}


def test_control_without_the_jails_root_only_the_directory_keeps_her_from_bobs_php(scene: Scene) -> None:
    told = {"SCRIPT_FILENAME": REPORT, "REQUEST_METHOD": "GET", "WSH_UID": str(scene.uids["bob"])}
    packet = base64.b64encode(fastcgi.request(told)).decode()
    opened = f"$s = stream_socket_client('unix://{scene.socket('bob')}');"
    speak = f"{opened} fwrite($s, base64_decode('{packet}')); echo stream_get_contents($s);"
    with defences.jail_root(scene, "alice"):
        assert set(connect(scene).values()) == {"Permission denied"}
        with defences.mode(scene, paths.FPM_SOCKETS, "o+x"):
            assert set(connect(scene).values()) == {"connected"}
            assert f"{MARK} report, uid {scene.uids['bob']}" in scene.php(speak)


# databases

LOGIN = "mysqli_report(MYSQLI_REPORT_OFF); $db = new mysqli('localhost', 'alice');"
QUERIES = {
    "SELECT * FROM bob_www.t": 1142,
    "INSERT bob_www.t VALUES ('x')": 1142,
    "USE bob_www": 1044,
    "CREATE TABLE bob_www.x (t INT)": 1142,
    "CREATE DATABASE bob_x": 1044,
    "CREATE DATABASE alicexwww": 1044,
    "DROP DATABASE bob_www": 1044,
    "SELECT * FROM mysql.user": 1142,
    "SELECT * FROM mysql.global_priv": 1142,
    "SHOW GRANTS FOR bob@localhost": 1044,
    "GRANT ALL ON bob_www.* TO alice@localhost": 1044,
    "SET PASSWORD FOR bob@localhost = PASSWORD('x')": 1044,
    "CREATE DEFINER=bob@localhost VIEW alice_www.v AS SELECT 1": 1227,
    "SELECT 1 INTO OUTFILE '/tmp/x'": 1227,
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE alice_www.x": 1698,
    "SET GLOBAL general_log = 1": 1227,
}
SWEEP = """
    $read = 0;
    $tables = $db->query('SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES');
    foreach ($tables->fetch_all() as [$schema, $table]) {
        if (!($rows = @$db->query("SELECT * FROM `$schema`.`$table`"))) continue;
        $read++;
        // a name by itself: the server's random identifier may spell it too
        if (preg_match('/(?<![a-z0-9])bob(?![a-z0-9])/i', json_encode($rows->fetch_all()))) echo "$schema.$table ";
    }
    echo $read;
"""


def database(scene: Scene, code: str) -> str:
    return scene.php(LOGIN + code)


def test_no_database_of_bobs_is_seen_or_reached(scene: Scene) -> None:
    shown = database(scene, "echo implode(' ', array_column($db->query('SHOW DATABASES')->fetch_all(), 0));").split()
    assert shown == ["alice_two", "alice_www", "information_schema"]
    database(scene, "$db->query('CREATE TABLE IF NOT EXISTS alice_www.x (t TEXT)');")
    got = {query: int(database(scene, f"$db->query({query!r}); echo $db->errno;")) for query in QUERIES}
    assert got == QUERIES
    file = "SELECT LOAD_FILE('/etc/passwd')"
    assert database(scene, f"echo json_encode($db->query({file!r})->fetch_row());") == "[null]"


def test_nothing_that_mariadb_tells_names_bob(scene: Scene) -> None:
    sleep = "<?php mysqli_connect('localhost', 'bob')->query('DO SLEEP(3)');"
    scene.world.put("bob", "www/app/sleep.php", sleep)
    sessions = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'bob'"
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(scene.world.get, "https://www.bob.test/sleep.php")
        while scene.server.run(["mariadb", "-Ne", sessions]).stdout.strip() != "1":
            assert not asked.done()
        *names, read = database(scene, SWEEP).split()
        assert not asked.done()
    assert asked.result().status == 200
    assert names == []
    assert int(read) > 40


@pytest.mark.parametrize("user", ["bob", "root", "mysql", "mariadb.sys", "debian-sys-maint", ""])
def test_nobody_logs_in_as_another(scene: Scene, user: str) -> None:
    for password in ("", "invalid", user):
        login = f"mysqli_report(0); echo (@new mysqli('localhost', '{user}', '{password}'))->connect_errno;"
        assert scene.php(login) != "0"


def test_control_with_a_grant_too_wide_the_database_is_seen(scene: Scene) -> None:
    """A grant is a pattern: one for ``%`` is one for all."""
    scene.server.run(["mariadb", "-e", "GRANT SELECT ON `%`.* TO alice@localhost"])
    try:
        assert MARK in database(scene, "echo $db->query('SELECT t FROM bob_www.t')->fetch_row()[0];")
        assert database(scene, SWEEP).split()[:-1] != []
    finally:
        scene.server.run(["mariadb", "-e", "REVOKE SELECT ON `%`.* FROM alice@localhost"])
