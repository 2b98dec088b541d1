"""The known traps of carrying data through Ansible, each as it was met. See the numbers in the names."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.transport.conftest import HERE
from wsh_core.errors import AgentFailure, TransportError, UnreachableError
from wsh_core.transport import runner
from wsh_core.transport.ansible import Ansible
from wsh_core.transport.base import Transport
from wsh_core.transport.library import wsh_agent
from wsh_core.transport.login import Login

ECHO = "say(type='done', text=request)"


def answer(channel: Ansible, request: str = "") -> str:
    return b"".join(channel.run(["plan"], request.encode())).decode()


def test_t01_a_large_result_arrives_whole(ansible) -> None:
    channel = ansible("import random\nsay(type='done', text=random.Random(1).randbytes(2_000_000).hex())")
    assert len(json.loads(answer(channel))["text"]) == 4_000_000


def test_t01_an_emptied_result_is_an_error(ansible, monkeypatch) -> None:
    monkeypatch.setattr(runner, "LARGEST_RESULT", 100)
    with pytest.raises(TransportError, match="without a result"):
        answer(ansible(ECHO), "x" * 1000)


def test_t02_the_answer_is_not_censored(ansible) -> None:
    assert json.loads(answer(ansible(ECHO), "hello"))["text"] == "hello"


HOSTILE = ["{{ 7*7 }}", "{% if x %}y{% endif %}", "{# #}", "a\\nb\u2028é", "!unsafe x"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_t03_nothing_is_taken_for_a_template(ansible, hostile) -> None:
    assert json.loads(answer(ansible(ECHO), hostile))["text"] == hostile


def test_t04_secrets_scrub_nothing_else(ansible) -> None:
    channel = ansible("say(type='done', text='id 1800 /srv/abc/htdocs')")
    said = json.loads(answer(channel, '{"secrets": ["80", "abc"]}'))
    assert said["text"] == "id 1800 /srv/abc/htdocs"


def test_t05_the_parameter_is_shown_nowhere(ansible, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    channel = ansible("say(type='done')")
    packed: list[str] = []
    pack = wsh_agent.pack
    monkeypatch.setattr(wsh_agent, "pack", lambda value: packed.append(pack(value)) or packed[-1])
    answer(channel, "a secret")
    log = (tmp_path / "log").read_text()
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in log
    assert packed
    assert not [word for word in packed if word in log]


LOOK = """
import glob, os
place, = glob.glob(os.environ['XDG_RUNTIME_DIR'] + '/wsh-*')
events = glob.glob(place + '/artifacts/*/job_events/*.json')
say(type='done', mode=oct(os.stat(place).st_mode), events=events, place=place)
"""


def test_t06_t07_a_request_lies_in_memory_and_is_gone_afterwards(ansible) -> None:
    seen = json.loads(answer(ansible(LOOK)))
    assert seen["mode"] == "0o40700"
    assert seen["events"] == []
    assert not Path(seen["place"]).exists()


def test_t06_it_is_gone_after_a_failure_too(ansible, memory) -> None:
    with pytest.raises(AgentFailure):
        answer(ansible("sys.exit(3)"))
    assert not list(memory.iterdir())


def test_t06_no_directory_on_a_disk_is_used(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with runner.private_directory() as private:
        assert not private.is_relative_to(tmp_path)


def test_t08_one_call_is_one_process_and_no_copied_file(ansible, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "3")
    channel = ansible(ECHO)
    answer(channel)  # brings the agent's file
    (tmp_path / "log").unlink()
    answer(channel)
    lines = (tmp_path / "log").read_text().splitlines()
    assert len([line for line in lines if " EXEC " in line]) == 1
    assert not [line for line in lines if " PUT " in line]


def test_t10_ansible_is_imported_only_when_it_runs() -> None:
    code = (
        "import sys\n"
        "import wsh_core.transport.ansible, wsh_core.transport.setup, wsh_core.transport.local\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('ansible', 'ansible_runner')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_t11_versions() -> None:
    major, minor, *_ = importlib.metadata.version("ansible-core").split(".")
    assert (2, 18) <= (int(major), int(minor)) < (2, 20)
    source = (runner.LIBRARY / "wsh_agent.py").read_text()
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source, feature_version=(3, 11)))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"ansible"}


@pytest.mark.parametrize("playbook", [runner.PLAYBOOKS / "setup.yml", runner.LIBRARY / "wsh_agent.yml"])
def test_t12_no_facts_are_gathered(playbook) -> None:
    assert all(play["gather_facts"] is False for play in yaml.safe_load(playbook.read_text()))


def test_t13_an_exception_in_the_module_comes_back_in_words(ansible, tmp_path) -> None:
    channel = ansible(ECHO)
    (tmp_path / channel.agent.name).mkdir()
    with pytest.raises(TransportError, match="IsADirectoryError"):
        answer(channel)


def test_t13_an_agent_that_cannot_start_says_why(ansible) -> None:
    with pytest.raises(AgentFailure, match="status 1 and said nothing") as caught:
        answer(ansible("raise SystemError('no such thing')"))
    assert "no such thing" in (caught.value.problems[0].detail or "")


def test_the_agent_is_sent_once(ansible, monkeypatch, tmp_path) -> None:
    channel = ansible(ECHO)
    sent: list[int] = []
    pack = wsh_agent.pack
    monkeypatch.setattr(wsh_agent, "pack", lambda value: sent.append(len(value["data"])) or pack(value))
    answer(channel)
    answer(channel)
    assert [bool(size) for size in sent] == [False, True, False]
    file = tmp_path / channel.agent.name
    assert file.read_bytes() == channel.agent.data
    file.write_bytes(b"half")  # a file that is not whole is not taken for the agent
    assert json.loads(answer(channel, "again"))["text"] == "again"


def test_a_closed_port_is_unreachable_with_the_line_to_type() -> None:
    login = Login("web9", "127.0.0.1", port=1, known_hosts="/dev/null")
    with pytest.raises(UnreachableError) as caught:
        list(Transport("web9", Ansible(login)).plan({}))
    (problem,) = caught.value.problems
    assert problem.code == "server.unreachable"
    assert "Connection refused" in problem.message
    assert problem.hint == "ssh -o UserKnownHostsFile=/dev/null -p 1 root@127.0.0.1"


def test_a_machine_that_was_never_set_up_is_told_apart(ansible) -> None:
    channel = ansible(ECHO)
    channel.directory += "/none"
    with pytest.raises(TransportError, match="here is no wsh server yet"):
        answer(channel)


def test_ansible_of_the_operator_takes_no_part(ansible, tmp_path, monkeypatch) -> None:
    (tmp_path / "my.cfg").write_text("[defaults]\nstdout_callback = no_such_plugin\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "my.cfg"))
    assert json.loads(answer(ansible(ECHO), "x"))["text"] == "x"
    assert HERE.inventory()["ansible_connection"] == "local"


INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from tests.transport.conftest import HERE
from wsh_core.transport import runner
signal.signal(signal.SIGINT, signal.default_int_handler)

def begun(event):
    if event["event"] == "runner_on_start":
        threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()

try:
    runner.play(Path(sys.argv[1]), {HERE: {}}, begun)
except KeyboardInterrupt:
    print("interrupted")
"""
SLEEPS = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep 61.25
"""


def test_ctrl_c_ends_ansible_and_all_that_it_began(memory, tmp_path) -> None:
    (tmp_path / "sleeps.yml").write_text(SLEEPS)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path / "sleeps.yml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "interrupted\n"
    assert time.monotonic() - began < 50
    assert not list(memory.iterdir())
    everything = [runner._read(str(path)) for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not [line for line in everything if str(tmp_path) in line or "61.25" in line]
