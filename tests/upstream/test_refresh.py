"""`wsh app refresh` from end to end: the command, a plugin, and makers whose server and key are real."""

from __future__ import annotations

import hashlib
import tomllib

import pytest

from tests.cli import guestbook
from tests.cli.conftest import ALICE, WSH, description, ordinary, write, wsh  # noqa: F401 - fixtures
from tests.cli.guestbook import RELEASES, YAML
from tests.cli.test_apply import envelope
from wsh_core.errors import ExitStatus

ARCHIVE = b"release 2.1"
SHA = hashlib.sha256(ARCHIVE).hexdigest()
UPSTREAM = """
[upstream]
index = ["{url}/releases/"]
version = 'href="guestbook-([^"]+)\\.tar\\.gz"'
archive = "{url}/{{line}}/guestbook-{{version}}.tar.gz"
root = "guestbook-{{version}}"
checksum = "{url}/{{line}}/guestbook-{{version}}.tar.gz.sha512"
signature = "{url}/{{line}}/guestbook-{{version}}.tar.gz.asc"
keyring = "keys.asc"
"""


@pytest.fixture(autouse=True)
def described(request, tmp_path, makers, key):
    root = request.getfixturevalue("description")
    write(root, "wsh.yaml", WSH.replace("plugins: []", "plugins: [guestbook]"))
    write(root, "servers/web1/accounts/alice.yaml", ALICE + YAML)
    makers.pages |= {
        "/releases/": b"".join(b'<a href="guestbook-%s.tar.gz">' % name for name in (b"2.0", b"2.1", b"../x")),
        "/2/guestbook-2.1.tar.gz": ARCHIVE,
        "/2/guestbook-2.1.tar.gz.sha512": hashlib.sha512(ARCHIVE).hexdigest().encode() + b"  guestbook-2.1.tar.gz\n",
        "/2/guestbook-2.1.tar.gz.asc": key.sign(ARCHIVE),
    }
    toml = RELEASES + UPSTREAM.format(url=makers.url)
    with guestbook.installed(
        tmp_path / "plugin", toml=toml, files={"keys.asc": key.public},
        more="from wsh_core.plugin import upstream", arguments="upstream=upstream(__name__),",
    ):  # fmt: skip
        yield


@pytest.fixture
def overlay(request):
    return request.getfixturevalue("description") / "releases/guestbook.toml"


@pytest.fixture
def run(request):
    return request.getfixturevalue("wsh")


def test_a_newer_release_is_verified_and_written(run, overlay, key, makers):
    done = run("app", "refresh")
    assert done.status == ExitStatus.OK, done.err
    assert f"+ guestbook 2.1   Verified: SHA512 checksum and signature by {key.fingerprint}" in done.out
    (release,) = tomllib.loads(overlay.read_text())["release"]
    assert release == {
        "version": "2.1", "php": ["8.4"],
        "sources": [{
            "type": "archive", "url": f"{makers.url}/2/guestbook-2.1.tar.gz", "sha256": SHA, "root": "guestbook-2.1",
        }],
    }  # fmt: skip
    assert "This file is yours" in overlay.read_text()
    assert key.fingerprint in overlay.read_text()

    listed = run("app", "releases", "guestbook").out.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["2.1", "2.0", "1.1", "0.9"]
    assert "releases/guestbook.toml" in listed[1]
    assert "web1" in listed[1]
    assert "wsh-guestbook" in listed[2]
    assert "web1" not in listed[2]
    assert "2.1" in run("app", "list").out

    again = run("app", "refresh", "guestbook")
    assert again.out == "guestbook: nothing newer than 2.1\n"
    assert makers.asked.count("/2/guestbook-2.1.tar.gz") == 1


def test_what_the_operator_wrote_stays_as_it_is(run, overlay):
    own = "# mine\n\n# why 1.9\n[[release]] # best\nversion = '1.9'\nphp = ['8.4']\n"
    own += f"sources = [{{type='file', path='/x', sha256='{'0' * 64}'}}]\n"
    overlay.parent.mkdir()
    overlay.write_text(own)
    done = run("app", "refresh", "guestbook")
    assert done.status == ExitStatus.OK, done.err
    text = overlay.read_text()
    head, _, tail = own.partition("# why 1.9")
    assert text.startswith(head)
    assert text.endswith("# why 1.9" + tail)
    assert [each["version"] for each in tomllib.loads(text)["release"]] == ["2.1", "1.9"]


