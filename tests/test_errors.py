"""Errors carry problems, an exit status and words that can be shown; every code stands in the reference."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wsh_core import errors
from wsh_core.errors import (
    AgentFailure,
    ConfigError,
    ExitStatus,
    OthersError,
    PlanError,
    PluginError,
    Problem,
    TransportError,
    UnreachableError,
    UsageError,
    Where,
    WshError,
    quote,
)

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UsageError, 2),
        (ConfigError, 3),
        (PluginError, 3),
        (PlanError, 1),
        (TransportError, 5),
        (UnreachableError, 5),
        (AgentFailure, 1),
        (OthersError, 6),
    ],
)
def test_each_kind_of_error_has_its_exit_status(kind, status):
    error = kind("area.reason", "it is so", "do this", object="site:alice/blog")
    assert isinstance(error, WshError)
    assert error.exit == status
    assert error.problems == (Problem("area.reason", "it is so", "do this", (), "site:alice/blog"),)
    assert str(error) == "it is so"


def test_the_tree_is_small():
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, WshError)]
    assert len(kinds) == 9


def test_one_error_carries_many_problems():
    place = Where("servers/web1/accounts/erin.yaml", 14, 3, "domain", 6)
    problems = [Problem("a.b", "one"), Problem("c.d", "two", where=(place,))]
    error = ConfigError.of(problems)
    assert isinstance(error, ConfigError)
    assert error.problems == tuple(problems)
    assert str(error) == "one\naccounts/erin.yaml:14: two"
    with pytest.raises(ValueError, match="needs a problem"):
        ConfigError.of([])


def test_a_problem_as_json():
    places = (Where("a.yaml", 7, 15, "x.0", 16), Where("b.yaml", 7, 33, "y.1", 16))
    assert Problem("config.domain-taken", "m", "h", places, "site:bob/shop", "d").as_json() == {
        "code": "config.domain-taken",
        "message": "m",
        "hint": "h",
        "object": "site:bob/shop",
        "where": {"file": "a.yaml", "line": 7, "column": 15, "path": "x.0", "width": 16},
        "also": [{"file": "b.yaml", "line": 7, "column": 33, "path": "y.1", "width": 16}],
        "detail": "d",
    }
    assert Problem("a.b", "m").as_json()["where"] is None


def test_a_place():
    place = Where("servers/web1/accounts/alice.yaml", 9, 4)
    assert (str(place), place.short) == ("servers/web1/accounts/alice.yaml:9:4", "accounts/alice.yaml:9")
    assert Where("wsh.yaml", 2).short == "wsh.yaml:2"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("blog", "`blog`"),
        ("a\nb\x1b[2J\u202e", "`a\\nb\\x1b[2J\\u202e`"),
        ("\ud800", "`\\ud800`"),
        ("x" * 99, f"`{'x' * 59}…`"),
        (None, "`None`"),
    ],
)
def test_foreign_text_in_messages_cannot_drive_a_terminal(value, shown):
    assert quote(value) == shown


def test_an_exit_status_that_is_not_listed_does_not_exist():
    assert {status.name: int(status) for status in ExitStatus} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "CONFIG": 3,
        "PENDING": 4,
        "UNREACHABLE": 5,
        "OTHER": 6,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize("module", ["wsh_core.errors", "wsh_core.models.source", "wsh_core.models.files"])
def test_what_completion_needs_does_not_load_pydantic(module):
    program = f"import {module}, sys; sys.exit('pydantic' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


AREAS = (
    "account|agent|app|config|database|ledger|operation|path|plan|plugin|protocol|request|run|server|setup"
    "|tls|unit|usage|user|web"
)
CODE = re.compile(rf"(?:{AREAS})\.(?!(?:yaml|yml|cfg|json|toml|conf|config|php|py|db|md)$)[a-z]+(?:-[a-z]+)*")
ERRORS = re.compile(r"(?:[A-Z][A-Za-z]*(?:Error|Failure)|Problem|_error|_wrong)")


def codes_in_the_program():
    found = {}
    for path in [*ROOT.glob("wsh_core/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                found.setdefault(node.value, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_every_error_has_a_code_of_a_known_area():
    strange = {}
    for path in ROOT.glob("wsh_core/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and ERRORS.fullmatch(name) and node.args:
                first = node.args[0]
                dotted = isinstance(first, ast.Constant) and re.fullmatch(r"[a-z]+\.[a-z-]+", str(first.value))
                if dotted and not CODE.fullmatch(first.value):
                    strange[first.value] = f"{path.relative_to(ROOT)}:{node.lineno}"
    assert strange == {}


def test_every_code_has_its_entry_in_the_reference_and_no_other():
    page = (ROOT / "docs/reference/errors.md").read_text()
    entries = re.findall(r"^\| `([a-z.-]+)` \| \S", page, re.MULTILINE)
    assert entries == sorted(set(entries), key=entries.index), "an entry stands there twice"
    used = codes_in_the_program()
    assert {code: place for code, place in used.items() if code not in entries} == {}, "docs/reference/errors.md lacks"
    assert set(entries) - set(used) == set(), "docs/reference/errors.md has, but nothing tells"
