"""Nextcloud before the kit of conformance, from releases that lie on this machine."""

from __future__ import annotations

import re

import pytest

from tests import sources
from wsh_core.testing.conformance import Browser, Conformance, Machine

from .cloud import PRIVATE, overlay

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(1200)]


class TestNextcloud(Conformance):
    """The checks that every application must pass."""

    app = "nextcloud"
    options = "{internet: false, phone_region: GB}"
    cases = ("{internet: false, admin: alice.b@example.org, admin_email: editor@example.org}",)
    denied = tuple(f"/{path}" for path in PRIVATE if not path.startswith(("data/", ".")))
    public = False
    volatile = (
        "app/config/config.php",  # its clockwork writes there
        "data/appdata_*", "data/nextcloud.log",
        "oc_appconfig", "oc_authtoken", "oc_bruteforce_attempts", "oc_filecache", "oc_jobs", "oc_preferences",
    )  # fmt: skip

    def prepare(self, machine: Machine) -> str:
        found = sources.needs("nextcloud")
        sources.send(machine, found)
        if len(found) > 1:
            self.upgrade = (found[-1].version, found[0].version)
        return overlay(found)

    def login(self, browser: Browser, password: str) -> bool:
        token = re.search('data-requesttoken="([^"]+)"', browser.get("/index.php/login").text)
        assert token is not None
        fields = {"user": self.name(browser), "password": password, "requesttoken": token[1]}
        head = {"Origin": browser.site.url}
        answer = browser.post("/index.php/login", fields, headers=head, allow_redirects=False)
        return answer.status_code == 303 and "/apps/" in answer.headers["Location"]

    def write(self, browser: Browser, words: str) -> str:
        path = f"/remote.php/dav/files/{self.name(browser)}/{words}.txt".replace(" ", "-")
        token = re.search('data-requesttoken="([^"]+)"', browser.get("/index.php/apps/files/").text)
        assert token is not None
        answer = browser.put(path, words, headers={"requesttoken": token[1]})
        assert answer.status_code == 201, answer.text
        return path

    def name(self, browser: Browser) -> str:
        return str(browser.site.options.get("admin", browser.site.account))
