"""`wsh site upgrade`, `rollback` and `list --outdated`, as people type them, against a real server and application."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wsh_lab import Server

from wsh_core.testing import toyapp

from .desk import Desk, Done

pytestmark = pytest.mark.needs_machine("root", "namespaces")
ACCOUNT = """\
name: {name}
email: {name}@example.org
package: small
sites:
  notes: {{domains: [{name}.example.org], app: toyapp{more}}}   # {name}'s own
"""
OVERLAY = """\
[[release]]
version = "2.1"
php = ["8.4"]
upgrades_from = "2.0"
sources = [{{ type = "file", path = "/srv/toyapp/broken.zip", sha256 = "{sha}", root = "toyapp-2.1" }}]
"""


@pytest.fixture(scope="module")
def desk(wsh_server: Server) -> Iterator[Desk]:
    wsh_server.run(["mkdir", "-p", toyapp.SHELF])
    for version in toyapp.VERSIONS:
        wsh_server.write(f"{toyapp.SHELF}/toyapp-{version}.zip", toyapp.archive(version))
    with tempfile.TemporaryDirectory(prefix="wsh-desk-", dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        info = place / "plugin/wsh_toyapp-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-toyapp\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[wsh]\ntoyapp = wsh_core.testing.toyapp\n")
        yield Desk(place / "description", wsh_server, plugins="toyapp")


Wsh = Callable[..., Done]


@pytest.fixture(scope="module")
def wsh(desk: Desk) -> Wsh:
    return lambda *words: desk.run(*words, env={"PYTHONPATH": str(desk.place.parent / "plugin")})


def made(desk: Desk, wsh: Wsh, name: str, release: str = "1.0") -> None:
    """An account whose site was made with that release, and follows the newest from then on."""
    desk.put(desk.file(name), ACCOUNT.format(name=name, more=f', release: "{release}"'))
    done = wsh("apply", "--yes", "--account", name)
    assert done.status == 0, done
    desk.put(desk.file(name), ACCOUNT.format(name=name, more=""))


def version(desk: Desk, name: str) -> str:
    return desk.server.read(f"/home/{name}/sites/notes/app/VERSION").decode().strip()


def notes(desk: Desk, name: str) -> int:
    done = desk.server.run(["mariadb", "-N", "-B", "-e", f"SELECT COUNT(*) FROM {name}_notes.notes"])
    return int(done.stdout)


def test_an_outdated_site_is_listed_tried_on_paper_upgraded_and_rolled_back(desk: Desk, wsh: Wsh) -> None:
    made(desk, wsh, "anna")
    listed = wsh("site", "list", "--outdated")
    assert [line.split()[:4] for line in listed.out.splitlines()[1:2]] == [["anna/notes", "toyapp", "1.0", "2.0"]]
    assert wsh("plan", "--account", "anna").status == 0

    dry = wsh("site", "upgrade", "anna/notes", "--dry-run")
    assert (dry.status, version(desk, "anna")) == (4, "1.0")
    assert "~ anna/notes on web1   toyapp 1.0 -> 2.0" in dry.out

    done = wsh("site", "upgrade", "anna.example.org")
    assert done.status == 0, done
    assert version(desk, "anna") == "2.0"
    told = [line.split()[3] for line in done.err.splitlines() if " ok " in line]
    assert told == ["built", "fenced", "saved", "switched", "migrated", "switched", "migrated", "verified"]
    assert "hop 2 of 2" in done.err
    assert "ok: https://anna.example.org/ runs toyapp 2.0 (it was 1.0)" in done.out
    assert "there is nothing to upgrade to" in wsh("site", "upgrade", "anna/notes").out

    back = wsh("site", "rollback", "anna/notes", "--yes")
    assert back.status == 0, back
    assert version(desk, "anna") == "1.0"
    assert "ok: https://anna.example.org/ runs toyapp 1.0 (it was 2.0)" in back.out
    assert "1 site outdated (toyapp 1)" in wsh("plan", "--account", "anna").out
    forth = wsh("site", "rollback", "anna/notes", "--yes")
    assert (forth.status, version(desk, "anna")) == (0, "2.0")


def test_a_release_is_pinned_in_the_yaml_and_its_rollback_too(desk: Desk, wsh: Wsh) -> None:
    made(desk, wsh, "berta")
    done = wsh("site", "upgrade", "berta/notes", "--release", "1.1")
    assert done.status == 0, done
    assert version(desk, "berta") == "1.1"
    assert 'release: "1.1"}   # berta\'s own' in desk.text(desk.file("berta"))
    pinned = wsh("site", "upgrade", "berta/notes")
    assert pinned.status == 3
    assert "berta/notes is pinned to toyapp 1.1, 2.0 is known" in pinned.err

    back = wsh("site", "rollback", "berta/notes", "--yes")
    assert back.status == 0, back
    assert version(desk, "berta") == "1.0"
    assert 'release: "1.0"' in desk.text(desk.file("berta"))
    settled = wsh("plan", "--account", "berta")
    assert settled.status == 0, settled


def test_a_release_that_is_older_is_refused_before_it_is_written(desk: Desk, wsh: Wsh) -> None:
    made(desk, wsh, "clara", "1.1")
    before = desk.text(desk.file("clara"))
    done = wsh("site", "upgrade", "clara/notes", "--release", "1.0")
    assert done.status == 1
    assert "error[app.downgrade]" in done.err
    assert desk.text(desk.file("clara")) == before


def test_nothing_to_go_back_to(desk: Desk, wsh: Wsh) -> None:
    made(desk, wsh, "dora", "2.0")
    done = wsh("site", "rollback", "dora/notes", "--yes")
    assert done.status == 1
    assert "error[app.no-snapshot]" in done.err


def test_a_failed_upgrade_tells_what_failed_and_is_tried_again_only_when_told(desk: Desk, wsh: Wsh) -> None:
    made(desk, wsh, "elsa", "2.0")
    broken = toyapp.archive("2.1", "content")
    desk.server.write(f"{toyapp.SHELF}/broken.zip", broken)
    desk.put("releases/toyapp.toml", OVERLAY.format(sha=hashlib.sha256(broken).hexdigest()))
    try:
        listed = wsh("app", "releases", "toyapp").out.splitlines()
        assert listed[1].split()[0] == "2.1"
        assert "releases/toyapp.toml" in listed[1]

        done = wsh("site", "upgrade", "elsa/notes")
        assert done.status == 1
        assert version(desk, "elsa") == "2.0"
        assert "verified FAILED" in done.err
        assert "error[app.unhealthy]" in done.err
        assert "wsh site upgrade elsa/notes" in " ".join(done.err.split())
        assert notes(desk, "elsa") == 1

        desk.put(desk.file("elsa"), ACCOUNT.format(name="elsa", more=', release: "2.1"'))
        refused = wsh("apply", "--yes", "--account", "elsa")
        assert refused.status == 1
        assert "error[app.upgrade-failed]" in refused.err
        again = wsh("site", "upgrade", "elsa/notes")
        assert "error[app.unhealthy]" in again.err
    finally:
        (desk.place / "releases/toyapp.toml").unlink()


def test_all_are_upgraded_at_once_a_line_for_each(desk: Desk, wsh: Wsh) -> None:
    for name in ("greta", "hanna"):
        made(desk, wsh, name)
    done = wsh("site", "upgrade", "--app", "toyapp", "--yes")
    assert {name: version(desk, name) for name in ("greta", "hanna")} == {"greta": "2.0", "hanna": "2.0"}, done
    assert [line for line in done.err.splitlines() if "greta/notes ok" in line]
    assert "ok: https://hanna.example.org/ runs toyapp 2.0 (it was 1.0)" in done.out
    assert "warning[app.pinned]" in done.err
