"""Drupal as its visitors, its administrator and Drush meet it, from complete trees that lie on this machine."""

from __future__ import annotations

import json

import pytest

from tests import sources
from wsh_core.testing.conformance import Browser, Conformance, Machine
from wsh_core.testing.conformance.scenes import Installed

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]


class TestDrupal(Conformance):
    """The checks that every application must pass."""

    app = "drupal"
    options = "title: Words & <pages>"
    cases = (
        "{title: 'Alice''s \"pages\" {{ }} €', admin: alice.b, admin_email: editor@example.org, profile: minimal}",
    )
    denied = (
        "/autoload.php", "/core/authorize.php", "/core/core.services.yml", "/core/install.php", "/core/lib/Drupal.php",
        "/core/modules/node/node.module", "/core/rebuild.php", "/sites/default/default.services.yml",
        "/sites/default/default.settings.php", "/sites/default/settings.php", "/update.php",
    )  # fmt: skip
    upgrade = ("11.4.2", "11.4.5")
    volatile = ("cache_*", "cachetags", "flood", "key_value_expire", "queue", "semaphore", "sessions", "watchdog")

    def prepare(self, machine: Machine) -> str:
        found = sources.needs("drupal", at_least=2)
        sources.send(machine, found)
        return sources.overlay(found)

    def login(self, browser: Browser, password: str) -> bool:
        name = browser.site.options.get("admin", browser.site.account)
        answer = browser.post("/user/login?_format=json", json={"name": name, "pass": password})
        return answer.status_code == 200 and answer.json()["current_user"]["name"] == name

    def write(self, browser: Browser, words: str) -> str:
        page = browser.get("/node/add/page")
        text = {"title[0][value]": "Words", "body[0][value]": words, "body[0][format]": "basic_html"}
        answer = browser.post("/node/add/page", browser.form(page, **text, **{"status[value]": "1"}, op="Save"))
        assert words in answer.text, answer.text[-3000:]
        return answer.url.removeprefix(browser.site.url).partition("?")[0]

    def test_drush_says_that_all_is_well(self, wsh_installed: Installed) -> None:
        """As its owner calls it, with what a script can read."""
        for site in wsh_installed.sites:
            owner = ["setpriv", f"--reuid={site.account}", f"--regid={site.account}", "--init-groups"]
            drush = ["env", "-C", site.tree, "HOME=/tmp", "php", "vendor/bin/drush.php", f"--uri={site.url}"]
            status = json.loads(site.stage.root(*owner, *drush, "status", "--format=json"))
            found = [status[key] for key in ("bootstrap", "db-status", "db-name", "drupal-version")]
            assert found == ["Successful", "Connected", site.database, site.version()]
