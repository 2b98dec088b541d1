"""The transaction itself: what an upgrade takes along, what a failure puts back, and what nobody can put back."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from wsh_core.agent import moves
from wsh_core.agent.ending import PHASES, undo
from wsh_core.agent.errors import AgentError
from wsh_core.agent.ledger import Ledger
from wsh_core.agent.record import Record
from wsh_core.agent.safefs import Root, UnsafePathError

from .workshop import OBJECT, SITE, TREE, Workshop, cut_at


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop.furnished(tmp_path / "root")


def test_what_is_the_accounts_goes_along_and_what_was_the_releases_does_not(shop: Workshop) -> None:
    with shop.standing_in(), shop.host() as host:
        shop.upgrade(host, "1.1", "2.0").run()
        assert host.ledger.notes()[OBJECT]["brought"] == {"extras": ["greeting.php"]}
        assert host.ledger.notes()[OBJECT]["snapshot"]["version"] == "1.0"
    found = {path.removeprefix("app/"): text for path, text in shop.snapshot().items() if path.startswith("app/")}
    assert found == {
        "VERSION": "2.0",
        "index.php": "code of 2.0",
        "config.php": "config of 1.0",
        "uploads/README": "",
        "uploads/own.txt": "an upload",
        "extras/greeting.php": "of 2.0",
        "extras/mine/code.php": "mine",
    }
    assert {file.name for file in shop.path(f"{TREE}/cache").iterdir()} == set()


TROUBLES = ["directory", "unpack", "dump", "movable", "copy", "bring", "exchange", "clear", "step", "migrate to 1.1",
            "migrate to 2.0"]  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_fails_all_is_put_back_and_it_is_remembered(shop: Workshop, trouble: str) -> None:
    before = shop.snapshot()
    with shop.standing_in(), shop.host() as host:
        transaction = shop.upgrade(host, "1.1", "2.0")
        shop.trouble = trouble
        with pytest.raises(AgentError) as failure:
            transaction.run()
        if trouble in ("clear", "bring"):  # what the way back needs as well
            assert "not everything was put back" in failure.value.message
            assert OBJECT in host.ledger.unfinished()
            shop.trouble = None
            shop.recover(host)
        else:
            assert failure.value.hint is not None
            assert "everything was put back, toyapp 1.0 is in service" in failure.value.hint
        assert host.ledger.unfinished() == {}
        failed = host.ledger.notes()[OBJECT]["failed"]
        assert (failed["version"], failed["why"]) == ("2.0", failure.value.message)
    assert shop.snapshot() == before
    assert list(shop.path("/var/lib/wsh/fence").iterdir()) == []


@pytest.mark.parametrize("phase", PHASES[:-1])
def test_an_undo_puts_back_from_every_phase_and_does_nothing_when_that_is_done(shop: Workshop, phase: str) -> None:
    before = shop.snapshot()
    with shop.standing_in():
        cut_at(shop, phase, lambda host: shop.upgrade(host, "1.1").run())
        with shop.host() as host:
            site = shop.unfinished(host)
            for _ in range(3):
                undo(site)
                assert host.ledger.unfinished() == {}
                assert shop.snapshot() == before
    assert shop.snapshot() == before


def test_a_site_that_was_fenced_stays_fenced_when_its_upgrade_fails(shop: Workshop) -> None:
    with shop.standing_in(), shop.host() as host:
        shop.path("/var/lib/wsh/fence/alice-blog").touch()
        shop.trouble = "migrate to 1.1"
        with pytest.raises(AgentError):
            shop.upgrade(host, "1.1").run()
    assert shop.path("/var/lib/wsh/fence/alice-blog").exists()


def test_what_lies_where_trees_are_made_is_not_touched(shop: Workshop) -> None:
    own = shop.path(f"{SITE}/.upgrade/own")
    own.parent.mkdir()
    own.write_text("of the account")
    with shop.standing_in(), shop.host() as host:
        with pytest.raises(AgentError, match="holds something that it does not know"):
            shop.upgrade(host, "1.1").run()
        assert host.ledger.unfinished() == {}
    assert own.read_text() == "of the account"


def test_an_account_that_removes_the_old_tree_harms_itself_only_and_is_told(shop: Workshop) -> None:
    with shop.standing_in():
        cut_at(shop, "migrated", lambda host: shop.upgrade(host, "1.1").run())
        shop.path(f"{SITE}/.upgrade/1").rename(shop.path("/home/alice/elsewhere"))
        with shop.host() as host:
            with pytest.raises(AgentError) as failure:
                shop.recover(host)
            assert failure.value.code == "app.lost"
            assert host.ledger.unfinished() == {}
    assert shop.path("/var/lib/wsh/fence/alice-blog").exists()
    assert shop.path(f"{TREE}/uploads/own.txt").read_text() == "an upload"


def test_a_dump_that_was_changed_is_not_loaded_and_nothing_is_dropped(shop: Workshop) -> None:
    with shop.standing_in():
        cut_at(shop, "migrated", lambda host: shop.upgrade(host, "1.1").run())
        shop.path(f"{SITE}/.upgrade/database.sql.gz").write_text("of the account")
        database = shop.database()
        with shop.host() as host, pytest.raises(AgentError) as failure:
            shop.recover(host)
    assert (failure.value.code, shop.database()) == ("app.lost", database)


def test_a_link_in_the_place_of_the_trees_stops_the_undo(shop: Workshop) -> None:
    with shop.standing_in():
        cut_at(shop, "migrated", lambda host: shop.upgrade(host, "1.1").run())
        shop.path(f"{SITE}/.upgrade").rename(shop.path("/home/alice/moved"))
        shop.path(f"{SITE}/.upgrade").symlink_to(shop.path("/home/alice/moved"))
        with shop.host() as host:
            for _ in range(2):
                with pytest.raises(UnsafePathError):
                    shop.recover(host)
            assert host.ledger.unfinished()[OBJECT].phase == "migrated"
        shop.path(f"{SITE}/.upgrade").unlink()
        shop.path("/home/alice/moved").rename(shop.path(f"{SITE}/.upgrade"))
        with shop.host() as host:
            shop.recover(host)
    assert shop.path(f"{TREE}/VERSION").read_text() == "1.0"


# what is written down


def test_a_record_holds_no_secret_and_comes_back_as_it_was(shop: Workshop) -> None:
    with shop.standing_in(), shop.host() as host:
        transaction = shop.upgrade(host, "1.1", "2.0")
        resource = transaction.resource
        secret = {**resource.want["probe"], "contains": "S3cret"}
        resource.asked = {
            **resource.want,
            "probe": {**resource.want["probe"], "contains": {"secret": "alice/blog/word"}},
        }
        resource.want = {**resource.want, "probe": secret}
        record = Record.of(host, resource, transaction.record.entrance, "upgrade", "1.0", "2.0")
        text = json.dumps(record.data())
        assert "S3cret" not in text
        assert Record.read(json.loads(text)) == record


def test_an_older_ledger_is_brought_forward_and_a_copy_is_kept(tmp_path: Path) -> None:
    (tmp_path / "var/lib/wsh").mkdir(parents=True)
    file = tmp_path / "var/lib/wsh/ledger.db"
    with sqlite3.connect(file) as db:
        db.executescript(
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
            "CREATE TABLE journal (object TEXT PRIMARY KEY, phase TEXT NOT NULL, data TEXT NOT NULL);"
            "INSERT INTO journal VALUES ('site:alice/blog', 'built', '{\"version\": \"1.0\"}'); PRAGMA user_version=1;"
        )
    old = file.read_bytes()
    Ledger(Root(str(tmp_path)), writable=False).close()
    assert file.read_bytes() == old, "who only looks changes nothing"
    ledger = Ledger(Root(str(tmp_path)), writable=True)
    assert (tmp_path / "var/lib/wsh/ledger.db.1").read_bytes() == old
    assert ledger.unfinished()["site:alice/blog"].data == {"version": "1.0"}
    ledger.note("site:alice/blog", failed={"version": "2.0"}, snapshot=None)
    assert ledger.notes() == {"site:alice/blog": {"failed": {"version": "2.0"}}}
    ledger.close()


def test_what_an_older_wsh_began_is_left_for_an_apply(shop: Workshop) -> None:
    with shop.standing_in(), shop.host() as host:
        host.ledger.begin(OBJECT, "migrated", {"version": "1.0"})
        with pytest.raises(AgentError) as failure:
            shop.recover(host)
        assert failure.value.code == "app.unrecorded"


# moves


def test_moves_find_each_thing_by_what_it_is(tmp_path: Path) -> None:
    """However often, and whatever a process of the account makes in its place meanwhile."""
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "a/data").mkdir(parents=True)
    (old / "a/data/file").write_text("precious")
    new.mkdir()
    found = moves.movable(str(old), str(new), ["a/data", "none"], [], {})
    assert [path for path, _ in found] == ["a/data"]
    for _ in range(2):
        assert moves.bring(str(old), str(new), found) == []
        assert (new / "a/data/file").read_text() == "precious"
    (old / "a/data").mkdir()
    (old / "a/data/other").touch()
    for _ in range(2):
        assert moves.bring(str(new), str(old), found) == []
        assert (old / "a/data/file").read_text() == "precious"
    (old / "a/data").rename(tmp_path / "away")
    assert moves.bring(str(new), str(old), found) == ["a/data"]


def test_a_closed_directory_is_opened_for_a_move_and_closed_again(tmp_path: Path) -> None:
    for place in ("old/sites", "new"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "old/sites/files").mkdir()
    (tmp_path / "old/sites").chmod(0o555)
    found = moves.movable(str(tmp_path / "old"), str(tmp_path / "new"), ["sites/files"], [], {})
    moves.bring(str(tmp_path / "old"), str(tmp_path / "new"), found)
    assert (tmp_path / "new/sites/files").is_dir()
    assert (tmp_path / "old/sites").stat().st_mode & 0o777 == 0o555


def test_a_cache_is_emptied_but_stays_shut_to_visitors(tmp_path: Path) -> None:
    for path in ("cache/a/b", "cache/.htaccess", "one", "other"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    (tmp_path / "cache/link").symlink_to(tmp_path / "other")
    moves.clear(str(tmp_path), ["cache", "one", "none"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".htaccess", "cache", "other"]
