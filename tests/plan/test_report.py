from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.errors import ExitStatus, Problem, TransportError
from wsh_core.plan.outline import DRIFT, outline, summary, tally, untouched
from wsh_core.plan.report import PRECEDENCE, Report, exit_status, fold

RECORDED = Path(__file__).parents[1] / "cli/recorded"


def recorded(name: str) -> list[dict]:
    return [json.loads(line) for line in (RECORDED / f"{name}.jsonl").read_text().splitlines()]


def resource(id_: str, outcome: str = "planned", action: str = "change", **more) -> dict:
    return {
        "type": "resource", "id": id_, "object": "account:alice", "account": "alice", "action": action,
        "outcome": outcome, "why": "accounts/alice.yaml:1", "origin": "wsh", "changes": [], "digest": "d",
        **more,
    }  # fmt: skip


def done(outcome: str = "ok", error: dict | None = None, **accounts: str) -> dict:
    event = {
        "type": "done",
        "operation": "7f3a00",
        "outcome": outcome,
        "counts": {},
        "accounts": accounts,
        "seconds": 1,
    }
    return event | ({"error": error} if error else {})


def error(code: str) -> dict:
    return {"code": code, "message": "it is so", "hint": "do this", "detail": "their words"}


def test_a_plan_of_a_real_server():
    report = fold("web1", recorded("plan"))
    assert report.resources == 96
    assert report.accounts_that_are("held") == ["erin"]
    assert untouched(report) == ["carol", "frank"]
    names = {
        sign: {noun: list(names) for noun, names in nouns.items()} for sign, nouns in tally(outline(report)).items()
    }
    assert names == {
        "+": {"account": ["gwen"], "site": ["gwen/files", "gwen/www"]},
        "~": {"account": ["alice", "dave"], "site": ["alice/blog", "alice/shop", "dave/home"]},
        "-": {"site": ["dave/old"]},
        "!": {},
    }
    assert report.statuses() == {ExitStatus.CONFIG, ExitStatus.PENDING}


def test_an_operation_of_a_real_server():
    report = fold("web1", recorded("apply"), "apply")
    assert report.accounts == {
        "alice": "failed", "carol": "changed", "dave": "changed", "erin": "held", "frank": "ok",
    }  # fmt: skip
    assert [problem.code for problem in report.problems] == ["app.checksum"]
    assert report.statuses() == {ExitStatus.FAILED}
    assert summary(report)["refused"] == {"sites": ["alice/shop"]}


def test_the_reason_of_an_object_is_a_line_unless_all_of_it_drifted():
    drifted = fold("web1", [resource("file:a", drift=True), resource("file:b", drift=True)])
    mixed = fold("web1", [resource("file:a", drift=True), resource("file:b")])
    assert [entry.why for entry in outline(drifted)] == [DRIFT]
    assert [entry.why for entry in outline(mixed)] == ["accounts/alice.yaml:1"]


def test_what_was_shown_is_every_state_with_a_digest():
    report = fold("web1", [resource("file:a"), resource("file:b", digest=None)])
    assert report.shown == {"file:a": "d"}


def test_a_secret_of_a_site_belongs_to_the_site():
    report = fold(
        "web1",
        [resource("secret:alice/blog/admin", action="add"), resource("secret:alice/key", action="add")],
    )
    assert [entry.object for entry in outline(report)] == ["account:alice", "site:alice/blog"]


GONE = resource("file:a", "refused", "remove", error=error("account.removal"))
STATUSES = [
    ("plan", [done(alice="ok")], set()),
    ("plan", [resource("file:a"), done(alice="ok")], {ExitStatus.PENDING}),
    ("plan", [GONE, done()], {ExitStatus.PENDING}),
    ("plan", [resource("file:a"), done(alice="ok", erin="held")], {ExitStatus.PENDING, ExitStatus.CONFIG}),
    ("plan", [resource("file:a", "failed", error=error("database.unreachable")), done("failed")],
     {ExitStatus.FAILED}),
    ("plan", [resource("file:a", "conflict", error=error("server.conflict")), done("failed", alice="failed")],
     {ExitStatus.OTHER}),
    ("apply", [resource("file:a", "changed"), done(alice="changed")], set()),
    ("apply", [GONE, done(alice="ok")], set()),
    ("apply", [done(erin="held")], {ExitStatus.FAILED}),
    ("apply", [resource("file:a", "stale", error=error("plan.stale")), done("failed", alice="failed")],
     {ExitStatus.OTHER}),
    ("apply", [resource("app:a", "failed", error=error("app.step")), done("failed", alice="failed")],
     {ExitStatus.FAILED}),
    ("apply", [done("refused", error("server.locked"))], {ExitStatus.OTHER}),
    ("apply", [done("refused", error("server.foreign"))], {ExitStatus.OTHER}),
    ("apply", [done("refused", error("ledger.newer"))], {ExitStatus.FAILED}),
    ("apply", [done("failed", error("operation.died"))], {ExitStatus.FAILED}),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "events", "statuses"), STATUSES)
def test_the_status_of_what_happened(verb, events, statuses):
    assert fold("web1", events, verb).statuses() == statuses


def test_a_server_that_cannot_be_entered():
    report = Report("web1")
    report.failed(TransportError("server.unreachable", "no answer", "ssh"))
    assert report.statuses() == {ExitStatus.UNREACHABLE}
    assert report.problems == (Problem("server.unreachable", "no answer", "ssh"),)
    assert not report.settled


@given(st.lists(st.sampled_from(ExitStatus)))
def test_the_worst_decides(statuses):
    wanted = [status for status in PRECEDENCE if status in statuses]
    assert exit_status(statuses) == (wanted[0] if wanted else ExitStatus.OK)


def test_every_status_but_usage_can_happen_to_a_server():
    assert set(PRECEDENCE) == set(ExitStatus) - {ExitStatus.OK, ExitStatus.USAGE}


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "id", "object", "server", "extra"]),
            st.text() | st.integers() | st.none(),
        ).filter(lambda event: event.get("type") not in {"resource", "done", "started", "detached"})
    )
)
def test_unknown_types_and_keys_are_ignored(events):
    report = fold("web1", events)
    assert (report.changes, report.outcome) == ([], None)


def test_detached_says_where_to_go_on_until_it_is_done():
    report = fold("web1", [{"type": "detached", "operation": "7f3a00", "offset": 99}], "apply")
    assert (report.operation, report.detached) == ("7f3a00", 99)
    report.add(done(alice="ok"))
    assert report.detached is None
