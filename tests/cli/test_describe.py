"""init, check, schema, plugin, and the lists: what needs no server."""

from __future__ import annotations

import json
import sys

import pytest

from tests.cli.conftest import ALICE, write
from tests.cli.test_apply import envelope
from wsh_core.errors import ExitStatus


def test_init_makes_a_description_that_passes_check(wsh, tmp_path):
    done = wsh("init", str(tmp_path / "new"), "--server", "web7", "--address", "web7.example.org", "--debian", "12")
    assert done.status == ExitStatus.OK, done.err
    checked = wsh("-C", str(tmp_path / "new"), "check")
    assert checked.status == ExitStatus.OK
    assert checked.out.startswith("ok: 3 files, 1 server, 1 account, 1 site (")
    assert "debian: 12" in (tmp_path / "new/servers/web7/server.yaml").read_text()
    ids = {(tmp_path / name / "wsh.yaml").read_text().partition("description: ")[2][:36] for name in ("new",)}
    wsh("init", str(tmp_path / "other"))
    ids.add((tmp_path / "other/wsh.yaml").read_text().partition("description: ")[2][:36])
    assert len(ids) == 2


def test_init_overwrites_nothing(wsh, description):
    before = (description / "wsh.yaml").read_text()
    done = wsh("init", str(description))
    assert done.status == ExitStatus.CONFIG
    assert "error[config.exists]" in done.err
    assert (description / "wsh.yaml").read_text() == before


@pytest.mark.parametrize(
    "words", [("--server", "Web 1"), ("--server", "../x"), ("--address", "a b"), ("--debian", "11")]
)
def test_init_refuses_what_cannot_be(wsh, tmp_path, words):
    assert wsh("init", str(tmp_path / "new"), *words).status == ExitStatus.USAGE
    assert not (tmp_path / "new").exists()


def test_check_tells_all_errors_at_once_with_places_and_excerpts(wsh, description):
    write(description, "servers/web1/accounts/bob.yaml", "name: Bob\npackage: smal\nsites: three\n")
    write(description, "servers/web1/accounts/alice.yaml", ALICE + "  b: {domains: [no domain], app: statik}\n")
    done = wsh("check")
    assert done.status == ExitStatus.CONFIG
    for place in ("alice.yaml:8:17  sites.b.domains.0", "bob.yaml:2:10  package", "bob.yaml:3:8  sites"):
        assert f"  --> servers/web1/accounts/{place}" in done.out
    assert "8 |   b: {domains: [no domain], app: statik}\n  |                 ^^^^^^^^^" in done.out
    assert "2 accounts would be held: alice, bob" in done.out
    assert done.err == ""
    assert envelope(wsh("check", "--json"))["data"]["held"] == ["alice", "bob"]


def test_check_says_when_nothing_could_be_done(wsh, description):
    write(description, "wsh.yaml", "packages: {}\n")
    done = wsh("check")
    assert "wsh.yaml is every account's: apply would do nothing." in done.out
    assert wsh("plan").status == ExitStatus.CONFIG


def test_check_finds_a_plugin_that_is_not_installed(wsh, description):
    write(description, "wsh.yaml", (description / "wsh.yaml").read_text().replace("[]", "[ghost]"))
    codes = [error["code"] for error in envelope(wsh("check", "--json"))["errors"]]
    assert codes == ["plugin.missing"]


def test_a_hostile_title_does_not_reach_the_terminal(wsh, description):
    hostile = ALICE.replace("Alice Example", '"a\\x1b]0;owned\\x07b"')
    write(description, "servers/web1/accounts/alice.yaml", hostile)
    done = wsh("check")
    assert "\x1b" not in done.out + done.err
    assert done.status == ExitStatus.CONFIG


@pytest.fixture
def spy(tmp_path, monkeypatch):
    """A plugin that is installed; the module says if it was imported."""
    site = tmp_path / "site"
    info = site / "wsh_spied-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-spied\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wsh]\nspied = wsh_spied\n")
    (site / "wsh_spied.py").write_text("raise ZeroDivisionError('imported')\n")
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("wsh_spied", None)


@pytest.mark.usefixtures("spy", "description")
def test_a_plugin_that_is_not_enabled_is_named_and_not_imported(wsh):
    done = wsh("plugin", "list")
    assert done.status == ExitStatus.OK
    assert "spied" in done.out
    assert "not enabled: wsh plugin enable spied" in done.out
    assert "wsh_spied" not in sys.modules


