"""Two strangers on one server: alice, who does what a customer can, and bob, who has something to lose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.lab.world import Answer, World
from wsh_core import releases
from wsh_core.agent import paths

MARK = "BOB-SECRET"
"""In everything of bob's that nobody else may see."""
TAKEN = "TAKEN"
"""What the attacker's own code says wherever it runs, with the uid that it has there."""
BOB_HOME = "/home/bob/sites/www"
CODE = f"<?php echo '{TAKEN} uid=', posix_getuid(), ' ', @file_get_contents('{BOB_HOME}/app/key.txt'), '|';"
REFUSED = {403, 404, 500}

REPORT = f"{BOB_HOME}/app/private/report.php"
"""A program of bob's that his .htaccess keeps from all visitors."""
_BOBS = {
    "www/app/index.php": ("0640", '<?php echo "bob\'s page, uid ", posix_getuid();'),
    "www/app/key.txt": ("0600", f"{MARK} 0600"),
    "www/app/config.php": ("0600", f"<?php $password = '{MARK} php';"),
    "www/app/private/.htaccess": ("0640", "Require all denied\n"),
    "www/app/private/report.php": ("0640", f"<?php echo '{MARK} report, uid ', posix_getuid();"),
    "www/notes.txt": ("0640", f"{MARK} 0640"),
}


class Scene:
    """The server with both of them: what alice does, and whether bob is well."""

    def __init__(self, world: World) -> None:
        self.world, self.server = world, world.server
        world.account("alice", {
            "www": "domains: [www.alice.test], app: php",
            "two": "domains: [two.alice.test], app: php",
            "st": "domains: [st.alice.test], app: static",
        })  # fmt: skip
        world.account("bob", {"www": "domains: [www.bob.test], app: php"})
        world.apply()
        self.uids = {name: world.uid(name) for name in ("alice", "bob")}
        self._php = paths.runtime(releases.load(self.server.debian).php.version)
        self._furnish()
        self._before = self._bob_answers()

    def _furnish(self) -> None:
        for site in ("www", "two"):
            self.put("eval.php", "<?php eval(file_get_contents('php://input'));", site=site)
        world = self.world
        assert world.as_account("bob", "mkdir", f"{BOB_HOME}/app/private").returncode == 0
        for path, (mode, text) in _BOBS.items():
            world.put("bob", path, text, mode)
        self.server.run(["mariadb"], input=f"CREATE TABLE bob_www.t (t TEXT); INSERT bob_www.t VALUES ('{MARK} row');")
        world.get(f"https://www.bob.test/?{MARK}-log")
        assert MARK in self.log("bob/www-access.log")

    # the runtimes

    def unit(self, account: str) -> str:
        return f"wsh-{self._php}-{self.uids[account]}.service"

    def socket(self, account: str) -> str:
        return f"{paths.FPM_SOCKETS}/{self._php}-{self.uids[account]}.sock"

    def handler(self, account: str) -> str:
        """What a handler of Apache is called that leads to the account's PHP."""
        return f"proxy:unix:{self.socket(account)}|fcgi://localhost"

    def stop_php(self) -> None:
        """The next request starts PHP anew."""
        self.server.run(["systemctl", "stop", f"wsh-{self._php}-*.service"])

    # what alice does

    def put(self, path: str, text: str, mode: str = "0640", site: str = "www") -> None:
        """Write a file of one of alice's sites, and its directory."""
        tree = f"/home/alice/sites/{site}/app"
        made = self.world.as_account("alice", "mkdir", "-p", f"{tree}/{path}".rpartition("/")[0])
        assert made.returncode == 0, made.stderr
        self.world.put("alice", f"{site}/app/{path}", text, mode)

    @contextmanager
    def htaccess(self, directory: str, text: str, site: str = "www") -> Iterator[None]:
        path = f"{directory}/.htaccess".lstrip("/")
        self.put(path, text, site=site)
        try:
            yield
        finally:
            self.world.as_account("alice", "rm", f"/home/alice/sites/{site}/app/{path}")

    def get(self, path: str, *options: str, site: str = "www") -> Answer:
        return self.world.get(f"https://{site}.alice.test/{path}", *options)

    def php(self, code: str, site: str = "www") -> str:
        """Run code in alice's PHP, in her jail, by way of a page of hers."""
        answer = self.get("eval.php", "--data-binary", code, site=site)
        assert answer.status == 200, answer
        return answer.body

    def value(self, expression: str, site: str = "www") -> Any:
        """What an expression is in alice's PHP."""
        return json.loads(self.php(f"echo json_encode({expression}, JSON_INVALID_UTF8_SUBSTITUTE);", site=site))

    def log(self, path: str) -> str:
        return self.server.read(f"{paths.LOGS}/{path}").decode()

    # bob

    def _bob_answers(self) -> Mapping[str, tuple[int, str]]:
        answers = {path: self.world.get(f"https://www.bob.test/{path}") for path in ("", "private/report.php")}
        return {path: (answer.status, answer.body) for path, answer in answers.items()}

    def bob_is_well(self) -> bool:
        """Whether bob's site answers as it did at first: to all his page, to nobody his report."""
        now = self._bob_answers()
        assert now == self._before
        return [status for status, _ in now.values()] == [200, 403]


def is_refused(answer: Answer) -> bool:
    """Refused, without a trace of the other account."""
    text = f"{answer.headers}{answer.body}"
    return answer.status in REFUSED and not any(trace in text for trace in (MARK, TAKEN, "bob"))
