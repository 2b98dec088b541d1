"""MediaWiki as its readers and writers meet it, and upgraded from Debian 13's release to that of unstable."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wsh_core.testing.conformance import Browser, Conformance, Machine, Site
from wsh_core.testing.conformance.scenes import Installed
from wsh_core.testing.conformance.stage import Stage, of_app

from . import newer

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
MISFIT = "if ( MW_VERSION !== '{version}' ) {{\n\twfLoadExtension( 'Misfit' );\n}}\n"
"""An extension of the customer's that a newer MediaWiki does not find."""


def api(browser: Browser, data: dict[str, str] | None = None, **asked: str) -> Any:
    """Ask the API; with *data* by POST."""
    params = {"format": "json", "formatversion": "2", **asked}
    answer = browser.get("/api.php", params=params) if data is None else browser.post("/api.php", data, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def token(browser: Browser, kind: str = "csrf") -> str:
    """A token against forgery."""
    found = api(browser, action="query", meta="tokens", type=kind)
    return str(found["query"]["tokens"][f"{kind}token"])


def edit(browser: Browser, title: str, words: str) -> str:
    """Write a page by the API; its path."""
    said = api(browser, {"title": title, "text": words, "token": token(browser)}, action="edit")
    assert said["edit"]["result"] == "Success", said
    found = api(browser, action="query", titles=title, prop="info", inprop="url")
    return str(found["query"]["pages"][0]["canonicalurl"]).removeprefix(browser.site.url)


class TestMediaWiki(Conformance):
    app = "mediawiki"
    options = "title: The <b>wiki</b>"
    cases = ("{title: 'Alice''s \"wiki\" €', language: de, admin: alice.b, admin_email: editor@example.org}",)
    denied = (
        "/LocalSettings.php", "/LocalSettings.wsh.php", "/cache/.htaccess", "/includes/Defines.php",
        "/languages/i18n/en.json", "/maintenance/run.php", "/mw-config/index.php", "/vendor/autoload.php",
        "/composer.json", "/extensions/Cite/src/Cite.php", "/skins/Vector/includes/Hooks.php",
    )  # fmt: skip
    volatile = ("objectcache", "job", "l10n_cache", "user", "recentchanges", "site_stats")

    def prepare(self, machine: Machine) -> str:
        offered = newer.offer(machine, self.app)
        type(self).upgrade = (offered.older, offered.newer)
        return offered.toml

    def login(self, browser: Browser, password: str) -> bool:
        name = browser.site.options.get("admin", browser.site.account)
        said = api(
            browser,
            {
                "username": name.capitalize(),
                "password": password,
                "logintoken": token(browser, "login"),
                "loginreturnurl": browser.site.url,
            },
            action="clientlogin",
        )
        return bool(said["clientlogin"]["status"] == "PASS")

    def write(self, browser: Browser, words: str) -> str:
        return edit(browser, "Written", words)

    # what is MediaWiki's own

    def test_pages_have_short_addresses_whatever_they_are_called(self, wsh_installed: Installed) -> None:
        site = wsh_installed.first
        browser = self.enter(site)
        front = site.browser().get("/")
        assert front.url == f"{site.url}/wiki/Main_Page"
        assert api(browser, action="query", meta="siteinfo")["query"]["general"]["sitename"] == "The <b>wiki</b>"
        for number, title in enumerate(
            ("Grüße", "AC/DC", "Is it?", "index.php", "A & B + C", 'Quote "here"', "a.b.css")
        ):
            path = edit(browser, title, f"Words number {number}.")
            assert path.startswith("/wiki/")
            assert f"Words number {number}." in site.browser().get(path).text
        assert site.browser().get("/wiki/Nothing_here").status_code == 404
        assert site.browser().get("/rest.php/v1/page/Main_Page").json()["title"] == "Main Page"

    def test_what_strangers_may_do_is_mediawikis_own_word(self, wsh_installed: Installed) -> None:
        site = wsh_installed.second
        visitor = site.browser()
        generator = api(visitor, action="query", meta="siteinfo")["query"]["general"]["generator"]
        assert generator == f"MediaWiki {site.version()}"
        browser = self.enter(site)
        groups = api(browser, action="query", meta="userinfo", uiprop="groups")["query"]["userinfo"]["groups"]
        assert {"sysop", "bureaucrat", "interface-admin"} <= {*groups}

    def test_an_upload_is_served_as_what_it_is(self, wsh_installed: Installed) -> None:
        site = wsh_installed.first
        browser = self.enter(site)
        form = {"filename": "Pixel.png", "token": token(browser), "ignorewarnings": "1"}
        params = {"action": "upload", "format": "json"}
        said = browser.post("/api.php", form, params=params, files={"file": ("pixel.png", PIXEL)}).json()
        assert said["upload"]["result"] == "Success", said
        answer = site.browser().get(said["upload"]["imageinfo"]["url"])
        assert answer.content == PIXEL
        assert answer.headers["Content-Type"] == "image/png"
        assert "nosniff" in answer.headers["X-Content-Type-Options"]

    def test_the_queue_is_worked_off_in_the_jail(self, wsh_installed: Installed) -> None:
        """Visitors never do it; the timer does, and the unit is what it starts."""
        site = wsh_installed.first
        stage, browser = site.stage, self.enter(site)
        edit(browser, "Template:Used", "Once")
        for number in range(3):
            edit(browser, f"User {number}", "{{Used}}")
        edit(browser, "Template:Used", "Twice")
        waiting = api(browser, action="query", meta="siteinfo", siprop="statistics")["query"]["statistics"]["jobs"]
        assert waiting > 0
        unit = f"wsh-job-{stage.uid(site.account)}-{site.key}-jobs"
        assert stage.root("systemctl", "is-active", f"{unit}.timer") == "active\n"
        stage.root("systemctl", "start", f"{unit}.service")
        left = stage.root("mariadb", "-NB", str(site.database), "-e", "SELECT COUNT(*) FROM job")
        assert left == "0\n", stage.root("cat", f"/var/log/wsh/{site.account}/jobs.log")

    def test_the_title_is_live(self, wsh_installed: Installed) -> None:
        """Also on pages that were made before: the parser's cache knows that the settings are new."""
        stage, site = wsh_installed.stage, wsh_installed.other
        renamed = Site(stage, site.account, site.key, site.app, "title: Another name")
        stage.describe(renamed)
        stage.apply(site.account)
        assert "Another name" in site.browser().get("/wiki/Main_Page").text
        stage.describe(site)
        stage.apply(site.account)

    def test_an_extension_that_does_not_fit_puts_everything_back(self, wsh_stage: Stage) -> None:
        """What the customer has added works with the old release only: the upgrade undoes itself, and says why."""
        assert self.upgrade is not None
        account = wsh_stage.account("misfit")
        older, newer_one = (Site(wsh_stage, account, "site", self.app, self.options, each) for each in self.upgrade)
        wsh_stage.describe(older)
        wsh_stage.apply(account)
        written = {self.write(self.enter(older), "Words that stay"): "Words that stay"}
        own = wsh_stage.root("cat", f"{older.tree}/LocalSettings.php")
        wsh_stage.put(older, "LocalSettings.php", own + MISFIT.format(version=older.release))
        before = older.fingerprint()
        wsh_stage.describe(newer_one)
        events = wsh_stage.apply(account, told={f"site:{account}/site": "upgrade"}, check=False)
        told = of_app(events, older)
        assert told is not None
        assert told["outcome"] == "failed"
        assert "Misfit" in json.dumps(told["error"])
        assert before.differences(older.fingerprint(), self.volatile) == []
        self.is_well(older, written)
        wsh_stage.put(older, "LocalSettings.php", own)
        wsh_stage.apply(account, told={f"site:{account}/site": "upgrade"})
        assert older.version() == newer_one.release
        self.is_well(newer_one, written)
