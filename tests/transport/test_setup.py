"""The engine of `wsh server setup`, by real runs of small playbooks; tests/lab runs the real one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.transport.conftest import HERE
from wsh_core import releases
from wsh_core.errors import TransportError
from wsh_core.transport import runner, setup
from wsh_core.transport.login import Login

RELEASE = releases.load(13)


@pytest.fixture
def playbooks(tmp_path, monkeypatch):
    """Make `parts` (name: YAML of its tasks) the playbook of the set-up."""

    def write(**parts: str) -> None:
        play = {
            "name": "p",
            "hosts": "all",
            "gather_facts": False,
            "tasks": [{"import_tasks": f"{name}.yml"} for name in parts],
        }
        (tmp_path / "setup.yml").write_text(yaml.safe_dump([play]))
        for name, text in parts.items():
            (tmp_path / f"{name}.yml").write_text(text)
        monkeypatch.setattr(runner, "PLAYBOOKS", tmp_path)
        monkeypatch.setattr(setup, "PLAYBOOK", tmp_path / "setup.yml")
        setup.parts.cache_clear()

    yield write
    setup.parts.cache_clear()


ONE = """
- name: look
  ansible.builtin.command: "true"
  changed_when: false
- name: change
  ansible.builtin.command: echo {{ release.php.version }}
  changed_when: true
"""
TWO = """
- name: leave out
  ansible.builtin.command: "true"
  when: false
- name: tell
  ansible.builtin.debug:
    msg: "{{ item }} is not in force"
  loop: [a, b]
"""


def test_progress_and_result(playbooks) -> None:
    playbooks(one=ONE, two=TWO)
    told: list[setup.Progress] = []
    (result,) = setup.set_up({HERE: RELEASE}, told.append).values()
    assert result.problem is None
    assert (result.changed, result.as_wanted) == (1, 3)
    assert sorted(result.notes) == ["a is not in force", "b is not in force"]
    ended = [p for p in told if p.outcome not in {"begun", "note"}]
    assert [(p.part, p.number, p.of, p.task, p.outcome) for p in ended] == [
        ("one", 1, 2, "look", "ok"),
        ("one", 2, 2, "change", "changed"),
        ("two", 1, 2, "leave out", "skipped"),
        ("two", 2, 2, "tell", "ok"),
    ]
    assert [p.done for p in ended] == [1, 2, 3, 4]
    assert {p.total for p in told} == {4}
    begun = [(p.part, p.number) for p in told if p.outcome == "begun"]
    assert begun == [("one", 1), ("one", 2), ("two", 1), ("two", 2)]


FAILS = """
- name: enable the modules
  ansible.builtin.command: sh -c 'echo "ERROR. Module x does not exist!" >&2; exit 7'
- name: never
  ansible.builtin.command: "true"
"""


def test_a_failure_has_its_task_its_place_and_the_modules_own_words(playbooks) -> None:
    playbooks(apache=FAILS)
    (result,) = setup.set_up({HERE: RELEASE}).values()
    assert result.problem
    assert result.problem.code == "setup.task"
    assert result.problem.message == (
        'here, apache, "enable the modules": non-zero return code (playbooks/apache.yml:2)'
    )
    assert "ERROR. Module x does not exist!" in (result.problem.detail or "")
    assert (result.problem.hint or "").endswith("; then wsh server setup here")


LOOP = """
- name: make them
  ansible.builtin.file: {path: "{{ item }}", state: directory}
  loop: ["{{ good }}", /proc/none]
"""


def test_of_a_loop_what_failed_is_told(playbooks, tmp_path) -> None:
    playbooks(system=LOOP.replace("{{ good }}", str(tmp_path / "good")))
    (result,) = setup.set_up({HERE: RELEASE}).values()
    assert result.problem
    assert "/proc/none" in result.problem.message
    assert "All items completed" not in (result.problem.detail or "")


def test_a_server_that_fails_does_not_stop_the_others(playbooks) -> None:
    playbooks(one=ONE)
    away = Login("away", "127.0.0.1", port=1)
    results = setup.set_up({away: RELEASE, HERE: releases.load(12)})
    assert results["here"].problem is None
    problem = results["away"].problem
    assert problem
    assert problem.code == "server.unreachable"
    assert "Connection refused" in problem.message


def test_the_output_of_ansible_goes_to_the_log_alone(playbooks, tmp_path, capfd) -> None:
    playbooks(one=ONE)
    log = tmp_path / "log"
    setup.set_up({HERE: RELEASE}, log=log)
    assert "TASK [look]" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    assert capfd.readouterr() == ("", "")


def test_a_playbook_that_ansible_cannot_read_is_no_success(playbooks) -> None:
    playbooks(one="- name: x\n  no.such.module: {}\n")
    with pytest.raises(TransportError, match="could not be run") as caught:
        setup.set_up({HERE: RELEASE})
    assert "no.such.module" in (caught.value.problems[0].detail or "")


# The real playbook, read as data.

TASKS = [
    (file, task)
    for file in sorted(runner.PLAYBOOKS.glob("*.yml"))
    for task in yaml.safe_load(file.read_text())
    if isinstance(task, dict) and "hosts" not in task
]


def test_ansible_can_read_the_playbook(tmp_path) -> None:
    variables = tmp_path / "variables.yml"
    variables.write_text(yaml.safe_dump(setup.variables(RELEASE) | {"paths": {}}))
    ansible = Path(sys.executable).with_name("ansible-playbook")
    argv = [ansible, "--syntax-check", "-i", "here,", "-e", f"@{variables}", setup.PLAYBOOK]
    subprocess.run(argv, check=True, capture_output=True)


def test_every_task_is_a_sentence_and_names_its_module_in_full() -> None:
    assert len(TASKS) == sum(setup.parts().values())
    known = {"name", "register", "when", "loop", "vars", "changed_when", "failed_when"}
    for file, task in TASKS:
        assert task["name"][0].islower(), (file.name, task["name"])
        (module,) = set(task) - known
        assert module.count(".") == 2, (file.name, module)


def test_public_collections_are_used() -> None:
    modules = {key.rpartition(".")[0] for _, task in TASKS for key in task}
    assert {"community.mysql", "community.general", "community.crypto"} <= modules


def test_the_digest_follows_whatever_the_set_up_is_made_of(playbooks, tmp_path) -> None:
    playbooks(one=ONE)
    first = setup.digest(RELEASE)
    assert setup.digest(RELEASE) == first
    assert setup.digest(releases.load(12)) != first
    (tmp_path / "one.yml").write_text(ONE.replace("look", "see"))
    assert setup.digest(RELEASE) != first