@pytest.mark.usefixtures("spy")
def test_enable_lists_a_plugin_and_its_failure_is_told_first(wsh, description):
    assert wsh("plugin", "enable", "spied").status == ExitStatus.OK
    assert "plugins: [spied]" in (description / "wsh.yaml").read_text()
    done = wsh("plugin", "list")
    assert done.status == ExitStatus.FAILED
    assert done.out.splitlines()[1].startswith("spied")
    assert "FAILED to load" in done.out
    assert "error[plugin.load]" in done.out
    assert wsh("plugin", "enable", "spied").out == "spied is enabled already\n"


@pytest.mark.usefixtures("spy")
def test_a_plugin_that_fails_holds_the_accounts_that_need_it(wsh, description, scratch):
    wsh("plugin", "enable", "spied")
    write(
        description, "servers/web1/accounts/bob.yaml",
        "name: Bob\npackage: small\nsites:\n  x: {domains: [x.example.org], app: spied}\n",
    )  # fmt: skip
    done = wsh("apply", "--yes")
    assert done.status == ExitStatus.FAILED
    assert "! account bob is held: accounts/bob.yaml:1: wsh-spied 1.0 cannot be imported" in done.out
    assert (scratch.root / "home/alice").is_dir()
    assert not (scratch.root / "home/bob").exists()


@pytest.mark.usefixtures("description")
def test_lists(wsh):
    assert "alice     web1     small     1       Alice Example   alice@example.org" in wsh("account", "list").out
    assert "alice/blog   https://blog.example.org/   static   web1" in wsh("site", "list").out
    assert "web1     localhost   13       8.4   1" in wsh("server", "list").out
    assert wsh("site", "show", "www.blog.example.org").out == wsh("site", "show", "alice/blog").out
    assert wsh("site", "show", "alice/blogg").status == ExitStatus.USAGE
    assert "did you mean alice/blog?" in wsh("site", "show", "alice/blogg").err


def test_a_held_account_says_why_when_it_is_asked_for(wsh, description):
    write(description, "servers/web1/accounts/erin.yaml", "name: Erin\npackage: small\nage: 7\n")
    done = wsh("account", "show", "erin")
    assert done.status == ExitStatus.CONFIG
    assert "config.unknown-key" in done.err
    assert "held" in wsh("account", "list").out


def test_status_in_words(wsh, description, scratch):
    def states() -> dict[str, str]:
        (server,) = envelope(wsh("status", "--json"))["data"]["servers"]
        found = {each["account"]: each["state"] for each in server["accounts"]}
        return found | {s["site"]: s["state"] for each in server["accounts"] for s in each["sites"]}

    write(description, "servers/web1/accounts/erin.yaml", "name: Erin\npackage: small\nage: 7\n")
    assert states() == {"alice": "pending", "alice/blog": "pending", "erin": "held"}
    wsh("apply", "--yes")
    assert states() == {"alice": "ok", "alice/blog": "ok", "erin": "held"}
    (scratch.root / "home/alice/sites/blog").chmod(0o777)
    assert states() == {"alice": "ok", "alice/blog": "drift", "erin": "held"}
    text = wsh("status").out
    assert "2 accounts (1 held), 1 site (1 drift)" in text
    assert "drift: changed on the server, not by wsh" in text


def test_status_of_a_server_that_does_not_answer_still_says_what_is_described(wsh, description, unreachable):
    del description, unreachable
    done = wsh("status")
    assert done.status == ExitStatus.UNREACHABLE
    assert "  blog    https://blog.example.org/   static   ?" in done.out


@pytest.mark.usefixtures("description")
def test_quiet_says_nothing_when_all_went_well(wsh, scratch):
    done = wsh("apply", "--yes", "-q")
    assert (done.status, done.out, done.err) == (ExitStatus.OK, "", "")
    assert "home" in {path.name for path in scratch.root.iterdir()}
    assert wsh("plan", "-q").out != "", "a plan is what was asked for"


def test_schema(wsh):
    assert "sites.KEY.domains" in wsh("schema", "account.yaml").out
    schema = json.loads(wsh("schema", "account.yaml", "--json-schema").out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert wsh("schema", "other.yaml").status == ExitStatus.USAGE
    assert wsh("schema", "--json-schema").status == ExitStatus.USAGE


def test_the_description_is_found_here_above_or_where_it_is_said_to_be(wsh, description, tmp_path, monkeypatch):
    monkeypatch.chdir(description / "servers/web1")
    assert wsh("check").status == ExitStatus.OK
    monkeypatch.chdir(tmp_path)
    assert wsh("check").status == ExitStatus.CONFIG
    assert wsh("check", "-C", str(description)).status == ExitStatus.OK
    assert wsh("--description", str(description), "check").status == ExitStatus.OK
    monkeypatch.setenv("WSH_DIR", str(description))
    assert wsh("check").status == ExitStatus.OK
    assert wsh("check", "-C", str(tmp_path / "nowhere")).status == ExitStatus.CONFIG
