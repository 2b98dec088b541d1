"""Kimai's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
NAME = "kimai"
SITE = """\
name: Alice
package: small
{more}sites:
  time: {{domains: [time.example.org, www.time.example.org], app: kimai{options}}}
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


def environment(options: str = "", more: str = "email: alice@example.org\n") -> dict[str, str]:
    (file,) = app(options, more)["config"]
    assert (file["path"], file["mode"], file["after"]) == (".env.local", "0600", None)
    lines = text(file["content"]).splitlines()
    found = [re.fullmatch(r"([A-Z_]+)='([^']*)'", line) for line in lines]
    return {match[1]: match[2] for match in found if match} if all(found) else {}


def test_there_is_no_password_for_the_database() -> None:
    url = environment()["DATABASE_URL"]
    assert url.startswith("mysql://alice@localhost/alice_time?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4&")
    assert re.search(r"serverVersion=10\.11\.[0-9]+-MariaDB$", url)


def test_only_the_sites_own_domains_are_answered() -> None:
    trusted = re.compile(environment()["TRUSTED_HOSTS"], re.IGNORECASE)
    assert trusted.search("time.example.org")
    assert trusted.search("www.time.example.org")
    for other in ("example.org", "timexexample.org", "time.example.org.evil.net", "evil.net/time.example.org"):
        assert not trusted.search(other)


def test_what_is_secret_is_made_on_the_server() -> None:
    assert environment()["APP_SECRET"] == "<alice/time/app-secret>"
    assert environment()["APP_ENV"] == "prod"
    assert environment()["DEFAULT_URI"] == "https://time.example.org"


@pytest.mark.parametrize(
    ("options", "more", "sender"),
    [
        ("", "email: alice@example.org\n", "alice@example.org"),
        ("mail_from: t@example.org", "email: alice@example.org\n", "t@example.org"),
        ("admin_email: b@example.org", "", "kimai@time.example.org"),
    ],
)
def test_the_sender_of_mail(options: str, more: str, sender: str) -> None:
    assert environment(options, more)["MAILER_FROM"] == sender


def test_the_administrator_is_made_after_the_database() -> None:
    steps = [step for step in app()["install"] if step["step"] == "php"]
    assert [step["argv"][0] for step in steps] == ["kimai:install", "assets:install", "kimai:user:create"]
    _, name, email, role, password, _ = steps[-1]["argv"]
    assert (name, email, role) == ("alice", "alice@example.org", "ROLE_SUPER_ADMIN")
    assert password == {"secret": "alice/time/admin"}


def test_an_upgrade_is_the_same_command() -> None:
    want = app()
    assert [step["argv"][0] for step in want["hops"][-1]["steps"]] == ["kimai:install", "assets:install"]
    assert want["up_to_date"]["expect"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: 'x y'", "admin"),
        ("admin: -n", "admin"),
        ("admin_email: nobody", "not a mail address"),
        ('mail_from: "x\' y@example.org"', "not a mail address"),
        ("title: x", "`title` is not an option of kimai"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_account_without_mail_must_name_the_administrators() -> None:
    with pytest.raises(ConfigError, match="admin_email is needed: the account alice has no mail address"):
        app(more="")


@pytest.mark.parametrize(
    ("line", "found"),
    [("    public const VERSION = '2.65.0';", "2.65.0"), ("    public const VERSION_ID = 26500;", None)],
)
def test_the_version_is_read_as_kimai_writes_it(line: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\n{line}\n", re.MULTILINE)
    assert (match[1] if match else None) == found
