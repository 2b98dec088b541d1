"""A server on which `wsh server setup` has run: what it serves, what it refuses, what a second run does."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.lab.prepare import login, run_setup
from wsh_core import releases
from wsh_core.errors import UnreachableError
from wsh_core.transport import runner, setup
from wsh_core.transport.ansible import Ansible
from wsh_core.transport.base import Transport
from wsh_core.transport.login import Login

pytestmark = pytest.mark.needs_machine("root", "namespaces")

MODULES = yaml.safe_load((runner.PLAYBOOKS / "apache-modules.yml").read_text())
SETTINGS = yaml.safe_load((runner.PLAYBOOKS / "kernel-settings.yml").read_text())["kernel_settings"]
UID = "6001"
UNIT = f"wsh-php84-{UID}"


def sh(server, script: str, *, check: bool = True) -> str:
    return server.run(["sh", "-c", script], check=check).stdout


def curl(server, url: str, *options: str) -> tuple[str, str]:
    """Status and HTTP version, and the body, of the server's own request; it trusts the local authority."""
    name = re.sub(r"https?://|/.*", "", url)
    done = server.run(
        [
            "curl",
            "--silent",
            "--max-time",
            "20",
            "--cacert",
            "/var/lib/wsh/ca/ca.pem",
            "--write-out",
            "\n%{http_code} %{http_version}",
            "--resolve",
            f"{name}:443:127.0.0.1",
            "--resolve",
            f"{name}:80:127.0.0.1",
            *options,
            url,
        ],
        check=False,
    )
    body, _, status = done.stdout.rpartition("\n")
    return status, body


@pytest.fixture(scope="module")
def second_run(wsh_server) -> setup.Result:
    return run_setup(wsh_server)


def test_a_second_run_changes_nothing(second_run) -> None:
    assert second_run.changed == 0
    assert second_run.as_wanted == sum(setup.parts().values())


def test_the_server_is_marked_with_what_made_it(wsh_server) -> None:
    marker = json.loads(wsh_server.read("/etc/wsh/server.json"))
    assert marker == {"debian": 13, "php": "8.4", "setup": setup.digest(releases.load(13))}
    assert wsh_server.failed_units() == []


def test_exactly_the_declared_modules_are_loaded(wsh_server) -> None:
    loaded = set(re.findall(r"(\w+)_module \(", sh(wsh_server, "apache2ctl -M")))
    assert loaded == {*MODULES["apache_modules"], *MODULES["apache_builtin_modules"]}
    assert not loaded & {"status", "info", "cgi", "cgid", "include", "lua", "proxy_http", "userdir"}


def test_only_ssh_and_the_web_listen(wsh_server) -> None:
    ports = {
        line.split()[4].rpartition(":")[2]
        for line in sh(wsh_server, "ss --no-header --listening --numeric --tcp --udp").splitlines()
    }
    assert ports == {"22", "80", "443"}


def test_kernel_settings_are_written_and_the_rest_is_said(wsh_server, second_run) -> None:
    written = wsh_server.read("/etc/sysctl.d/60-wsh.conf").decode().splitlines()
    assert written == [f"-{name} = {value}" for name, value in SETTINGS.items()]
    in_force = sh(wsh_server, f"sysctl --ignore {' '.join(SETTINGS)}").splitlines()
    missing = {f"{name} = {value}" for name, value in SETTINGS.items()} - set(in_force)
    said = {f"kernel setting {line} is set, but not in force here" for line in missing}
    assert set(second_run.notes) == said


UNKNOWN = ["http://nobody.example.net/", "https://unknown.invalid/", "https://unknown.invalid/x.php"]


@pytest.mark.parametrize("url", UNKNOWN)
def test_unknown_names_are_misdirected(wsh_server, url) -> None:
    status, _ = curl(wsh_server, url)
    assert status == ("421 1.1" if url.startswith("http:") else "421 2")


@pytest.mark.parametrize(("version", "code"), [("1.1", "000"), ("1.2", "421"), ("1.3", "421")])
def test_tls_versions(wsh_server, version, code) -> None:
    status, _ = curl(wsh_server, "https://unknown.invalid/", "--tls-max", version, "--tlsv1.0")
    assert status.split()[0] == code


def test_apache_says_no_more_than_its_name(wsh_server) -> None:
    _, headers = curl(wsh_server, "https://unknown.invalid/", "--head")
    assert re.search(r"^server: Apache\r?$", headers, re.MULTILINE | re.IGNORECASE), headers


