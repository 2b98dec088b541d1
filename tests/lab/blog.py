"""A WordPress of the lab, used as its administrator by a browser's means, and as a stranger."""

from __future__ import annotations

import json
import re
from typing import Any

from .world import Answer, World

COOKIE = "wordpress_test_cookie=WP%20Cookie%20check"


class Blog:
    """``alice/blog`` has the domain blog.alice.example.org and an administrator called as its account."""

    def __init__(self, world: World, account: str, key: str = "blog") -> None:
        self.world, self.account, self.key = world, account, key
        self.domain = f"{key}.{account}.example.org"
        self.url = f"https://{self.domain}"
        self.tree = f"/home/{account}/sites/{key}/app"
        self.database = f"{account}_{key}"

    @property
    def title(self) -> str:
        return f"{self.key} of {self.account}"

    def yaml(self) -> str:
        return f"domains: [{self.domain}], app: wordpress, options: {{title: {self.title}}}"

    def describe(self) -> None:
        """Give the account this one site."""
        self.world.account(self.account, {self.key: self.yaml()})

    def get(self, path: str = "/", *options: str) -> Answer:
        return self.world.get(self.url + path, *options)

    def secret(self, name: str = "admin") -> str:
        return self.world.server.read(f"/etc/wsh/secrets/{self.account}/{self.key}/{name}").decode()

    def login(self, password: str, *, user: str | None = None) -> Answer:
        """Send the form of the login page; cookies go to and come from this blog's own jar."""
        form = ("--data-urlencode", f"log={user or self.account}", "--data-urlencode", f"pwd={password}")
        return self.get("/wp-login.php", "-b", COOKIE, "-c", self._jar, *form, "-d", "testcookie=1")

    def as_admin(self, path: str, *options: str) -> Answer:
        """Fetch a page with the cookies of the last login."""
        return self.get(path, "-b", self._jar, *options)

    def rest(self, path: str, *options: str, data: dict[str, Any] | None = None) -> Any:
        """Ask WordPress's REST API as the administrator who is logged in; what it answers."""
        nonce = self.as_admin("/wp-admin/admin-ajax.php?action=rest-nonce").body
        answer = self.as_admin(f"/wp-json{path}", "-H", f"X-WP-Nonce: {nonce}", *_body(data), *options)
        assert answer.status in (200, 201), answer
        return json.loads(answer.body)

    def rest_with_password(self, password: str, path: str, data: dict[str, Any] | None = None) -> Answer:
        """Ask the REST API without cookies, with a password in the request's head."""
        return self.get(f"/wp-json{path}", "--user", f"{self.account}:{password}", *_body(data))

    def write(self, title: str, content: str) -> str:
        """Publish a post as the administrator; its path."""
        post = self.rest("/wp/v2/posts", data={"title": title, "content": content, "status": "publish"})
        return str(post["link"]).removeprefix(self.url)

    def shown_title(self) -> str | None:
        """The title of the front page, as a stranger sees it."""
        answer = self.get()
        assert answer.status == 200, answer
        found = re.search("<title>(.*?)</title>", answer.body)
        return found and found[1]

    def is_well(self) -> None:
        """Assert that it is the whole site: front page, login, and a post that is written and read."""
        assert self.shown_title() == self.title
        assert self.login(self.secret()).status == 302
        path = self.write("Is it well?", "It is well.")
        assert "It is well." in self.get(path).body

    @property
    def _jar(self) -> str:
        return str(self.world.root / f"cookies-{self.account}-{self.key}")


def _body(data: dict[str, Any] | None) -> tuple[str, ...]:
    return () if data is None else ("-H", "Content-Type: application/json", "-d", json.dumps(data))
