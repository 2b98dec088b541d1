"""Each check of the kit, on a server where something is wrong: a check that cannot fail shows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wsh_core.testing.conformance import Site
from wsh_core.testing.conformance.sabotage import Sabotage
from wsh_core.testing.conformance.scenes import Installed, Old
from wsh_core.testing.conformance.stage import Stage

from .toy import ToyConformance, install_plugin

pytestmark = pytest.mark.needs_machine("root", "namespaces")
OPEN = "<?php require 'lib.php'; setcookie('toyapp', pass('admin')); go('/');"
DEAF = "<?php require 'lib.php'; go('/');"


class Toy(ToyConformance):
    denied = ("/config.php",)
    upgrade = ("1.1", "2.0")


@pytest.fixture(scope="module")
def stage(wsh_machine: Any, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    install_plugin(tmp_path_factory.mktemp("plugin"))
    return Stage(wsh_machine, tmp_path_factory.mktemp("stage"), Toy())


@pytest.fixture(scope="module")
def installed(stage: Stage) -> Installed:
    return Installed(stage)


@pytest.fixture
def toy(installed: Installed) -> Iterator[Toy]:
    """The declaration; whatever was spoilt is mended afterwards."""
    yield Toy()
    for site in installed.sites:
        site.front()


def reload(site: Site) -> None:
    """Have PHP read its programs again."""
    site.stage.root("systemctl", "try-reload-or-restart", f"wsh-php84-{site.stage.uid(site.account)}.service")


@contextmanager
def spoilt(site: Site, path: str, text: str) -> Iterator[None]:
    """A file of the site's tree holds something else for a while."""
    right = site.stage.root("cat", f"{site.tree}/{path}")
    site.stage.put(site, path, text)
    reload(site)
    try:
        yield
    finally:
        site.stage.put(site, path, right)
        reload(site)


def test_an_installation_that_is_another_release(toy: Toy, installed: Installed) -> None:
    with spoilt(installed.second, "VERSION", "1.9\n"), pytest.raises(AssertionError, match=r"1\.9"):
        toy.test_installed(installed)


def test_a_front_page_that_is_another(toy: Toy, installed: Installed) -> None:
    with (
        spoilt(installed.second, "index.php", "<?php echo 'It works!';"),
        pytest.raises(AssertionError, match="came without"),
    ):
        toy.test_front_page(installed)


def test_a_login_that_lets_everybody_in(toy: Toy, installed: Installed) -> None:
    with spoilt(installed.other, "login.php", OPEN), pytest.raises(AssertionError, match="opens to any"):
        toy.test_login(installed)


def test_a_login_that_lets_nobody_in(toy: Toy, installed: Installed) -> None:
    with spoilt(installed.other, "login.php", DEAF), pytest.raises(AssertionError, match="does not open"):
        toy.test_login(installed)


def test_content_that_is_not_kept(toy: Toy, installed: Installed) -> None:
    with spoilt(installed.second, "note.php", DEAF), pytest.raises(AssertionError, match="does not show"):
        toy.test_content(installed)


def test_content_that_shows_on_the_sister(toy: Toy, installed: Installed) -> None:
    first, second = installed.first, installed.second
    shared = first.stage.root("cat", f"{second.tree}/config.php").replace(f"{second.database}", f"{first.database}")
    with spoilt(second, "config.php", shared), pytest.raises(AssertionError):
        toy.test_content(installed)


def test_content_that_strangers_may_not_read_and_do(toy: Toy, installed: Installed) -> None:
    toy.public = False  # type: ignore[misc]
    with pytest.raises(AssertionError, match="a stranger reads it"):
        toy.test_content(installed)


def test_a_file_that_changes_without_wsh(toy: Toy, installed: Installed) -> None:
    installed.stage.put(installed.first, "config.php", "<?php")
    with pytest.raises(AssertionError, match="app:"):
        toy.test_idempotence(installed)


def test_a_job_that_fails_and_one_that_nothing_starts(toy: Toy, installed: Installed) -> None:
    with spoilt(installed.first, "count.php", "<?php exit(4);"), pytest.raises(AssertionError, match="count failed"):
        toy.test_jobs(installed)
    timer = f"wsh-job-{installed.stage.uid(installed.first.account)}-first-count.timer"
    installed.stage.root("systemctl", "stop", timer)
    with pytest.raises(AssertionError, match="nothing starts the job count"):
        toy.test_jobs(installed)
    installed.stage.root("systemctl", "start", timer)
    toy.test_jobs(installed)


@pytest.mark.parametrize(("path", "words"), [("/index.php", "answered 200"), ("/none.php", "there is no /none.php")])
def test_a_path_that_is_not_denied_or_not_there(toy: Toy, installed: Installed, path: str, words: str) -> None:
    toy.denied = (path,)  # type: ignore[misc]
    with pytest.raises(AssertionError, match=words):
        toy.test_denied(installed)


