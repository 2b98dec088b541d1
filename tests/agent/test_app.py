"""What the agent reads of an application without entering its jail, and what it makes of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from wsh_core.agent import choice
from wsh_core.agent.errors import AgentError
from wsh_core.agent.host import Host
from wsh_core.agent.kinds.app import AppKind
from wsh_core.agent.protocol import Resource
from wsh_core.agent.site import app_database, app_tree, inside

from .conftest import Agent, outcomes, request, resource

TREE = "/home/alice/sites/blog/app"
CONFIG = "<?php // {secret}\n"


def hop(version: str, upgrades_from: str, config: Any = None) -> dict[str, Any]:
    source = {"type": "file", "path": "/srv/toyapp.zip", "sha256": "0" * 64, "root": ""}
    return {"version": version, "upgrades_from": upgrades_from, "source": source, "config": config, "steps": []}


def wanted(told: str | None = None, **changes: Any) -> dict[str, Any]:
    want = {
        "app": "toyapp",
        "version": "1.0",
        "source": {"type": "file", "path": "/srv/toyapp.zip", "sha256": "0" * 64, "root": ""},
        "tree": TREE,
        "database": "alice_blog",
        "version_file": {"path": "VERSION", "regex": "^version ([0-9.]+)$"},
        "config": [{"path": "conf/config.php", "content": CONFIG, "mode": "0600", "after": None}],
        "install": [],
        "probe": {"host": "blog.example.org", "path": "/", "status": 200, "contains": ""},
        "php": "8.4",
        "up_to_date": None,
        "layout": {"config": ["conf"], "data": ["uploads"], "cache": ["cache"], "outside": [], "additions": ["extras"]},
        "hops": [hop("1.0", "0")],
        "pinned": True,
    }
    app = resource("app:alice/blog", "alice", **{**want, **changes})
    return request(resources=[{**app, "object": "site:alice/blog"}], told={"site:alice/blog": told} if told else {})


def install(agent: Agent, version: str = "version 1.0\n", config: str = CONFIG) -> Path:
    """Put the application there, as its own installation would have left it."""
    tree = agent.path(TREE)
    (tree / "conf").mkdir(parents=True)
    (tree / "VERSION").write_text(f"toyapp\n{version}")
    (tree / "conf/config.php").write_text(config)
    (tree / "conf/config.php").chmod(0o600)
    return tree


def own(agent: Agent) -> None:
    """Let wsh see it as it should be, so that it is wsh's."""
    tree = install(agent)
    assert outcomes(agent.apply(wanted())) == {}
    assert (tree / "VERSION").exists()


def error(events: list[dict[str, Any]]) -> tuple[str, str]:
    (said,) = [e for e in events if e["type"] == "resource"]
    return said["outcome"], said["error"]["code"]


@pytest.mark.parametrize("what", ["nothing", "an empty directory"])
def test_what_is_not_there_would_be_installed(agent: Agent, what: str) -> None:
    if what == "an empty directory":
        agent.path(TREE).mkdir(parents=True)
    assert outcomes(agent.plan(wanted())) == {"app:alice/blog": "planned"}


def test_where_nothing_runs_nothing_is_installed(agent: Agent) -> None:
    agent.path(TREE).mkdir(parents=True)
    agent.path("/var/lib/wsh/fence").mkdir()
    assert error(agent.apply(wanted())) == ("failed", "app.no-server")
    assert list(agent.path(TREE).iterdir()) == []


def test_what_is_as_wanted_is_wshs_and_nothing_to_do(agent: Agent) -> None:
    own(agent)
    assert outcomes(agent.plan(wanted())) == {}


def test_a_changed_file_is_seen_by_content_mode_and_absence(agent: Agent) -> None:
    own(agent)
    config = agent.path(f"{TREE}/conf/config.php")
    for spoil in (lambda: config.write_text("other"), lambda: config.chmod(0o644), config.unlink):
        spoil()
        (said,) = [e for e in agent.plan(wanted()) if e["type"] == "resource"]
        assert said["outcome"] == "planned"
        assert [change["field"] for change in said["changes"]] == ["config conf/config.php"]
        assert "//" not in str(said)
        config.write_text(CONFIG)
        config.chmod(0o600)