def test_no_php_of_debians_own_runs(wsh_server) -> None:
    assert sh(wsh_server, "systemctl is-enabled php8.4-fpm.service", check=False).strip() == "masked"
    assert sh(wsh_server, "pgrep -c php-fpm", check=False).strip() == "0"


def test_every_extension_loads_with_what_it_is_said_to_need(wsh_server) -> None:
    php = releases.load(13).php
    for name in php.extensions:
        wsh_server.write("/tmp/one.ini", php.ini([name]))
        done = wsh_server.run([php.cli, "-c", "/tmp/one.ini", "-m"], env={"PHP_INI_SCAN_DIR": ""})
        loaded = done.stdout.lower().replace("zend opcache", "opcache").split()
        assert "warning" not in done.stdout.lower() + done.stderr.lower(), done.stdout
        assert set(php.ordered([name])) <= set(loaded)
        assert php.builtin <= set(loaded)


def test_mariadb_is_reached_by_the_socket_alone(wsh_server) -> None:
    query = "SELECT @@skip_networking, @@local_infile, @@secure_file_priv, LOAD_FILE('/etc/hostname')"
    said = wsh_server.run(["mariadb", "--batch", "--skip-column-names", "--execute", query]).stdout
    assert said.split("\t") == ["1", "0", "/var/lib/mysql-files/", "NULL\n"]
    query = "SELECT User, Host FROM mysql.global_priv ORDER BY User"
    users = wsh_server.run(["mariadb", "-BNe", query]).stdout
    assert users == "mariadb.sys\tlocalhost\nmysql\tlocalhost\nroot\tlocalhost\n"


def test_what_others_must_not_read(wsh_server) -> None:
    wanted = [
        "755 root:root /etc/wsh",
        "700 root:root /etc/wsh/secrets",
        "711 root:root /var/lib/wsh",
        "600 root:root /var/lib/wsh/ca/ca.key",
        "700 root:root /var/lib/wsh/tls",
        "750 root:www-data /run/wsh/fpm",
        "600 root:root /var/lib/wsh/tls/default/key.pem",
        "711 root:root /var/log/wsh",
    ]
    files = [line.split()[2] for line in wanted]
    assert wsh_server.run(["stat", "--format=%a %U:%G %n", *files]).stdout.splitlines() == wanted
    assert "wsh-command" in sh(wsh_server, "id wsh")
    assert "5999" not in sh(wsh_server, "id wsh")


# A site and its runtime, made by hand: the parts that set-up gives them are seen to work together.

