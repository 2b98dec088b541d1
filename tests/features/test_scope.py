"""What a site asks of its app and its server, and what is said when it cannot have it."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from pydantic import Field

from wsh_core.errors import ConfigError, PluginError
from wsh_core.features import account_resources
from wsh_core.models.account import Account
from wsh_core.models.package import Package
from wsh_core.models.server import Server
from wsh_core.plugin import (
    App,
    AppOptions,
    Archive,
    ConfigFile,
    Database,
    DebianPackage,
    Job,
    NeedsOption,
    Php,
    Probe,
    Release,
    Secret,
    SiteContext,
    VersionFile,
    hookimpl,
)
from wsh_core.plugins import Apps, Installed, LoadedApp
from wsh_core.resources import File, Resource, Unit
from wsh_core.resources.text import readable
from wsh_core.testing.golden import PACKAGE

SUM = "0" * 64


class Options(AppOptions):
    title: str = Field("A book", description="Title")
    owner: str | None = Field(None, description="Owner; else the account's mail address")


def releases() -> list[Release]:
    debian = DebianPackage(["book"], "3.0-1", "usr/share/book", 12)
    return [
        Release("4.0", ["8.5"], [Archive("https://x.org/4.tar", SUM)]),
        Release("3.0", ["8.2", "8.4"], [debian, Archive("https://x.org/3.tar", SUM)]),
        Release("2.0", ["8.2", "8.4"], [Archive("https://x.org/2.tar", SUM)]),
        Release("1.0", ["8.2", "8.4"], [debian]),
    ]


def book(**hooks: Any) -> LoadedApp:
    """A plugin made on the spot."""
    module = ModuleType("wsh_book")

    def wsh_app() -> App:
        return App(
            "book", "Book", options=Options, releases=releases(), version=VersionFile("VERSION", "(.*)"),
            health=Probe("/"), database=Database(),
        )  # fmt: skip

    vars(module).update(WSH_API=1, wsh_app=hookimpl(wsh_app))
    vars(module).update({name: hookimpl(hook) for name, hook in hooks.items()})
    return LoadedApp(Installed("book", "wsh-book", "0.9", "wsh_book"), module)


class OneApp(Apps):
    def __init__(self, app: LoadedApp) -> None:
        super().__init__()
        self._loaded["book"] = app


def resources(site: dict[str, Any], app: LoadedApp | None = None, debian: int = 13, **account: Any) -> list[Resource]:
    server = Server.make("web1", {"address": "localhost", "debian": debian})
    sites = {"shelf": {"domains": ["book.example.org"], "app": "book", **site}}
    described = Account.make("alice", {"name": "Alice", "package": "small", "sites": sites, **account})
    return account_resources(server, described, Package.model_validate(PACKAGE), OneApp(app or book()))


def installed(found: list[Resource]) -> dict[str, Any]:
    (app,) = (each for each in found if each.kind == "app")
    assert app.origin == "wsh-book"
    return app.want()


def test_the_newest_release_that_fits_the_server_is_taken() -> None:
    want = installed(resources({}))
    assert want["version"] == "3.0"
    assert want["source"]["url"] == "https://x.org/3.tar"
    assert want["probe"] == {"host": "book.example.org", "path": "/", "status": 200, "contains": ""}
    assert want["tree"] == "/home/alice/sites/shelf/app"
    assert want["database"] == "alice_shelf"


def test_the_first_source_that_fits_is_taken() -> None:
    assert installed(resources({}, debian=12))["source"] == {
        "type": "debian", "packages": ["book"], "version": "3.0-1", "root": "usr/share/book",
    }  # fmt: skip


def test_a_site_can_name_its_release() -> None:
    assert installed(resources({"release": "2.0"}))["version"] == "2.0"


def way(*releases: tuple[str, str]) -> list[str]:
    """By which releases, each with the lowest that leads to it, older ones come to the first."""
    found = [Release(version, ["8.4"], [Archive("https://x.org/x.tar", SUM)], low) for version, low in releases]

    def wsh_app() -> App:
        return App(
            "book", "Book", options=Options, releases=found, version=VersionFile("VERSION", "(.*)"), health=Probe("/")
        )

    return [hop["version"] for hop in installed(resources({}, book(wsh_app=wsh_app)))["hops"]]


def test_the_way_of_older_versions_has_no_release_that_is_not_needed() -> None:
    assert way(("3.0", "0"), ("2.0", "0")) == ["3.0"]
    assert way(("33.0.3", "32"), ("32.0.9", "31"), ("32.0.2", "31"), ("31.0.1", "30")) == [
        "31.0.1", "32.0.9", "33.0.3",
    ]  # fmt: skip
    assert way(("33.0.3", "32"), ("31.0.1", "30")) == ["33.0.3"]
    assert way(("10.0", "9.5"), ("9.6", "0"), ("9.4", "0")) == ["9.6", "10.0"]
    assert way(("31.0.1", "30.0.0"), ("30.0.2", "29.0.0")) == ["30.0.2", "31.0.1"]


def test_on_the_way_the_releases_are_taken_that_stand_first() -> None:
    """An operator's own come before those of the plugin, which may be newer."""
    assert way(("33.0.3", "32"), ("32.0.2", "31"), ("32.0.9", "31")) == ["32.0.2", "33.0.3"]


