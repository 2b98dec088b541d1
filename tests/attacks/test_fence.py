"""A fence that stands is not lifted: by no .htaccess, and by no header but the token's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks import defences
from tests.attacks.scene import Scene
from tests.lab.world import Answer
from wsh_core.agent import paths

pytestmark = pytest.mark.needs_machine("lab")

SITES = ("www", "st")
TOKEN = "0123456789abcdef" * 2
HEADER = "Wsh-Probe"


@pytest.fixture(autouse=True, scope="module", params=SITES)
def site(furnished: Scene, request: pytest.FixtureRequest) -> Iterator[str]:
    """A site of alice's whose fence stands, made of two files as the agent makes them."""
    furnished.put("page.html", "open", site=request.param)
    files = [f"{paths.FENCES}/alice-{request.param}{end}" for end in ("", f".{TOKEN}")]
    furnished.server.run(["touch", *files])
    yield request.param
    furnished.server.run(["rm", *files])


def is_shut(answer: Answer) -> bool:
    return answer.status == 503 and "being worked on" in answer.body and "open" not in answer.body


HTACCESS = {
    "off": "RewriteEngine Off\n",
    "other rules": 'RewriteEngine On\nRewriteOptions IgnoreInherit\nRewriteRule ".*" "-" [END]\n',
    "base": 'RewriteEngine On\nRewriteBase /\nRewriteRule "^x$" "page.html" [L]\n',
    "no error": "ErrorDocument 503 /page.html\n",
    "own error": 'ErrorDocument 503 "open"\n',
    "header": f"RequestHeader set {HEADER} {TOKEN}\n",
    "variable": f'SetEnvIf Request_URI ".*" HTTP_WSH_PROBE={TOKEN}\nSetEnv {HEADER} {TOKEN}\n',
    "handler": "SetHandler default-handler\nRequire all granted\n",
    "if": f'<If "true">\nRewriteEngine Off\nRequestHeader set {HEADER} {TOKEN}\n</If>\n',
    "fallback": "FallbackResource /page.html\nDirectoryIndex page.html\n",
    "redirect": 'RedirectMatch 302 "^/x$" "https://two.alice.test/"\n',
}


@pytest.mark.parametrize("name", HTACCESS)
def test_no_htaccess_lifts_it(scene: Scene, site: str, name: str) -> None:
    with scene.htaccess("", HTACCESS[name], site=site):
        for path in ("", "page.html", "x", "eval.php", "nothing"):
            assert is_shut(scene.get(path, site=site))


WRONG = (
    "", "0", "f" * 32, TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "*", "?" * 32, "[0-9a-f]{32}", "../alice-www",
    f"../fence/alice-two.{TOKEN}", f"{TOKEN}/", f" {TOKEN[1:]} ", f"{TOKEN}%00", f"{TOKEN}, {TOKEN}",
)  # fmt: skip


@pytest.mark.parametrize("token", WRONG)
def test_no_other_header_lifts_it(scene: Scene, site: str, token: str) -> None:
    assert is_shut(scene.get("page.html", "--header", f"{HEADER}: {token}", site=site))


@pytest.mark.parametrize(
    "options",
    [
        ["--header", f"{HEADER}: {TOKEN}", "--header", f"{HEADER}: {'f' * 32}"],
        ["--header", f"{HEADER.replace('-', '_')}: {TOKEN}"],
        ["--header", f"X-{HEADER}: {TOKEN}"],
        ["--cookie", f"{HEADER}={TOKEN}"],
        ["--path-as-is", "--request-target", "//page.html"],
        ["--request-target", "https://www.bob.test/page.html", "--http1.1"],
        ["--request", "PURGE"],
        ["--http1.1"],
    ],
    ids=" ".join,
)
def test_no_other_way_of_asking_lifts_it(scene: Scene, site: str, options: list[str]) -> None:
    answer = scene.get("page.html", *options, site=site)
    assert is_shut(answer) or answer.status in {400, 421}


def test_the_token_lifts_it_for_its_own_request_and_site(scene: Scene, site: str) -> None:
    other = {"www": "st", "st": "www"}[site]
    token = ("--header", f"{HEADER}: {TOKEN}")
    assert scene.get("page.html", *token, site=site).body == "open"
    assert is_shut(scene.get("page.html", site=site))
    fence = f"{paths.FENCES}/alice-{other}"
    scene.server.run(["touch", fence])
    try:
        assert is_shut(scene.get("page.html", *token, site=other))
    finally:
        scene.server.run(["rm", fence])


def test_the_fence_itself_is_out_of_reach(scene: Scene, site: str) -> None:  # noqa: ARG001
    """Nobody but root can list or make the files that it is made of."""
    for command in (
        ["ls", paths.FENCES],
        ["touch", f"{paths.FENCES}/bob-www"],
        ["rm", f"{paths.FENCES}/alice-www"],
    ):
        assert scene.world.as_account("alice", *command).returncode != 0


def test_control_a_fence_in_the_directory_is_lifted_by_htaccess(scene: Scene, site: str) -> None:
    with scene.htaccess("", HTACCESS["off"], site=site):
        assert is_shut(scene.get("page.html", site=site))
        with defences.fence_in_server_context(scene, f"alice-{site}"):
            assert scene.get("page.html", site=site).body == "open"
    with defences.fence_in_server_context(scene, f"alice-{site}"):
        assert is_shut(scene.get("page.html", site=site)), "the control took more away than it says"
