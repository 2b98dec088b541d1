from __future__ import annotations

import json

import pytest

from tests.cli.conftest import ALICE
from tests.cli.test_apply import answering, envelope
from wsh_core.errors import ExitStatus

ADD = ("site", "add", "--app", "static", "--account", "alice", "--domain", "files.example.org")


@pytest.fixture
def alice(description):
    return description / "servers/web1/accounts/alice.yaml"


def test_a_site_is_written_checked_and_applied(wsh, alice, scratch):
    done = wsh(*ADD)
    assert done.status == ExitStatus.OK, done.err
    assert "servers/web1/accounts/alice.yaml:8-10 written and checked" in done.err
    assert "ok: https://files.example.org/ runs static" in done.out
    assert alice.read_text() == ALICE + "  files:\n    domains: [files.example.org]\n    app: static\n"
    assert (scratch.root / "etc/apache2/wsh/sites/alice-files.conf").exists()
    assert json.loads(scratch.requests[-1][1])["scope"] == {"accounts": ["alice"]}


def test_no_apply_only_writes(wsh, alice, scratch):
    done = wsh(*ADD, "--no-apply", "--json")
    assert envelope(done)["data"]["applied"] is False
    assert "files:" in alice.read_text()
    assert scratch.requests == []


@pytest.mark.usefixtures("scratch")
def test_everything_that_is_missing_is_named_at_once(wsh, alice):
    done = wsh("site", "add")
    assert done.status == ExitStatus.USAGE
    assert "error[usage.missing-option]: 3 options are missing and there is no terminal to ask on" in done.err
    for option in ("--app APP", "--account NAME", "--domain NAME"):
        assert f"  {option}" in done.err
    assert alice.read_text() == ALICE
    codes = {error["object"] for error in envelope(wsh("site", "add", "--json"))["errors"]}
    assert codes == {"--app APP", "--account NAME", "--domain NAME"}


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        ((*ADD[:-1], "blog.example.org"), "config.domain-taken", ExitStatus.CONFIG),
        ((*ADD[:-1], "no domain"), "usage.value", ExitStatus.USAGE),
        ((*ADD, "--key", "blog"), "config.exists", ExitStatus.CONFIG),
        ((*ADD, "--key", "No Key"), "config.value", ExitStatus.CONFIG),
        ((*ADD, "--set", "colour=red"), "config.unknown-key", ExitStatus.CONFIG),
        ((*ADD, "--set", "colour"), "usage.value", ExitStatus.USAGE),
        (("site", "add", "--app", "statik", *ADD[4:]), "plugin.missing", ExitStatus.CONFIG),
        (
            ("site", "add", "--app", "static", "--account", "bob", *ADD[6:]),
            "usage.unknown-name",
            ExitStatus.USAGE,
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(wsh, alice, scratch, words, code, status):
    done = wsh(*words, "--json")
    assert [error["code"] for error in envelope(done)["errors"]] == [code]
    assert done.status == status
    assert alice.read_text() == ALICE
    assert scratch.requests == []


@pytest.mark.usefixtures("alice", "scratch")
def test_a_full_package_is_refused(wsh):
    for name in ("one", "two"):
        wsh(*ADD[:-1], f"{name}.example.org", "--no-apply")
    done = wsh(*ADD)
    assert done.status == ExitStatus.CONFIG
    assert "config.too-many-sites" in done.err
    assert "4 |" not in done.err


def test_a_failure_leaves_the_yaml_and_says_pending(wsh, alice, scratch):
    (scratch.root / "var/lib/wsh/ca/ca.key").unlink()
    (scratch.root / "var/lib/wsh/ca/ca.pem").unlink()
    done = wsh(*ADD)
    assert done.status == ExitStatus.FAILED
    assert "alice/files is pending: wsh apply --account alice" in done.out
    assert "files:" in alice.read_text()


@pytest.mark.usefixtures("unreachable")
def test_a_server_out_of_reach_leaves_the_yaml_and_says_pending(wsh, alice):
    done = wsh(*ADD)
    assert done.status == ExitStatus.UNREACHABLE
    assert "alice/files is pending: wsh apply --account alice" in done.out + done.err
    assert "files:" in alice.read_text()


@pytest.mark.usefixtures("alice", "scratch")
def test_a_terminal_is_asked_only_for_what_is_missing(wsh, monkeypatch):
    answering(monkeypatch, "alicia", "alice", "no domain", "files.example.org", "y")
    done = wsh("site", "add", "--app", "static")
    assert done.status == ExitStatus.OK, done.err
    assert "there is no account `alicia`" in done.err
    assert "alice/files on web1   from account and domain; --key" in done.err
    assert "site 2 of 3           package `small`" in done.err


@pytest.mark.usefixtures("scratch")
def test_a_no_writes_nothing(wsh, alice, monkeypatch):
    answering(monkeypatch, "n")
    done = wsh(*ADD)
    assert done.status == ExitStatus.FAILED
    assert alice.read_text() == ALICE


def test_an_account_is_written_and_applied(wsh, description, scratch):
    done = wsh("account", "add", "bob", "--name", "Bob Example", "--email", "bob@example.org")
    assert done.status == ExitStatus.OK, done.err
    file = description / "servers/web1/accounts/bob.yaml"
    assert file.read_text() == "name: Bob Example\nemail: bob@example.org\npackage: small\n"
    assert (scratch.root / "home/bob").is_dir()


@pytest.mark.parametrize("name", ["root", "Bob", "b", "bob\nroot", "../bob", "www-data"])
def test_a_name_that_no_account_can_have(wsh, description, scratch, name):
    done = wsh("account", "add", name, "--name", "Bob", "--json")
    assert done.status in {ExitStatus.USAGE, ExitStatus.CONFIG}
    assert len(list((description / "servers/web1/accounts").iterdir())) == 1
    assert scratch.requests == []


def test_a_key_is_read_from_its_file(wsh, description, tmp_path):
    key = tmp_path / "key.pub"
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aRKy5k+TdH2TCpzTuTbojLdlAGA0FU1UuHZlf+U6q bob@laptop\n")
    done = wsh("account", "add", "bob", "--name", "Bob", "--ssh-key", str(key), "--no-apply")
    assert done.status == ExitStatus.OK, done.err
    assert "bob@laptop" in (description / "servers/web1/accounts/bob.yaml").read_text()
    missing = wsh("account", "add", "eve", "--name", "Eve", "--ssh-key", str(tmp_path / "none.pub"), "--json")
    assert [error["code"] for error in envelope(missing)["errors"]] == ["usage.value"]
