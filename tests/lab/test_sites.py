"""Sites of each kind as a browser meets them: what is served, what is not, what .htaccess can do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from wsh_lab import Server

from tests.lab.world import World

TOKEN = "0123456789abcdef" * 2
SITE_HEALTH = Path(__file__).with_name("site-health.php")


@pytest.fixture(scope="module")
def world(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(wsh_server, tmp_path_factory.mktemp("description"))
    world.account("alice", {
        "blog": "domains: [blog.example.org, www.blog.example.org], app: wordpress, "
        "options: {title: 'A \"b\" <&>'}",
        "php": "domains: [php.example.org], app: php, php: {memory_limit: 333M}",
        "old": "domains: [old.example.org], app: static",
    })  # fmt: skip
    world.apply()
    return world


@pytest.fixture
def fence(world: World) -> Iterator[None]:
    files = [f"/var/lib/wsh/fence/alice-blog{end}" for end in ("", f".{TOKEN}")]
    world.server.run(["touch", *files])
    yield
    world.server.run(["rm", *files])


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://blog.example.org/a?b=c", "https://blog.example.org/a?b=c"),
        ("http://www.blog.example.org/a", "https://blog.example.org/a"),
        ("https://www.blog.example.org/a?b=c", "https://blog.example.org/a?b=c"),
    ],
)
def test_all_ways_lead_to_the_canonical_domain(world: World, url: str, target: str) -> None:
    answer = world.get(url)
    assert (answer.status, answer.headers["location"]) == (301, target)


def test_wordpress_is_there(world: World) -> None:
    page = world.get("https://blog.example.org/")
    assert (page.status, page.version) == (200, "HTTP/2")
    assert "<title>A &quot;b&quot; &lt;&amp;&gt;</title>" in page.body
    assert world.get("https://blog.example.org/hello-world/").status == 200
    for path in ("/nowhere", "/nowhere.php"):
        answer = world.get(f"https://blog.example.org{path}")
        assert answer.status == 404
        assert "Page not found" in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/wp-config.php", "//wp-config.php", "/wp-config.php/x", "/%77p-config.php", "/wsh-config.php",
        "/wp-includes/version.php", "/wp-admin/includes/file.php", "/wp-admin/install.php", "/.htaccess",
        "/readme.html", "/wp-content/uploads/x.php", "/wp-content/uploads/a/x.phtml",
        "/wp-content/uploads/x.php/y",
    ],
)  # fmt: skip
def test_what_no_browser_has_business_with(world: World, path: str) -> None:
    assert world.get(f"https://blog.example.org{path}", "--path-as-is").status == 403


def test_wordpress_finds_nothing_wrong_but_the_closed_network(world: World) -> None:
    world.put("alice", "blog/app/health.php", SITE_HEALTH.read_text(encoding="utf-8"))
    found = json.loads(world.get("https://blog.example.org/health.php").body)
    critical = {name for name, result in found.items() if result["status"] == "critical"}
    assert critical <= {"dotorg_communication", "background_updates"}
    assert len(found) > 20
    assert found["loopback_requests"]["status"] == "good"


@pytest.mark.usefixtures("fence")
def test_a_fence_opens_to_its_token_alone(world: World) -> None:
    shut = world.get("https://blog.example.org/")
    assert (shut.status, shut.headers["retry-after"]) == (503, "120")
    assert world.get("https://blog.example.org/wp-includes/js/jquery/jquery.min.js").status == 503
    for wrong in ("f" * 32, TOKEN[:31], TOKEN.upper(), "../alice-blog", ""):
        assert world.get("https://blog.example.org/", "--header", f"Wsh-Probe: {wrong}").status == 503
    assert world.get("https://blog.example.org/", "--header", f"Wsh-Probe: {TOKEN}").status == 200
    assert world.get("https://php.example.org/", "--header", f"Wsh-Probe: {TOKEN}").status != 503


@pytest.mark.usefixtures("fence")
def test_no_htaccess_opens_a_fence(world: World) -> None:
    world.put(
        "alice",
        "blog/app/.htaccess",
        "RewriteEngine Off\nErrorDocument 503 open\nFallbackResource disabled\n",
    )
    try:
        answer = world.get("https://blog.example.org/")
        assert (answer.status, "worked on" in answer.body) == (503, True)
    finally:
        world.server.run(["rm", "/home/alice/sites/blog/app/.htaccess"])


@pytest.mark.parametrize("name", ["a.php", "a.PHP", "a.phtml", "a.inc", "a.cgi"])
def test_a_static_site_neither_runs_nor_shows_programs(world: World, name: str) -> None:
    world.put("alice", f"old/app/{name}", "<?php echo 'RAN'; // SOURCE", "0750")
    answer = world.get(f"https://old.example.org/{name}")
    assert answer.status == 403
    assert "RAN" not in answer.body
    assert "SOURCE" not in answer.body


def test_a_static_site_reaches_no_php_by_htaccess(world: World) -> None:
    socket = f"proxy:unix:/run/wsh/fpm/php84-{world.uid('alice')}.sock|fcgi://localhost"
    world.put("alice", "old/app/.htaccess", f'<FilesMatch "x$">\nSetHandler "{socket}"\n</FilesMatch>\n')
    world.put("alice", "old/app/x", "<?php echo 'RAN';")
    try:
        answer = world.get("https://old.example.org/x")
        assert (answer.status, "RAN" in answer.body) == (403, False)
    finally:
        world.server.run(["rm", "/home/alice/sites/old/app/.htaccess"])


def php(world: World, code: str, url: str = "https://php.example.org/x.php", *options: str) -> str:
    world.put("alice", "php/app/x.php", f"<?php {code}")
    answer = world.get(url, *options)
    assert answer.status == 200, answer
    return answer.body


def test_php_has_the_settings_of_its_site_for_good(world: World) -> None:
    code = "ini_set('memory_limit', '1G'); echo ini_get('memory_limit');"
    world.put("alice", "php/app/.user.ini", "memory_limit = 2G\n")
    assert php(world, code) == "333M"


def test_php_sees_what_stands_behind_its_name_and_the_credentials(world: World) -> None:
    url = "https://php.example.org/x.php/a/b.php?c=d"
    code = "echo json_encode([$_SERVER['PATH_INFO'], $_SERVER['SCRIPT_NAME'], $_SERVER['HTTP_AUTHORIZATION']]);"
    assert json.loads(php(world, code, url, "--user", "a:b")) == ["/a/b.php", "/x.php", "Basic YTpi"]


@pytest.mark.parametrize(
    "path", [".env", ".git/config", "a/.git/config", "a/.hidden", ".well-known/.x", ".well-knownx/a"]
)
def test_files_whose_names_begin_with_a_dot_are_nobodys_business(world: World, path: str) -> None:
    world.as_account("alice", "mkdir", "-p", str(Path(f"/home/alice/sites/php/app/{path}").parent))
    world.put("alice", f"php/app/{path}", "HIDDEN")
    answer = world.get(f"https://php.example.org/{path}", "--path-as-is")
    assert (answer.status, "HIDDEN" in answer.body) == (403, False)


def test_what_is_well_known_is_served_and_addresses_may_begin_with_a_dot(world: World) -> None:
    world.as_account("alice", "mkdir", "-p", "/home/alice/sites/php/app/.well-known")
    world.put("alice", "php/app/.well-known/security.txt", "here")
    assert world.get("https://php.example.org/.well-known/security.txt").body == "here"
    assert php(world, "echo $_SERVER['PATH_INFO'];", "https://php.example.org/x.php/dav/.file") == "/dav/.file"


def test_what_is_no_php_is_never_run_as_such(world: World) -> None:
    world.put("alice", "php/app/x.jpg", "<?php echo 'RAN';")
    answer = world.get("https://php.example.org/x.jpg/foo.php")
    assert (answer.status, "RAN" in answer.body) == (404, False)


@pytest.mark.parametrize(
    "htaccess",
    [
        '<FilesMatch "\\.php$">\nSetHandler none\n</FilesMatch>\n',
        "SetHandler Drupal_2006\n<Files *>\nSetHandler Drupal_2013\n</Files>\nOptions -Indexes -ExecCGI",
        '<FilesMatch "\\.php$">\nRequire all denied\n</FilesMatch>\n',
    ],
)  # fmt: skip
def test_htaccess_can_switch_php_off(world: World, htaccess: str) -> None:
    assert php(world, "echo 'RAN', 'NING';") == "RANNING"
    world.put("alice", "php/app/.htaccess", htaccess)
    try:
        assert "RANNING" not in world.get("https://php.example.org/x.php").body
    finally:
        world.server.run(["rm", "/home/alice/sites/php/app/.htaccess"])


def test_sessions_outlive_the_runtime(world: World, tmp_path: Path) -> None:
    jar = str(tmp_path / "jar")
    code = "session_start(); echo ++$_SESSION['n'];"
    url = "https://php.example.org/x.php"
    assert re.search("1$", php(world, code, url, "--cookie-jar", jar))
    world.server.run(["systemctl", "stop", f"wsh-php84-{world.uid('alice')}.service"])
    assert re.search("2$", php(world, code, url, "--cookie", jar, "--cookie-jar", jar))


def test_an_account_reaches_its_own_sites_by_their_names(world: World) -> None:
    code = "foreach (['blog.example.org', 'old.example.org'] as $n) echo gethostbyname($n), ' ';"
    assert php(world, code) == "127.0.0.1 127.0.0.1 "
