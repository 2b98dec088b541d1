"""T20 during an upgrade: what an account puts in the place of trees, snapshots and data harms nobody but itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.test_replaced import fingerprint as lines_of
from tests.lab.aged import Aged, app_error, furnished
from tests.lab.operations import Operation
from tests.lab.world import World

pytestmark = pytest.mark.needs_machine("lab")

DECOY = "/srv/decoy"
ELSEWHERE = ("/etc", "/home/bob", DECOY)
TARGETS = ("/etc", "/home/bob/sites/www/app", DECOY)
PLACES = ("app/uploads", "app/extras", "app/cache", ".upgrade", ".previous")


class Server:
    """Alice's application, bob who has something to lose, and a directory of root's that looks like a site's."""

    def __init__(self, world: World) -> None:
        self.world, self.server = world, world.server
        world.account("bob", {"www": "domains: [www.bob.test], app: php"})
        world.apply(accounts=["bob"])
        world.put("bob", "www/app/index.php", "<?php echo 'bob';")
        world.put("bob", "www/app/key.txt", "BOB-SECRET", "0600")
        for name in ("tree", "1", "kept"):
            self.server.run(["mkdir", "-p", f"{DECOY}/{name}"])
        self.server.run(
            ["sh", "-c", f"cd {DECOY}; echo root | tee VERSION tree/VERSION 1/VERSION own.txt database.sql.gz"]
        )
        self.server.run(["chmod", "-R", "a+rX", DECOY])
        self.number = 0

    def toy(self) -> Aged:
        """A site that was not attacked yet."""
        self.number += 1
        return Aged(self.world, f"alice{self.number}")

    def fingerprint(self) -> list[str]:
        return lines_of(self, *ELSEWHERE)  # type: ignore[arg-type]

    def bob_is_well(self) -> bool:
        return self.world.get("https://www.bob.test/").body == "bob"


@pytest.fixture(scope="module")
def place(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(furnished(wsh_server, tmp_path_factory))


def link(toy: Aged, place: str, target: str) -> None:
    """Alice moves what is there away, and puts a link in its place."""
    exchange = 'if test -e "$1"; then mv "$1" "$1.away"; fi; ln -s "$2" "$1"'
    done = toy.world.as_account(toy.account, "sh", "-c", exchange, "sh", f"{toy.site}/{place}", target)
    assert done.returncode == 0, done.stderr


def nothing_is_alices_that_was_not(toy: Aged) -> None:
    found = toy.world.server.run(["grep", "-rlE", "^root:|BOB-SECRET", toy.site], check=False)
    assert found.stdout == ""


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("what", PLACES)
def test_a_link_that_is_there_before_changes_nothing_elsewhere(place: Server, what: str, target: str) -> None:
    toy = place.toy()
    link(toy, what, target)
    before = place.fingerprint()
    toy.upgrade(check=False)
    recover_whatever_happens(place)
    toy.told("rollback", check=False)
    assert place.fingerprint() == before
    nothing_is_alices_that_was_not(toy)
    assert place.bob_is_well()


def recover_whatever_happens(place: Server) -> None:
    """Sites that are still attacked cannot be recovered, and are told; the others must be."""
    place.server.run(["systemctl", "start", "wsh-recover.service"], check=False, timeout=300)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("phase", "what"),
    [
        ("built", ".upgrade"),
        ("switched", ".upgrade"),
        ("migrated", ".upgrade"),
        ("migrated", "app"),
        ("switched", "app/uploads"),
        ("verified", ".upgrade"),
    ],
)
def test_a_link_that_comes_meanwhile_changes_nothing_elsewhere(
    place: Server, phase: str, what: str, target: str
) -> None:  # fmt: skip
    toy = place.toy()
    toy.describe()
    before = place.fingerprint()
    told = {f"site:{toy.account}/notes": "upgrade"}
    operation = Operation.begin(place.world, accounts=[toy.account], told=told)
    operation.until(phase)
    with operation.stopped():
        link(toy, what, target)
    operation.follow()
    recover_whatever_happens(place)
    toy.told("rollback", check=False)
    assert place.fingerprint() == before
    nothing_is_alices_that_was_not(toy)
    assert place.bob_is_well()


