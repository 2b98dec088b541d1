"""WordPress as its administrator and its visitors meet it: two in one account, a third next door."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .blog import Blog
from .world import Answer, Event, World, changes

pytestmark = pytest.mark.needs_machine("root", "namespaces")
CONFIGS = ("wp-config.php", "wsh-config.php")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
TRY = """<?php
mysqli_report(MYSQLI_REPORT_OFF);
function opens($user, $database) {
    return (int) (bool) @mysqli_connect('localhost', $user, '', $database, 0, '/run/mysqld/mysqld.sock');
}
echo json_encode([
    opens('bob', 'bob_blog'), opens('bob', 'alice_blog'), opens('alice', 'alice_blog'),
    opens('root', 'mysql'),
]);
"""
WATCH = """
import os, time
seen = set()
while not os.path.exists("/root/over"):
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        for file in ("cmdline", "environ"):
            try:
                seen.add(open(f"/proc/{pid}/{file}", "rb").read())
            except OSError:
                pass
    time.sleep(0.01)
open("/root/seen.new", "wb").write(b"\\n".join(seen))
os.rename("/root/seen.new", "/root/seen")
"""


class Installed:
    """The world after its first apply, and what was seen while that ran."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.blog, self.shop = Blog(world, "alice"), Blog(world, "alice", "shop")
        self.bobs = Blog(world, "bob")
        world.account("alice", {
            "blog": self.blog.yaml(), "shop": self.shop.yaml(),
            "old": "domains: [old.alice.example.org], app: static",
            "tool": "domains: [tool.alice.example.org], app: php",
        })  # fmt: skip
        world.account("bob", {"blog": self.bobs.yaml()})
        with watched_processes(world), ThreadPoolExecutor(1) as executor:
            applying = executor.submit(world.apply)
            self.answers: list[Answer] = []
            while not applying.done():
                self.answers.append(self.blog.get("/", "--insecure"))
        self.events: list[Event] = applying.result()

    def blogs(self) -> list[Blog]:
        return [self.blog, self.shop, self.bobs]


@contextmanager
def watched_processes(world: World) -> Iterator[None]:
    """Keep what processes show of themselves meanwhile in /root/seen."""
    world.server.run(["rm", "-f", "/root/over", "/root/seen"])
    world.server.write("/root/watch.py", WATCH)
    world.server.run(["systemd-run", "--quiet", "--collect", "--unit=watch", "python3", "/root/watch.py"])
    try:
        yield
    finally:
        wait = "touch /root/over; for i in $(seq 300); do [ -e /root/seen ] && exit; sleep 0.1; done; exit 1"
        world.server.run(["sh", "-c", wait])


