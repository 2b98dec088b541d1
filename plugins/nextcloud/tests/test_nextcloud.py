"""Nextcloud's plugin: golden plans, its data, and what it refuses. No server is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from wsh_core.errors import ConfigError
from wsh_core.plugins import Apps
from wsh_core.resources import Resource
from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
SITE = """\
name: Alice
package: small
{more}sites:
  cloud: {{domains: [cloud.example.org, files.example.org], app: nextcloud{site}, options: {{{options}}}}}
"""
MAIL = "email: alice@example.org\n"


def resources(options: str = "", more: str = MAIL, site: str = "", debian: int = 13) -> list[Resource]:
    account = SITE.format(more=more, site=site, options=options)
    return resources_of(account, plugins=["nextcloud"], debian=debian)


def app(*what: str, **of: Any) -> dict[str, Any]:
    (resource,) = (each for each in resources(*what, **of) if each.kind == "app")
    assert resource.origin == "wsh-nextcloud"
    return resource.want()


def occ(steps: list[dict[str, Any]]) -> list[list[Any]]:
    """What occ is told, step by step."""
    calls = [step for step in steps if step["step"] == "php"]
    assert {step["entry"] for step in calls} == {"occ"}
    assert all(step["argv"][-1] == "--no-interaction" for step in calls)
    return [step["argv"][:-1] for step in calls]


def settings(*what: str, **of: Any) -> str:
    (file,) = app(*what, **of)["config"]
    assert (file["path"], file["mode"], file["after"]) == ("config/wsh.config.php", "0600", None)
    (text,) = file["content"]["join"]
    assert isinstance(text, str), "neither secret nor fact"
    return text


def test_it_is_found_by_its_metadata() -> None:
    apps = Apps(["nextcloud"])
    assert not apps.failures
    assert apps.get("nextcloud").distribution == "wsh-nextcloud"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_plan(case: Path) -> None:
    found = resources_of((case / "account.yaml").read_text(encoding="utf-8"), plugins=["nextcloud"])
    assert_golden(case, [each for each in found if each.object == "site:alice/cloud" or each.kind == "jail"])


@pytest.mark.parametrize(
    ("debian", "oldest"), [(12, "30.0.16"), (13, "31.0.14")], ids=["30 needs PHP 8.3 at most", "31 is the first"]
)
def test_every_major_version_on_the_way_is_there(debian: int, oldest: str) -> None:
    """A major version upgrades from the one before it alone."""
    want = app(debian=debian)
    hops = want["hops"]
    assert hops[0]["version"] == oldest
    assert hops[-1]["version"] == want["version"]
    majors = [int(hop["version"].partition(".")[0]) for hop in hops]
    assert majors == list(range(majors[0], majors[0] + len(majors)))
    assert [hop["upgrades_from"] for hop in hops] == [f"{major - 1}.0.0" for major in majors]


def test_every_hop_migrates_and_mends_the_tables() -> None:
    for hop in app()["hops"]:
        assert occ(hop["steps"]) == [
            ["upgrade"],
            ["db:add-missing-columns"],
            ["db:add-missing-indices"],
            ["db:add-missing-primary-keys"],
            ["maintenance:update:htaccess"],
        ]
    status = app()["up_to_date"]
    assert (occ([status]), status["ok"]) == ([["status", "--exit-code"]], [0])


def test_releases_are_nextclouds_own_archives() -> None:
    for release in Apps(["nextcloud"]).get("nextcloud").app.releases:
        (source,) = release.sources
        assert source.url == f"https://download.nextcloud.com/server/releases/nextcloud-{release.version}.tar.bz2"
        assert source.root == "nextcloud"


def test_a_release_that_this_php_cannot_run_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"30\.0\.16 runs on PHP 8\.1, 8\.2, 8\.3; this server has PHP 8\.4"):
        app(site=", release: 30.0.16")


def test_the_password_is_in_one_argument_of_the_frame_alone() -> None:
    steps = app()["install"]
    named = [(n, argument) for n, argv in enumerate(occ(steps)) for argument in argv if "secret" in str(argument)]
    assert named == [(0, {"join": ["--admin-pass=", {"secret": "alice/cloud/admin"}]})]
    assert not any(step.get("input") or step.get("env") or step.get("files") for step in steps)


@pytest.mark.parametrize(
    ("options", "name", "email"),
    [("", "alice", "alice@example.org"), ("admin: bo, admin_email: b@example.org", "bo", "b@example.org")],
)
def test_what_the_installation_is_told(options: str, name: str, email: str) -> None:
    install = occ(app(options)["install"])[0]
    assert install[0] == "maintenance:install"
    assert {f"--admin-user={name}", f"--admin-email={email}", "--database-pass="} < {str(each) for each in install}
    assert "--database-host=localhost:/run/mysqld/mysqld.sock" in install


def test_files_lie_beside_the_tree_and_are_not_for_the_web_server() -> None:
    assert "'datadirectory' => '/home/alice/sites/cloud/data'" in settings()
    (data,) = (
        each.want()
        for each in resources()
        if each.kind == "directory" and each.want()["path"] == "/home/alice/sites/cloud/data"
    )
    assert (data["owner"], data["mode"], data["acl"]) == ("alice", "0700", [])


def test_every_domain_is_trusted_and_the_first_is_the_address() -> None:
    text = settings()
    assert "'trusted_domains' => ['cloud.example.org', 'files.example.org', ]" in text
    assert "'overwrite.cli.url' => 'https://cloud.example.org'" in text


def test_what_is_not_set_is_null_so_that_no_copy_stays_in_force() -> None:
    assert "'default_phone_region' => null" in settings()
    assert "'default_phone_region' => 'DE'" in settings("phone_region: DE")


def test_no_setting_is_nextclouds_own_state() -> None:
    keys = set(re.findall(r"'([\w.-]+)' =>", settings()))
    assert {"dbname", "datadirectory", "upgrade.disable-web"} < keys
    assert not keys & {
        "version",
        "installed",
        "maintenance",
        "instanceid",
        "secret",
        "passwordsalt",
        "config_is_read_only",
    }


@pytest.mark.parametrize(("options", "open_"), [("", True), ("internet: false", False)])
def test_one_option_opens_the_network(options: str, open_: bool) -> None:
    assert f"'has_internet_connection' => {str(open_).lower()}" in settings(options)
    (service,) = (
        r.want()["content"] for r in resources(options) if r.kind == "unit" and "-cron.service" in str(r.name)
    )
    assert f"PrivateNetwork={'no' if open_ else 'yes'}" in str(service)
    steps = [step for hop in app(options)["hops"] for step in hop["steps"]]
    assert {step["argv"][0] for step in steps if step["network"]} == ({"upgrade"} if open_ else set())
    assert not any(step["network"] for step in app(options)["install"] if step["step"] == "php")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("admin: 'x y'", "admin"),
        ("admin: ../x", "admin"),
        ("admin_email: nobody", "not a mail address"),
        ("phone_region: germany", "phone_region"),
        ("internet: 7", "internet"),
        ("titel: x", "`titel` is not an option of nextcloud"),
    ],
)
def test_wrong_options_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        app(options)


def test_an_account_without_mail_must_name_the_administrators() -> None:
    assert "--admin-email=b@example.org" in occ(app("admin_email: b@example.org", more="")["install"])[0]
    with pytest.raises(ConfigError, match="admin_email is needed: the account alice has no mail address"):
        app(more="")


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("$OC_Version = array(33,0,3,2);\n$OC_VersionString = '33.0.3';", "33.0.3"),
        ("$OC_VersionString='34.0.0 RC1';", "34.0.0 RC1"),
        ("// $OC_VersionString = '1';", None),
    ],
)
def test_the_version_is_read_as_nextcloud_writes_it(version: str, found: str | None) -> None:
    match = re.search(app()["version_file"]["regex"], f"<?php\n{version}\n", re.MULTILINE)
    assert (match[1] if match else None) == found


def test_newer_releases_are_looked_for_where_nextcloud_publishes_them() -> None:
    """Of each major version the newest, for none can be skipped; named once, whatever files there are of it."""
    upstream = Apps(["nextcloud"]).get("nextcloud").app.upstream
    assert upstream is not None
    assert (upstream.line, upstream.every_line) == (1, True)
    files = ("tar.bz2", "tar.bz2.sha256", "tar.bz2.asc", "zip")
    page = "".join(f'<a href="nextcloud-33.0.9.{end}">nextcloud-33.0.9.{end}</a>\n' for end in files)
    assert re.findall(upstream.version, page + '<a href="nextcloud-34.0.0rc1.tar.bz2">') == ["33.0.9"]
