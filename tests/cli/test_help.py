from __future__ import annotations

import os
import shlex
import subprocess
import sys

import click
import pytest

from tests.cli.conftest import ROOT
from wsh_core.cli import completion, privilege, reference, root
from wsh_core.cli.help import Command, Group
from wsh_core.errors import ExitStatus

COMMANDS = dict(reference.commands())
EXAMPLES = [line for command in COMMANDS.values() for line, _ in command.examples]


def groups(group: Group = root.root, path: str = "wsh"):
    context = click.Context(group, info_name=path)
    yield path, group
    for name in group.own:
        command = group.get_command(context, name)
        if isinstance(command, Group):
            yield from groups(command, f"{path} {name}")


def parse(line: str) -> None:
    """Let click take an example: its command is resolved, and its arguments are parsed."""
    words = shlex.split(line.partition(" | ")[0].partition(" > ")[0])
    command: click.Command = root.root
    context = click.Context(command, info_name=words.pop(0))
    while isinstance(command, Group):
        while words[0].startswith("-"):
            del words[:2]  # of wsh's own, such as -C DIR
        name, found, words = command.resolve_command(context, words)
        command, context = found, click.Context(found, parent=context, info_name=name)
    command.parse_args(context, [word for word in words if word != "--help"])


@pytest.mark.parametrize("line", [*EXAMPLES, *(line for _, group in groups() for line, _ in group.examples)])
def test_examples_are_what_the_command_takes(line):
    parse(line)


@pytest.mark.parametrize("path", COMMANDS)
def test_help_begins_with_usage_and_has_examples(wsh, path):
    words = path.split()[1:]
    by_option = wsh(*words, "--help")
    assert by_option.status == ExitStatus.OK
    assert by_option.out.startswith(f"Usage: {path} ")
    assert COMMANDS[path].examples
    assert "Exit   0 done" in by_option.out
    assert wsh(*words, "-h").out == by_option.out
    assert wsh("help", *words).out == by_option.out
    assert max(map(len, by_option.out.splitlines())) <= 110


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_has_a_sentence(path):
    command = COMMANDS[path]
    assert command.sentence
    for rows in command.rows.values():
        for name, sentence in rows:
            assert sentence, f"{path} {name}"
            assert not sentence.endswith("."), f"{path} {name}"


@pytest.mark.parametrize(("path", "group"), list(groups()))
def test_a_bare_group_shows_its_help_and_is_a_usage_error(wsh, path, group):
    done = wsh(*path.split()[1:])
    assert done.status == ExitStatus.USAGE
    assert done.out == ""
    assert done.err.startswith(f"Usage: {path} COMMAND")
    assert all(f"  {name} " in done.err for name in group.own)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "did you mean wsh check?"),
        (["sit", "add"], "did you mean wsh site?"),
        (["site", "ad"], "did you mean wsh site add?"),
        (["site", "add", "--acount", "alice"], "did you mean --account?"),
        (["plan", "--ful"], "did you mean --full?"),
        (["apply", "--wait", "soon"], "--wait: 'soon' is no time: give seconds, or such as 90s, 10m, 1h"),
        (["plan", "--color", "blue"], "--color: 'blue' is not one of 'auto', 'always', 'never'"),
        (["check", "this"], "got unexpected extra argument (this)"),
        (["plan", "--account"], "option '--account' requires an argument"),
        (["help", "site", "ad"], "did you mean wsh site add?"),
    ],
)
def test_what_is_misspelt_is_answered_with_what_is_meant(wsh, words, said):
    done = wsh(*words)
    assert done.status == ExitStatus.USAGE
    assert done.err.startswith("error[usage.")
    assert said in done.err


def test_the_reference_is_what_the_commands_say():
    committed = (ROOT / "docs/reference/cli.md").read_text()
    assert committed == reference.reference(), "python -m wsh_core.cli.reference > docs/reference/cli.md"


def test_no_option_is_required_by_click_and_none_is_a_secret():
    for path, command in COMMANDS.items():
        assert isinstance(command, Command)
        for param in command.params:
            assert not param.required, f"{path} {param.name}"
            assert "password" not in (param.name or ""), f"{path} {param.name}"


SLOW = (
    "pydantic",
    "jinja2",
    "ansible_runner",
    "ruamel",
    "yaml",
    "idna",
    "pluggy",
    "requests",
    "wsh_core.models",
)


@pytest.mark.parametrize("words", [["--help"], ["site", "add", "--help"], ["version"], ["chek"]], ids=" ".join)
def test_help_imports_nothing_slow(words):
    code = f"import sys; from wsh_core.cli.root import run; run({words!r}); print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split("|")
    assert not [name for name in loaded if name.partition(".")[0] in SLOW or name in SLOW]


def complete(line: str) -> list[str]:
    asked = {"_WSH_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "wsh_core.cli"], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, **asked},
    )  # fmt: skip
    return [row.partition(",")[2] for row in done.stdout.splitlines()]


def test_completion_knows_commands_and_options():
    assert {"plan", "plugin"} <= set(complete("wsh pl"))
    assert complete("wsh site a") == ["add"]
    assert complete("wsh plan --acc") == ["--account"]


@pytest.mark.parametrize(
    ("complete_", "typed", "offered"),
    [
        (completion.accounts, "a", ["alice"]),
        (completion.accounts, "x", []),
        (completion.servers, "", ["web1"]),
        (completion.sites, "alice/", ["alice/blog"]),
        (completion.apps, "st", ["static"]),
    ],
)
@pytest.mark.usefixtures("description")
def test_completion_knows_the_names_of_the_description(monkeypatch, complete_, typed, offered):
    monkeypatch.setattr(privilege, "become_ordinary_for_good", lambda: None)
    assert complete_(click.Context(root.root), click.Option(["--x"]), typed) == offered


@pytest.mark.usefixtures("description")
def test_completion_of_a_broken_description_offers_what_it_can(monkeypatch, description):
    monkeypatch.setattr(privilege, "become_ordinary_for_good", lambda: None)
    (description / "servers/web1/accounts/bob.yaml").write_text("sites: [: }")
    assert completion.sites(click.Context(root.root), click.Option(["--x"]), "") == ["alice/blog"]
    (description / "wsh.yaml").unlink()
    assert completion.accounts(click.Context(root.root), click.Option(["--x"]), "") == []
