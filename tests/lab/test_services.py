"""Databases, certificates and virtual hosts on a real server, with what goes wrong there."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from wsh_core.agent.protocol import canonical
from wsh_core.transport import package

pytestmark = pytest.mark.needs_machine("root", "namespaces")

SITES = "/etc/apache2/wsh/sites"
Resources = list[dict[str, Any]]


class Machine:
    """A set-up server and the agent on it; requests consist of resources, without a description."""

    def __init__(self, server: Any) -> None:
        self.server = server
        server.write("/root/agent.pyz", package.build().data)

    def sh(self, command: str, *, check: bool = True) -> str:
        return self.server.run(["sh", "-c", command], check=check).stdout

    def verb(self, verb: str, resources: Resources) -> list[dict[str, Any]]:
        command = ["python3", "-I", "/root/agent.pyz", verb]
        done = self.server.run(command, input=request(resources), check=False)
        assert not done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def apply(self, resources: Resources) -> list[dict[str, Any]]:
        return self.verb("apply", resources)

    def get(self, domain: str) -> str:
        """The body that a visitor gets who trusts the server's authority, and then the status."""
        return self.sh(
            f"curl -s --cacert /var/lib/wsh/ca/ca.pem --resolve {domain}:443:127.0.0.1"
            f" https://{domain}/ -w '|%{{http_code}}'",
            check=False,
        )

    def serial(self, domain: str) -> str:
        """The serial number of the certificate that Apache shows."""
        return self.sh(
            f"openssl s_client -connect 127.0.0.1:443 -servername {domain} </dev/null 2>/dev/null"
            " | openssl x509 -noout -serial"
        )

    def main_pid(self) -> str:
        return self.sh("systemctl show -P MainPID apache2").strip()


@pytest.fixture(scope="module")
def machine(wsh_server: Any) -> Machine:
    return Machine(wsh_server)


@pytest.fixture(autouse=True)
def healthy(machine: Machine) -> Iterator[None]:
    """Each test leaves Apache as it found it: running, with nothing odd."""
    yield
    machine.sh("rm -f /etc/apache2/conf-enabled/zz-*.conf; systemctl reset-failed apache2; systemctl start apache2")


def request(resources: Resources) -> str:
    return canonical(
        {
            "protocol": "1.0",
            "description": "7f0c",
            "server": "web1",
            "by": {"user": "jo", "host": "desk"},
            "scope": {"accounts": sorted({r["account"] for r in resources})},
            "held": {},
            "expect": None,
            "secrets": {},
            "resources": resources,
        }
    )


def resource(id_: str, account: str, **want: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "kind": id_.partition(":")[0],
        "account": account,
        "object": f"account:{account}",
        "why": f"accounts/{account}.yaml:1",
        "origin": "wsh",
        "want": want,
    }


def content(name: str, domain: str, says: str, more: str = "") -> str:
    return f"""\
<VirtualHost *:443>
    ServerName {domain}
    SSLEngine On
    SSLCertificateFile /var/lib/wsh/tls/{name}/cert.pem
    SSLCertificateKeyFile /var/lib/wsh/tls/{name}/key.pem
    RedirectMatch 404 ^/
    ErrorDocument 404 "{says}"
    {more}
</VirtualHost>
"""


def site(account: str, more: str = "", says: str = "hello", domains: Iterable[str] = ()) -> Resources:
    """The site ``blog`` of an account at blog.ACCOUNT.test: its certificate and its virtual host."""
    name, names = f"{account}-blog", list(domains) or [f"blog.{account}.test"]
    return [
        resource(f"certificate:{name}", account, name=name, domains=names),
        resource(f"vhost:{name}", account, name=name, content=content(name, names[0], f"{says} {account}", more)),
    ]


def outcomes(events: list[dict[str, Any]]) -> dict[str, str]:
    return {e["id"]: e["outcome"] for e in events if e["type"] == "resource"}


def error(events: list[dict[str, Any]], id_: str) -> dict[str, str]:
    (found,) = [e["error"] for e in events if e.get("id") == id_]
    return found


# web


