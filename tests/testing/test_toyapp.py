"""The toy application's releases, run for real: PHP and a MariaDB of this test's own."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.test_mariadb import SOCKET, server  # noqa: F401
from wsh_core.testing import toyapp

machine = pytest.mark.needs_machine("mariadb-server", "php-mysql")
TABLES = {
    "1.0": {"settings": "name value", "users": "name password", "notes": "id author text"},
    "1.1": {"settings": "name value", "users": "name password", "notes": "id author text created"},
    "2.0": {"settings": "name value", "users": "id name password", "notes": "id user text created"},
}
CONFIG = """<?php
const TOYAPP_USER = 'root';
const TOYAPP_DATABASE = 'toy';
const TOYAPP_SOCKET = '{socket}';
const TOYAPP_TITLE = 'Notes';
const TOYAPP_KEY = 'a key';
"""
AS_ADMIN = "<?php $_COOKIE['toyapp'] = 'admin|' . hash_hmac('sha256', 'admin', 'a key'); $_POST['text'] = '{text}';"


class Site:
    """A tree and a database, treated as the engine treats them."""

    def __init__(self, place: Path, mariadb: Path) -> None:
        self.tree, self.place, self.mariadb = place / "app", place, mariadb
        self.sql("DROP DATABASE IF EXISTS toy; CREATE DATABASE toy")

    def put(self, version: str, fault: toyapp.Fault | None = None) -> Site:
        """Exchange the tree for that of a release; configuration and data stay."""
        new = self.place / "new"
        with zipfile.ZipFile(io.BytesIO(toyapp.archive(version, fault))) as archive:
            archive.extractall(self.place)
        (self.place / f"toyapp-{version}").rename(new)
        (new / "config.php").write_text(CONFIG.format(socket=self.mariadb / SOCKET))
        if self.tree.exists():
            shutil.rmtree(new / "uploads")
            (self.tree / "uploads").rename(new / "uploads")
            shutil.rmtree(self.tree)
        new.rename(self.tree)
        return self

    def php(self, entry: str, *argv: str, input: str = "", prepend: str = "") -> subprocess.CompletedProcess[str]:
        (self.place / "prepend.php").write_text(prepend)
        options = ["-d", f"auto_prepend_file={self.place}/prepend.php", "-d", "display_errors=stderr"]
        return subprocess.run(
            ["php", *options, self.tree / entry, *argv], input=input, capture_output=True, text=True, check=False
        )

    def install(self) -> Site:
        assert "installed" in self.php("install.php", "admin", input="secret\n").stdout
        return self

    def note(self, text: str) -> None:
        assert self.php("note.php", prepend=AS_ADMIN.format(text=text)).returncode == 0

    def notes(self) -> list[str]:
        return re.findall("<li>(.*)</li>", self.php("index.php").stdout)

    def sql(self, statement: str) -> str:
        argv = ["mariadb", "--no-defaults", f"--socket={self.mariadb / SOCKET}", "-NB", "-e", statement]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def tables(self) -> dict[str, str]:
        found: dict[str, list[str]] = {}
        ask = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'toy'"
        for line in self.sql(f"{ask} ORDER BY TABLE_NAME, ORDINAL_POSITION").splitlines():
            table, column = line.split("\t")
            found.setdefault(table, []).append(column)
        return {table: " ".join(columns) for table, columns in found.items()}

    def is_up_to_date(self) -> bool:
        done = self.php("status.php")
        assert (done.returncode == 0) == (done.stdout == "up to date\n"), done
        return done.returncode == 0


@pytest.fixture
def site(tmp_path: Path, server: Path) -> Site:  # noqa: F811
    php = shutil.which("php")
    if not php or b"mysqli" not in subprocess.run([php, "-m"], capture_output=True, check=False).stdout:
        pytest.skip("needs PHP with mysqli: apt-get install php-cli php-mysql")
    return Site(tmp_path, server)


def names(version: str) -> set[str]:
    packed = zipfile.ZipFile(io.BytesIO(toyapp.archive(version)))
    return {name.removeprefix(f"toyapp-{version}/") for name in packed.namelist()}


@machine
@pytest.mark.parametrize("version", toyapp.VERSIONS)
def test_each_release_can_be_installed(site: Site, version: str) -> None:
    site.put(version).install()
    assert site.tables() == TABLES[version]
    assert site.is_up_to_date()
    site.note("a <b>")
    assert site.notes() == ["admin: Installed.", "admin: a &lt;b&gt;"]
    assert f'content="toyapp {version}"' in site.php("index.php").stdout
    assert site.php("count.php").stdout == "2 notes\n"


@machine
def test_releases_migrate_one_from_another_and_keep_what_was_written(site: Site) -> None:
    site.put("1.0").install().note("of 1.0")
    for version in ("1.1", "2.0"):
        site.put(version)
        assert not site.is_up_to_date()
        for _ in range(2):  # again, it changes nothing
            assert re.fullmatch("schema [23]\n", site.php("migrate.php").stdout)
        assert site.is_up_to_date()
        assert site.tables() == TABLES[version]
        site.note(f"of {version}")
    assert site.notes() == ["admin: Installed.", "admin: of 1.0", "admin: of 1.1", "admin: of 2.0"]
    assert (site.tree / "uploads/first.txt").exists()


@machine
def test_there_is_no_way_past_a_release_nor_back(site: Site) -> None:
    site.put("1.0").install()
    done = site.put("2.0").php("migrate.php")
    assert (done.returncode, done.stderr) == (2, "no way from schema 1 to schema 3 of toyapp 2.0\n")
    assert site.tables() == TABLES["1.0"]
    site.put("1.1").php("migrate.php")
    assert site.put("1.0").php("migrate.php").returncode == 2


def is_half_way(site: Site) -> None:
    assert not site.is_up_to_date()
    assert site.tables()["notes"] == "id user text created"
    assert "NOT NULL" not in site.sql("SHOW CREATE TABLE toy.notes").split("`user`")[1].split(",")[0]
    assert site.put("1.1").php("index.php").returncode == 255, "the release before cannot read it"


def migration(site: Site) -> None:
    done = site.php("migrate.php")
    assert (done.returncode, done.stderr) == (3, "half way\n")
    is_half_way(site)


def killed(site: Site) -> None:
    assert site.php("migrate.php").returncode == -9
    is_half_way(site)


def silent(site: Site) -> None:
    done = site.php("migrate.php")
    assert (done.returncode, done.stdout) == (0, "schema 3\n")
    assert not site.is_up_to_date()
    page = site.php("index.php")
    assert (page.returncode, 'content="toyapp 2.0"' in page.stdout) == (0, True), "visitors see nothing wrong"
    assert site.notes() == []


def full(site: Site) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", site.tree / "cache"], check=True)
    try:
        done = site.php("migrate.php")
        assert (done.returncode, done.stderr[:11]) == (4, "no room for")
    finally:
        subprocess.run(["umount", site.tree / "cache"], check=True)
    is_half_way(site)


def fatal(site: Site) -> None:
    assert site.php("migrate.php").returncode == 0
    assert site.is_up_to_date()
    assert site.php("index.php").returncode == 255


def content(site: Site) -> None:
    assert site.php("migrate.php").returncode == 0
    assert site.php("index.php").stdout == "<h1>It works!</h1>"


def page(site: Site) -> None:
    assert site.php("migrate.php").returncode == 0
    assert site.php("index.php").stdout == "toyapp is ill"


@machine
@pytest.mark.parametrize("check", [fatal, content, page, migration, killed, silent, full], ids=lambda f: f.__name__)
def test_each_broken_release_is_broken_as_it_says(site: Site, check: Callable[[Site], None]) -> None:
    site.put("1.1").install().note("kept")
    check(site.put("2.0", check.__name__))  # type: ignore[arg-type]


@machine
def test_a_broken_installer_stops_half_way(site: Site) -> None:
    done = site.put("2.0", "install").php("install.php", "admin", input="secret\n")
    assert (done.returncode, done.stderr) == (3, "half way: secret\n")
    assert site.sql("SELECT COUNT(*) FROM toy.settings") == "0\n"


@machine
def test_the_frame_is_kept_and_extras_are_shown(site: Site) -> None:
    site.put("1.1").install()
    (site.tree / "extras/own.php").write_text("<?php return 'mine & yours';")
    shown = site.php("index.php").stdout
    assert "Small is beautiful.\nmine &amp; yours" in shown
    (site.tree / "frame.html").write_text("another frame")
    assert site.php("index.php").stdout == shown, "the frame that is kept was not used"
    shutil.rmtree(site.tree / "cache")
    assert site.php("index.php").stdout == "another frame"


def test_a_release_says_what_it_drops_and_adds() -> None:
    assert "extras/motto.php" in names("1.0") & names("1.1")
    assert names("2.0") ^ names("1.1") == {"extras/motto.php", "extras/greeting.php"}
    assert names("1.7") == names("1.1")


def test_the_same_release_has_the_same_bytes() -> None:
    assert toyapp.archive("2.0") == toyapp.archive("2.0")
    assert len({toyapp.archive("2.0", fault) for fault in (None, *toyapp.FAULTS)}) == 1 + len(toyapp.FAULTS)


def test_a_fault_that_a_release_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"toyapp 1\.0 has no migration\.php"):
        toyapp.archive("1.0", "migration")


def test_the_declaration_names_every_release_newest_first() -> None:
    app = toyapp.wsh_app()
    assert [each.version for each in app.releases] == ["2.0", "1.1", "1.0"]
    assert {each.version: each.upgrades_from for each in app.releases} == toyapp.VERSIONS
    assert all(set(app.layout.additions) <= {name.partition("/")[0] for name in names(v)} for v in toyapp.VERSIONS)
