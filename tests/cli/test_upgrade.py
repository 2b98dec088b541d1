"""`wsh site upgrade`, `rollback` and `list --outdated`: what they ask of a server, write, and say."""

from __future__ import annotations

import pytest

from tests.cli import guestbook
from tests.cli.conftest import ALICE, WSH, write
from tests.cli.guestbook import UP, YAML, app, event, phases
from tests.cli.test_apply import answering, envelope
from tests.cli.test_envelope import VALIDATOR
from wsh_core.errors import ExitStatus

BOOK = "site:alice/book"


@pytest.fixture(autouse=True)
def described(description, tmp_path):
    """Alice has a guest book, beside a site that is only files."""
    write(description, "wsh.yaml", WSH.replace("plugins: []", "plugins: [guestbook]"))
    write(description, "servers/web1/accounts/alice.yaml", ALICE + YAML)
    with guestbook.installed(tmp_path / "plugin"):
        yield


@pytest.fixture
def alice(description):
    return description / "servers/web1/accounts/alice.yaml"


def test_a_named_site_is_upgraded_in_one_trip_and_each_phase_is_told(wsh, server, alice):
    server.events = [*phases(*UP), app("changed")]
    server.accounts = {"alice": "changed"}
    done = wsh("site", "upgrade", "alice/book")
    assert done.status == ExitStatus.OK, done.err
    assert [(verb, request["told"]) for verb, request in server.requests] == [("apply", {BOOK: "upgrade"})]
    assert [line.split()[3:5] for line in done.err.splitlines()] == [[name, "ok"] for name in UP]
    assert "ok: https://book.example.org/ runs guestbook 2.0 (it was 1.1)" in done.out
    assert alice.read_text() == ALICE + YAML


def test_a_domain_names_its_site(wsh, server):
    server.events = [app("changed")]
    wsh("site", "upgrade", "book.example.org", "alice/book")
    assert server.requests[0][1]["told"] == {BOOK: "upgrade"}


def test_a_failed_upgrade_says_what_failed_that_it_was_put_back_and_how_to_try_again(wsh, server):
    error = {
        "code": "app.unhealthy", "message": "alice/book was not upgraded; it runs guestbook 1.1 as before",
        "hint": "disable calendar, then: wsh site upgrade alice/book", "detail": "calendar: not compatible",
    }  # fmt: skip
    server.events = [*phases(*UP, "undone"), app("failed", error=error)]
    server.accounts, server.outcome = {"alice": "failed"}, "failed"
    done = wsh("site", "upgrade", "alice/book")
    assert done.status == ExitStatus.FAILED
    told = {line.split()[3]: line.split()[4] for line in done.err.splitlines() if "alice/book " in line and "Z" in line}
    assert told == dict.fromkeys(UP[:-1], "ok") | {"verified": "FAILED", "undone": "ok"}
    assert "error[app.unhealthy]: alice/book was not upgraded; it runs guestbook 1.1 as before" in done.err
    assert "  | calendar: not compatible" in done.err
    assert "then: wsh site upgrade alice/book" in done.err
    assert "! alice/book was not changed: see above" in done.out
    assert "wsh log 7f3b" in done.out


def test_a_release_is_written_once_the_server_agrees_and_comments_stay(wsh, server, alice):
    server.events = [app("changed", before="1.1", after="2.0")]
    done = wsh("site", "upgrade", "alice/book", "--release", "2.0")
    assert done.status == ExitStatus.OK, done.err
    assert server.verbs == ["plan", "apply"]
    assert 'release: "2.0"' in alice.read_text()
    assert "# for visitors" in alice.read_text()
    assert "# the first is canonical" in alice.read_text()
    wanted = {r["id"]: r["want"] for r in server.requests[1][1]["resources"]}["app:alice/book"]
    assert (wanted["version"], wanted["pinned"]) == ("2.0", True)


def test_a_release_that_the_server_refuses_is_not_written(wsh, server, alice):
    error = {
        "code": "app.downgrade",
        "message": "2.0 is installed, 1.1 is older",
        "hint": "wsh site rollback alice/book",
    }
    server.events = [app("refused", error=error)]
    server.accounts, server.outcome = {"alice": "failed"}, "failed"
    done = wsh("site", "upgrade", "alice/book", "--release", "1.1", "--json")
    assert done.status == ExitStatus.FAILED
    assert [e["code"] for e in envelope(done)["errors"]] == ["app.downgrade"]
    assert server.verbs == ["plan"]
    assert alice.read_text() == ALICE + YAML