@pytest.fixture(scope="module")
def installed(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(World(wsh_server, tmp_path_factory.mktemp("description")))


# visitors


def test_nobody_sees_a_site_before_it_is_whole(installed: Installed) -> None:
    """Apache's default answer, then the fence, then the site: never the installer, never half a page."""
    statuses = [answer.status for answer in installed.answers]
    assert list(dict.fromkeys(statuses)) in ([421, 503], [421, 503, 200]), statuses
    for answer in installed.answers:
        assert answer.status != 503 or "worked on" in answer.body
        assert answer.status != 200 or f"<title>{installed.blog.title}</title>" in answer.body


def test_each_front_page_is_its_own(installed: Installed) -> None:
    for blog in installed.blogs():
        page = blog.get()
        assert (page.status, page.version) == (200, "HTTP/2")
        assert blog.shown_title() == blog.title
        assert 'name="generator" content="WordPress ' in page.body
    world = installed.world
    world.put("alice", "old/app/index.html", "old and still")
    world.put("alice", "tool/app/index.php", "<?php echo 6 * 7;")
    assert world.get("https://old.alice.example.org/").body == "old and still"
    assert world.get("https://tool.alice.example.org/").body == "42"


def test_it_is_tls_1_3_with_a_certificate_that_holds(installed: Installed) -> None:
    for blog in installed.blogs():
        said = s_client(installed.world, blog.domain, "-tls1_3", "-alpn", "h2")
        assert "Verify return code: 0 (ok)" in said
        assert "New, TLSv1.3" in said
        assert "ALPN protocol: h2" in said
    assert "verify error" in s_client(installed.world, "else.example.org", "-tls1_3", check=False)


def s_client(world: World, name: str, *options: str, check: bool = True) -> str:
    argv = [
        "openssl", "s_client", "-connect", f"{world.server.address}:443", "-servername", name,
        "-verify_hostname", name, "-verify_return_error", "-CAfile", str(world.ca()), *options,
    ]  # fmt: skip
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert not check or done.returncode == 0, said
    return said


# the administrator


def test_only_the_password_that_the_server_made_lets_in(installed: Installed) -> None:
    for blog in installed.blogs():
        wrong = blog.login(blog.secret()[::-1])
        assert (wrong.status, "login_error" in wrong.body) == (200, True)
        assert blog.as_admin("/wp-admin/").status == 302
        answer = blog.login(blog.secret())
        assert (answer.status, answer.headers["location"]) == (302, f"{blog.url}/wp-admin/")
        assert "Dashboard" in blog.as_admin("/wp-admin/").body
        me = blog.rest("/wp/v2/users/me?context=edit")
        assert (me["username"], me["roles"]) == (blog.account, ["administrator"])
    assert len({blog.secret() for blog in installed.blogs()}) == 3


def test_a_post_is_written_with_the_cookie_and_read_by_a_stranger(installed: Installed) -> None:
    blog, shop = installed.blog, installed.shop
    blog.login(blog.secret())
    path = blog.write("Grüße & <b>more</b>", "<p>Written by the cookie.</p>")
    assert re.fullmatch(r"/[a-z0-9-]+/", path)
    page = blog.get(path)
    assert (page.status, "Written by the cookie." in page.body) == (200, True)
    assert "Grüße &#038; " in page.body
    assert shop.get(path).status == 404
    assert "Written by the cookie." not in shop.get().body


def test_a_post_is_written_with_an_application_password(installed: Installed) -> None:
    """The password comes in the request's head, which Apache has to hand on (CGIPassAuth)."""
    blog = installed.shop
    blog.login(blog.secret())
    made = blog.rest("/wp/v2/users/me/application-passwords", data={"name": "a client"})
    post = {"title": "From a client", "content": "Written without a cookie.", "status": "publish"}
    assert blog.rest_with_password("wrong", "/wp/v2/posts", post).status == 401
    answer = blog.rest_with_password(made["password"], "/wp/v2/posts", post)
    assert answer.status == 201
    assert "Written without a cookie." in blog.get("/from-a-client/").body
    other = installed.blog.rest_with_password(made["password"], "/wp/v2/posts", post)
    assert other.status == 401


def test_an_upload_is_scaled_and_served(installed: Installed, tmp_path: Path) -> None:
    blog = installed.blog
    blog.login(blog.secret())
    picture = tmp_path / "pixel.png"
    picture.write_bytes(PIXEL)
    head = ("-H", "Content-Type: image/png", "-H", "Content-Disposition: attachment; filename=pixel.png")
    media = blog.rest("/wp/v2/media", *head, "--data-binary", f"@{picture}")
    assert (media["media_details"]["width"], media["media_details"]["height"]) == (1, 1)
    answer = blog.get(media["source_url"].removeprefix(blog.url))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")


def test_health_as_the_administrators_browser_finds_it(installed: Installed) -> None:
    """The tests that WordPress runs over HTTP, with the browser's own cookies; the network is closed here."""
    blog = installed.blog
    blog.login(blog.secret())
    tests = ("background-updates", "dotorg-communication", "https-status", "loopback-requests")
    base = "/wp-site-health/v1/tests/"
    found = {name: blog.rest(base + name)["status"] for name in tests}
    found["authorization-header"] = blog.rest(f"{base}authorization-header", "--user", "user:pwd")["status"]
    critical = {name for name, status in found.items() if status == "critical"}
    assert critical <= {"background-updates", "dotorg-communication"}
    assert {found[n] for n in ("https-status", "loopback-requests", "authorization-header")} == {"good"}


# secrets


def test_configuration_is_closed_to_visitors_and_to_the_web_server(installed: Installed) -> None:
    server = installed.world.server
    reader = ["setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "cat"]
    for blog in installed.blogs():
        assert server.run([*reader, f"{blog.tree}/wp-login.php"], check=False).returncode == 0
        for file in CONFIGS:
            assert blog.get(f"/{file}").status == 403
            refused = server.run([*reader, f"{blog.tree}/{file}"], check=False)
            assert (refused.returncode, refused.stdout) == (1, "")
            assert "Permission denied" in refused.stderr
            stat = server.run(["stat", "-c", "%U %a", f"{blog.tree}/{file}"]).stdout
            assert stat == f"{blog.account} 600\n"


def test_there_is_no_password_in_the_configuration(installed: Installed) -> None:
    for blog in installed.blogs():
        text = "".join(installed.world.server.read(f"{blog.tree}/{file}").decode() for file in CONFIGS)
        assert re.findall(r"DB_PASSWORD'?\s*,\s*'(.*?)'", text) == [""]
        assert blog.secret() not in text
        assert blog.secret("auth-key") in text


def test_secrets_are_where_they_must_be_and_nowhere_else(installed: Installed) -> None:
    """Not in events, logs, the journal, the ledger, an address of a process, nor any other file."""
    world = installed.world
    names = world.server.run(["find", "/etc/wsh/secrets", "-type", "f", "-printf", "%P %m %U\n"]).stdout
    rows = [row.split(" ") for row in names.splitlines()]
    assert len(rows) == 3 * 9
    assert {(mode, uid) for _, mode, uid in rows} == {("600", "0")}
    values = {world.server.read(f"/etc/wsh/secrets/{name}").decode(): name for name, _, _ in rows}
    assert len(values) == len(rows)
    said = json.dumps(installed.events) + json.dumps(world.plan())
    seen = world.server.run_bytes(["cat", "/root/seen"]).stdout
    assert b"install.php" in seen or b"shim.php" in seen, "no step was ever seen, so nothing is shown"
    assert not [name for value, name in values.items() if value in said or value.encode() in seen]
    world.server.write("/root/values", "\n".join(values), mode=0o600)
    journal = "journalctl --no-pager --output=export | grep -cFf /root/values"
    assert world.server.run(["sh", "-c", journal], check=False).stdout == "0\n"
    places = ["/etc", "/home", "/opt", "/run", "/srv", "/tmp", "/usr/lib/wsh", "/var"]
    found = world.server.run(["grep", "-rlaFf", "/root/values", *places], check=False).stdout.splitlines()
    trees = [blog.tree for blog in installed.blogs()]
    trees += [tree.replace("/home", "/run/wsh/web") for tree in trees]  # as Apache sees them
    assert sorted(found) == sorted(
        [f"/etc/wsh/secrets/{name}" for name in values.values()] + [f"{tree}/wsh-config.php" for tree in trees]
    )


# the database


def test_a_database_opens_to_its_own_account_alone(installed: Installed) -> None:
    world = installed.world

    def sql(account: str, *argv: str) -> subprocess.CompletedProcess[str]:
        return world.as_account(account, "mariadb", "-NB", *argv)

    names = "SELECT GROUP_CONCAT(user_login) FROM alice_blog.wp_users"
    assert sql("alice", "-e", names).stdout == "alice\n"
    for argv in (("-e", names), ("-u", "alice", "-e", names), ("alice_blog", "-e", "SELECT 1")):
        refused = sql("bob", *argv)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert re.search("ERROR (1044|1045|1142|1698)", refused.stderr)
    shown = {account: sql(account, "-e", "SHOW DATABASES").stdout.split() for account in ("alice", "bob")}
    assert shown == {
        "alice": ["alice_blog", "alice_shop", "alice_tool", "information_schema"],
        "bob": ["bob_blog", "information_schema"],
    }


def test_php_of_the_neighbour_gets_in_by_no_name(installed: Installed) -> None:
    """Bob's own WordPress reads its database without a password; the same door is shut for alice's."""
    world = installed.world
    world.put("bob", "blog/app/try.php", TRY)
    assert json.loads(installed.bobs.get("/try.php").body) == [1, 0, 0, 0]


def test_a_second_apply_changes_nothing(installed: Installed) -> None:
    """Last, after all that was written here."""
    events = installed.world.apply()
    assert changes(events) == {}
    for blog in installed.blogs():
        assert blog.shown_title() == blog.title