def test_another_version_that_is_not_wshs_is_a_conflict(agent: Agent) -> None:
    install(agent, "version 0.9\n")
    assert error(agent.plan(wanted())) == ("conflict", "server.conflict")


HOPS = [hop("1.1", "1.0"), hop("2.0", "1.1")]


@pytest.mark.parametrize(("pinned", "told"), [(True, None), (False, "upgrade"), (True, "upgrade")])
def test_an_upgrade_is_a_change_of_the_version(agent: Agent, pinned: bool, told: str | None) -> None:
    own(agent)
    events = agent.plan(wanted(version="2.0", hops=HOPS, pinned=pinned, told=told))
    (said,) = [e for e in events if e["type"] == "resource"]
    assert (said["outcome"], said["changes"]) == ("planned", [{"field": "version", "before": "1.0", "after": "2.0"}])
    assert not [e for e in events if e["type"] == "outdated"]


def test_without_being_told_another_version_is_said_and_left(agent: Agent) -> None:
    own(agent)
    for events in (
        agent.plan(wanted(version="2.0", hops=HOPS, pinned=False)),
        agent.apply(wanted(version="2.0", hops=HOPS, pinned=False)),
    ):
        (said,) = [e for e in events if e["type"] == "outdated"]
        assert (said["object"], said["app"], said["installed"], said["wanted"], said["version"]) == (
            "site:alice/blog", "toyapp", "1.0", "2.0", "1.0",
        )  # fmt: skip
        assert outcomes(events) == {}
        assert events[-1]["outcome"] == "ok"


def test_the_files_of_an_outdated_site_are_those_of_its_own_release(agent: Agent) -> None:
    own(agent)
    own_config = [{"path": "conf/config.php", "content": CONFIG, "mode": "0600", "after": None}]
    newer = [{"path": "conf/config.php", "content": "<?php // newer\n", "mode": "0600", "after": None}]
    hops = [hop("1.0", "0", own_config), *HOPS]
    assert outcomes(agent.plan(wanted(version="2.0", hops=hops, pinned=False, config=newer))) == {}


def test_an_older_version_is_refused(agent: Agent) -> None:
    own(agent)
    agent.path(f"{TREE}/VERSION").write_text("version 1.10\n")
    assert error(agent.plan(wanted(version="1.9", hops=[hop("1.9", "0")]))) == ("refused", "app.downgrade")
    assert error(agent.plan(wanted(version="1.9", hops=[hop("1.9", "0")], told="upgrade"))) == (
        "refused",
        "app.downgrade",
    )
    events = agent.plan(wanted(version="1.9", hops=[hop("1.9", "0")], pinned=False))
    assert outcomes(events) == {}


def test_where_no_release_leads_further_that_is_said(agent: Agent) -> None:
    own(agent)
    events = agent.plan(wanted(version="2.0", hops=[hop("2.0", "1.1")]))
    assert error(events) == ("refused", "app.no-way")
    (said,) = [e for e in events if e["type"] == "resource"]
    assert "2.0 (from 1.1)" in said["error"]["hint"]


def test_a_failed_upgrade_is_not_tried_again_until_told_or_another_is_wanted(agent: Agent) -> None:
    own(agent)
    note(agent, failed={"version": "2.0", "time": "2026-11-01T10:00:00Z", "why": "its step failed"})
    events = agent.plan(wanted(version="2.0", hops=HOPS))
    assert error(events) == ("refused", "app.upgrade-failed")
    (said,) = [e for e in events if e["type"] == "resource"]
    assert "2026-11-01T10:00:00Z" in said["error"]["message"]
    assert said["error"]["detail"] == "its step failed"
    assert outcomes(agent.plan(wanted(version="2.0", hops=HOPS, told="upgrade"))) == {"app:alice/blog": "planned"}
    assert outcomes(agent.plan(wanted(version="1.1", hops=HOPS[:1]))) == {"app:alice/blog": "planned"}


def test_a_rollback_needs_a_snapshot(agent: Agent) -> None:
    own(agent)
    assert error(agent.plan(wanted(told="rollback"))) == ("refused", "app.no-snapshot")
    note(agent, snapshot={"version": "0.9", "time": "2026-11-01T10:00:00Z", "dump": None, "brought": None})
    (said,) = [e for e in agent.plan(wanted(told="rollback")) if e["type"] == "resource"]
    assert said["changes"] == [{"field": "version", "before": "1.0", "after": "0.9"}]