@pytest.mark.parametrize(
    ("release", "words"),
    [("9.9", "guestbook does not have the release 9.9"), ("0.9", "runs on PHP 7.4; this server has PHP 8.4")],
)
def test_a_release_that_cannot_be_had_is_refused_before_anything_is_asked(wsh, server, alice, release, words):
    done = wsh("site", "upgrade", "alice/book", "--release", release)
    assert done.status == ExitStatus.CONFIG
    assert "error[config.release]" in done.err
    assert words in done.err.replace("\n  ", " ")
    assert "one of 2.0, 1.1" in done.err
    assert server.requests == []
    assert alice.read_text() == ALICE + YAML


def test_two_sites_of_one_file_are_pinned_by_one_change(wsh, server, alice):
    second = YAML.replace("book", "wiki", 2).replace("wiki: {domains: [wiki", "wiki: {domains: [wiki", 1)
    alice.write_text(ALICE + YAML + second)
    server.events = [app("changed", site="alice/book"), app("changed", site="alice/wiki")]
    done = wsh("site", "upgrade", "--app", "guestbook", "--release", "2.0", "--yes")
    assert done.status == ExitStatus.OK, done.err
    assert alice.read_text().count('release: "2.0"') == 2
    assert done.err.count("written and checked") == 1


def test_a_pinned_site_says_where_it_is_pinned(wsh, server, alice):
    alice.write_text(ALICE + YAML.replace("app: guestbook", "app: guestbook, release: '1.1'"))
    done = wsh("site", "upgrade", "alice/book")
    assert done.status == ExitStatus.CONFIG
    assert "error[app.pinned]: alice/book is pinned to guestbook 1.1, 2.0 is known" in done.err
    assert "--> servers/web1/accounts/alice.yaml:8:" in done.err
    assert "wsh site upgrade alice/book --release 2.0" in done.err
    assert server.requests == []

    everything = wsh("site", "upgrade", "--all", "--yes")
    assert everything.status == ExitStatus.OK
    assert "warning[app.pinned]" in everything.err
    assert "No site is to be upgraded." in everything.out


def test_a_site_that_is_pinned_to_what_it_shall_have_can_be_told_again(wsh, server, alice):
    alice.write_text(ALICE + YAML.replace("app: guestbook", "app: guestbook, release: '2.0'"))
    server.events = [app("changed")]
    assert wsh("site", "upgrade", "alice/book").status == ExitStatus.OK
    assert server.requests[-1][1]["told"] == {BOOK: "upgrade"}


def test_a_dry_run_changes_nothing_and_answers_as_plan_does(wsh, server):
    vhost = app("changed", site="alice/blog") | {"id": "vhost:alice-blog"}
    server.events = [app("changed"), vhost]
    done = wsh("site", "upgrade", "--all", "--dry-run")
    assert done.status == ExitStatus.PENDING
    assert server.verbs == ["plan"]
    assert "~ alice/book on web1   guestbook 1.1 -> 2.0" in done.out
    assert "1 other change of these accounts would be applied too: wsh plan --account alice" in done.out
    assert "1 of 1 site to upgrade.  Next: wsh site upgrade --all" in done.out
    answer = envelope(wsh("site", "upgrade", "alice/book", "--dry-run", "--json"))
    VALIDATOR.validate(answer)
    data = answer["data"]
    assert data["sites"] == [{
        "site": "alice/book", "server": "web1", "app": "guestbook", "url": "https://book.example.org/",
        "state": "pending", "before": "1.1", "after": "2.0",
    }]  # fmt: skip


@pytest.mark.usefixtures("server")
def test_nothing_to_upgrade(wsh):
    VALIDATOR.validate(envelope(wsh("site", "upgrade", "alice/book", "--json")))
    done = wsh("site", "upgrade", "alice/book")
    assert done.status == ExitStatus.OK
    assert "alice/book runs guestbook 2.0 already: there is nothing to upgrade to" in done.out
    assert "1 site as wanted. Nothing to do." in wsh("site", "upgrade", "--all", "--dry-run").out


def test_several_sites_are_asked_about(wsh, server, monkeypatch):
    assert "error[usage.confirmation]" in wsh("site", "upgrade", "--all").err
    assert server.requests == []
    server.events = [app("changed")]
    answering(monkeypatch, "n")
    done = wsh("site", "upgrade", "--all")
    assert (done.status, server.verbs) == (ExitStatus.FAILED, ["plan"])
    assert "Nothing was done." in done.out
    answering(monkeypatch, "y")
    assert wsh("site", "upgrade", "--all").status == ExitStatus.OK
    assert server.verbs == ["plan", "plan", "apply"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage.missing-option"),
        (("alice/nobody",), "usage.unknown-name"),
        (("nobody.example.org",), "usage.unknown-name"),
        (("alice/blog",), "usage.value"),
        (("alice/book", "--all"), "usage.arguments"),
        (("--all", "--app", "guestbook", "--yes"), "usage.arguments"),
        (("--all", "--release", "2.0", "--yes"), "usage.arguments"),
        (("--app", "nothing", "--yes"), "plugin.missing"),
    ],
)
def test_what_cannot_be_upgraded_is_told_before_anything_begins(wsh, server, words, code):
    done = wsh("site", "upgrade", *words, "--json")
    assert [error["code"] for error in envelope(done)["errors"]] == [code]
    assert server.requests == []


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize(
    "words", [("upgrade", "alice/book"), ("rollback", "alice/book", "--yes"), ("list", "--outdated")]
)
def test_a_server_out_of_reach(wsh, words):
    done = wsh("site", *words)
    assert done.status == ExitStatus.UNREACHABLE
    assert "error[server.unreachable]: web1 did not answer" in done.err + done.out


