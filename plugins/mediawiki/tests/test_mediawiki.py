"""MediaWiki's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
NAME = "mediawiki"
SITE = """\
name: Alice
package: small
{more}sites:
  wiki: {{domains: [wiki.example.org], app: mediawiki{options}}}
"""


def app(options: str = "", more: str = "email: alice@example.org\n", debian: int = 13) -> dict[str, Any]:
    account = SITE.format(more=more, options=f", options: {{{options}}}" if options else "")
    found = resources_of(account, plugins=[NAME], debian=debian)
    (resource,) = (each for each in found if each.kind == "app")
    assert resource.origin == f"wsh-{NAME}"
    return resource.want()


def text(value: Any) -> str:
    parts = value["join"] if isinstance(value, dict) else [value]
    return "".join(part if isinstance(part, str) else f"<{part['secret']}>" for part in parts)


def test_it_is_found_by_its_metadata() -> None:
    apps = Apps([NAME])
    assert not apps.failures
    assert apps.get(NAME).distribution == f"wsh-{NAME}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_plan(case: Path) -> None:
    resources = resources_of((case / "account.yaml").read_text(encoding="utf-8"), plugins=[NAME])
    assert_golden(case, [each for each in resources if each.object.startswith("site:") or each.kind == "jail"])


def installation(want: dict[str, Any]) -> dict[str, Any]:
    (php,) = (step for step in want["install"] if step["step"] == "php" and step["argv"][0] == "install")
    return php


def ours(options: str = "") -> str:
    (file,) = (file for file in app(options)["config"] if file["path"] == "LocalSettings.wsh.php")
    assert (file["mode"], file["after"]) == ("0600", "install")
    return text(file["content"])


def test_debians_packages_are_both_taken() -> None:
    source = app()["source"]
    assert source["packages"] == ["mediawiki", "mediawiki-classes"]
    assert source["version"].startswith(f"1:{app()['version']}+")


def test_where_debian_has_none_it_is_its_publishers_archive() -> None:
    want = app(debian=12)
    assert (want["version"], want["source"]["type"]) == ("1.45.0", "archive")
    assert want["source"]["url"].endswith(f"-{want['version']}.tar.gz")


def test_there_is_no_password_for_the_database() -> None:
    settings = ours()
    assert "$wgDBpassword = '';" in settings
    assert "$wgDBserver = 'localhost:/run/mysqld/mysqld.sock';" in settings
    assert "$wgDBuser = 'alice';" in settings
    assert "$wgDBname = 'alice_wiki';" in settings


def test_keys_are_secrets_of_their_own() -> None:
    named = re.findall(r"\$(wg\w+) = '<alice/wiki/([a-z-]+)>';", ours())
    assert named == [("wgSecretKey", "secret-key"), ("wgUpgradeKey", "upgrade-key")]


def test_the_title_is_data_whatever_stands_in_it() -> None:
    options = r"title: 'A''b \ $x'"
    assert r"$wgSitename = 'A\'b \\ $x';" in ours(options)


def test_the_administrators_password_goes_in_by_a_file_alone() -> None:
    step = installation(app())
    assert step["files"] == {"password.txt": {"secret": "alice/wiki/admin"}}
    assert "--passfile=/tmp/wsh-step/password.txt" in step["argv"]
    assert not any("secret" in str(argument) for argument in step["argv"])


@pytest.mark.parametrize(
    ("options", "words"),
    [("", ["wiki.example.org", "alice"]), ("title: --A b, admin: bo", ["--A b", "bo"])],
)
def test_what_the_installation_is_told(options: str, words: list[str]) -> None:
    """After the two dashes a title is a title, whatever it begins with."""
    assert list(installation(app(options))["argv"][-3:]) == ["--", *words]


def test_the_tables_are_recorded_before_anyone_asks_whether_they_are_up_to_date() -> None:
    """The updater needs the settings, which the core writes after the installation only: a step is earlier."""
    want = app()
    _, settings, own, recorded = want["install"]
    (ours,) = (file for file in want["config"] if file["path"] == settings["path"])
    assert (settings["content"], settings["mode"]) == (ours["content"], ours["mode"])
    assert own["path"] == "LocalSettings.php"
    assert recorded["argv"] == ["update", "--quick"]


def test_that_it_is_installed_is_told_in_any_language() -> None:
    expected = installation(app("language: de"))["expect"]
    assert re.search(expected, "Du kannst jetzt <https://wiki.example.org> aufrufen")
    assert not re.search(expected, "Die Server-URL „https://wiki.example.org“ wird verwendet.")


def test_without_an_address_there_is_no_mail() -> None:
    account = resources_of(SITE.format(more="", options=""), plugins=[NAME])
    (want,) = (each.want() for each in account if each.kind == "app")
    (file,) = (file for file in want["config"] if file["path"] == "LocalSettings.wsh.php")
    assert "$wgEnableEmail = false;" in text(file["content"])
    assert "$wgEnableEmail = true;" in ours()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: 'x y'", "admin"),
        ("language: English", "language"),
        ("admin_email: nobody", "not a mail address"),
        ('title: "a\\nb"', "U\\+000A"),
        ("titel: x", "`titel` is not an option of mediawiki"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_upgrade_is_mediawikis_own_and_checked_by_its_own_list() -> None:
    want = app()
    (hop,) = want["hops"]
    assert [(step["entry"], step["argv"], step["expect"]) for step in hop["steps"]] == [
        ("maintenance/run.php", ["update", "--quick"], "^Done in ")
    ]
    assert want["up_to_date"]["script"]["name"] == "up-to-date.php"
    assert want["layout"]["data"] == ["images"]


@pytest.mark.parametrize(
    ("line", "found"),
    [("define( 'MW_VERSION', '1.43.9' );", "1.43.9"), (" * define( 'MW_VERSION', '1' );", None)],
)
def test_the_version_is_read_as_mediawiki_writes_it(line: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\n{line}\n", re.MULTILINE)
    assert (match[1] if match else None) == found
