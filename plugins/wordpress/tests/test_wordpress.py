"""WordPress's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.resources import File
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
SITE = """\
name: Alice
package: small
{more}sites:
  blog: {{domains: [blog.example.org], app: wordpress{options}}}
"""


def app(options: str = "", more: str = "email: alice@example.org\n", debian: int = 13) -> dict[str, Any]:
    account = SITE.format(more=more, options=f", options: {{{options}}}" if options else "")
    found = resources_of(account, plugins=["wordpress"], debian=debian)
    (resource,) = (each for each in found if each.kind == "app")
    assert resource.origin == "wsh-wordpress"
    return resource.want()


def installation(want: dict[str, Any]) -> dict[str, Any]:
    (php,) = (step for step in want["install"] if step["step"] == "php")
    return php


def text(value: Any) -> str:
    parts = value["join"] if isinstance(value, dict) else [value]
    return "".join(part if isinstance(part, str) else f"<{part['secret']}>" for part in parts)


def test_it_is_found_by_its_metadata() -> None:
    apps = Apps(["wordpress"])
    assert not apps.failures
    assert apps.get("wordpress").distribution == "wsh-wordpress"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_plan(case: Path) -> None:
    resources = resources_of((case / "account.yaml").read_text(encoding="utf-8"), plugins=["wordpress"])
    assert_golden(case, [each for each in resources if each.object == "site:alice/blog" or each.kind == "jail"])


@pytest.mark.parametrize(("debian", "version"), [(12, "6.1.9"), (13, "6.8.12")])
def test_each_debian_has_its_release(debian: int, version: str) -> None:
    want = app(debian=debian)
    assert want["version"] == version
    assert want["source"]["version"].startswith(f"{version}+")
    assert want["source"]["packages"][0] == "wordpress"
    assert any(package.startswith("wordpress-theme-") for package in want["source"]["packages"])


def test_there_is_no_password_for_the_database() -> None:
    (ours,) = (file for file in app()["config"] if file["path"] == "wsh-config.php")
    constants = dict(re.findall(r"define\('(\w+)', (.+)\);", text(ours["content"])))
    assert constants["DB_PASSWORD"] == "''"
    assert constants["DB_HOST"] == "'localhost:/run/mysqld/mysqld.sock'"
    assert constants["DB_USER"] == "'alice'"
    assert constants["DB_NAME"] == "'alice_blog'"
    assert ours["mode"] == "0600"


def test_each_key_is_a_secret_of_its_own() -> None:
    (ours,) = (file for file in app()["config"] if file["path"] == "wsh-config.php")
    named = re.findall(r"define\('(\w+_(?:KEY|SALT))', '<alice/blog/([a-z-]+)>'\);", text(ours["content"]))
    assert len(named) == len({secret for _, secret in named}) == 8
    assert all(name.lower().replace("_", "-") == secret for name, secret in named)


def test_the_administrators_password_goes_in_by_the_input_alone() -> None:
    step = installation(app())
    assert step["input"] == {"secret": "alice/blog/admin"}
    assert not any("secret" in str(argument) for argument in step["argv"])


@pytest.mark.parametrize(
    ("options", "argv"),
    [
        ("", ["https://blog.example.org", "blog.example.org", "alice", "alice@example.org"]),
        (
            "title: A b, admin: bo, admin_email: b@example.org",
            ["https://blog.example.org", "A b", "bo", "b@example.org"],
        ),
    ],
)
def test_what_the_installation_is_told(options: str, argv: list[str]) -> None:
    assert installation(app(options))["argv"] == argv


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: 'x y'", "admin"),
        ("admin: ../x", "admin"),
        ("admin_email: nobody", "not a mail address"),
        ('title: "a\\nb"', "U\\+000A"),
        ("titel: x", "`titel` is not an option of wordpress"),
        ("title: 7", "title is text"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_account_without_mail_must_name_the_administrators() -> None:
    assert installation(app("admin_email: b@example.org", more=""))["argv"][3] == "b@example.org"
    with pytest.raises(ConfigError, match="admin_email is needed: the account alice has no mail address"):
        app(more="")


def test_wp_config_is_the_customers_after_its_first_line() -> None:
    steps = app()["install"]
    assert [(step["step"], step.get("path")) for step in steps] == [
        ("remove", "wp-config.php"),
        ("remove", ".htaccess"),
        ("write", "wp-config.php"),
        ("php", None),
    ]
    lines = steps[2]["content"].splitlines()
    assert lines[:2] == ["<?php", lines[1]]
    assert lines[1].startswith("require __DIR__ . '/wsh-config.php';")
    assert steps[2]["mode"] == "0600"


def test_an_upgrade_is_wordpresss_own_and_checked_by_its_own_word() -> None:
    want = app()
    (hop,) = want["hops"]
    assert (hop["version"], hop["source"]) == (want["version"], want["source"])
    assert [(step["script"]["name"], step["expect"]) for step in hop["steps"]] == [("upgrade.php", "^upgraded$")]
    assert (want["up_to_date"]["script"]["name"], want["up_to_date"]["expect"]) == ("up-to-date.php", "^up to date$")


def test_what_the_customer_has_added_outlives_an_upgrade() -> None:
    layout = app()["layout"]
    assert layout["data"] == ["wp-content/uploads"]
    assert {"wp-content/plugins", "wp-content/themes", "wp-content/languages"} <= set(layout["additions"])
    assert "wp-config.php" in layout["config"]


def test_scheduled_tasks_run_by_a_timer_and_not_by_visitors() -> None:
    account = SITE.format(more="email: alice@example.org\n", options="")
    paths = [each.path for each in resources_of(account, plugins=["wordpress"]) if isinstance(each, File)]
    assert "/var/lib/wsh/jobs/alice-blog-cron" in paths
    (ours,) = (file for file in app()["config"] if file["path"] == "wsh-config.php")
    assert "define('DISABLE_WP_CRON', true);" in text(ours["content"])


@pytest.mark.parametrize(
    ("version", "found"),
    [("$wp_version = '6.8.12';", "6.8.12"), ("$wp_version = '7.1';", "7.1"), ("// $wp_version = '1';", None)],
)
def test_the_version_is_read_as_wordpress_writes_it(version: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\n{version}\n", re.MULTILINE)
    assert (match[1] if match else None) == found
