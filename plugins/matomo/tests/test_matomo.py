"""Matomo's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
NAME = "matomo"
SITE = """\
name: Alice
package: small
{more}sites:
  stats: {{domains: [stats.example.org], app: matomo{options}}}
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


def settings(want: dict[str, Any]) -> str:
    (file,) = (file for file in want["config"] if file["path"] == "config/common.config.ini.php")
    assert file["mode"] == "0600"
    return text(file["content"])


def installation(want: dict[str, Any]) -> dict[str, Any]:
    (php,) = (step for step in want["install"] if step["step"] == "php" and step["script"]["name"] == "install.php")
    return php


def test_debians_tree_is_laid_out_as_matomos() -> None:
    source = app()["source"]
    assert source["packages"][0] == "matomo"
    assert source["version"].startswith(f"{app()['version']}+")
    links = {path.removeprefix("usr/share/matomo/"): target for path, target in source["links"].items()}
    assert links["vendor"] == "/usr/share/php"
    assert {"index.php", "matomo.php", "piwik.php", "js"} <= {*links}


def test_where_debian_has_none_it_is_its_publishers_archive() -> None:
    want = app(debian=12)
    assert (want["version"], want["source"]["type"]) == ("5.11.2", "archive")
    assert want["source"]["url"].endswith(f"-{want['version']}.tar.gz")


def test_there_is_no_password_for_the_database() -> None:
    lines = settings(app()).splitlines()
    assert lines[0].startswith("; <?php exit; ?>")
    for line in ('password = ""', 'port = "/run/mysqld/mysqld.sock"', 'username = "alice"', 'dbname = "alice_stats"'):
        assert line in lines


def test_the_salt_is_a_secret() -> None:
    assert 'salt = "<alice/stats/salt>"' in settings(app()).splitlines()


def test_all_domains_and_no_other_are_trusted() -> None:
    account = SITE.format(more="email: a@example.org\n", options="").replace(
        "[stats.example.org]", "[stats.example.org, s.example.org]"
    )
    (want,) = (each.want() for each in resources_of(account, plugins=[NAME]) if each.kind == "app")
    found = re.findall(r'^trusted_hosts\[\] = "(.*)"$', settings(want), re.MULTILINE)
    assert found == ["stats.example.org", "s.example.org"]


def test_the_superusers_password_goes_in_by_the_input_alone() -> None:
    step = installation(app())
    assert step["input"] == {"secret": "alice/stats/admin"}
    assert not any("secret" in str(argument) for argument in step["argv"])


@pytest.mark.parametrize(
    ("options", "argv"),
    [
        ("", ["alice", "alice@example.org", "stats.example.org", "https://stats.example.org"]),
        (
            "website: A b, website_url: 'http://b.example.org/x', admin: bo, admin_email: b@example.org",
            ["bo", "b@example.org", "A b", "http://b.example.org/x"],
        ),
    ],
)
def test_what_the_installation_is_told(options: str, argv: list[str]) -> None:
    assert installation(app(options))["argv"] == argv


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: x", "admin"),
        ("website_url: 'javascript:x'", "website_url"),
        ("admin_email: nobody", "not a mail address"),
        ('website: "a\\nb"', "U\\+000A"),
        ("websit: x", "`websit` is not an option of matomo"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_account_without_mail_must_name_the_superusers() -> None:
    assert installation(app("admin_email: b@example.org", more=""))["argv"][1] == "b@example.org"
    with pytest.raises(ConfigError, match="admin_email is needed: the account alice has no mail address"):
        app(more="")


def test_an_upgrade_lays_the_tree_out_and_is_then_matomos_own() -> None:
    want = app()
    (hop,) = want["hops"]
    laid_out, removed, updated = hop["steps"]
    assert laid_out["script"]["name"] == "lay-out.php"
    assert removed == {"step": "remove", "path": "public"}
    assert (updated["entry"], updated["argv"]) == ("console", ["core:update", "--yes", "--no-interaction"])
    assert want["up_to_date"]["script"]["name"] == "up-to-date.php"


@pytest.mark.parametrize(
    ("line", "found"),
    [("    public const VERSION = '5.3.1';", "5.3.1"), ("    // const VERSION = '1';", None)],
)
def test_the_version_is_read_as_matomo_writes_it(line: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\n{line}\n", re.MULTILINE)
    assert (match[1] if match else None) == found
