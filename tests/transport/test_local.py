from __future__ import annotations

import hashlib
import json
import subprocess
import time

import pytest

from tests.agent.conftest import make_scratch, request
from tests.transport.conftest import throwaway
from wsh_core.errors import AgentFailure, TransportError
from wsh_core.transport import package
from wsh_core.transport.base import Transport
from wsh_core.transport.library import wsh_agent
from wsh_core.transport.local import PYTHON, Local


def test_events_come_as_they_are_written(tmp_path) -> None:
    agent = throwaway("import time\nsay(type='started')\ntime.sleep(1)\nsay(type='done')")
    times = [time.monotonic() for _ in Transport("here", Local(str(tmp_path), agent)).plan({})]
    assert times[1] - times[0] > 0.8


def test_the_request_reaches_the_agent_whole(tmp_path) -> None:
    body = "import hashlib\nsay(type='done', digest=hashlib.sha256(request.encode()).hexdigest(), words=sys.argv[1:])"
    text = "ä{{}}" * 500_000
    (said,) = Local(str(tmp_path), throwaway(body)).run(["plan"], text.encode())
    event = json.loads(said)
    assert event["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert event["words"] == ["plan"]


def test_an_agent_that_cannot_start_says_why(tmp_path) -> None:
    with pytest.raises(AgentFailure, match="status 1") as caught:
        list(Local(str(tmp_path), throwaway("raise SystemError('no such thing')")).run(["plan"]))
    assert "no such thing" in (caught.value.problems[0].detail or "")


def test_only_root_may_run_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(TransportError) as caught:
        list(Local(str(tmp_path)).run(["plan"]))
    assert caught.value.problems[0].code == "server.need-root"


def test_a_machine_that_was_never_set_up(tmp_path) -> None:
    with pytest.raises(TransportError) as caught:
        list(Local(str(tmp_path / "none")).run(["plan"]))
    assert caught.value.problems[0].code == "server.not-ready"


def test_the_package_is_the_same_bytes_each_time_and_named_by_them() -> None:
    first = package.build()
    package.build.cache_clear()
    second = package.build()
    assert first == second
    assert first is not second
    assert first.name == f"agent-{hashlib.sha256(first.data).hexdigest()[:16]}.pyz"


def test_the_package_is_a_working_agent(tmp_path) -> None:
    agent = package.build()
    file = tmp_path / agent.name
    file.write_bytes(agent.data)
    root = make_scratch(tmp_path / "root")
    done = subprocess.run(
        [PYTHON, "-I", str(file), "--root", str(root), "plan"],
        input=json.dumps(request("alice")),
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert events[-1]["type"] == "done"
    assert events[-1]["counts"]["planned"] > 0


def test_old_agents_go_but_not_at_once(tmp_path) -> None:
    agents = [throwaway(f"say(type='done', number={number})") for number in range(8)]
    for agent in agents:
        wsh_agent.install(str(tmp_path), agent.name, agent.data)
        time.sleep(0.01)
    assert {path.name for path in tmp_path.iterdir()} == {agent.name for agent in agents[-wsh_agent.KEPT :]}


def test_half_an_agent_is_never_installed(tmp_path) -> None:
    agent = throwaway("say(type='done')")
    with pytest.raises(ValueError, match="did not arrive whole"):
        wsh_agent.install(str(tmp_path), agent.name, agent.data[:-1])
    assert not list(tmp_path.iterdir())
