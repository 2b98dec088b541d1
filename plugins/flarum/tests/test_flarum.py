"""Flarum's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
NAME = "flarum"
SITE = """\
name: Alice
package: small
{more}sites:
  forum: {{domains: [forum.example.org, www.forum.example.org], app: flarum{options}}}
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


@pytest.mark.parametrize("debian", [12, 13])
def test_each_debian_has_a_release(debian: int) -> None:
    want = app(debian=debian)
    assert want["source"]["type"] == "archive"
    assert want["version"] in want["source"]["url"]
    assert want["hops"][-1]["steps"], "an upgrade needs a migration"


def answers(options: str = "", more: str = "email: alice@example.org\n") -> dict[str, Any]:
    (step,) = app(options, more)["install"]
    found = json.loads(text(step["files"]["answers.json"]))
    assert isinstance(found, dict)
    return found


def test_the_installer_is_told_by_a_file_that_only_the_account_can_read() -> None:
    (step,) = app()["install"]
    assert (step["entry"], step["argv"]) == ("flarum", ["install", "--file=/tmp/wsh-step/answers.json", "-n"])
    told = answers()
    assert told["baseUrl"] == "https://forum.example.org"
    assert told["databaseConfiguration"] == {"database": "alice_forum", "username": "alice", "password": ""}
    assert told["adminUser"] == {
        "username": "alice", "email": "alice@example.org", "password": "<alice/forum/admin>",
    }  # fmt: skip


def test_a_language_and_all_else_is_listed_but_no_extension_manager() -> None:
    listed = answers()["extensions"].split(",")
    assert "flarum-lang-english" in listed
    assert len(set(listed)) == 14
    assert not [name for name in listed if "manager" in name]


@pytest.mark.parametrize(
    "title", ["A b", """Alice's "forum" <&> \\ $x""", "{{ x }} ${y} %s", "Grüße 🎉", "', admin: 'x"]
)
def test_a_title_is_data(title: str) -> None:
    told = answers(f"title: {json.dumps(title, ensure_ascii=False)}")
    assert told["settings"]["forum_title"] == title
    assert told["adminUser"]["password"] == "<alice/forum/admin>"


def test_the_configuration_is_whole_and_has_no_password() -> None:
    (config,) = app()["config"]
    assert (config["path"], config["mode"], config["after"]) == ("config.php", "0600", "install")
    said = text(config["content"])
    assert "'unix_socket' => '/run/mysqld/mysqld.sock'" in said
    assert "'username' => 'alice', 'password' => ''" in said
    assert "'url' => 'https://forum.example.org'" in said
    assert "<alice" not in said


def test_the_schedule_is_a_job() -> None:
    found = resources_of(SITE.format(more="email: a@example.org\n", options=""), plugins=[NAME])
    assert [r.want()["name"] for r in found if r.kind == "unit" and "job" in str(r.want()["name"])]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: 'x y'", "admin"),
        ("admin: a.b", "admin"),
        ("admin: 'x\"'", "admin"),
        ("admin_email: nobody", "not a mail address"),
        ('title: "a\\nb"', "U\\+000A"),
        ("titel: x", "`titel` is not an option of flarum"),
        ("title: 7", "title is text"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_account_without_mail_must_name_the_administrators() -> None:
    assert answers("admin_email: b@example.org", more="")["adminUser"]["email"] == "b@example.org"
    with pytest.raises(ConfigError, match="admin_email is needed: the account alice has no mail address"):
        app(more="")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("    const VERSION = '1.8.1';", "1.8.1"),
        ("const VERSION='2.0.0-rc.5';", "2.0.0-rc.5"),
        ("// const VERSION", None),
    ],
)
def test_the_version_is_read_as_flarum_writes_it(line: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\n{line}\n", re.MULTILINE)
    assert (match[1] if match else None) == found
