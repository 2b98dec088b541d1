from __future__ import annotations

import json

import pytest

from tests.cli.conftest import ALICE, write
from wsh_core.errors import ExitStatus


def envelope(done):
    return json.loads(done.out.splitlines()[-1])


@pytest.mark.usefixtures("description")
def test_plan_apply_and_nothing_to_do(wsh, scratch):
    planned = wsh("plan")
    assert planned.status == ExitStatus.PENDING
    assert "+ account alice" in planned.out
    assert "+ site alice/blog    blog.example.org" in planned.out
    assert not (scratch.root / "home/alice").exists()

    applied = wsh("apply", "--yes")
    assert applied.status == ExitStatus.OK, applied.err
    assert "1 of 1 account as wanted (1 changed)" in applied.out
    assert (scratch.root / "home/alice/sites/blog/app").is_dir()

    again = wsh("apply", "--yes", "--json")
    assert envelope(again)["data"]["changed"] == 0
    settled = wsh("plan")
    assert settled.status == ExitStatus.OK
    assert "Nothing to do." in settled.out


@pytest.mark.usefixtures("description")
def test_yes_is_one_trip_without_a_plan(wsh, scratch):
    wsh("apply", "--yes")
    assert [verb for verb, _ in scratch.requests] == ["apply"]
    assert json.loads(scratch.requests[0][1])["expect"] is None


@pytest.mark.usefixtures("description")
def test_without_a_terminal_apply_asks_for_yes_before_anything_begins(wsh, scratch):
    done = wsh("apply")
    assert done.status == ExitStatus.USAGE
    assert "error[usage.confirmation]" in done.err
    assert "--yes" in done.err
    assert scratch.requests == []


def answering(monkeypatch, *answers):
    from wsh_core.cli import questions, session

    waiting = list(answers)
    monkeypatch.setattr(session.terminal, "can_ask", lambda: True)
    monkeypatch.setattr(questions, "_read", lambda _session, _prompt: waiting.pop(0))


@pytest.mark.usefixtures("description")
def test_apply_shows_the_plan_and_a_no_changes_nothing(wsh, scratch, monkeypatch):
    answering(monkeypatch, "n")
    done = wsh("apply")
    assert done.status == ExitStatus.FAILED
    assert "+ account alice" in done.out
    assert "Nothing was done." in done.out
    assert [verb for verb, _ in scratch.requests] == ["plan"]


@pytest.mark.usefixtures("description")
def test_what_was_shown_is_what_is_expected(wsh, scratch, monkeypatch):
    answering(monkeypatch, "y")
    done = wsh("apply")
    assert done.status == ExitStatus.OK, done.err
    expected = json.loads(scratch.requests[1][1])["expect"]
    assert "user:alice" in expected
    assert "vhost:alice-blog" in expected


@pytest.mark.usefixtures("description")
def test_what_is_no_longer_what_was_shown_is_left_alone(wsh, scratch, monkeypatch):
    wsh("apply", "--yes")
    vhost = scratch.root / "etc/apache2/wsh/sites/alice-blog.conf"
    wanted = vhost.read_text()
    vhost.write_text("# somebody's first edit\n")

    from wsh_core.cli import questions, session

    monkeypatch.setattr(session.terminal, "can_ask", lambda: True)

    def meanwhile(_session, _prompt):
        vhost.write_text("# somebody's second edit\n")
        return "y"

    monkeypatch.setattr(questions, "_read", meanwhile)
    done = wsh("apply")
    assert done.status == ExitStatus.OTHER
    assert "error[plan.stale]" in done.err
    assert vhost.read_text() == "# somebody's second edit\n" != wanted


@pytest.mark.usefixtures("description")
def test_drift_is_the_reason_and_is_mended(wsh, scratch):
    wsh("apply", "--yes")
    (scratch.root / "home/alice/sites").chmod(0o777)
    planned = wsh("plan")
    assert planned.status == ExitStatus.PENDING
    assert "~ account alice" in planned.out
    assert "drift: changed on the server, not by wsh" in planned.out
    assert "mode 0757 -> 0750" in planned.out
    done = wsh("apply", "--yes")
    assert "drift mended" in done.out
    assert (scratch.root / "home/alice/sites").stat().st_mode & 0o777 == 0o750