ACCOUNT = r"""
set -e
mkdir /var/lib/wsh/jail/6001
# The jail's directory is the mark of an account: it comes before anybody could log in.
useradd -u 6001 -U -d /home/alice -M -s /usr/bin/bash -G wsh alice
install -d -o root -g alice -m 0750 /home/alice
install -d -o root -g alice -m 1770 /home/alice/home
install -d -o alice -g alice -m 0750 /home/alice/sites /home/alice/sites/blog
setfacl -m u:www-data:--x /home/alice /home/alice/sites /home/alice/sites/blog
setfacl -d -m u::rwx,u:www-data:r-x,g::r-x,m::r-x,o::--- /home/alice/sites/blog
install -d -o root -g root /home/alice/home/sites
su -s /bin/sh alice -c 'mkdir /home/alice/sites/blog/app'
install -d -o root -g alice -m 0750 /var/log/wsh/alice
J=/var/lib/wsh/jail/6001
for d in usr etc/ssl etc/alternatives etc/wsh/php home/alice proc sys dev tmp root run/mysqld run/wsh/mail \
    var/tmp; do
    mkdir -p $J/$d
done
for l in bin sbin lib lib64; do ln -s usr/$l $J/$l; done
ln -s ../run $J/var/run
echo 'alice:x:6001:6001::/home/alice:/bin/sh' > $J/etc/passwd
echo 'alice:x:6001:' > $J/etc/group
printf 'zend_extension=opcache.so\nextension=posix.so\n' > $J/etc/wsh/php/extensions.ini
cat > /etc/systemd/system/wsh-php84-6001.socket <<X
[Unit]
PartOf=wsh.target
[Socket]
ListenStream=/run/wsh/fpm/php84-6001.sock
SocketMode=0666
TriggerLimitIntervalSec=0
[Install]
WantedBy=wsh.target
X
cat > /etc/systemd/system/wsh-php84-6001.service <<X
[Service]
Type=notify
User=6001
Slice=wsh-6001.slice
RootDirectory=$J
BindPaths=/home/alice/home:/home/alice /home/alice/sites
ReadWritePaths=+/home/alice
ExecStart=/usr/sbin/php-fpm8.4 --nodaemonize --force-stderr --fpm-config /usr/lib/wsh/php-fpm.conf
StandardError=append:/var/log/wsh/alice/php.log
X
systemctl daemon-reload
systemctl enable --quiet --now wsh-php84-6001.socket
cat > /etc/apache2/wsh/sites/alice-blog.conf <<X
<VirtualHost *:443>
    ServerName blog.example.org
    SSLEngine On
    SSLCertificateFile /var/lib/wsh/tls/default/cert.pem
    SSLCertificateKeyFile /var/lib/wsh/tls/default/key.pem
    DocumentRoot /home/alice/sites/blog/app
    <Location "/">
        ProxyFCGISetEnvIf "true" WSH_UID "6001"
    </Location>
    <Directory /home/alice/sites/blog/app>
        Require all granted
        Options FollowSymLinks
        <FilesMatch "\.php$">
            SetHandler "proxy:unix:/run/wsh/fpm/php84-6001.sock|fcgi://localhost"
        </FilesMatch>
    </Directory>
</VirtualHost>
X
cd /etc/apache2/wsh/sites
sed -e 's/6001"/6002"/; s/blog.example.org/other.example.org/' alice-blog.conf > alice-other.conf
grep -v WSH_UID alice-blog.conf | sed -e 's/blog.example.org/none.example.org/' > alice-none.conf
cd /home/alice/sites/blog/app
su -s /bin/sh alice -c 'echo static > a.txt; ln -s a.txt link.txt; ln -s /etc/hostname host.txt'
su -s /bin/sh alice -c 'cat > i.php' <<'P'
<?php
echo json_encode([
    'uid' => posix_getuid(), 'homes' => glob('/home/*'),
    'processes' => array_map('basename', glob('/proc/[0-9]*')),
    'etc' => @file_put_contents('/etc/x', 'x'), 'usr' => @file_put_contents('/usr/x', 'x'),
    'home' => file_put_contents('/home/alice/x', 'x'), 'site' => file_put_contents(__DIR__ . '/x', 'x'),
    'tmp' => file_put_contents('/tmp/x', 'x'), 'ini' => php_ini_loaded_file(),
    'errors' => ini_get('display_errors'),
    'root' => ini_get('opcache.validate_root'), 'pin' => $_SERVER['WSH_UID'] ?? null,
]);
P
systemctl reload apache2
"""


@pytest.fixture(scope="module")
def account(wsh_server):
    sh(wsh_server, ACCOUNT)
    return wsh_server


def insecure(server, url: str) -> tuple[str, str]:
    return curl(server, url, "--insecure")


def test_links_lead_nowhere(account) -> None:
    assert insecure(account, "https://blog.example.org/a.txt") == ("200 2", "static\n")
    assert insecure(account, "https://blog.example.org/link.txt")[0] == "403 2"
    assert insecure(account, "https://blog.example.org/host.txt")[0] == "403 2"


def test_php_runs_as_the_account_in_its_jail(account) -> None:
    status, body = insecure(account, "https://blog.example.org/i.php")
    assert status == "200 2", body + sh(account, "tail -n5 /var/log/wsh/alice/php.log")
    assert json.loads(body) == {
        "uid": 6001,
        "homes": ["/home/alice"],
        "processes": ["1", "2"],
        "etc": False,
        "usr": False,
        "home": 1,
        "site": 1,
        "tmp": 1,
        "ini": "/usr/lib/wsh/php.ini",
        "errors": "",
        "root": "1",
        "pin": None,
    }


@pytest.mark.parametrize("name", ["other.example.org", "none.example.org"])
def test_php_answers_its_own_account_alone(account, name) -> None:
    assert insecure(account, f"https://{name}/i.php") == ("403 2", "wsh: wrong account\n")


def test_the_runtime_is_exposed_little(account) -> None:
    insecure(account, "https://blog.example.org/i.php")
    verdict = sh(account, f"systemd-analyze security --no-pager {UNIT}.service | tail -n1")
    assert float(re.search(r"(\d+\.\d+)", verdict)[1]) <= 1.5, verdict
    assert sh(account, f"systemctl show -p ControlGroup --value {UNIT}.service") == (
        f"/wsh.slice/wsh-{UID}.slice/{UNIT}.service\n"
    )


def test_a_cold_first_request_is_quick(account) -> None:
    times = []
    for _ in range(3):
        account.run(["systemctl", "stop", f"{UNIT}.service"])
        options = ["--output", "/dev/null", "--write-out", "%{http_code} %{time_total}", "--resolve"]
        url = ["blog.example.org:443:127.0.0.1", "https://blog.example.org/i.php"]
        code, took = account.run(["curl", "--silent", "--insecure", *options, *url]).stdout.split()
        assert code == "200"
        times.append(float(took))
    assert min(times) < 0.5  # the target of 0.25 is the benchmark's to hold, on a quiet machine


