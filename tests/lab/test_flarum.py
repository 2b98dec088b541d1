"""Flarum as its members, its administrator and its schedule meet it, from complete trees that lie on this machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests import sources
from wsh_core.testing.conformance import Browser, Conformance, Machine
from wsh_core.testing.conformance.scenes import Installed

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]


def api(browser: Browser, path: str, kind: str, attributes: dict[str, Any], **relationships: Any) -> Any:
    """Make something by the API, as a client does."""
    data = {"type": kind, "attributes": attributes, "relationships": relationships}
    answer = browser.post(f"/api/{path}", json={"data": data})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


class TestFlarum(Conformance):
    """The checks that every application must pass."""

    app = "flarum"
    options = "title: The <b>forum</b>"
    cases = ("{title: 'Alice''s \"forum\" {{ }} €', admin: alice-b_2, admin_email: editor@example.org}",)
    denied = ("/web.config", "/.htaccess")
    # when somebody was last seen, when the schedule last ran, and a file for each visitor's session
    volatile = ("access_tokens", "users", "settings", "app/storage/sessions/*")
    memory = "768M"

    def prepare(self, machine: Machine) -> str:
        found = sources.needs("flarum")
        sources.send(machine, found)
        if len(found) > 1:
            type(self).upgrade = (found[1].version, found[0].version)
        return sources.overlay(found)

    def login(self, browser: Browser, password: str) -> bool:
        name = browser.site.options.get("admin", browser.site.account)
        answer = browser.post("/api/token", json={"identification": name, "password": password})
        browser.cookies.clear()  # a client has none: only the token in the request's head counts
        if answer.status_code == 200:
            browser.headers["Authorization"] = f"Token {answer.json()['token']}"
        return answer.status_code == 200

    def write(self, browser: Browser, words: str) -> str:
        made = api(browser, "discussions", "discussions", {"title": "Words of mine", "content": words})
        return f"/d/{made['id']}"

    # what is Flarum's own

    def test_the_forum_is_whole(self, wsh_installed: Installed) -> None:
        """Its title is data, its language is there, and every script and style sheet that the page names comes."""
        site = wsh_installed.first
        page = site.browser().get("/").text
        assert "<title>The &lt;b&gt;forum&lt;/b&gt;</title>" in page
        assets = sorted(part for part in page.split('"') if part.startswith(f"{site.url}/assets/"))
        assert len([asset for asset in assets if ".js" in asset or ".css" in asset]) >= 3
        for asset in assets:
            assert site.browser().get(asset).status_code == 200, asset
        said = site.browser().get("/api").json()["data"]
        assert (said["attributes"]["title"], said["attributes"]["baseUrl"]) == ("The <b>forum</b>", site.url)
        assert site.browser().get("/api/tags").json()["data"]

    def test_a_discussion_is_answered_by_a_member(self, wsh_installed: Installed) -> None:
        """The administrator makes a member, who answers; a stranger reads both and may not write."""
        site = wsh_installed.second
        admin, member, stranger = self.enter(site), site.browser(), site.browser()
        account = {
            "username": "bob",
            "email": "bob@example.org",
            "password": "a long password",
            "isEmailConfirmed": True,
        }
        api(admin, "users", "users", account)
        start = api(admin, "discussions", "discussions", {"title": "Grüße 🎉", "content": "**Bold** & <b>not</b>"})
        token = member.post("/api/token", json={"identification": "bob", "password": "a long password"}).json()["token"]
        member.cookies.clear()
        member.headers["Authorization"] = f"Token {token}"
        about = {"data": {"type": "discussions", "id": start["id"]}}
        api(member, "posts", "posts", {"content": "An answer of bob's"}, discussion=about)
        page = stranger.get(f"/d/{start['id']}").text
        assert "<strong>Bold</strong> &amp; &lt;b&gt;not&lt;/b&gt;" in page
        assert "An answer of bob&#039;s" in page or "An answer of bob's" in page
        refused = stranger.post("/api/posts", json={"data": {"type": "posts", "attributes": {"content": "x"}}})
        assert refused.status_code in (400, 401, 403)

    def test_a_picture_is_uploaded_and_served(self, wsh_installed: Installed) -> None:
        site = wsh_installed.first
        admin = self.enter(site)
        picture = site.stage.machine.run(["php", "-r", _PICTURE]).stdout
        files = {"avatar": ("me.png", bytes.fromhex(picture.strip()), "image/png")}
        answer = admin.post("/api/users/1/avatar", files=files)
        assert answer.status_code == 200, answer.text
        shown = site.browser().get(answer.json()["data"]["attributes"]["avatarUrl"])
        assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/png")

    def test_the_schedule_runs_as_a_job(self, wsh_installed: Installed) -> None:
        site = wsh_installed.first
        unit = f"wsh-job-{site.stage.uid(site.account)}-{site.key}-schedule"
        assert site.stage.root("systemctl", "is-active", f"{unit}.timer") == "active\n"
        site.stage.root("systemctl", "start", f"{unit}.service")
        assert site.stage.root("systemctl", "show", "-P", "Result", f"{unit}.service") == "success\n"

    def test_the_installers_answers_are_gone(self, wsh_installed: Installed) -> None:
        """The password stands in no file of the account; configuration is ours, for the account alone."""
        site = wsh_installed.first
        password = site.secret("admin")
        found = site.stage.machine.run(["grep", "-rlF", password, f"/home/{site.account}"], check=False).stdout
        assert found == ""
        assert site.stage.root("stat", "-c", "%a %U", f"{site.tree}/config.php") == f"600 {site.account}\n"


_PICTURE = """
$picture = imagecreatetruecolor(200, 200);
ob_start();
imagepng($picture);
echo bin2hex(ob_get_clean());
"""