def test_a_site_is_served_over_tls_and_a_second_apply_does_nothing(machine: Machine) -> None:
    events = machine.apply(site("anna"))
    assert set(outcomes(events).values()) == {"changed"}
    assert machine.get("blog.anna.test") == "hello anna|404"
    again = machine.apply(site("anna"))
    assert outcomes(again) == {}
    assert again[-1]["processes"] == 0


def test_a_change_is_in_service_when_apply_returns(machine: Machine) -> None:
    machine.apply(site("anna"))
    pid = machine.main_pid()
    for number in range(5):
        machine.apply(site("anna", says=f"change {number} of"))
        assert machine.get("blog.anna.test") == f"change {number} of anna|404"
    assert machine.main_pid() == pid


def test_a_site_that_apache_refuses_is_left_out_and_named(machine: Machine) -> None:
    machine.apply([*site("bea"), *site("cleo")])
    pid, mounts = machine.main_pid(), machine.sh("cat /proc/self/mountinfo | wc -l")
    log = machine.sh("wc -c /var/log/apache2/error.log")
    events = machine.apply([*site("bea", "Nonsense on"), *site("cleo", says="new"), *site("dora")])
    assert outcomes(events) == {
        "vhost:bea-blog": "failed",
        "vhost:cleo-blog": "changed",
        "certificate:dora-blog": "changed",
        "vhost:dora-blog": "changed",
    }
    refused = error(events, "vhost:bea-blog")
    assert refused["code"] == "web.shadow"
    assert refused["message"].startswith(f"Apache refuses {SITES}/bea-blog.conf at line 8;")
    assert "Invalid command 'Nonsense'" in refused["detail"]
    assert machine.get("blog.bea.test") == "hello bea|404"
    assert machine.get("blog.cleo.test") == "new cleo|404"
    assert machine.get("blog.dora.test") == "hello dora|404"
    # nothing of the trial is left, and the real Apache never saw it
    assert machine.main_pid() == pid
    assert machine.sh("cat /proc/self/mountinfo | wc -l") == mounts
    assert "Nonsense" not in machine.sh("cat /var/log/apache2/error.log; journalctl -u apache2")
    assert log != machine.sh("wc -c /var/log/apache2/error.log")
    assert machine.sh("pgrep -c -f '[D]FOREGROUND' || true").strip() == "0"
    assert machine.sh(f"grep -c Nonsense {SITES}/* | grep -v :0 || true") == ""


def test_what_apache_refuses_without_a_name_is_found_by_halves(machine: Machine) -> None:
    accounts = ["efa", "fay", "gil", "hal", "ida"]
    bad = "SSLCipherSuite NO-SUCH-CIPHER"
    events = machine.apply([r for a in accounts for r in site(a, bad if a in ("fay", "ida") else "")])
    failed = {id_ for id_, outcome in outcomes(events).items() if outcome == "failed"}
    assert failed == {"vhost:fay-blog", "vhost:ida-blog"}
    assert "AH01898" in error(events, "vhost:fay-blog")["detail"]
    for account in ("efa", "gil", "hal"):
        assert machine.get(f"blog.{account}.test") == f"hello {account}|404"


MD = "</VirtualHost>\nMDomain {} {}\n<VirtualHost *:443>"


def test_two_sites_that_claim_one_name_do_not_end_apache(machine: Machine) -> None:
    first, second = (site(name, MD.format(f"{name}.test", "both.test")) for name in ("jan", "kim"))
    events = machine.apply([*first, *second])
    assert outcomes(events)["vhost:jan-blog"] == "changed"
    assert outcomes(events)["vhost:kim-blog"] == "failed"
    assert "AH10038" in error(events, "vhost:kim-blog")["detail"]
    assert machine.get("blog.jan.test") == "hello jan|404"
    # the control: without the trial, the test of the configuration passes and the reload ends the server
    pid = machine.main_pid()
    machine.server.write(f"{SITES}/kim-blog.conf", second[1]["want"]["content"])
    machine.sh("apachectl configtest && systemctl reload apache2; sleep 2")
    assert not machine.sh(f"ls -d /proc/{pid} 2>/dev/null || true")
    machine.sh(f"rm {SITES}/kim-blog.conf")
    assert outcomes(machine.apply(first)) == {"vhost:jan-blog": "changed"}
    assert machine.get("blog.jan.test") == "hello jan|404"
    machine.apply(site("jan"))


