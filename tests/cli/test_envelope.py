"""Every command answers as JSON too: one envelope, the last line, whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from jsonschema import Draft202012Validator

from tests.cli.conftest import ROOT
from wsh_core.cli import envelope, watch
from wsh_core.cli.help import Group
from wsh_core.cli.root import root
from wsh_core.errors import ExitStatus

VALIDATOR = Draft202012Validator(envelope.schema())


def commands(group: Group = root, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    context = click.Context(group, info_name="wsh")
    for name in [*group.modules, *group.commands]:
        command = group.get_command(context, name)
        found += commands(command, (*words, name)) if isinstance(command, Group) else [(*words, name)]
    return found


COMMANDS = commands()
READS = [
    words for words in COMMANDS if words not in {("init",), ("help",), ("version",), ("schema",), ("plugin", "new")}
]


def lines(done) -> list[dict]:
    found = [json.loads(line) for line in done.out.splitlines()]
    for line in found:
        VALIDATOR.validate(line)
    assert found[-1]["type"] == "result"
    assert found[-1]["exit"] == done.status
    assert done.err == ""
    return found


def test_the_schema_is_one_and_is_printed(wsh):
    Draft202012Validator.check_schema(envelope.schema())
    assert json.loads(wsh("schema", "--output").out) == envelope.schema()
    assert lines(wsh("schema", "--output", "--json"))[-1]["data"] == envelope.schema()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.usefixtures("description", "scratch")
def test_without_a_terminal_and_with_nothing_given(wsh, words):
    answer = lines(wsh(*words, "--json"))[-1]
    assert answer["command"] == " ".join(words)
    assert answer["exit"] in {ExitStatus.OK, ExitStatus.USAGE, ExitStatus.CONFIG, ExitStatus.PENDING}
    if answer["exit"] == ExitStatus.USAGE:
        assert answer["errors"]


@pytest.mark.parametrize("words", [*COMMANDS, (), ("site",), ("server",)], ids=lambda words: " ".join(words) or "wsh")
@pytest.mark.usefixtures("description")
def test_an_option_that_does_not_exist(wsh, words):
    answer = lines(wsh(*words, "--nonsense", "--json"))[-1]
    assert answer["exit"] == ExitStatus.USAGE
    assert answer["command"] == " ".join(words)
    assert [error["code"] for error in answer["errors"]] == ["usage.unknown-option"]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_without_a_description(wsh, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WSH_DIR", raising=False)
    answer = lines(wsh(*words, *NEEDED.get(words, ()), "--json"))[-1]
    assert answer["exit"] == ExitStatus.CONFIG
    assert [error["code"] for error in answer["errors"]] == ["config.no-description"]


WELL = [
    ("plan",), ("apply", "--yes"), ("status",), ("check",), ("site", "list"),
    ("site", "show", "blog.example.org"),
    ("account", "list"), ("account", "show", "alice"), ("server", "list"), ("plugin", "list"),
    ("app", "list"), ("app", "releases", "static"), ("app", "refresh"), ("site", "list", "--outdated"),
]  # fmt: skip
NEEDED = {
    ("apply",): ("--yes",),
    ("account", "show"): ("alice",),
    ("site", "show"): ("alice/blog",),
    ("site", "upgrade"): ("alice/blog",),
    ("site", "rollback"): ("alice/blog",),
    ("app", "releases"): ("static",),
    ("server", "setup"): ("web1",),
    ("plugin", "enable"): ("wordpress",),
}


@pytest.mark.parametrize(
    "words", [("plan",), ("apply", "--yes"), ("status",), ("log",), ("log", "7f3a00")], ids=" ".join
)
@pytest.mark.usefixtures("description", "unreachable")
def test_with_a_server_out_of_reach(wsh, words):
    answer = lines(wsh(*words, "--json"))[-1]
    assert answer["exit"] == ExitStatus.UNREACHABLE
    assert [error["code"] for error in answer["errors"]] == ["server.unreachable"]


@pytest.mark.parametrize("words", WELL, ids=" ".join)
@pytest.mark.usefixtures("description", "scratch")
def test_when_all_is_well(wsh, words):
    answer = lines(wsh(*words, "--json"))[-1]
    assert answer["exit"] == (ExitStatus.PENDING if words == ("plan",) else ExitStatus.OK)
    assert answer["data"]


@pytest.mark.usefixtures("description")
def test_a_bug_is_an_envelope_and_its_traceback_is_kept(wsh, tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "transport", lambda *_: 1 / 0)
    answer = lines(wsh("plan", "--json"))[-1]
    assert answer["exit"] == ExitStatus.FAILED
    (error,) = answer["errors"]
    assert error["code"] == "run.bug"
    assert "this is a bug in wsh: ZeroDivisionError" in error["message"]
    (kept,) = (tmp_path / "state/wsh").glob("*-plan-*.log")
    assert "Traceback" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("description")
def test_a_bug_is_one_line_and_a_remedy_for_people(wsh, monkeypatch):
    monkeypatch.setattr(watch, "transport", lambda *_: 1 / 0)
    done = wsh("plan")
    assert "Traceback" not in done.err
    assert done.err.startswith("error[run.bug]: this is a bug in wsh")
    assert "please report it with" in done.err.replace("\n        ", " ")
    assert "Traceback" in wsh("plan", "-vv").err


def test_json_after_two_dashes_is_no_option(wsh):
    assert "error[" in wsh("help", "--", "--json").err


def test_a_closed_pipe_ends_quietly():
    line = f"{sys.executable} -m wsh_core.cli schema --output | head -n1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{\n", "")