def test_php_that_runs_among_uploads(toy: Toy, installed: Installed) -> None:
    site = installed.first
    vhost = f"/etc/apache2/wsh/sites/{site.account}-{site.key}.conf"
    right = site.stage.root("cat", vhost)
    assert "uploads" in right
    site.stage.root("sed", "-i", "s/uploads/downloads/g", vhost)
    site.stage.root("systemctl", "reload", "apache2")
    try:
        with pytest.raises(AssertionError, match="PHP is executed in uploads/"):
            toy.test_denied(installed)
    finally:
        site.stage.root("tee", vhost, input=right)
        site.stage.root("systemctl", "reload", "apache2")


def test_a_secret_that_the_web_server_can_read(toy: Toy, installed: Installed) -> None:
    config = f"{installed.first.tree}/config.php"
    installed.stage.root("chmod", "640", config)
    try:
        with pytest.raises(AssertionError, match=r"www-data can read config\.php"):
            toy.test_secrets(installed)
    finally:
        installed.stage.root("chmod", "600", config)


def test_a_file_elsewhere(toy: Toy, installed: Installed) -> None:
    uid = str(installed.stage.uid(installed.first.account))
    installed.stage.root("install", "-o", uid, "/dev/null", "/var/tmp/left")
    try:
        with pytest.raises(AssertionError, match="/var/tmp/left"):
            toy.test_place(installed)
    finally:
        installed.stage.root("rm", "/var/tmp/left")


def test_a_neighbour_that_is_touched(toy: Toy, installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    site = installed.other
    installed.stage.put(site, "uploads/x.txt", "x")
    monkeypatch.setattr(installed, "_neighbour_after", site.fingerprint())
    with pytest.raises(AssertionError, match=r"file app/uploads/x\.txt is new"):
        toy.test_neighbour(installed)


def test_a_database_that_is_open_to_the_neighbour(toy: Toy, installed: Installed) -> None:
    what = f"SELECT ON {installed.other.database}.* "
    who = f"'{installed.first.account}'@'localhost'"
    installed.stage.root("mariadb", "-e", f"GRANT {what} TO {who}")
    try:
        with pytest.raises(AssertionError, match=f"database {installed.other.database}"):
            toy.test_isolation(installed)
    finally:
        installed.stage.root("mariadb", "-e", f"REVOKE {what} FROM {who}")


def test_a_home_that_is_open_to_the_neighbour(toy: Toy, installed: Installed) -> None:
    home = f"/home/{installed.other.account}"
    installed.stage.root("chmod", "755", home)
    try:
        with pytest.raises(AssertionError, match=home):
            toy.test_isolation(installed)
    finally:
        installed.stage.root("chmod", "750", home)


@pytest.mark.parametrize(("name", "value", "words"), [("seconds", 0.001, "took"), ("memory", "1M", "MiB at once")])
def test_a_budget_that_is_exceeded(toy: Toy, installed: Installed, name: str, value: Any, words: str) -> None:
    setattr(toy, name, value)
    with pytest.raises(AssertionError, match=words):
        toy.test_budget(installed)


class TestUpgrades:
    """A site of its own for each, because nothing here ends well."""

    @pytest.fixture
    def old(self, stage: Stage) -> Old:
        number = len(list((stage.place / "servers/web1/accounts").iterdir()))
        site = Site(stage, stage.account(f"old{number}"), "site", "toyapp", "", "1.1")
        stage.describe(site)
        stage.apply(site.account)
        return Old(stage, site, "2.0", {Toy().write(Toy().enter(site), "Words"): "Words"})

    def test_a_failure_that_was_not_noticed(self, old: Old) -> None:
        nothing = Sabotage("nothing.php", "<?php echo 'fine';", "app.step")
        with pytest.raises(AssertionError, match="changed"):
            Toy()._is_put_back(old, nothing)

    def test_a_failure_of_another_kind(self, old: Old) -> None:
        other = Sabotage("fail.php", "<?php exit(7);", "app.unhealthy")
        with pytest.raises(AssertionError, match=r"app\.step"):
            Toy()._is_put_back(old, other)

    @pytest.mark.parametrize(
        "harm",
        ["touch('uploads/new.txt');", "unlink('uploads/first.txt');", "file_put_contents('uploads/first.txt', 'x');"],
    )
    def test_something_that_is_not_put_back(self, old: Old, harm: str) -> None:
        """What is destroyed beyond what an upgrade can undo: uploads are moved over, not copied."""
        with pytest.raises(AssertionError, match="app/uploads/"):
            Toy()._is_put_back(old, Sabotage("harm.php", f"<?php {harm} exit(7);", "app.step"))

    def test_content_that_an_upgrade_loses(self, old: Old) -> None:
        old.written["/"] = "Words that nobody wrote"
        with pytest.raises(AssertionError, match="does not show"):
            Toy().test_upgrade(old)


def test_a_server_that_belongs_to_others_is_refused(stage: Stage, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsh_core.testing.conformance.stage.DESCRIPTION", "11111111-2222-4333-8444-555555555555")
        other = Stage(stage.machine, tmp_path, Toy())
    site = Site(other, other.account("one"), "site", "toyapp")
    other.describe(site)
    with pytest.raises(AssertionError, match=r"server\.foreign"):
        other.apply(site.account)
