"""Kimai as its users, its clients and its administrator meet it, from complete trees that lie on this machine."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests import sources
from wsh_core.testing.conformance import Browser, Conformance, Machine
from wsh_core.testing.conformance.scenes import Installed

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]


def api(browser: Browser, path: str, **fields: Any) -> Any:
    """Make something by the API."""
    answer = browser.post(f"/api/{path}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def record(browser: Browser, words: str) -> str:
    """Record an hour of work for a customer's project; where it is to be read."""
    customer = api(
        browser, "customers", name="A customer", country="GB", currency="GBP", timezone="Europe/London", visible=True
    )
    project = api(browser, "projects", name="A project", customer=customer["id"], visible=True)
    activity = api(browser, "activities", name="Writing", project=project["id"], visible=True)
    times = {"begin": "2026-03-02T09:00:00", "end": "2026-03-02T10:00:00"}
    made = api(browser, "timesheets", project=project["id"], activity=activity["id"], description=words, **times)
    assert made["duration"] == 3600
    return f"/api/timesheets/{made['id']}"


def welcomed(browser: Browser) -> Browser:
    """Answer what Kimai asks everybody once, before it shows anything else."""
    browser.get("/en/wizard/intro")
    answers = {"language": "en", "locale": "en_GB", "timezone": "Europe/London", "skin": "default"}
    fields = browser.form(
        browser.get("/en/wizard/profile"), **{f"form[{name}]": said for name, said in answers.items()}
    )
    answer = browser.post("/en/wizard/profile", fields)
    assert answer.status_code == 200, f"{answer.url} answered {answer.status_code}"
    return browser


class TestKimai(Conformance):
    """The checks that every application must pass."""

    app = "kimai"
    cases = ("{admin: alice.b, admin_email: editor@example.org, mail_from: time@example.org}",)
    denied = ("/.htaccess",)
    public = False
    volatile = ("kimai2_sessions", "kimai2_users")  # when somebody last logged in
    memory = "1G"
    seconds = 240

    def prepare(self, machine: Machine) -> str:
        found = sources.needs("kimai")
        sources.send(machine, found)
        if len(found) > 1:
            type(self).upgrade = (found[1].version, found[0].version)
        return sources.overlay(found)

    def login(self, browser: Browser, password: str) -> bool:
        page = browser.get("/en/login")
        name = browser.site.options.get("admin", browser.site.account)
        fields = browser.form(page, _username=name, _password=password)
        answer = browser.post("/en/login_check", fields, allow_redirects=False)
        return answer.status_code == 302 and not answer.headers["Location"].endswith("/login")

    def write(self, browser: Browser, words: str) -> str:
        return record(browser, words)

    # what is Kimai's own

    def test_the_pages_are_whole(self, wsh_installed: Installed) -> None:
        """Every script, style sheet and picture that the login page names comes."""
        site = wsh_installed.first
        page = site.browser().get("/en/login").text
        assets = {
            part for part in re.findall(r'(?:href|src)="(/[^"]+)"', page) if part.startswith(("/build/", "/bundles/"))
        }
        assert len(assets) >= 3
        for asset in assets:
            assert site.browser().get(asset).status_code == 200, asset
        answer = site.browser().get("/", allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/en/homepage")

    def test_pages_for_which_login_is_needed(self, wsh_installed: Installed) -> None:
        """Those that break first when the database is not the code's."""
        site = wsh_installed.first
        browser = welcomed(self.enter(site))
        record(browser, "An hour that is shown")
        for path in ("/en/timesheet/", "/en/admin/customer/", "/en/admin/system-config/", "/en/doctor"):
            answer = browser.get(path, allow_redirects=False)
            assert answer.status_code == 200, f"{path} answered {answer.status_code}"
        assert "An hour that is shown" in browser.get("/en/timesheet/?daterange=3/1/2026 - 3/31/2026").text

    def test_a_client_records_with_a_token_of_its_own(self, wsh_installed: Installed) -> None:
        """Made in the profile, as people do; it comes in the request's head, and without it nothing is told."""
        site = wsh_installed.second
        browser, client, stranger = welcomed(self.enter(site)), site.browser(), site.browser()
        place = f"/en/profile/{site.account}"
        page = browser.get(f"{place}/create-access-token")
        browser.post(f"{place}/create-access-token", browser.form(page, **{"access_token_form[name]": "A client"}))
        shown = re.search(r"<pre><code>([0-9a-f]{25})</code></pre>", browser.get(f"{place}/api-token").text)
        assert shown, "the new token is not shown"
        client.headers["Authorization"] = f"Bearer {shown[1]}"
        assert client.get("/api/ping").json() == {"message": "pong"}
        assert client.get("/api/version").json()["version"] == site.version()
        path = record(client, "Recorded by a client")
        assert client.get(path).json()["description"] == "Recorded by a client"
        assert stranger.get(path).status_code == 401
        client.headers["Authorization"] = f"Bearer {shown[1][::-1]}"
        assert client.get("/api/ping").status_code in (401, 403)

    def test_a_host_that_is_not_the_sites_is_refused(self, wsh_installed: Installed) -> None:
        """By Kimai itself, whatever leads there."""
        site = wsh_installed.first
        answer = site.browser().get("/en/login", headers={"X-Forwarded-Host": "evil.example.net"})
        assert "evil.example.net" not in answer.text

    def test_configuration_is_closed(self, wsh_installed: Installed) -> None:
        """Ours and the account's; no password is in them, and they lie outside what is served."""
        site = wsh_installed.first
        for file in (".env", ".env.local"):
            assert site.stage.root("stat", "-c", "%a %U", f"{site.tree}/{file}") == f"600 {site.account}\n"
        said = site.stage.root("cat", f"{site.tree}/.env.local")
        assert site.secret("app-secret") in said
        assert site.secret("admin") not in said
        assert f"mysql://{site.account}@localhost/" in said