@pytest.mark.parametrize(
    ("page", "answer", "code", "words"),
    [
        ("/2/guestbook-2.1.tar.gz", b"another", "app.checksum", "has the SHA512 checksum"),
        ("/2/guestbook-2.1.tar.gz.sha512", b"<html>", "app.checksum", "no checksum of guestbook-2.1.tar.gz"),
        ("/2/guestbook-2.1.tar.gz.sha512", None, "app.source", "answers 404"),
        ("/2/guestbook-2.1.tar.gz.asc", None, "app.source", "answers 404"),
        ("/2/guestbook-2.1.tar.gz.asc", b"<html>", "app.signature", "signature is none"),
        ("/2/guestbook-2.1.tar.gz", None, "app.source", "answers 404"),
        ("/releases/", b"moved", "app.upstream", "names no version any more"),
    ],
)
def test_what_cannot_be_verified_is_not_written(run, overlay, makers, page, answer, code, words):
    makers.pages[page] = answer
    done = run("app", "refresh")
    assert done.status == ExitStatus.FAILED
    assert f"error[{code}]" in done.err
    assert words in " ".join(done.err.split())
    assert not overlay.exists()
    assert [e["code"] for e in envelope(run("app", "refresh", "--json"))["errors"]] == [code]


def test_an_archive_that_a_stranger_signed(run, overlay, makers, stranger, key):
    makers.pages["/2/guestbook-2.1.tar.gz.asc"] = stranger.sign(ARCHIVE)
    done = run("app", "refresh")
    assert done.status == ExitStatus.FAILED
    assert "none of those that wsh-guestbook has" in " ".join(done.err.split())
    makers.pages["/2/guestbook-2.1.tar.gz.asc"] = key.sign(b"another")
    assert "the signature is not of this file" in " ".join(run("app", "refresh").err.split())
    assert not overlay.exists()


def test_a_network_that_goes_half_way_through_the_archive(run, overlay, makers):
    makers.pages["/2/guestbook-2.1.tar.gz"] = lambda request: request.send(ARCHIVE[:4], length=len(ARCHIVE))
    done = run("app", "refresh")
    assert done.status == ExitStatus.UNREACHABLE
    assert "error[app.source]" in done.err
    assert not overlay.exists()


def test_an_overlay_that_is_broken_is_not_added_to(run, overlay):
    overlay.parent.mkdir()
    overlay.write_text("[[release]]\nversion = 7\n")
    done = run("app", "refresh", "guestbook")
    assert done.status == ExitStatus.CONFIG
    assert "releases/guestbook.toml" in done.err
    assert overlay.read_text() == "[[release]]\nversion = 7\n"


def test_an_application_whose_makers_nobody_knows(run):
    done = run("app", "refresh", "static")
    assert done.status == ExitStatus.FAILED
    assert "error[app.upstream]: wsh-core does not say where static announces its releases" in done.err
    assert "error[plugin.missing]" in run("app", "refresh", "nothing").err
    assert "static has no releases" in run("app", "releases", "static").out


def test_what_neither_signs_nor_publishes_checksums_says_so(run, request, makers, overlay):
    plain = "\n".join(
        line for line in UPSTREAM.splitlines() if not line.startswith(("checksum", "signature", "keyring"))
    )
    toml = request.getfixturevalue("tmp_path") / "plugin/wsh_guestbook/releases.toml"
    toml.write_text(RELEASES + plain.format(url=makers.url))
    done = run("app", "refresh")
    assert done.status == ExitStatus.OK, done.err
    assert "no checksum and no signature published, trusted by https" in overlay.read_text()


def test_a_project_of_composer_keeps_what_it_requires_and_not_its_lock(run, request, makers, overlay):
    toml = request.getfixturevalue("tmp_path") / "plugin/wsh_guestbook/releases.toml"
    source = (
        'type = "composer", package = "a/b", require = {"c/d" = "^2"}, lock = "/srv/l", sha256 = "' + "0" * 64 + '"'
    )
    index, version = UPSTREAM.strip().splitlines()[1:3]
    toml.write_text(
        f'[[release]]\nversion = "1.0"\nphp = ["8.4"]\nupgrades_from = "0.9"\nsources = [{{{source}}}]\n'
        f"[upstream]\n{index.format(url=makers.url)}\n{version}\n"
    )
    done = run("app", "refresh")
    assert done.status == ExitStatus.OK, done.err
    releases = tomllib.loads(overlay.read_text())["release"]
    assert [(each["version"], each["upgrades_from"]) for each in releases] == [("2.1", "0.9")]
    assert releases[0]["sources"] == [{"type": "composer", "package": "a/b", "require": {"c/d": "^2"}}]
