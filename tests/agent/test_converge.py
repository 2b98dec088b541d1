from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from wsh_core.agent.errors import AgentError
from wsh_core.agent.kinds.base import State
from wsh_core.agent.kinds.files import DirectoryKind

from .conftest import Agent, account_resources, outcomes, request, resource

pytestmark = pytest.mark.needs_machine


def done(events: list[dict[str, Any]]) -> dict[str, Any]:
    assert events[-1]["type"] == "done"
    return events[-1]


def tree(agent: Agent) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below the scratch root but the ledger, with owner, mode and content."""
    found = {}
    for path in agent.root.rglob("*"):
        info = path.lstat()
        if not path.name.startswith("ledger.db"):
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (info.st_uid, info.st_gid, info.st_mode, content)
    return found


def test_a_plan_touches_nothing_and_shows_what_an_apply_does(agent: Agent) -> None:
    before = tree(agent)
    planned = agent.plan(request("alice"))
    assert tree(agent) == before
    assert not agent.path("/var/lib/wsh/ledger.db").exists()
    applied = agent.apply(request("alice"))
    assert outcomes(planned) == dict.fromkeys(outcomes(applied), "planned")
    assert set(outcomes(applied).values()) == {"changed"}


def test_a_second_apply_changes_nothing_and_starts_nothing(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    before = tree(agent)
    second = agent.apply(request("alice", "bob"))
    assert outcomes(second) == {}
    assert done(second)["outcome"] == "ok"
    assert done(second)["processes"] == 0
    assert tree(agent) == before


def test_uids_are_given_once_and_never_again(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    assert agent.path("/etc/wsh/uid-floor").read_text() == "6002\n"
    agent.path("/var/lib/wsh/ledger.db").unlink()
    for file in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"):
        kept = [line for line in (agent.root / file).read_text().splitlines() if not line.startswith(("alice", "bob"))]
        (agent.root / file).write_text("\n".join(kept) + "\n")
    agent.apply(request("carol"))
    assert "carol:x:6002:6002:" in agent.path("/etc/passwd").read_text()


def test_drift_is_seen_by_plan_and_mended_by_apply(agent: Agent) -> None:
    agent.apply(request("alice"))
    agent.path("/home/alice").chmod(0o777)
    os.chown(agent.path("/var/log/wsh/alice/note"), 0, 0)
    agent.path("/etc/systemd/system/wsh-php84-6000.socket").write_text("[Socket]\n")
    agent.path("/var/lib/wsh/jail/6000/etc/passwd").write_text("mallory:x:0:\n")
    agent.path("/etc/systemd/system.control/wsh-6000.slice.d/50-MemoryMax.conf").write_text("[Slice]\nMemoryMax=1\n")
    drifted = {"directory:/home/alice", "file:alice/note", "unit:alice/php84.socket", "jail:alice", "slice:alice"}
    planned = agent.plan(request("alice"))
    assert outcomes(planned) == dict.fromkeys(drifted, "planned")
    assert all(e["drift"] for e in planned if e["type"] == "resource")
    assert outcomes(agent.apply(request("alice"))) == dict.fromkeys(drifted, "changed")
    assert outcomes(agent.plan(request("alice"))) == {}


def test_a_change_of_the_description_is_not_called_drift(agent: Agent) -> None:
    agent.apply(request("alice"))
    wanted = request("alice")
    wanted["resources"][0]["want"]["shell"] = "/bin/bash"
    (event,) = [e for e in agent.plan(wanted) if e["type"] == "resource"]
    assert event["drift"] is False
    assert event["changes"] == [{"field": "shell", "before": "/bin/sh", "after": "/bin/bash"}]


def test_what_is_there_and_not_owned_is_a_conflict(agent: Agent) -> None:
    agent.path("/var/log/wsh/alice").mkdir()
    agent.path("/var/log/wsh/alice/note").write_text("mine")
    events = agent.apply(request("alice", "bob"))
    assert outcomes(events)["directory:/var/log/wsh/alice"] == "conflict"
    assert done(events)["accounts"] == {"alice": "failed", "bob": "changed"}
    assert agent.path("/var/log/wsh/alice/note").read_text() == "mine"


def test_a_system_user_is_a_conflict(agent: Agent) -> None:
    with agent.path("/etc/passwd").open("a") as passwd:
        passwd.write("games:x:5:60:games:/usr/games:/usr/sbin/nologin\n")
    events = agent.apply(request("games"))
    assert outcomes(events)["user:games"] == "conflict"
    assert "games:x:5:60:games:/usr/games" in agent.path("/etc/passwd").read_text()
    assert not agent.path("/home/games").exists()


def test_a_lost_ledger_owns_again_what_matches_and_removes_nothing(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    agent.path("/var/lib/wsh/ledger.db").unlink()
    before = tree(agent)
    events = agent.apply(request("alice"))
    assert outcomes(events) == {}
    assert tree(agent) == before
    agent.path("/home/alice").chmod(0o700)
    assert outcomes(agent.apply(request("alice"))) == {"directory:/home/alice": "changed"}


def test_what_left_the_description_is_refused_and_stays(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    before = tree(agent)
    events = agent.apply(request("alice"))
    removals = [e for e in events if e["type"] == "resource"]
    assert {e["action"] for e in removals} == {"remove"}
    assert {e["account"] for e in removals} == {"bob"}
    assert set(outcomes(events).values()) == {"refused"}
    assert tree(agent) == before
    scoped = agent.apply(request("alice", scope={"accounts": ["alice"]}))
    assert outcomes(scoped) == {}


def test_a_held_account_is_left_alone(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    events = agent.apply(request("alice", held={"bob": "accounts/bob.yaml:3: unknown key"}))
    assert outcomes(events) == {}
    assert done(events)["accounts"] == {"alice": "ok", "bob": "held"}


def test_another_description_is_refused(agent: Agent) -> None:
    agent.apply(request("alice"))
    for verb in (agent.plan, agent.apply):
        events = verb(request("alice", description="other"))
        assert done(events)["outcome"] == "refused"
        assert done(events)["error"]["code"] == "server.foreign"


def test_a_server_that_was_not_set_up_is_refused(agent: Agent) -> None:
    agent.path("/etc/wsh/server.json").unlink()
    assert done(agent.apply(request("alice")))["error"]["code"] == "server.not-ready"
    assert not agent.path("/home/alice").exists()


def test_a_stale_plan_is_refused_for_what_changed_since(agent: Agent) -> None:
    agent.apply(request("alice"))
    agent.path("/home/alice").chmod(0o777)
    agent.path("/var/log/wsh/alice").chmod(0o777)
    shown = {e["id"]: e["digest"] for e in agent.plan(request("alice")) if e["type"] == "resource"}
    agent.path("/home/alice").chmod(0o701)
    events = agent.apply(request("alice", expect=shown))
    assert outcomes(events)["directory:/home/alice"] == "stale"
    assert agent.path("/home/alice").stat().st_mode & 0o7777 == 0o701


def test_an_account_that_fails_does_not_stop_the_others(agent: Agent) -> None:
    wanted = request("alice", "bob")
    wanted["resources"][3]["want"]["path"] = "/etc/cron.d"
    events = agent.apply(wanted)
    assert done(events)["accounts"] == {"alice": "failed", "bob": "changed"}
    assert agent.path("/var/lib/wsh/jail/6001/etc/passwd").exists()
    assert not agent.path("/etc/cron.d").exists()


def test_on_failure_stop_leaves_the_rest_pending(agent: Agent) -> None:
    wanted = request("alice", "bob", on_failure="stop")
    wanted["resources"][3]["want"]["path"] = "/etc/cron.d"
    assert done(agent.apply(wanted))["accounts"]["bob"] == "pending"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/home/bob",
        "/home/alice/../bob",
        "/home/alicex",
        "/var/lib/wsh/jail/9999",
        "/usr/lib/wsh/guard.php",
        "/home/alice/./x",
        "/var/log/wsh",
        "home/alice",
        "/home/alice//x",
        "/var/lib/wsh/jobs/bob-blog-tick",
        "/var/lib/wsh/jobs/alice-blog-../x",
    ],
)
def test_a_path_that_is_not_the_accounts_is_refused(agent: Agent, path: str) -> None:
    wanted = request("alice")
    wanted["resources"].append(
        resource("file:alice/x", "alice", path=path, owner="root", group="root", mode="0644", content="x")
    )
    (event,) = [e for e in agent.apply(wanted) if e["type"] == "resource" and e["outcome"] == "failed"]
    assert event["error"]["code"] == "request.path"


def test_secrets_are_made_once_and_never_shown(agent: Agent) -> None:
    events = agent.apply(request("alice"))
    secret = agent.path("/etc/wsh/secrets/alice/key").read_text()
    assert len(secret) == 24
    assert secret.isalnum()
    assert agent.path("/etc/wsh/secrets/alice/key").stat().st_mode & 0o7777 == 0o600
    assert secret in agent.path("/var/log/wsh/alice/note").read_text()
    assert secret not in str(events)
    agent.path("/var/log/wsh/alice/note").write_text("gone")
    again = agent.apply(request("alice"))
    assert secret not in str(again)
    assert agent.path("/etc/wsh/secrets/alice/key").read_text() == secret


def test_what_the_account_replaced_by_a_link_leads_nowhere(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    sites = resource(
        "directory:/home/alice/sites/blog",
        "alice",
        path="/home/alice/sites/blog",
        owner="alice",
        group="alice",
        mode="0750",
    )
    wanted = request("alice", "bob")
    wanted["resources"] += [sites]
    agent.apply(wanted)
    agent.path("/home/alice/sites/blog").rmdir()
    agent.path("/home/alice/sites/blog").symlink_to("/etc")
    before = agent.path("/etc").stat()
    for verb in (agent.plan, agent.apply):
        (event,) = [e for e in verb(wanted) if e["type"] == "resource"]
        assert (event["outcome"], event["error"]["code"]) == ("failed", "path.type")
        assert "/home/alice/sites/blog is a link, not a directory" in event["error"]["message"]
    after = agent.path("/etc").stat()
    assert (before.st_uid, before.st_mode) == (after.st_uid, after.st_mode)


def test_a_second_writer_is_told_who_holds_the_lock(agent: Agent) -> None:
    from wsh_core.agent.operation import lock
    from wsh_core.agent.safefs import Root

    with lock(Root(str(agent.root)), {"user": "ann", "host": "desk", "operation": "abc123", "since": "now"}):
        with pytest.raises(AgentError, match=r"ann, from desk, .*abc123"):
            agent.apply(request("alice"))
        assert not agent.path("/home/alice").exists()


def test_a_request_of_another_major_version_is_refused_in_words(agent: Agent) -> None:
    with pytest.raises(AgentError, match=r"speaks protocol 2\.0, this agent 1\.0"):
        agent.apply(request("alice", protocol="2.0"))


def test_a_newer_ledger_is_refused(agent: Agent) -> None:
    import sqlite3

    agent.apply(request("alice"))
    with sqlite3.connect(agent.path("/var/lib/wsh/ledger.db")) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(AgentError, match="newer wsh"):
        agent.apply(request("alice"))


def test_account_resources_cover_each_kind_that_a_scratch_tree_can_hold() -> None:
    assert {r["kind"] for r in account_resources("alice")} == {
        "user",
        "directory",
        "file",
        "link",
        "jail",
        "slice",
        "unit",
    }


def test_what_makes_the_reading_of_one_account_fail_stops_no_other(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.apply(request("alice", "bob"))
    agent.path("/home/bob").chmod(0o777)
    read = DirectoryKind._read

    def failing(kind: DirectoryKind, path: str) -> State | None:
        if path == "/home/alice/sites":
            raise OSError(errno.EIO, "Input/output error", path)
        return read(kind, path)

    monkeypatch.setattr(DirectoryKind, "_read", failing)
    events = agent.apply(request("alice", "bob"))
    assert done(events)["accounts"] == {"alice": "failed", "bob": "changed"}
    (failed,) = [e for e in events if e["type"] == "resource" and e["outcome"] == "failed"]
    assert (failed["account"], failed["error"]["code"]) == ("alice", "server.io")
    assert agent.path("/home/bob").stat().st_mode & 0o7777 == 0o750


def test_a_lost_secret_is_not_made_anew(agent: Agent) -> None:
    agent.apply(request("alice", "bob"))
    agent.path("/etc/wsh/secrets/alice/key").unlink()
    note = agent.path("/var/log/wsh/alice/note").read_text()
    for verb in (agent.plan, agent.apply):
        events = verb(request("alice", "bob"))
        (failed,) = [e for e in events if e["type"] == "resource" and e["outcome"] == "failed"]
        assert failed["error"]["code"] == "account.secret"
        assert done(events)["accounts"] == {"alice": "failed", "bob": "ok"}
    assert not agent.path("/etc/wsh/secrets/alice/key").exists()
    assert agent.path("/var/log/wsh/alice/note").read_text() == note
