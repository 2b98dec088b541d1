"""T01 to T09: no .htaccess makes another account's PHP answer, or changes what PHP was told by root."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.attacks import defences
from tests.attacks.htaccess import ATTACKS, T03, T05, T06, WRONG_FILE, Attack
from tests.attacks.scene import MARK, REPORT, TAKEN, Scene, is_refused

pytestmark = pytest.mark.needs_machine("lab")


@pytest.fixture(scope="module")
def prepared(furnished: Scene) -> None:
    for attack in ATTACKS:
        attack.prepare(furnished)


@pytest.fixture
def scene(scene: Scene, prepared: None) -> Scene:  # noqa: ARG001
    return scene


def bobs_visitors_see(scene: Scene, what: str, times: int = 20) -> bool:
    return any(what in scene.world.get("https://www.bob.test/").body for _ in range(times))


# T01 to T06


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_bobs_php_is_not_reached(scene: Scene, attack: Attack) -> None:
    assert is_refused(scene.get(attack.url))
    assert not bobs_visitors_see(scene, TAKEN)


@pytest.mark.parametrize(
    "target",
    ["//t06/x1%0a", "/t06//x1%0a", "/./t06/x1%0a", "/%74%306/x1%0a", "/t06/x1%0a?/t06/x1", "t06/x1%0a", "*",
     "*/t06/x1%0a", "https://www.alice.test/t06/x1%0a", "https://www.bob.test/t06/x1%0a", "https://www.alice.test"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "TRACE"])
def test_no_spelling_of_the_address_slips_past_the_pin(scene: Scene, method: str, target: str) -> None:
    """It stands in a ``Location``, so it holds for what Apache takes for a path."""
    answer = scene.get("", "--http1.1", "--path-as-is", "--request", method, "--request-target", target)
    assert not any(trace in answer.body for trace in (MARK, TAKEN))
    assert not bobs_visitors_see(scene, TAKEN, times=2)


def test_bobs_log_tells_nothing_to_alice_and_hers_names_nobody(scene: Scene) -> None:
    for attack in ATTACKS:
        scene.get(attack.url)
    assert "bob" not in scene.log("alice/www-error.log")


STANDING = {
    "guard": defences.guard,
    "extensions": defences.extensions,
    "jail root": lambda scene: defences.jail_root(scene, "bob"),
    "mode of the home": lambda scene: defences.mode(scene, "/home/alice", "o+x"),
}


@pytest.mark.parametrize("kept", [None, *STANDING])
def test_control_bobs_php_runs_alices_files_if_nothing_stands_before_it(scene: Scene, kept: str | None) -> None:
    """Without any of them T01 to T04 work; each one that stays stops them alone (the extension: T03 only)."""
    works = {None: {*WRONG_FILE}, "extensions": {*WRONG_FILE} - {T03}}.get(kept, set())
    with ExitStack() as stack:
        for name, without in STANDING.items():
            if name != kept:
                stack.enter_context(without(scene))
        for attack in WRONG_FILE:
            answer = scene.get(attack.url)
            taken = f"{TAKEN} uid={scene.uids['bob']} {MARK} 0600" in answer.body
            assert taken == (attack in works), (attack.name, answer)
            assert taken or is_refused(answer)


def test_control_without_the_guard_bobs_php_answers_alice(scene: Scene) -> None:
    with defences.guard(scene):
        for attack in (T05, T06):
            answer = scene.get(attack.url)
            assert f"{MARK} report, uid {scene.uids['bob']}" in answer.body
            assert TAKEN not in answer.body, "the pin does not keep PHP_ADMIN_VALUE away"


def test_control_without_the_pin_alice_runs_code_as_bob_and_it_stays(scene: Scene) -> None:
    with defences.pin(scene):
        answer = scene.get(T06.url)
        assert f"{TAKEN} uid={scene.uids['bob']} {MARK} 0600" in answer.body
        assert bobs_visitors_see(scene, TAKEN)


# T07

OWN = 'SetEnv PHP_VALUE "memory_limit=77M"\nSetEnv PHP_ADMIN_VALUE "open_basedir=/home:/usr/lib/wsh"\n'
SETTINGS = "array_map('ini_get', ['memory_limit', 'open_basedir', 'auto_prepend_file', 'allow_url_include'])"


def test_php_settings_from_a_request_have_no_effect_and_do_not_stay(scene: Scene) -> None:
    before = scene.value(SETTINGS)
    with scene.htaccess("", OWN):
        assert scene.value(SETTINGS) == before
        assert scene.value(SETTINGS, site="two") == before


def test_control_without_the_pin_settings_are_changed_and_stay(scene: Scene) -> None:
    before = scene.value(SETTINGS)
    with defences.pinned_settings(scene), scene.htaccess("", OWN):
        assert scene.value(SETTINGS)[:2] == ["77M", "/home:/usr/lib/wsh"]
        assert any(scene.value(SETTINGS, site="two") != before for _ in range(20))


# T08

CALLED_BOB = """\
RewriteEngine On
RewriteRule "^x$" "ADDRESS" [P]
{open}
ProxyFCGISetEnvIf "true" WSH_UID "BOB"
{close}
"""
PLACES = {"top": ("", ""), "if": ('<If "true">', "</If>"), "files": ('<FilesMatch ".*">', "</FilesMatch>")}


def called_bob(scene: Scene, place: str) -> str:
    text = CALLED_BOB.format(open=PLACES[place][0], close=PLACES[place][1])
    address = scene.handler("bob").removeprefix("proxy:") + REPORT
    return text.replace("ADDRESS", address).replace("BOB", str(scene.uids["bob"]))


@pytest.mark.parametrize("place", PLACES)
def test_an_account_does_not_call_itself_another(scene: Scene, place: str) -> None:
    said = "/home/alice/sites/www/app/t08/.htaccess: ProxyFCGISetEnvIf not allowed"
    with scene.htaccess("t08", called_bob(scene, place)):
        before = scene.log("alice/www-error.log").count(said)
        answer = scene.get("t08/x")
    assert is_refused(answer)
    assert answer.status == 500
    assert scene.log("alice/www-error.log").count(said) == before + 1
    elsewhere = ["/var/log/apache2/error.log", "/var/log/wsh/bob/www-error.log", "/var/log/wsh/bob/php.log"]
    assert not any("ProxyFCGISetEnvIf" in scene.server.read(log).decode() for log in elsewhere)


def test_control_without_the_list_an_account_calls_itself_another(scene: Scene) -> None:
    """In ``<If>``, which Apache applies last; elsewhere the pin comes after it."""
    with defences.override_list(scene), scene.htaccess("t08", called_bob(scene, "if")):
        assert MARK in scene.get("t08/x").body


# T09

SPOOFS = {
    "SetEnv": "SetEnv WSH_UID BOB",
    "SetEnvIf": 'SetEnvIf Request_URI ".*" WSH_UID=BOB',
    "SetEnvIfExpr": 'SetEnvIfExpr "true" WSH_UID=BOB',
    "rule": 'RewriteRule ".*" "-" [E=WSH_UID:BOB]',
    "small letters": "SetEnv wsh_uid BOB",
    "header": "RequestHeader set WSH-UID BOB\nRequestHeader set WSH_UID BOB",
    "nothing": "",
}
ENVIRONMENT = ("SetEnv", "SetEnvIf", "SetEnvIfExpr", "rule")
"""They set what PHP is told: the pin alone stands before them. No header or parameter ever gets that name."""


def spoofed(scene: Scene, spoof: str) -> str:
    address = scene.handler("bob").removeprefix("proxy:") + REPORT
    lines = f'RewriteEngine On\n{SPOOFS[spoof]}\nRewriteRule "^x$" "{address}" [P]\n'
    return lines.replace("BOB", str(scene.uids["bob"]))


@pytest.mark.parametrize("spoof", SPOOFS)
def test_the_uid_is_not_spoofed(scene: Scene, spoof: str) -> None:
    uid = scene.uids["bob"]
    sent = ("--header", f"WSH_UID: {uid}", "--header", f"WSH-UID: {uid}", "--cookie", f"WSH_UID={uid}")
    query = f"?WSH_UID={uid}&_SERVER%5BWSH_UID%5D={uid}"
    scene.put("t09/own.php", "<?php echo 'own uid ', posix_getuid(), ' ', $_SERVER['WSH_UID'] ?? 'none';")
    with scene.htaccess("t09", spoofed(scene, spoof)):
        assert is_refused(scene.get(f"t09/x{query}", *sent))
        own = scene.get(f"t09/own.php{query}", *sent)
    if spoof == "small letters":  # Apache then has the pin under the name that came first: closed, also to its owner
        assert is_refused(own)
    else:
        assert (own.status, own.body) == (200, f"own uid {scene.uids['alice']} none")


def test_control_without_the_pin_the_uid_is_spoofed(scene: Scene) -> None:
    with defences.pin(scene):
        for spoof in SPOOFS:
            with scene.htaccess("t09", spoofed(scene, spoof)):
                assert (MARK in scene.get("t09/x").body) == (spoof in ENVIRONMENT), spoof


OWN_GUARD = "auto_prepend_file = /home/alice/sites/www/app/t09/mine.php\n"


def page_of_own_guard(scene: Scene) -> str:
    scene.put("t09/mine.php", "<?php echo 'MINE ';")
    scene.put("t09/.user.ini", OWN_GUARD)
    scene.put("t09/page.php", "<?php echo 'page';")
    scene.stop_php()
    return scene.get("t09/page.php").body


def test_the_guard_is_not_replaced_by_user_ini(scene: Scene) -> None:
    assert page_of_own_guard(scene) == "page"


def test_control_a_guard_that_is_not_roots_is_replaced(scene: Scene) -> None:
    with defences.prepended_for_good(scene):
        assert page_of_own_guard(scene) == "MINE page"