def test_what_is_broken_already_is_named_and_nothing_touched(machine: Machine) -> None:
    machine.apply(site("lea"))
    machine.server.write("/etc/apache2/conf-enabled/zz-hand.conf", "Brokenness on\n")
    events = machine.apply([*site("lea", says="new"), *site("mia")])
    for id_ in ("vhost:lea-blog", "vhost:mia-blog"):
        assert error(events, id_)["code"] == "web.broken"
        assert "zz-hand.conf" in error(events, id_)["detail"]
    assert machine.sh(f"ls {SITES}/mia-blog.conf 2>/dev/null || true") == ""
    assert machine.get("blog.lea.test") == "hello lea|404"
    machine.sh("rm /etc/apache2/conf-enabled/zz-hand.conf")
    assert set(outcomes(machine.apply([*site("lea", says="new"), *site("mia")])).values()) == {"changed"}
    assert machine.get("blog.mia.test") == "hello mia|404"


def test_a_site_broken_by_hand_is_mended(machine: Machine) -> None:
    machine.apply(site("nia"))
    machine.sh(f"echo Brokenness on >> {SITES}/nia-blog.conf")
    assert outcomes(machine.verb("plan", site("nia"))) == {"vhost:nia-blog": "planned"}
    assert outcomes(machine.apply(site("nia"))) == {"vhost:nia-blog": "changed"}
    machine.sh(f"chmod 666 {SITES}/nia-blog.conf")
    assert outcomes(machine.apply(site("nia"))) == {"vhost:nia-blog": "changed"}
    assert machine.sh(f"stat -c %a {SITES}/nia-blog.conf") == "644\n"


def test_a_stopped_apache_is_seen_and_started(machine: Machine) -> None:
    machine.apply(site("ona"))
    machine.sh("systemctl stop apache2")
    planned = [e for e in machine.verb("plan", site("ona")) if e["type"] == "resource"]
    assert [e["changes"] for e in planned] == [[{"field": "served", "before": False, "after": True}]]
    assert outcomes(machine.apply(site("ona", says="again"))) == {"vhost:ona-blog": "changed"}
    assert machine.get("blog.ona.test") == "again ona|404"


def test_an_apache_that_cannot_start_is_told_in_its_words(machine: Machine) -> None:
    machine.apply(site("pia"))
    machine.sh("systemctl stop apache2; systemd-run -q --unit=thief python3 -m http.server 443; sleep 1")
    events = machine.apply(site("pia"))
    machine.sh("systemctl stop thief")
    refused = error(events, "vhost:pia-blog")
    assert refused["code"] == "web.down"
    assert "could not bind to address" in refused["detail"]
    assert outcomes(machine.apply(site("pia"))) == {"vhost:pia-blog": "changed"}


def test_a_reload_that_fails_after_the_trial_is_taken_back(machine: Machine) -> None:
    """A port that is free in the trial's own network, and taken in the real one."""
    machine.apply(site("rea"))
    machine.sh("systemd-run -q --unit=thief python3 -m http.server 8443; sleep 1")
    events = machine.apply([*site("rea", "</VirtualHost>\nListen 8443\n<VirtualHost *:8443>"), *site("sue")])
    machine.sh("systemctl stop thief")
    assert error(events, "vhost:rea-blog")["code"] == "web.reload"
    assert machine.get("blog.rea.test") == "hello rea|404"
    assert machine.sh(f"grep -l 8443 {SITES}/* || true; ls {SITES}/sue-blog.conf 2>/dev/null || true") == ""
    assert set(outcomes(machine.apply([*site("rea"), *site("sue")])).values()) == {"changed"}
    assert machine.get("blog.sue.test") == "hello sue|404"