@pytest.mark.usefixtures("scratch")
def test_a_changed_line_of_yaml_is_the_reason(wsh, description):
    wsh("apply", "--yes")
    write(
        description,
        "servers/web1/accounts/alice.yaml",
        ALICE.replace("www.blog.example.org", "w.example.org"),
    )
    planned = wsh("plan")
    assert "~ site alice/blog" in planned.out
    assert "accounts/alice.yaml:5" in planned.out


def test_a_held_account_stops_nobody_else(wsh, description, scratch):
    write(description, "servers/web1/accounts/erin.yaml", "name: Erin\npackage: small\nsurname: Example\n")
    planned = wsh("plan")
    assert planned.status == ExitStatus.CONFIG
    assert "! account erin is held: nothing of it is touched" in planned.out
    assert "accounts/erin.yaml:3: `surname` is not a key of an account" in planned.out
    done = wsh("apply", "--yes")
    assert done.status == ExitStatus.FAILED
    assert "1 of 2 accounts held, 1 as wanted (1 changed)" in done.out
    assert (scratch.root / "home/alice").is_dir()


def test_what_left_the_description_is_planned_and_stays(wsh, description, scratch):
    wsh("apply", "--yes")
    (description / "servers/web1/accounts/alice.yaml").unlink()
    write(description, "servers/web1/accounts/bob.yaml", "name: Bob\npackage: small\n")
    wsh("apply", "--yes")
    planned = wsh("plan")
    assert planned.status == ExitStatus.PENDING
    assert "- account alice" in planned.out
    assert "gone from accounts/alice.yaml" in planned.out
    assert (scratch.root / "home/alice").is_dir()


def test_only_the_named_account_is_asked_for_and_written(wsh, description, scratch):
    write(description, "servers/web1/accounts/bob.yaml", "name: Bob\npackage: small\n")
    done = wsh("apply", "--yes", "--account", "bob")
    assert done.status == ExitStatus.OK
    request = json.loads(scratch.requests[-1][1])
    assert request["scope"] == {"accounts": ["bob"]}
    assert {resource["account"] for resource in request["resources"]} == {"bob"}
    assert not (scratch.root / "home/alice").exists()


@pytest.mark.usefixtures("description", "scratch")
def test_a_name_that_is_not_there_is_answered_with_the_nearest(wsh):
    done = wsh("plan", "--account", "alicia")
    assert done.status == ExitStatus.USAGE
    assert "did you mean alice?" in done.err
    assert wsh("plan", "--server", "web7").status == ExitStatus.USAGE


def test_a_server_on_hold_is_left_alone_and_told(wsh, description, scratch):
    write(description, "servers/web1/server.yaml", "address: localhost\ndebian: 13\nhold: true\n")
    done = wsh("plan")
    assert done.status == ExitStatus.OK
    assert "warning[server.on-hold]" in done.err
    assert scratch.requests == []


@pytest.mark.usefixtures("description", "scratch")
def test_events_then_the_envelope(wsh):
    done = wsh("apply", "--yes", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["type"] for event in (events[0], events[-2], events[-1])] == ["started", "done", "result"]
    assert all(event["server"] == "web1" and event["time"] for event in events[:-1])
    assert done.err == ""


@pytest.mark.parametrize("command", ["plan", "status"])
@pytest.mark.usefixtures("description", "unreachable")
def test_a_server_that_does_not_answer(wsh, command):
    done = wsh(command)
    assert done.status == ExitStatus.UNREACHABLE
    assert done.err.count("error[server.unreachable]") == 1


@pytest.mark.usefixtures("scratch")
def test_a_second_description_is_refused(wsh, description):
    wsh("apply", "--yes")
    text = (description / "wsh.yaml").read_text()
    write(description, "wsh.yaml", text.replace("7f0c2a4e", "8f0c2a4e"))
    done = wsh("apply", "--yes")
    assert done.status == ExitStatus.OTHER
    assert "error[server.foreign]" in done.err


@pytest.mark.usefixtures("description")
def test_a_locked_server_says_by_whom(wsh, scratch):
    import fcntl

    wsh("apply", "--yes")
    with (scratch.root / "run/wsh.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(json.dumps({"user": "jo", "host": "desk", "operation": "7f3a00", "since": "2026-11-24T12:40:00Z"}))
        lock.flush()
        done = wsh("apply", "--yes", "--json")
    assert done.status == ExitStatus.OTHER
    (error,) = envelope(done)["errors"]
    assert error["code"] == "server.locked"
    assert "jo, from desk" in error["message"]
    assert "--wait" in error["hint"]