SAVED = [{"field": "saved", "before": None, "after": "2026-11-24T12:40:00Z"}]


def back(**more):
    return app("changed", before="2.0", after="1.1", fields=SAVED, **more)


def test_a_rollback_says_what_is_lost_and_asks(wsh, server, alice, monkeypatch):
    server.events = [back()]
    answering(monkeypatch, "n")
    done = wsh("site", "rollback", "alice/book")
    assert (done.status, server.verbs) == (ExitStatus.FAILED, ["plan"])
    assert "goes back from guestbook 2.0 to 1.1, as it was saved 2026-11-24" in done.err
    assert "code, configuration, database go back as one: what was written into them since then is gone" in done.err
    assert "These stay as they are today: up." in done.err
    assert "the same command brings it back" in done.err
    answering(monkeypatch, "y")
    done = wsh("site", "rollback", "alice/book")
    assert done.status == ExitStatus.OK
    assert "ok: https://book.example.org/ runs guestbook 1.1 (it was 2.0)" in done.out
    assert server.requests[-1][1]["told"] == {BOOK: "rollback"}
    assert alice.read_text() == ALICE + YAML


def test_a_rollback_of_a_pinned_site_pins_the_older_release(wsh, server, alice):
    alice.write_text(ALICE + YAML.replace("app: guestbook", "app: guestbook, release: '2.0'"))
    server.events = [back()]
    done = wsh("site", "rollback", "alice/book", "--yes")
    assert done.status == ExitStatus.OK, done.err
    assert 'release: "1.1"' in alice.read_text()
    wanted = {r["id"]: r["want"] for r in server.requests[-1][1]["resources"]}["app:alice/book"]
    assert wanted["version"] == "1.1"


def test_a_rollback_without_a_snapshot(wsh, server):
    error = {"code": "app.no-snapshot", "message": "nothing is kept of alice/book", "hint": "a backup may have it"}
    server.events = [app("refused", error=error)]
    server.accounts, server.outcome = {"alice": "failed"}, "failed"
    done = wsh("site", "rollback", "alice/book", "--yes")
    assert done.status == ExitStatus.FAILED
    assert "error[app.no-snapshot]: nothing is kept of alice/book" in done.err
    assert server.verbs == ["plan"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage.missing-option"),
        (("alice/book",), "usage.confirmation"),
        (("alice/x", "--yes"), "usage.unknown-name"),
    ],
)
def test_what_cannot_be_rolled_back(wsh, server, words, code):
    done = wsh("site", "rollback", *words, "--json")
    assert [error["code"] for error in envelope(done)["errors"]] == [code]
    assert server.requests == []


def test_outdated_sites_are_listed_those_that_are_pinned_too(wsh, server, alice):
    assert "No site is outdated." in wsh("site", "list", "--outdated").out
    alice.write_text(ALICE + YAML + "  old: {domains: [old.example.org], app: guestbook, release: '1.1'}\n")
    server.events = [event("outdated", object=BOOK, account="alice", app="guestbook", installed="1.1", wanted="2.0")]
    done = wsh("site", "list", "--outdated")
    assert done.status == ExitStatus.OK
    assert [line.split()[:4] for line in done.out.splitlines()[1:3]] == [
        ["alice/book", "guestbook", "1.1", "2.0"],
        ["alice/old", "guestbook", "1.1", "2.0"],
    ]
    assert "pinned: accounts/alice.yaml:9" in done.out
    assert "2 sites: guestbook 2." in done.out
    assert "1 site outdated (guestbook 1): wsh site list --outdated" in wsh("plan").out


def test_an_outdated_site_is_no_change_and_no_failure(wsh, server):
    server.events = [event("outdated", object=BOOK, account="alice", app="guestbook", installed="1.1", wanted="2.0")]
    planned = wsh("plan", "--json")
    assert planned.status == ExitStatus.OK
    (report,) = envelope(planned)["data"]["servers"]
    assert report["outdated"] == [{"site": "alice/book", "app": "guestbook", "version": "1.1", "wanted": "2.0"}]
    assert "1 site outdated" in wsh("apply", "--yes").out
