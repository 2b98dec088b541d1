"""The way into a jail, and the way of a release into the cache, on a real server."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from wsh_core.testing import toyapp

from .toy import Toy, failed, install_plugin
from .world import World

pytestmark = pytest.mark.needs_machine("root", "namespaces")


@pytest.fixture(scope="module")
def world(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A server with two accounts that run PHP, but nothing installed."""
    install_plugin(tmp_path_factory.mktemp("plugin"))
    world = World(wsh_server, tmp_path_factory.mktemp("description"), plugins=["toyapp"])
    for name in ("alice", "bob"):
        world.account(name, {"www": f"domains: [{name}.example.org], app: php"})
    world.apply()
    world.server.write("/root/on_server.py", (Path(__file__).parent / "on_server.py").read_bytes())
    return world


def call(world: World, *calls: tuple[str, Any, dict[str, Any]]) -> list[Any]:
    jails, uids = {}, {}
    for resource in json.loads(world.request())["resources"]:
        if resource["kind"] == "jail":
            uids[resource["account"]] = world.uid(resource["account"])
            path = f"/var/lib/wsh/jail/{uids[resource['account']]}"
            jails[resource["account"]] = {**resource["want"], "path": path}
    request = json.dumps({"jails": jails, "uids": uids, "calls": calls, "account": "alice"})
    done = world.server.run(["python3", "-I", "/root/on_server.py", world.agent], input=request, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


def enter(world: World, *argv: str, account: str = "alice", **options: Any) -> Any:
    return call(world, ("enter", argv, {"account": account, **options}))[0]


def test_a_program_in_the_jail_is_the_account_with_its_own_pipes_and_code(world: World) -> None:
    uid = world.uid("alice")
    code, out, err = enter(world, "sh", "-c", "id -u; id -g; id -Gn; pwd; umask; echo 'no $HOME %n' >&2; exit 9")
    assert (code, out, err) == (9, f"{uid}\n{uid}\nalice wsh\n/home/alice\n0027\n", "no $HOME %n\n")
    assert enter(world, "printf", "%s|", "$HOME", "$$", "${X}", "a b", "")[1] == "$HOME|$$|${X}|a b||"


def test_nothing_of_the_neighbour_and_of_the_host_is_seen(world: World) -> None:
    script = """
for place in / /home /home/alice /var/lib /run /tmp /proc; do echo "$place: $(echo $(ls -A $place))"; done
cat /etc/passwd /etc/group /proc/mounts; getent passwd
"""
    _, out, err = enter(world, "sh", "-c", script)
    seen = dict(line.split(": ", 1) for line in out.splitlines() if ": " in line)
    assert "bob" not in out
    assert seen["/home"] == "alice"
    assert set(seen["/run"].split()) <= {"host", "mysqld", "systemd", "wsh"}
    assert {"backups", "logs", "sites"} <= set(seen["/home/alice"].split())
    assert len([name for name in seen["/proc"].split() if name.isdecimal()]) < 5
    for path in (
        "/home/bob",
        "/var/lib/wsh",
        "/etc/wsh/secrets",
        "/var/log/wsh",
        "/etc/apache2",
        "/etc/shadow",
    ):
        code, _, err = enter(world, "ls", path)
        assert (code, "No such file" in err) == (2, True)


def test_only_the_accounts_own_places_can_be_written(world: World) -> None:
    script = (
        "for d in / /usr /etc /home /var /run /tmp /var/tmp /dev/shm ~/logs ~ ~/sites/www/app;"
        " do touch $d/x 2>/dev/null && echo $d && rm $d/x; done; true"
    )
    _, out, _ = enter(world, "sh", "-c", script)
    assert out.split() == ["/tmp", "/var/tmp", "/dev/shm", "/home/alice", "/home/alice/sites/www/app"]


def test_the_sandbox_holds_in_a_transient_unit(world: World) -> None:
    """systemd's drop-in for the unit's name reached it: each of these is allowed without it."""
    code, out, err = enter(
        world,
        "sh",
        "-c",
        "grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status; unshare -Ur true;"
        " chmod u+s /home/alice/sites/www/app; mknod /tmp/d c 1 3; echo $$",
    )
    fields = dict(line.split(":\t") for line in out.splitlines() if ":" in line)
    assert fields == {"NoNewPrivs": "1", "Seccomp": "2", "CapBnd": "0000000000000000"}
    assert out.splitlines()[-1] == "1", "no process namespace of its own"
    assert err.count("not permitted") == 3, err
    assert code == 0


def test_there_is_no_network_unless_it_is_asked_for(world: World) -> None:
    knock = (
        "python3",
        "-I",
        "-c",
        "import socket; socket.create_connection(('127.0.0.1', 443), 2); print('in')",
    )
    code, _, err = enter(world, *knock)
    assert (code, "Errno" in err) == (1, True)
    assert enter(world, *knock, network=True)[:2] == [0, "in\n"]


def test_the_database_answers_by_its_socket_without_network(world: World) -> None:
    code, out, err = enter(world, "mariadb", "-N", "-e", "SELECT CURRENT_USER()")
    assert (code, out) == (0, "alice@localhost\n"), err


def test_a_timeout_is_told_apart_from_a_failure(world: World) -> None:
    late, wrong, missing = call(
        world,
        ("enter", ["sleep", "30"], {"account": "alice", "timeout": 1}),
        ("enter", ["false"], {"account": "alice", "timeout": 30}),
        ("enter", ["/no/program"], {"account": "alice"}),
    )
    assert (late["code"], late["message"]) == ("server.timeout", "sleep 30 did not end within 1s")
    assert wrong[0] == 1
    assert missing["code"] == "account.jail"
    assert "wsh-step" not in world.server.run(["systemctl", "list-units", "--all", "wsh-step-*"]).stdout


def test_the_unit_is_in_the_accounts_slice_with_its_limits(world: World) -> None:
    """That limits are set, not that they hold: that needs another machine than a container."""
    uid = world.uid("alice")
    _, out, _ = enter(world, "cat", "/proc/self/cgroup", memory=100 << 20)
    assert f"/wsh.slice/wsh-{uid}.slice/wsh-step-{uid}-" in out
    assert world.server.run(["systemctl", "show", "-P", "MemoryMax", f"wsh-{uid}.slice"]).stdout == f"{512 << 20}\n"


def test_the_helper_writes_what_the_web_server_may_read(world: World) -> None:
    path = "/home/alice/sites/www/app/page.txt"
    assert call(world, ("ask", "write", {"path": path, "content": "hello", "mode": "0640", "absent": False})) == [True]
    assert world.get("https://alice.example.org/page.txt").body == "hello"


def test_a_php_step_runs_with_the_accounts_php_and_settings(world: World) -> None:
    text = (
        "<?php echo json_encode([PHP_VERSION, php_ini_loaded_file(), php_ini_scanned_files(), posix_getuid(),"
        " ini_get('zend.exception_ignore_args'), extension_loaded('mysqli'), $argv[1], fgets(STDIN)]);"
    )
    step = {
        "step": "php",
        "entry": None,
        "script": {"name": "s.php", "text": text},
        "argv": ["word"],
        "input": "line\n",
        "ini": {},
        "files": {},
        "timeout": 20,
        "memory": None,
    }
    tree = "/home/alice/sites/www/app"
    # The agent gives the shim; here no application was installed before, so it is put there by hand.
    world.server.write("/usr/lib/wsh/shim.php", (Path(toyapp.__file__).parents[2] / "agent/shim.php").read_bytes())
    (outcome,) = call(
        world,
        (
            "ask",
            "step",
            {"account": "alice", "step": step, "tree": tree, "php": "8.4", "home": "/home/alice"},
        ),
    )
    assert outcome["code"] == 0, outcome
    version, ini, scanned, uid, ignore, _, word, line = json.loads(outcome["stdout"])
    assert version.startswith("8.4.")
    assert ini == "/usr/lib/wsh/php.ini"
    assert "/etc/wsh/php/extensions.ini" in scanned
    assert (uid, ignore, word, line) == (world.uid("alice"), "1", "word", "line\n")


# releases

PUBLISHER = """
import http.server, os, ssl
class Handler(http.server.SimpleHTTPRequestHandler):
    def send_head(self):
        open('/srv/publisher.log', 'a').write(f"{self.path} {self.headers['Range']}\\n")
        return super().send_head()
os.chdir('/srv/publisher')
server = http.server.ThreadingHTTPServer(('127.0.0.1', 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/root/publisher.pem')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
MAKE_PUBLISHER = """
set -e
mkdir -p /srv/publisher
cd /root
openssl ecparam -name prime256v1 -genkey -noout -out key
openssl req -new -key key -subj /CN=publisher -out csr
echo subjectAltName=DNS:releases.example.net > ext
ca=/var/lib/wsh/ca/ca
openssl x509 -req -in csr -CA $ca.pem -CAkey $ca.key -days 2 -extfile ext -out crt 2>/dev/null
cat crt key > publisher.pem
cp /var/lib/wsh/ca/ca.pem /usr/local/share/ca-certificates/lab.crt
update-ca-certificates >/dev/null 2>&1
echo 127.0.0.1 releases.example.net >> /etc/hosts
systemd-run --quiet --unit=publisher python3 /root/publisher.py
for i in $(seq 100); do curl -sf https://releases.example.net:8443/ >/dev/null && exit 0; sleep 0.1; done
exit 1
"""


@pytest.fixture(scope="module")
def publisher(world: World) -> str:
    """A publisher of releases on the server itself, whose certificate the server trusts."""
    world.server.write("/root/publisher.py", PUBLISHER.encode())
    world.server.run(["sh", "-c", MAKE_PUBLISHER])
    return "https://releases.example.net:8443"


def release(world: World, place: Path, version: str) -> tuple[str, str]:
    built = toyapp.build(place, version)
    world.server.write(f"/srv/publisher/toyapp-{version}.zip", built.path.read_bytes())
    return f"toyapp-{version}.zip", built.sha256


def source(url: str, name: str, sha256: str) -> str:
    version = name.removeprefix("toyapp-").removesuffix(".zip")
    return f", source: {{version: '{version}', url: '{url}/{name}', sha256: '{sha256}', root: toyapp-{version}}}"


def test_a_release_is_fetched_once_and_kept_as_roots(world: World, publisher: str, tmp_path: Path) -> None:
    name, sha256 = release(world, tmp_path, "3.0")
    first, second = Toy(world, "first"), Toy(world, "second")
    for toy in (first, second):
        toy.describe(source(publisher, name, sha256))
        events = world.apply(accounts=[toy.account])
        assert toy.notes() == ["admin: Installed."]
        fetched = [e["text"] for e in events if e["type"] == "log" and "fetching" in e["text"]]
        assert fetched == ([f"fetching {publisher}/{name}"] if toy is first else [])
    asked = world.server.read("/srv/publisher.log").decode()
    assert asked.count(name) == 1
    kept = f"/var/cache/wsh/sha256/{sha256}"
    assert world.server.run(["stat", "-c", "%U %G %a", kept]).stdout == "root root 644\n"
    assert hashlib.sha256(world.server.read(kept)).hexdigest() == sha256
    assert world.server.run(["ls", "-A", "/var/cache/wsh/incoming"]).stdout == ""


def test_a_release_with_a_wrong_checksum_does_not_become_visible(world: World, publisher: str, tmp_path: Path) -> None:
    name, sha256 = release(world, tmp_path, "3.1")
    toy = Toy(world, "wrong")
    toy.describe(source(publisher, name, "f" * 64))
    error = failed(world, toy)
    assert error["code"] == "app.checksum"
    assert "f" * 64 in error["message"]
    assert sha256 in error["message"]
    assert (
        world.server.run(
            ["sh", "-c", f"ls -A /var/cache/wsh/incoming; ls /var/cache/wsh/sha256 | grep -c {'f' * 64}"],
            check=False,
        ).stdout
        == "0\n"
    )
    toy.describe(source(publisher, name, sha256))
    world.apply(accounts=["wrong"])
    assert toy.notes() == ["admin: Installed."]


def test_old_pieces_are_gone_on_with_or_given_up(world: World, publisher: str, tmp_path: Path) -> None:
    """What an earlier try left is completed; if that makes no right release it is fetched anew."""
    for version, piece in (("3.2", 100), ("3.3", None)):
        name, sha256 = release(world, tmp_path, version)
        data = world.server.read(f"/srv/publisher/{name}")
        incoming = f"/var/cache/wsh/incoming/{sha256}"
        world.server.write(incoming, data[:piece] if piece else b"something else")
        world.server.run(["chown", "wsh-fetch:", incoming])
        toy = Toy(world, "piece" + version[-1])
        toy.describe(source(publisher, name, sha256))
        world.apply(accounts=[toy.account])
        assert toy.notes() == ["admin: Installed."]


def test_a_publisher_that_cannot_be_reached_is_said(world: World, publisher: str) -> None:
    for url, why in (
        (publisher, "404"),
        ("https://releases.example.net:1", "refused"),
        ("https://nowhere.invalid", "not known"),
        ("https://127.0.0.1:8443", "certificate"),
    ):
        toy = Toy(world, "far")
        toy.describe(source(url, "toyapp-9.9.zip", "9" * 63 + "a"))
        error = failed(world, toy)
        assert error["code"] == "app.source"
        assert f"{url}/toyapp-9.9.zip could not be fetched: " in error["message"]
        assert why in error["message"], error


def test_who_fetches_can_do_nothing_else(world: World) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import agent.cache as c"
    script += "; print(*c.SANDBOX, sep='\\n')"
    properties = world.server.run(["python3", "-I", "-c", script, world.agent]).stdout.splitlines()
    look = (
        "id -un; cat /etc/shadow /etc/wsh/secrets/* /var/lib/wsh/ledger.db; ls /home/alice; "
        "cd /var/cache/wsh; for d in / /etc /usr /home /var/lib/wsh $PWD $PWD/sha256 $PWD/incoming; do "
        "touch $d/x && echo wrote $d && rm $d/x; done; unshare -Ur true && echo unshared"
    )
    world.server.run(["sh", "-c", "mkdir -p /var/cache/wsh/incoming; chown wsh-fetch: /var/cache/wsh/incoming"])
    done = world.server.run(
        [
            "systemd-run",
            "--quiet",
            "--pipe",
            "--wait",
            "--collect",
            *(f"--property={text}" for text in properties),
            "sh",
            "-c",
            look,
        ],
        check=False,
    )
    assert done.stdout.splitlines() == ["wsh-fetch", "wrote /var/cache/wsh/incoming"]


def test_debian_packages_are_fetched_by_apt_and_checked_against_its_signed_lists(world: World) -> None:
    world.server.run(["apt-get", "update", "-qq"], timeout=120)
    policy = world.server.run(["apt-cache", "policy", "hello"]).stdout
    version = next(line.split()[-1] for line in policy.splitlines() if "Candidate" in line)
    wanted = {"type": "debian", "packages": ["hello"], "version": version, "root": "usr"}
    (files, started), (again, none) = call(world, ("fetch", wanted, {}), ("fetch", wanted, {}))
    promised = world.server.run(["apt-cache", "show", f"hello={version}"]).stdout
    assert (
        files
        == again
        == [f"/var/cache/wsh/sha256/{next(x.split()[1] for x in promised.splitlines() if 'SHA256' in x)}"]
    )
    assert (started, none) == (2, 0)
    assert (
        world.server.run(["dpkg-deb", "--field", files[0], "Package", "Version"]).stdout
        == f"Package: hello\nVersion: {version}\n"
    )
    assert world.server.run(["dpkg", "-l", "hello"], check=False).returncode == 1, "it must never be installed"
    (error,) = call(world, ("fetch", {**wanted, "version": "1.0-none"}, {}))
    assert error["code"] == "app.source"
    assert "hello=1.0-none" in error["message"]
    assert "apt-cache policy hello" in error["hint"]