def test_a_transient_unit_of_a_step_has_the_same_sandbox(account) -> None:
    options = ["--quiet", "--pipe", "--wait", "--collect", "--expand-environment=no"]
    properties = [
        f"User={UID}",
        f"RootDirectory=/var/lib/wsh/jail/{UID}",
        "ReadWritePaths=+/home/alice",
        "BindPaths=/home/alice/home:/home/alice /home/alice/sites",
    ]
    script = "grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status; ls /home; umask; echo $PHPRC; touch /x"
    done = account.run(
        [
            "systemd-run",
            *options,
            f"--unit=wsh-step-{UID}-0a1b.service",
            *(f"--property={value}" for value in properties),
            "sh",
            "-c",
            script,
        ],
        check=False,
    )
    assert done.stdout.split() == [
        "CapBnd:",
        "0000000000000000",
        "NoNewPrivs:",
        "1",
        "Seccomp:",
        "2",
        "alice",
        "0027",
        "/usr/lib/wsh",
    ]
    assert "Read-only file system" in done.stderr


def test_an_account_has_no_user_manager(account) -> None:
    sh(account, f"systemctl start user@{UID}.service")
    assert sh(account, f"systemctl is-active user@{UID}.service", check=False) == "inactive\n"


def test_sockets_and_view_are_there_after_a_reboot(account) -> None:
    account.reboot()
    assert account.failed_units() == []
    status, body = insecure(account, "https://blog.example.org/i.php")
    assert status == "200 2", body
    assert insecure(account, "https://blog.example.org/link.txt")[0] == "403 2"
    assert len(account.read("/proc/1/mounts").splitlines()) < 100


# What is changed behind wsh's back, and the way in.


def test_drift_is_mended(account) -> None:
    sh(account, "a2enmod -q status cgid; rm /usr/lib/wsh/guard.php; chmod 0644 /var/lib/wsh/ca/ca.key")
    sh(account, "chmod 0777 /var/lib/wsh; systemctl restart apache2")
    account.run(["mariadb", "-e", "CREATE USER ''@'localhost'; CREATE USER 'root'@'%'"])
    result = setup.set_up({login(account): releases.load(13)})[account.name]
    assert result.problem
    assert "root@%" in result.problem.message
    account.run(["mariadb", "-e", "DROP USER 'root'@'%'"])
    assert run_setup(account).changed > 0
    loaded = sh(account, "apache2ctl -M")
    assert "status_module" not in loaded
    assert "cgid_module" not in loaded
    assert insecure(account, "https://blog.example.org/i.php")[0] == "200 2"
    assert sh(account, "stat -c %a /var/lib/wsh/ca/ca.key /var/lib/wsh") == "600\n711\n"


def test_the_agent_is_asked_over_ssh(wsh_server) -> None:
    request = {
        "protocol": "1.0",
        "description": "d",
        "server": "web1",
        "by": {"user": "jo", "host": "desk"},
        "scope": {"accounts": None},
        "held": {},
        "expect": None,
        "secrets": {},
        "resources": [],
    }
    transport = Transport("web1", Ansible(login(wsh_server)))
    assert [event["type"] for event in transport.plan(request)] == ["started", "done"]
    events = list(transport.apply(request))
    assert events[-1]["outcome"] == "ok"
    operation = events[-1]["operation"]
    assert operation in transport.operations()
    assert list(transport.follow(operation)) == events
    journal = sh(wsh_server, "journalctl --no-pager -t python3 -t ansible-wsh_agent | grep call=")
    assert "NOT_LOGGING_PARAMETER" in journal
    assert len(max(journal.splitlines(), key=len)) < 300


def test_a_server_with_another_host_key_is_not_entered(wsh_server, tmp_path) -> None:
    real = login(wsh_server)
    kind, key = wsh_server.read("/etc/ssh/ssh_host_ed25519_key.pub").decode().split()[:2]
    other = key[:-6] + ("AAAAAA" if key[-6:] != "AAAAAA" else "BBBBBB")
    (tmp_path / "known_hosts").write_text(f"{real.address} {kind} {other}\n")
    wrong = Login("web1", real.address, real.user, real.port, real.key, str(tmp_path / "known_hosts"))
    with pytest.raises(UnreachableError) as caught:
        list(Transport("web1", Ansible(wrong)).plan({}))
    (problem,) = caught.value.problems
    assert "Host key verification failed" in problem.message