KILLED = """
import os, signal, sys
sys.path.insert(0, "/root/agent.pyz")
from agent import main, web
web._reload = lambda host: os.kill(os.getpid(), signal.SIGKILL)
main.main(["apply"])
"""


def test_a_run_killed_before_the_reload_is_finished_by_the_next(machine: Machine) -> None:
    machine.apply(site("tea"))
    machine.server.write("/root/killed_web.py", KILLED)
    killed = ["python3", "-I", "/root/killed_web.py"]
    done = machine.server.run(killed, input=request(site("tea", says="new")), check=False)
    assert done.returncode != 0
    assert "new tea" in machine.sh(f"cat {SITES}/tea-blog.conf")
    assert machine.get("blog.tea.test") == "hello tea|404"
    machine.apply(site("tea", says="new"))
    assert machine.get("blog.tea.test") == "new tea|404"
    assert machine.apply(site("tea", says="new"))[-1]["processes"] == 0


STUCK = """
import sys
sys.path.insert(0, "/root/agent.pyz")
from agent import main, shadow
shadow.answers_https = lambda timeout: False
main.main(["apply"])
"""


def test_a_trial_does_not_outlive_the_agent(machine: Machine) -> None:
    machine.server.write("/root/stuck.py", STUCK)
    machine.server.write("/root/stuck.json", request(site("tom")))
    machine.sh("systemd-run -q --unit=stuck -p StandardInput=file:/root/stuck.json python3 -I /root/stuck.py")
    trials = "pgrep -c -f '[D]FOREGROUND' || true"
    deadline = time.monotonic() + 30
    while machine.sh(trials).strip() == "0":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    machine.sh("kill -9 $(systemctl show -P MainPID stuck); sleep 1")
    assert machine.sh(trials).strip() == "0"
    assert set(outcomes(machine.apply(site("tom"))).values()) <= {"changed"}
    assert machine.get("blog.tom.test") == "hello tom|404"


def test_a_new_certificate_is_shown_at_once(machine: Machine) -> None:
    machine.apply(site("uma"))
    before = machine.serial("blog.uma.test")
    more = site("uma", domains=["blog.uma.test", "www.uma.test"])
    assert outcomes(machine.apply(more)) == {"certificate:uma-blog": "changed"}
    after = machine.serial("blog.uma.test")
    assert re.fullmatch(r"serial=[0-9A-F]+\n", after)
    assert after != before
    on_disk = machine.sh("openssl x509 -noout -serial -in /var/lib/wsh/tls/uma-blog/cert.pem")
    assert after == on_disk


# databases


def database(account: str, *names: str) -> Resources:
    defaults = {"charset": "utf8mb4", "collation": "utf8mb4_unicode_ci"}
    return [
        resource(f"database-user:{account}", account, name=account, max_connections=20, databases=list(names)),
        *(resource(f"database:{name}", account, name=name, **defaults) for name in names),
    ]


@pytest.fixture(scope="module")
def neighbours(machine: Machine) -> Machine:
    """Unix users u1, u1xa and u10; the database u1_a_b of u1 matches, as a pattern, also u1xa_b of u1xa."""
    for number, name in enumerate(("u1", "u1xa", "u10")):
        machine.sh(f"useradd --uid {9000 + number} {name}")
    databases = {"u1": "u1_a_b", "u1xa": "u1xa_b", "u10": "u10_wp"}
    events = machine.apply([r for account, name in databases.items() for r in database(account, name)])
    assert set(outcomes(events).values()) == {"changed"}
    machine.sh("""mariadb -e "CREATE TABLE u1xa_b.t (a TEXT); INSERT INTO u1xa_b.t VALUES ('SECRET')" """)
    return machine


def as_account(machine: Machine, account: str, sql: str, *options: str) -> str:
    done = machine.server.run(
        [
            "setpriv",
            f"--reuid={account}",
            f"--regid={account}",
            "--clear-groups",
            "mariadb",
            *options,
            "--batch",
            "-N",
            "-e",
            sql,
        ],
        check=False,
    )
    return done.stdout + done.stderr


