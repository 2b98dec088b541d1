"""Matomo as it measures a website, and upgraded from Debian 13's release to that of unstable."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from wsh_core.testing.conformance import Browser, Conformance, Machine, Site
from wsh_core.testing.conformance.scenes import Installed
from wsh_core.testing.conformance.stage import Stage, of_app

from . import newer

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]
GIF = b"GIF89a"
MORE = ("php-symfony-polyfill-php85",)
"""What only the newer release needs."""
LACKING = "php-twig="
"""A library without which no page and no migration of Matomo works."""


def ask(browser: Browser, method: str, **asked: str) -> Any:
    """Ask the API as the user who has logged in."""
    page = browser.get(
        "/index.php", params={"module": "CoreHome", "action": "index", "idSite": "1", "period": "day", "date": "today"}
    )
    found = re.search(r'token_auth\s*=\s*"([0-9a-f]{32})"', page.text)
    assert found, page.text[:2000]
    form = {
        "module": "API",
        "format": "json",
        "method": method,
        "token_auth": found[1],
        "force_api_session": "1",
        **asked,
    }
    answer = browser.post("/index.php", form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def hit(site: Site, page: str) -> bytes:
    """What the tracker answers to a visitor's browser."""
    params = {"idsite": "1", "rec": "1", "url": f"{site.url}{page}", "action_name": page, "rand": page}
    answer = site.browser().get("/matomo.php", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


def archive(site: Site) -> None:
    """Have the reports made as the timer does."""
    stage = site.stage
    unit = f"wsh-job-{stage.uid(site.account)}-{site.key}-archive"
    assert stage.root("systemctl", "is-active", f"{unit}.timer") == "active\n"
    stage.root("systemctl", "start", f"{unit}.service")


class TestMatomo(Conformance):
    app = "matomo"
    options = "website: The <b>shop</b>"
    cases = (
        "{website: 'A''s \"shop\" €', website_url: 'https://s.example.org/en', admin: a.b, admin_email: e@example.org}",
    )
    denied = (
        "/config/config.ini.php", "/config/common.config.ini.php", "/config/global.ini.php", "/core/Version.php",
        "/console", "/lang/en.json", "/vendor/Twig/Environment.php", "/autoload.php", "/vendor_config.php",
        "/plugins/Login/Login.php", "/libs/upgradephp/upgrade.php",
    )  # fmt: skip
    public = False
    volatile = ("matomo_session", "matomo_option", "matomo_locks", "matomo_user", "matomo_brute_force_log")

    def prepare(self, machine: Machine) -> str:
        offered = newer.offer(machine, self.app, MORE)
        type(self).upgrade = (offered.older, offered.newer)
        return offered.toml

    def login(self, browser: Browser, password: str) -> bool:
        name = browser.site.options.get("admin", browser.site.account)
        page = browser.get("/index.php", params={"module": "Login"})
        nonce = browser.form(page)["form_nonce"]  # what else is hidden belongs to the form for a lost password
        form = {"form_login": name, "form_password": password, "form_nonce": nonce}
        answer = browser.post("/index.php?module=Login", form, headers={"Referer": page.url}, allow_redirects=False)
        return answer.status_code in (302, 303)

    def write(self, browser: Browser, words: str) -> str:
        """Content is a further website that is measured; whoever has logged in reads its name."""
        said = ask(browser, "SitesManager.addSite", siteName=words, **{"urls[0]": "https://w.example.org"})
        return f"SitesManager.getSiteFromId&idSite={said['value']}"

    def read(self, browser: Browser, path: str) -> str:
        method, _, number = path.partition("&idSite=")
        if not browser.cookies:
            return browser.get(
                "/index.php", params={"module": "API", "method": method, "idSite": number, "format": "json"}
            ).text
        return json.dumps(ask(browser, method, idSite=number), ensure_ascii=False)

    # what is Matomo's own

    def test_a_hit_is_counted_when_reports_have_been_made(self, wsh_installed: Installed) -> None:
        """The report is made by the job alone, in the jail; the neighbour's numbers are its own."""
        site, sister = wsh_installed.first, wsh_installed.second
        assert hit(site, "/one").startswith(GIF)
        assert hit(site, "/two").startswith(GIF)
        today = {"idSite": "1", "period": "day", "date": datetime.now(UTC).date().isoformat()}
        for each in (site, sister):
            archive(each)
        log = site.stage.root("cat", f"/var/log/wsh/{site.account}/jobs.log")
        assert "using CliMulti" in log
        assert "no error" in log
        assert ask(self.enter(site), "Actions.get", **today)["nb_pageviews"] == 2
        assert ask(self.enter(sister), "Actions.get", **today)["nb_pageviews"] == 0

    def test_the_tracker_is_there_for_browsers(self, wsh_installed: Installed) -> None:
        visitor = wsh_installed.first.browser()
        for path in ("/matomo.js", "/piwik.js", "/js/", "/js/tracker.php"):
            answer = visitor.get(path)
            assert answer.status_code == 200
            assert "Matomo" in answer.text
            assert "javascript" in answer.headers["Content-Type"]
        for path in ("/piwik.php?idsite=1&rec=1", "/matomo.php?idsite=1&rec=1"):
            assert visitor.get(path).content.startswith(GIF)

    def test_nobody_ever_meets_a_wizard(self, wsh_installed: Installed) -> None:
        for site in wsh_installed.sites:
            page = site.browser().get("/index.php?module=Installation")
            assert "tablesCreation" not in page.text
            assert "<title>Sign in" in site.browser().get("/").text

    def test_addresses_of_visitors_are_shortened(self, wsh_installed: Installed) -> None:
        site = wsh_installed.first
        hit(site, "/three")
        query = "SELECT DISTINCT HEX(location_ip) FROM matomo_log_visit"
        found = site.stage.root("mariadb", "-NB", str(site.database), "-e", query).split()
        assert found
        assert all(address.endswith("0000") for address in found)

    def test_a_release_without_a_library_puts_everything_back(self, wsh_stage: Stage) -> None:
        """No page of it would come, and its migration does not even start."""
        assert self.upgrade is not None
        account = wsh_stage.account("lacking")
        older, newer_one = (Site(wsh_stage, account, "site", self.app, self.options, each) for each in self.upgrade)
        wsh_stage.describe(older)
        wsh_stage.apply(account)
        written = {self.write(self.enter(older), "A website that stays"): "A website that stays"}
        before = older.fingerprint()
        wsh_stage.describe(newer_one)

        def without(request: Any) -> None:
            (app,) = (each for each in request["resources"] if each["id"] == f"app:{account}/site")
            for source in (app["want"]["source"], app["want"]["hops"][-1]["source"]):
                source["packages"] = [name for name in source["packages"] if not name.startswith(LACKING)]

        told = {f"site:{account}/site": "upgrade"}
        event = of_app(wsh_stage.apply(account, change=without, told=told, check=False), older)
        assert event is not None
        assert event["outcome"] == "failed"
        assert "Twig" in json.dumps(event["error"])
        assert before.differences(older.fingerprint(), self.volatile) == []
        self.is_well(older, written)
