from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plan.worlds import ALICE, BOB, ERIN, collected, describe
from wsh_core import resources as r
from wsh_core.agent.errors import AgentError
from wsh_core.agent.protocol import canonical, parse_request
from wsh_core.errors import PlanError
from wsh_core.plan.desired import Desired
from wsh_core.plan.document import document

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests/protocol/request.json"
BY = {"user": "jo", "host": "desk"}
WHOSE = {"account": "alice", "object": "account:alice", "why": "accounts/alice.yaml:1"}


def keeps(name: str, content: r.Text) -> r.File:
    return r.File(**WHOSE, path=f"/etc/wsh/{name}", owner="root", group="root", mode="0600", content=content)


def desired(*resources: r.Resource) -> Desired:
    return Desired("7f0c", "web1", ("alice",), resources, {"erin": "accounts/erin.yaml:3: wrong"})


def request(*resources: r.Resource, **more) -> dict:
    return document(desired(*resources), BY, **more)


def test_the_fixture_is_what_this_description_gives(tmp_path):
    """The request that the protocol's other readers are tested with; `WSH_GOLDEN=write` writes it anew."""
    _, wanted = collected(describe(tmp_path, alice=ALICE, bob=BOB, erin=ERIN))
    text = canonical(document(wanted, BY)) + "\n"
    if os.environ.get("WSH_GOLDEN") == "write":
        FIXTURE.write_text(text)
    assert text == FIXTURE.read_text()


def test_the_agent_reads_it_as_it_was_meant():
    read = parse_request(FIXTURE.read_text())
    assert (read.description, read.server, read.by, read.accounts) == (
        "7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f", "web1", BY, None,
    )  # fmt: skip
    assert list(read.held) == ["erin"]
    assert {resource.account for resource in read.resources} == {"alice", "bob"}
    assert {resource.kind for resource in read.resources} >= {
        "user",
        "jail",
        "slice",
        "unit",
        "vhost",
        "certificate",
    }


def test_another_major_version_is_refused_in_words():
    other = json.loads(FIXTURE.read_text()) | {"protocol": "2.0"}
    with pytest.raises(AgentError, match=r"the request speaks protocol 2\.0") as refused:
        parse_request(json.dumps(other))
    assert refused.value.code == "protocol.version"


@pytest.mark.parametrize("seed", ["0", "1", "12345"])
def test_the_same_description_gives_the_same_bytes_in_every_process(tmp_path, seed):
    describe(tmp_path, alice=ALICE, bob=BOB, erin=ERIN)
    code = (
        "import sys; from pathlib import Path; from tests.plan.worlds import collected\n"
        "from wsh_core.agent.protocol import canonical; from wsh_core.plan.document import document\n"
        "print(canonical(document(collected(Path(sys.argv[1]))[1], {'user': 'jo', 'host': 'desk'})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )  # fmt: skip
    assert done.stdout == FIXTURE.read_text()


def test_secrets_stand_in_it_by_name_only():
    made = request(keeps("key", r.Join("key=", r.Secret("alice/key", 32))))
    assert made["secrets"] == {"alice/key": {"account": "alice", "length": 32}}
    assert made["resources"][0]["want"]["content"] == {"join": ["key=", {"secret": "alice/key"}]}


def test_a_scope_leaves_out_all_else():
    other = r.Link(account="bob", object="account:bob", why="accounts/bob.yaml:1", path="/etc/wsh/b", target="x")
    made = request(keeps("key", r.Secret("alice/key")), other, accounts=["bob"])
    assert made["scope"] == {"accounts": ["bob"]}
    assert [resource["id"] for resource in made["resources"]] == ["link:/etc/wsh/b"]
    assert made["secrets"] == {}
    assert made["held"] == {}
    assert request(accounts=["erin"])["held"] == {"erin": "accounts/erin.yaml:3: wrong"}


def test_what_was_shown_is_expected():
    assert request(expect={"file:/etc/wsh/key": "00"})["expect"] == {"file:/etc/wsh/key": "00"}
    assert request()["expect"] is None


def test_one_thing_wanted_twice_is_no_plan():
    with pytest.raises(PlanError) as refused:
        request(keeps("key", "a"), keeps("key", "b"))
    assert refused.value.problems[0].code == "plan.duplicate"


def test_one_secret_of_two_lengths_is_no_plan():
    with pytest.raises(PlanError) as refused:
        request(keeps("a", r.Secret("alice/key", 24)), keeps("b", r.Secret("alice/key", 32)))
    assert refused.value.problems[0].code == "plan.secret"
