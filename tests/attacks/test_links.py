"""T13: no link, and no path, leads Apache out of a document root."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks import defences
from tests.attacks.scene import BOB_HOME, MARK, REFUSED, Scene, is_refused

pytestmark = pytest.mark.needs_machine("lab")

OTHERS = {
    "notes": (f"{BOB_HOME}/notes.txt", "notes", f"{MARK} 0640"),
    "bob": (BOB_HOME, "bob/notes.txt", f"{MARK} 0640"),
    "relative": ("../../../../bob/sites/www/notes.txt", "relative", f"{MARK} 0640"),
    "passwd": ("/etc/passwd", "passwd", "root:x:0:0"),
    "etc": ("/etc", "etc/passwd", "root:x:0:0"),
    "root": ("/", "root/etc/passwd", "root:x:0:0"),
    "ca": ("/var/lib/wsh/ca/ca.pem", "ca", "CERTIFICATE"),
}
"""Links by name: where they lead, what is asked for, and what it would show."""
HIDDEN = {"ca"}
"""Apache's namespace does not have it, whatever follows links."""


@pytest.fixture(autouse=True, scope="module", params=["www", "st"])
def site(furnished: Scene, request: pytest.FixtureRequest) -> Iterator[str]:
    tree = f"/home/alice/sites/{request.param}/app"
    commands = [["ln", "-s", target, f"{tree}/{name}"] for name, (target, _, _) in OTHERS.items()]
    furnished.put("page.txt", "a page of her own", site=request.param)
    furnished.world.put("alice", f"{request.param}/rules", "Header set X-Followed yes\nRequire all granted\n")
    furnished.put("linked/page.txt", "below a link", site=request.param)
    commands += [
        ["ln", "-s", f"{tree}/page.txt", f"{tree}/own"],
        ["ln", "-s", "../../rules", f"{tree}/linked/.htaccess"],
    ]
    for command in commands:
        assert furnished.world.as_account("alice", *command).returncode == 0
    yield request.param
    for command in commands:
        furnished.world.as_account("alice", "rm", command[-1])


@pytest.mark.parametrize("name", OTHERS)
def test_a_link_out_of_the_site_is_refused(scene: Scene, site: str, name: str) -> None:
    _, path, secret = OTHERS[name]
    answer = scene.get(path, site=site)
    assert is_refused(answer)
    assert secret not in answer.body


def test_links_are_not_followed_to_an_accounts_own_files_either(scene: Scene, site: str) -> None:
    assert scene.get("page.txt", site=site).body == "a page of her own"
    assert scene.get("own", site=site).status == 403


def test_a_htaccess_that_is_a_link_closes_its_directory(scene: Scene, site: str) -> None:
    answer = scene.get("linked/page.txt", site=site)
    assert answer.status in REFUSED
    assert "x-followed" not in answer.headers
    assert "below a link" not in answer.body


@pytest.mark.parametrize("path", [f"{BOB_HOME}/notes.txt", "/etc/passwd"])
def test_a_rewritten_path_stays_in_the_site(scene: Scene, site: str, path: str) -> None:
    rules = f'RewriteEngine On\nRewriteRule "^a$" "{path}"\nRewriteRule "^b$" "{"../" * 9}{path[1:]}"\n'
    with scene.htaccess("paths", rules, site=site):
        for name in ("a", "b"):
            answer = scene.get(f"paths/{name}", site=site)
            assert answer.status in REFUSED | {400}
            assert MARK not in answer.body
            assert "root:x:0:0" not in answer.body


EXPRESSIONS = {
    "header": 'Header set X-Text "expr=%{file:FILE}"',
    "error": 'ErrorDocument 404 "%{file:FILE}"',
    "if": "<If \"file('FILE') =~ /BOB/\">\nHeader set X-Text yes\n</If>",
    "rewrite": "RewriteEngine On\nRewriteCond expr \"file('FILE') =~ /BOB/\"\nRewriteRule ^ - [F]",
    "environment": "SetEnvIfExpr \"file('FILE') =~ /BOB/\" FOUND=1\nHeader set X-Text yes env=FOUND",
    "require": "Require expr \"file('FILE') =~ /BOB/\"",
    "redirect": '<If "true">\nRedirect 302 "/%{file:FILE}"\n</If>',
    "include": "Include FILE",
    "password": "AuthType Basic\nAuthName x\nAuthUserFile FILE\nRequire valid-user",
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_no_directive_reads_a_file_for_alice(scene: Scene, site: str, name: str) -> None:
    with scene.htaccess("read", EXPRESSIONS[name].replace("FILE", f"{BOB_HOME}/notes.txt") + "\n", site=site):
        answer = scene.get("read/nothing", site=site)
    assert answer.status in REFUSED | {401}
    assert MARK not in f"{answer.headers}{answer.body}"
    assert "x-text" not in answer.headers
    assert MARK not in scene.log(f"alice/{site}-error.log")


def test_control_where_links_are_followed_they_lead_anywhere(scene: Scene, site: str) -> None:
    with defences.nosymfollow(scene):
        for name, (_, path, secret) in OTHERS.items():
            assert (secret in scene.get(path, site=site).body) == (name not in HIDDEN), name
        assert scene.get("linked/page.txt", site=site).headers["x-followed"] == "yes"