def test_each_release_on_the_way_has_its_own_steps_and_files() -> None:
    found = [Release(v, ["8.4"], [Archive("https://x.org/x.tar", SUM)], low) for v, low in (("2", "1"), ("1", "0"))]

    def wsh_app() -> App:
        return App(
            "book", "Book", options=Options, releases=found, version=VersionFile("VERSION", "(.*)"), health=Probe("/")
        )

    def wsh_config(site: SiteContext) -> list[ConfigFile]:
        return [ConfigFile("config.php", f"for {site.version}")]

    def wsh_upgrade(site: SiteContext) -> list[Php]:
        return [Php(entry="migrate.php", argv=(site.version,))]

    app = book(wsh_app=wsh_app, wsh_config=wsh_config, wsh_upgrade=wsh_upgrade)
    first, last = installed(resources({}, app))["hops"]
    assert (first["upgrades_from"], last["upgrades_from"]) == ("0", "1")
    assert [step["argv"] for hop in (first, last) for step in hop["steps"]] == [["1"], ["2"]]
    assert first["config"][0]["content"] == "for 1"
    assert last["config"] is None


def test_a_release_or_a_source_of_ones_own_is_pinned() -> None:
    own = {"version": "5.0", "path": "/srv/book.tar", "sha256": SUM}
    assert [
        installed(resources(site))["pinned"] for site in ({}, {"release": "2.0"}, {"options": {"source": own}})
    ] == [False, True, True]


def test_a_job_has_a_timer_a_service_and_what_its_php_is_told() -> None:
    def wsh_config() -> list[Job]:
        return [Job("cron", Php(entry="cron.php", argv=("--all",), memory=128 << 20), every="5min")]

    found = resources({}, book(wsh_config=wsh_config))
    (frame,) = [each for each in found if isinstance(each, File)]
    assert frame.path == "/var/lib/wsh/jobs/alice-shelf-cron"
    assert (frame.owner, frame.mode) == ("root", "0600")
    head, body = str(frame.content).split("\n")
    assert int(head) == len(body)
    assert json.loads(body) == {
        "entry": "/home/alice/sites/shelf/app/cron.php", "argv": ["--all"], "cwd": "/home/alice/sites/shelf/app",
        "env": {}, "ini": {"memory_limit": "134217728"},
    }  # fmt: skip
    units = {each.identity: each for each in found if isinstance(each, Unit) and "-job-" in each.identity}
    service, timer = units["wsh-job-alice-shelf-cron.service"], units["wsh-job-alice-shelf-cron.timer"]
    assert (service.state, timer.state, timer.wanted_by) == ("installed", "active", "wsh.target")
    assert "ConditionPathExists=!/var/lib/wsh/fence/alice-shelf\n" in readable(service.content, "6001")
    assert "User=6001\n" in readable(service.content, "6001")
    assert "OnCalendar=*:0/5\n" in readable(timer.content, "6001")


def test_a_site_can_have_a_release_of_its_own() -> None:
    own = {"version": "5.0", "path": "/srv/book.tar", "sha256": SUM, "root": "book-5"}
    want = installed(resources({"options": {"source": own}}))
    assert want["version"] == "5.0"
    assert want["source"] == {"type": "file", "path": "/srv/book.tar", "sha256": SUM, "root": "book-5"}