def test_an_account_comes_by_the_socket_without_a_password(neighbours: Machine) -> None:
    assert as_account(neighbours, "u1", "SELECT CURRENT_USER()") == "u1@localhost\n"
    for sql, answer in (
        ("CREATE TABLE u1_a_b.x (i INT)", ""),
        ("INSERT INTO u1_a_b.x VALUES (7)", ""),
        ("SELECT i FROM u1_a_b.x", "7\n"),
        ("DROP TABLE u1_a_b.x", ""),
    ):
        assert as_account(neighbours, "u1", sql) == answer
    for other in ("root", "u10", "u1xa", "mysql"):
        assert "ERROR 1698 (28000)" in as_account(neighbours, "u1", "SELECT 1", f"--user={other}")


def test_a_name_that_matches_as_a_pattern_opens_nothing(neighbours: Machine) -> None:
    assert as_account(neighbours, "u1", "SHOW DATABASES").split() == ["information_schema", "u1_a_b"]
    assert "ERROR 1142" in as_account(neighbours, "u1", "SELECT a FROM u1xa_b.t")
    # the control: the same grant, not escaped
    neighbours.server.run(["mariadb", "-e", "GRANT SELECT ON `u1_a_b`.* TO u1@localhost"])
    assert as_account(neighbours, "u1", "SELECT a FROM u1xa_b.t") == "SECRET\n"
    assert outcomes(neighbours.apply(database("u1", "u1_a_b"))) == {"database-user:u1": "changed"}
    assert "ERROR 1142" in as_account(neighbours, "u1", "SELECT a FROM u1xa_b.t")


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        ("CREATE DATABASE u1_more", 1044),
        ("CREATE USER x", 1227),
        ("SET GLOBAL max_connections = 1", 1227),
        ("GRANT SELECT ON `u1\\_a\\_b`.* TO u10@localhost", 1044),
        ("SHOW GRANTS FOR u1xa@localhost", 1044),
        ("SELECT User FROM mysql.user", 1142),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 1227),
        ("LOAD DATA INFILE '/etc/passwd' INTO TABLE u1_a_b.t", 1698),
    ],
)
def test_what_an_account_may_not_do(neighbours: Machine, sql: str, refused: int) -> None:
    neighbours.sh("mariadb -e 'CREATE TABLE IF NOT EXISTS u1_a_b.t (a TEXT)'")
    assert f"ERROR {refused} " in as_account(neighbours, "u1", sql)


def test_what_differs_is_mended_on_this_release(neighbours: Machine) -> None:
    before = neighbours.sh("mariadb -N --batch --raw -e 'SHOW GRANTS FOR u10@localhost'")
    for sql in (
        "GRANT ALL ON *.* TO u10@localhost WITH GRANT OPTION",
        "CREATE ROLE r; GRANT r TO u10@localhost",
        "GRANT SHOW CREATE ROUTINE ON `u10\\_wp`.* TO u10@localhost",  # new in 11.3
        "ALTER USER u10@localhost IDENTIFIED BY 'x'",
        "ALTER USER u10@localhost ACCOUNT LOCK",
    ):
        neighbours.server.run(["mariadb", "-e", sql])
        assert outcomes(neighbours.apply(database("u10", "u10_wp"))) == {"database-user:u10": "changed"}, sql
        assert neighbours.sh("mariadb -N --batch --raw -e 'SHOW GRANTS FOR u10@localhost'") == before
    again = neighbours.apply(database("u10", "u10_wp"))
    assert outcomes(again) == {}
    assert again[-1]["processes"] == 0


def test_a_stopped_mariadb_is_named_with_the_remedy(neighbours: Machine) -> None:
    neighbours.sh("systemctl stop mariadb")
    try:
        events = neighbours.apply(database("u1", "u1_a_b"))
    finally:
        neighbours.sh("systemctl start mariadb")
    errors = [e["error"] for e in events if e.get("error")]
    assert {e["code"] for e in errors} == {"database.unreachable"}
    assert "systemctl start mariadb" in errors[0]["hint"]
    assert outcomes(neighbours.apply(database("u1", "u1_a_b"))) == {}