def note(agent: Agent, **notes: Any) -> None:
    host = Host(str(agent.root), writable=True, emit=lambda _: None)
    host.ledger.note("site:alice/blog", **notes)
    host.close()


@pytest.mark.parametrize(
    ("installed", "path"),
    [("1.0", ["1.1", "2.1"]), ("1.1", ["2.1"]), ("2.0", ["2.1"]), ("1.0.5", ["1.1", "2.1"]), ("2.0-rc.1", ["2.1"])],
)
def test_the_way_has_as_few_hops_as_it_can(installed: str, path: list[str]) -> None:
    hops = [hop("1.1", "1.0"), hop("2.0", "1.1"), hop("2.1", "1.1")]
    asked = Resource("app:alice/blog", "app", "alice", "site:alice/blog", "", "",
                     {"app": "toyapp", "version": "2.1", "hops": hops})  # fmt: skip
    assert [each["version"] for each in choice.way(asked, installed)] == path


@pytest.mark.parametrize("text", [None, "", "version of somebody\n"])
def test_a_tree_that_does_not_say_its_version_is_not_installed_over(agent: Agent, text: str | None) -> None:
    tree = install(agent)
    if text is None:
        (tree / "VERSION").unlink()
    else:
        (tree / "VERSION").write_text(text)
    assert error(agent.plan(wanted())) == ("conflict", "server.conflict")


@pytest.mark.parametrize("place", ["VERSION", "conf/config.php", "conf", "", ".."])
def test_a_link_anywhere_is_refused_by_its_path(agent: Agent, place: str) -> None:
    own(agent)
    path = Path(os.path.normpath(agent.path(TREE) / place))
    elsewhere = agent.path("/srv/elsewhere")
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    events = agent.apply(wanted())
    assert error(events) == ("failed", "path.unsafe")
    (said,) = [e for e in events if e["type"] == "resource"]
    assert TREE in said["error"]["message"]


@pytest.mark.parametrize("place", ["VERSION", "conf/config.php"])
def test_what_is_no_file_never_blocks(agent: Agent, place: str) -> None:
    own(agent)
    path = agent.path(TREE) / place
    path.unlink()
    os.mkfifo(path)
    assert error(agent.plan(wanted())) == ("failed", "path.type")


def test_what_was_not_finished_counts_as_not_there(agent: Agent) -> None:
    own(agent)
    host = Host(str(agent.root), writable=True, emit=lambda _: None)
    host.ledger.begin("site:alice/blog", "migrated", {"version": "1.0"})
    host.close()
    (said,) = [e for e in agent.plan(wanted()) if e["type"] == "resource"]
    assert (said["action"], said["outcome"]) == ("add", "planned")


@pytest.mark.parametrize(
    "tree",
    ["/home/bob/sites/blog/app", "/home/alice/sites/blog", "/home/alice/sites/blog/app/", "/etc",
     "/home/alice/sites/../../bob/sites/blog/app", "/home/alice/sites/other/app"],
)  # fmt: skip
def test_a_tree_of_somebody_elses_is_refused(agent: Agent, tree: str) -> None:
    assert error(agent.plan(wanted(tree=tree))) == ("failed", "request.path")


@pytest.mark.parametrize("name", ["mysql", "bob_blog", "alice", "alice_", "alice_x`; DROP", "alicex_blog"])
def test_a_database_of_somebody_elses_is_refused(name: str) -> None:
    want = {"database": name}
    with pytest.raises(AgentError, match="is no database of alice"):
        app_database(Resource("app:alice/blog", "app", "alice", "site:alice/blog", "", "", want))


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "", "a/"])
def test_a_path_is_plain_and_below_the_tree(path: str) -> None:
    with pytest.raises(AgentError, match="no plain path"):
        inside(TREE, path)


def test_the_tree_and_the_database_of_the_own_site_are_taken() -> None:
    want = {"tree": TREE, "database": "alice_blog"}
    own_site = Resource("app:alice/blog", "app", "alice", "site:alice/blog", "", "", want)
    assert (app_tree(own_site), app_database(own_site)) == (TREE, "alice_blog")
    assert inside(TREE, "conf/config.php") == f"{TREE}/conf/config.php"
    assert AppKind.name == "app"