@pytest.mark.parametrize(
    ("site", "code", "words", "hint"),
    [
        (
            {"release": "4.0"},
            "config.release",
            "book 4.0 runs on PHP 8.5; this server has PHP 8.4 of Debian 13",
            "one of 3.0, 2.0",
        ),
        ({"release": "1.0"}, "config.release", "book 1.0 cannot be had on Debian 13", "one of 3.0, 2.0"),
        ({"release": "9"}, "config.release", "the release 9", "one of 3.0, 2.0"),
        (
            {"options": {"titel": "x"}},
            "config.unknown-key",
            "`titel` is not an option of book",
            "did you mean title?",
        ),
        ({"options": {"title": 5}}, "config.type", "title is text, not the number 5", 'write "5"'),
        (
            {"options": {"source": {"version": "1", "sha256": SUM}}},
            "config.value",
            "give either url or path",
            None,
        ),
        (
            {"options": {"source": {"version": "1", "sha256": "x", "path": "/a"}}},
            "config.value",
            "'x' is no SHA-256 checksum",
            None,
        ),
        ({"app": "static", "release": "1"}, "config.release", "static does not have the release 1", None),
        ({"app": "php", "options": {"x": 1}}, "config.unknown-key", "`x` is not an option of php", None),
    ],
)
def test_what_a_site_cannot_have_is_said(site: dict[str, Any], code: str, words: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        resources(site)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert words in problem.message
    assert problem.hint == hint
    assert problem.object in {"site:alice/shelf", None}


def test_php_that_the_server_does_not_have() -> None:
    with pytest.raises(ConfigError, match=r"PHP 8\.2 is not there on Debian 13, which has 8\.4"):
        resources({}, php="8.2")


def test_all_problems_of_an_account_are_told_together() -> None:
    sites = {
        "one": {"domains": ["one.example.org"], "app": "book", "release": "9"},
        "two": {"domains": ["two.example.org"], "app": "book", "options": {"titel": "x"}},
    }
    with pytest.raises(ConfigError) as caught:
        resources({}, php="8.2", sites=sites)
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["config.php-version", "config.release", "config.unknown-key"]


def test_an_option_that_only_this_site_needs() -> None:
    def wsh_install(site: SiteContext[Options]) -> list[Php]:
        owner = site.options.owner or site.email
        if owner is None:
            raise NeedsOption("owner", f"{site.account} has no mail address")
        return [Php(entry="install.php", argv=(owner,))]

    app = book(wsh_install=wsh_install)
    assert installed(resources({}, app, email="a@example.org"))["install"][0]["argv"] == ["a@example.org"]
    assert installed(resources({"options": {"owner": "me"}}, app))["install"][0]["argv"] == ["me"]
    with pytest.raises(ConfigError, match="owner is needed: alice has no mail address") as caught:
        resources({}, app)
    assert caught.value.problems[0].code == "config.missing-key"


@pytest.mark.parametrize("name", ["bob/blog/admin", "alice/other/admin", "alice/shelfx/admin", "admin"])
def test_a_plugin_gets_no_secret_of_another_site(name: str) -> None:
    def wsh_config() -> list[ConfigFile]:
        return [ConfigFile("x", Secret(name))]

    with pytest.raises(PluginError, match=f"wsh-book 0.9 names the secret {name} for the site alice/shelf"):
        resources({}, book(wsh_config=wsh_config))


def test_a_plugin_gets_its_own_secrets_by_reference() -> None:
    def wsh_config(site: SiteContext[Options]) -> list[ConfigFile]:
        return [ConfigFile("x", site.secret("key", 64))]

    found = resources({}, book(wsh_config=wsh_config))
    assert installed(found)["config"][0]["content"] == {"secret": "alice/shelf/key"}
    assert [(each.name, each.length) for app in found for each in app.secrets()] == [("alice/shelf/key", 64)]


def test_a_plugin_that_fails_holds_the_account() -> None:
    def wsh_vhost() -> None:
        raise RuntimeError("boom")

    with pytest.raises(PluginError, match="wsh_vhost failed for alice/shelf: RuntimeError: boom"):
        resources({}, book(wsh_vhost=wsh_vhost))
