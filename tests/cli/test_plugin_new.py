"""`wsh plugin new`: what it writes is whole, and passes its own tests as written.

With `WSH_GOLDEN=write` the golden plans of the template are written anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from tests.cli.test_apply import envelope
from wsh_core.cli import new_plugin
from wsh_core.errors import ExitStatus

TEMPLATE = ROOT / "wsh_core/cli/template"


def run(place: Path, *words: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=place, capture_output=True, text=True, check=False,
        env={**os.environ, **environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def ghost(wsh, tmp_path, monkeypatch):
    """The package, and a directory in which it is installed as pip would do it."""
    monkeypatch.chdir(tmp_path)
    done = wsh("plugin", "new", "ghost")
    assert done.status == ExitStatus.OK, done.err
    assert "wsh-ghost: 14 files written" in done.out
    info = tmp_path / "site/wsh_ghost-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-ghost\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[wsh]\nghost = wsh_ghost\n")
    (tmp_path / "site/wsh_ghost").symlink_to(tmp_path / "wsh-ghost/src/wsh_ghost")
    return tmp_path / "wsh-ghost"


def keep(ghost: Path) -> None:
    """Put golden plans that were written anew into the template."""
    words = new_plugin.words("ghost", "Ghost")
    for plan in ghost.glob("tests/cases/*/plan.json"):
        text = plan.read_text()
        for name in ("SHA10", "SHA11"):
            text = text.replace(words[name], f"@{name}@")
        (TEMPLATE / plan.relative_to(ghost)).with_suffix(".json.in").write_text(text.replace("ghost", "@NAME@"))


def test_its_tests_pass_as_written(ghost):
    path = os.pathsep.join([str(ghost.parent / "site"), str(ROOT)])
    said = run(ghost, "pytest", "-q", "-p", "no:cacheprovider", PYTHONPATH=path)
    assert " passed" in said
    assert "failed" not in said.splitlines()[-1]
    assert "no server to check applications on" in said
    if os.environ.get("WSH_GOLDEN") == "write":
        keep(ghost)


@pytest.mark.parametrize("words", [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy", "src")])
def test_it_is_clean(ghost, words):
    run(ghost, *words, PYTHONPATH=str(ROOT))


def test_a_golden_plan_that_differs_fails(ghost):
    module = ghost / "src/wsh_ghost/__init__.py"
    module.write_text(module.read_text().replace('every="15min"', 'every="1h"').replace("installed$", "done$"))
    path = os.pathsep.join([str(ghost.parent / "site"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=ghost, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": path, "WSH_GOLDEN": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert "2 failed" in done.stdout


def test_no_word_of_the_template_is_left(ghost):
    for path in ghost.rglob("*"):
        assert "NAME" not in path.name
        if path.is_file():
            assert not [word for word in new_plugin.words("x1", "X") if f"@{word}@" in path.read_text()], path


def test_it_may_lie_elsewhere_and_be_called_otherwise(wsh, tmp_path):
    place = tmp_path / "a/b"
    done = wsh("plugin", "new", "ghost", str(place), "--title", "Ghost 6", "--json")
    assert envelope(done)["data"]["directory"] == str(place)
    assert 'title="Ghost 6"' in (place / "src/wsh_ghost/__init__.py").read_text()
    assert (place / ".github/workflows/test.yml").exists()


@pytest.mark.parametrize(
    ("words", "code", "status"),
    [
        ((), "usage.missing-option", ExitStatus.USAGE),
        (("Ghost",), "usage.value", ExitStatus.USAGE),
        (("../ghost",), "usage.value", ExitStatus.USAGE),
        (("my-ghost",), "usage.value", ExitStatus.USAGE),
        (("static",), "usage.value", ExitStatus.USAGE),
        (("ghost", "--title", '"""'), "usage.value", ExitStatus.USAGE),
        (("ghost", "--title", "a\nb"), "usage.value", ExitStatus.USAGE),
        (("ghost", "full"), "config.exists", ExitStatus.CONFIG),
        (("ghost", "full/file"), "config.exists", ExitStatus.CONFIG),
        (("ghost", "full/file/below"), "config.unwritable", ExitStatus.CONFIG),
    ],
)
def test_what_cannot_be_made(wsh, tmp_path, monkeypatch, words, code, status):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    done = wsh("plugin", "new", *words, "--json")
    assert (done.status, [e["code"] for e in envelope(done)["errors"]]) == (status, [code])
    assert [each.name for each in tmp_path.iterdir() if each.name != "state"] == ["full"]
    shutil.rmtree(tmp_path / "full")
