"""SIGKILL of an upgrade and of a rollback at every write of the journal and at everything done to the site's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.workshop import OBJECT, SITE, TREE, Workshop, cut
from wsh_core.agent.host import Host

pytestmark = pytest.mark.needs_machine


def whole(shop: Workshop, host: Host) -> str:
    """The version that the site has; nothing of a transaction is left, and nothing of the account's is lost."""
    assert host.ledger.unfinished() == {}
    assert list(shop.path("/var/lib/wsh/fence").iterdir()) == []
    assert {file.name for file in shop.path(SITE).iterdir()} <= {"app", ".previous"}
    found = shop.snapshot()
    assert found["app/uploads/own.txt"] == "an upload"
    assert found["app/extras/mine/code.php"] == "mine"
    assert found["app/config.php"] == "config of 1.0"
    version = found["app/VERSION"]
    assert shop.database() == {"schema": version, "rows": ["one", "two"]}
    return version


def upgrade(shop: Workshop) -> Callable[[Host], None]:
    return lambda host: shop.upgrade(host, "1.1", "2.0").run()


@pytest.mark.parametrize("recovered", ["whole", "cut once more"])
def test_every_point_of_an_upgrade(tmp_path: Path, recovered: str) -> None:
    """What is not done is as it was, to the byte; what is done can be rolled back."""
    number, killed, ends = 0, True, list[str]()
    while killed:
        number += 1 if recovered == "whole" else 4
        shop = Workshop.furnished(tmp_path / str(number))
        before = shop.snapshot()
        with shop.standing_in():
            killed = cut(shop, number, upgrade(shop))
            again = 0
            while recovered == "cut once more" and cut(shop, again := again + 1, shop.recover):
                pass
            with shop.host() as host:
                shop.recover(host)
                ends.append(whole(shop, host))
                if ends[-1] == "1.0":
                    assert shop.snapshot() == before, number
                else:
                    shop.rollback(host).run()
                    assert whole(shop, host) == "1.0"
    assert ends == sorted(ends), "once it is done it is done"
    assert set(ends) == {"1.0", "2.0"}
    assert number > 50


def test_every_point_of_a_rollback(tmp_path: Path) -> None:
    number, killed, ends = 0, True, list[str]()
    while killed:
        number += 1
        shop = Workshop.furnished(tmp_path / str(number))
        with shop.standing_in():
            with shop.host() as host:
                upgrade(shop)(host)
            killed = cut(shop, number, lambda host, shop=shop: shop.rollback(host).run())
            with shop.host() as host:
                shop.recover(host)
                ends.append(whole(shop, host))
                shop.rollback(host).run()  # what was replaced is kept, whichever it was
                assert {ends[-1], whole(shop, host)} == {"1.0", "2.0"}
                assert host.ledger.notes()[OBJECT]["snapshot"]["version"] == ends[-1]
    assert ends == sorted(ends, reverse=True)
    assert set(ends) == {"1.0", "2.0"}


def test_a_control_that_loses_something_is_found(tmp_path: Path) -> None:
    """The test can fail: without the way back of what was moved, uploads are lost."""
    shop = Workshop.furnished(tmp_path)
    with shop.standing_in(), shop.host() as host:
        shop.path(f"{TREE}/uploads/own.txt").unlink()
        with pytest.raises(KeyError):
            whole(shop, host)