def test_the_snapshot_of_another_is_not_loaded(place: Server) -> None:
    """Alice writes into her snapshot what she may not do herself; and what she may."""
    toy = place.toy()
    toy.upgrade()
    dump = f"{toy.site}/.previous/database.sql.gz"
    evil = "DROP DATABASE bob_www; GRANT ALL ON *.* TO CURRENT_USER;\\! touch /home/bob/taken"
    done = place.world.as_account(toy.account, "sh", "-c", f"printf '%s\\n' '{evil}' | gzip > {dump}")
    assert done.returncode == 0, done.stderr
    before = place.fingerprint()
    error = app_error(toy.told("rollback", check=False))
    assert (error["outcome"], error["code"]) == ("refused", "app.no-snapshot")
    assert toy.version() == "2.0"
    toy.works()
    assert place.fingerprint() == before
    assert "bob_www" in place.server.run(["mariadb", "-N", "-e", "SHOW DATABASES"]).stdout


def test_a_foreign_file_where_trees_are_made_is_left_and_said(place: Server) -> None:
    toy = place.toy()
    place.world.as_account(toy.account, "sh", "-c", f"mkdir {toy.site}/.upgrade && echo mine > {toy.site}/.upgrade/own")
    error = app_error(toy.upgrade(check=False))
    assert (error["code"], f"{toy.site}/.upgrade" in error["message"]) == ("app.not-empty", True)
    assert place.server.read(f"{toy.site}/.upgrade/own") == b"mine\n"
    place.world.as_account(toy.account, "rm", "-r", f"{toy.site}/.upgrade")
    toy.upgrade()
    toy.works()


def test_a_link_in_the_place_of_an_old_snapshot_is_all_that_is_removed(place: Server) -> None:
    toy = place.toy()
    toy.upgrade()
    link(toy, ".previous", DECOY)
    before = place.fingerprint()
    age = f"""
import json, sqlite3
d = sqlite3.connect("/var/lib/wsh/ledger.db")
((data,),) = d.execute("SELECT data FROM apps WHERE object='site:{toy.account}/notes'")
data = json.loads(data)
data["snapshot"]["time"] = "2001-01-01T00:00:00Z"
d.execute("UPDATE apps SET data=? WHERE object='site:{toy.account}/notes'", (json.dumps(data),))
d.commit()
"""
    place.server.run(["python3", "-c", age])
    recover_whatever_happens(place)
    assert place.fingerprint() == before
    assert ".previous" not in toy.on_disk()


def test_control_done_by_root_and_by_path_the_same_work_gives_the_target_away(place: Server) -> None:
    """The same functions, run by root, with a walk that follows links."""
    toy = place.toy()
    link(toy, "app/extras", f"{DECOY}/tree")
    link(toy, ".upgrade", DECOY)
    before = place.fingerprint()
    source = Path(__file__).parents[2] / "wsh_core/agent/tree.py"
    walk, number = re.subn(r" \| os\.O_NOFOLLOW", "", source.read_text())
    assert number
    place.server.write("/root/weak_tree.py", walk.encode())
    weak = f"""
import importlib.util, sys
sys.path.insert(0, {place.world.agent!r})
from agent import moves, tree
spec = importlib.util.spec_from_file_location("agent.weak", "/root/weak_tree.py")
weak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(weak)
moves.parent = tree.parent = weak.parent
moves.clear("{toy.site}", [".upgrade/1"])
moves.copy("{toy.tree}", "{toy.site}/.upgrade", ["VERSION"])
"""
    right = place.server.run(["python3", "-c", weak.replace("weak.parent", "tree.parent")], check=False)
    assert right.returncode != 0
    assert place.fingerprint() == before
    place.server.run(["python3", "-c", weak])
    assert place.server.run(["ls", f"{DECOY}/1"]).stdout == ""
    assert place.fingerprint() != before
