"""Drupal's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
SITE = """\
name: Alice
package: small
{more}sites:
  pages: {{domains: [pages.example.org, www.example.org], app: drupal{options}}}
"""


def app(options: str = "", more: str = "email: alice@example.org\n", debian: int = 13) -> dict[str, Any]:
    account = SITE.format(more=more, options=f", options: {{{options}}}" if options else "")
    found = resources_of(account, plugins=["drupal"], debian=debian)
    (resource,) = (each for each in found if each.kind == "app")
    assert resource.origin == "wsh-drupal"
    return resource.want()


def steps(want: dict[str, Any], command: str) -> list[list[Any]]:
    """The arguments of every call of one command of Drush."""
    found = [each["argv"][1:] for each in want["install"] if each["step"] == "php" and each["argv"][0] == command]
    assert all(argv[-1] == "--uri=https://pages.example.org" for argv in found)
    return [argv[:-1] for argv in found]


def settings(want: dict[str, Any]) -> str:
    (ours,) = want["config"]
    assert (ours["path"], ours["mode"]) == ("settings.wsh.php", "0600")
    return "".join(part if isinstance(part, str) else f"<{part['secret']}>" for part in ours["content"]["join"])


def test_it_is_found_by_its_metadata() -> None:
    apps = Apps(["drupal"])
    assert not apps.failures
    assert apps.get("drupal").distribution == "wsh-drupal"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_plan(case: Path) -> None:
    resources = resources_of((case / "account.yaml").read_text(encoding="utf-8"), plugins=["drupal"])
    assert_golden(case, [each for each in resources if each.object == "site:alice/pages" or each.kind == "jail"])


def test_composer_is_held_to_the_release() -> None:
    source = app()["source"]
    assert (source["type"], source["package"], source["php"]) == ("composer", "drupal/recommended-project", "8.4")
    assert source["version"] == app()["version"] == "11.4.5"
    pinned = {name for name, version in source["require"].items() if version == "self.version"}
    assert "drupal/core-recommended" in pinned
    assert source["require"]["drush/drush"] == "^13"


def test_debian_12_has_no_php_for_it() -> None:
    with pytest.raises(ConfigError, match=r"drupal does not have a release for PHP 8\.2 of Debian 12"):
        app(debian=12)


def test_there_is_no_password_for_the_database() -> None:
    text = settings(app())
    assert "'password' => ''" in text
    assert "['database' => 'alice_pages', 'username' => 'alice', 'unix_socket' => '/run/mysqld/mysqld.sock', ]" in text
    assert "'<alice/pages/hash-salt>'" in text


def test_it_answers_to_its_own_names_only() -> None:
    (patterns,) = re.findall(r"trusted_host_patterns'\] = \[(.*?), \];", settings(app()))
    expressions = [text.strip("'").replace("\\\\", "\\") for text in patterns.split(", ")]
    assert [bool(re.search(each, "pages.example.org")) for each in expressions] == [True, False]
    assert not any(re.search(each, name) for each in expressions for name in ("pagesxexample.org", "www.example.org.x"))


def test_private_files_lie_beside_the_tree() -> None:
    want = app()
    assert want["layout"]["outside"] == ["private", "config"]
    for place in ("private", "config"):
        assert f"'/home/alice/sites/pages/{place}'" in settings(want)


def test_the_administrators_password_goes_in_by_the_frame_alone() -> None:
    want = app()
    (argv,) = steps(want, "site:install")
    assert argv[-1] == {"join": ["--account-pass=", {"secret": "alice/pages/admin"}]}
    secret = [each for each in want["install"] if "alice/pages/admin" in str(each)]
    assert [each["step"] for each in secret] == ["php"]


@pytest.mark.parametrize(
    ("options", "profile", "name", "account", "mail", "recipes"),
    [
        ("", "standard", "pages.example.org", "alice", "alice@example.org", 2),
        ("title: A b, admin: bo, admin_email: b@example.org, profile: minimal", "minimal", "A b", "bo",
         "b@example.org", 0),
    ],
)  # fmt: skip
def test_what_the_installation_is_told(
    options: str, profile: str, name: str, account: str, mail: str, recipes: int
) -> None:
    want = app(options)
    (argv,) = steps(want, "site:install")
    assert argv[:2] == [profile, "--yes"]
    told = {f"--site-name={name}", f"--account-name={account}", f"--site-mail={mail}", f"--account-mail={mail}"}
    assert told <= {each for each in argv if isinstance(each, str)}
    assert len(steps(want, "recipe")) == recipes


def test_that_it_was_installed_is_asked_of_itself() -> None:
    last = app()["install"][-1]
    assert (last["argv"][0], last["expect"]) == ("status", "^Successful$")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: 'x y'", "admin"),
        ("admin_email: nobody", "not a mail address"),
        ('title: "a\\nb"', "U\\+000A"),
        ("titel: x", "`titel` is not an option of drupal"),
        ("profile: demo", "profile"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_account_without_mail_must_name_the_administrators() -> None:
    app("admin_email: b@example.org", more="")
    with pytest.raises(ConfigError, match="admin_email is needed: the account alice has no mail address"):
        app(more="")


@pytest.mark.parametrize(
    ("version", "found"),
    [("  const VERSION = '11.4.5';", "11.4.5"), ("  const VERSION = '12.0.0-beta1';", "12.0.0-beta1"),
     ("// const VERSION = '1';", None)],
)  # fmt: skip
def test_the_version_is_read_as_drupal_writes_it(version: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\nclass Drupal {{\n{version}\n", re.MULTILINE)
    assert (match and match[1]) == found
