"""The kit of conformance, as an author runs it, with a server of the lab."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests import debian, sources
from wsh_core.testing import toyapp
from wsh_core.testing.conformance import Browser, Conformance, Machine

from .toy import ToyConformance, install_plugin

pytestmark = pytest.mark.needs_machine("root", "namespaces")


@pytest.fixture(scope="module", autouse=True)
def _toyapp(tmp_path_factory: pytest.TempPathFactory) -> None:
    install_plugin(tmp_path_factory.mktemp("plugin"))


class TestToyapp(ToyConformance):
    options = "title: Words & <notes>"
    cases = ("{admin: Alice O'Hara, title: '\"{{ }}\" €'}",)
    denied = tuple(f"/{name}" for name in (*toyapp.CLOSED, "VERSION", "frame.html") if name != "migration.php")
    upgrade = ("1.1", "2.0")


class TestWordPress(Conformance):
    app = "wordpress"
    options = "title: The <b>blog</b>"
    cases = ("{title: 'Alice''s \"blog\" €', admin: alice.b, admin_email: editor@example.org}",)
    denied = ("/wp-config.php", "/wsh-config.php", "/wp-admin/install.php", "/wp-includes/version.php")
    volatile = ("wp_options",)  # its clockwork and its transients, whenever a page is shown

    def prepare(self, machine: Machine) -> str:
        """Debian 13's own release, and the one of unstable."""
        with tempfile.TemporaryDirectory() as place:
            found = debian.newer("wordpress", Path(place), more=("libphp-phpmailer", "libjs-jquery-ui"))
            sources.send(machine, [found])
        self.release, self.upgrade = "6.8.12", ("6.8.12", found.version)
        return sources.overlay([found])

    def login(self, browser: Browser, password: str) -> bool:
        browser.get("/wp-login.php")  # sets the cookie by which it knows that there are cookies
        user = browser.site.options.get("admin", browser.site.account)
        answer = browser.post("/wp-login.php", {"log": user, "pwd": password}, allow_redirects=False)
        return answer.status_code == 302

    def write(self, browser: Browser, words: str) -> str:
        nonce = browser.get("/wp-admin/admin-ajax.php?action=rest-nonce").text
        post = {"title": "Words", "content": words, "status": "publish"}
        answer = browser.post("/wp-json/wp/v2/posts", json=post, headers={"X-WP-Nonce": nonce})
        return str(answer.json()["link"]).removeprefix(browser.site.url)
