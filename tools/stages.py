"""Run the stages of the test suite one after the other and close with a table of what ran, and what did not and why."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent
_PYTEST = (PYTHON, "-m", "pytest", "-q")
_WORDS = "passed|failed|skipped|errors?|deselected|xfailed|warnings?"
_CLOSING = re.compile(rf"^=*\s*((?:\d+ (?:{_WORDS})(?:, )?)+) in ", re.MULTILINE)


@dataclass(frozen=True)
class Stage:
    name: str
    commands: tuple[tuple[str, ...], ...]
    budget: int
    """Seconds that it may take; more is a failure, so that the suite stays within its promise."""
    quick: bool = True
    """Whether plain ./test runs it."""
    markers: tuple[str, ...] = field(default=())


APPS = (
    "composer", "conformance", "drupal", "flarum", "killed", "kimai", "kit_catches", "matomo", "mediawiki", "nextcloud",
    "nextcloud_conformance", "upgrade_command", "upgrade_cut", "wordpress_upgrade",
)  # fmt: skip
"""Modules of tests/lab that bring real applications from elsewhere or cut every upgrade, and take their time."""
_APPS = tuple(f"tests/lab/test_{name}.py" for name in APPS)

STAGES = (
    Stage("lint", ((str(BIN / "ruff"), "check", "."), (str(BIN / "ruff"), "format", "--check", ".")), 60),
    Stage("types", ((str(BIN / "mypy"),),), 180),
    Stage(
        "unit",
        (
            (
                *_PYTEST,
                "tests",
                *(f"--ignore=tests/{d}" for d in ("lab", "attacks", "crash", "docs")),
                "--ignore-glob=*/test_*_lab.py",
            ),
        ),
        600,
    ),
    Stage("plugins", ((str(BIN / "tox"), "-q", "run"),), 900),
    Stage("crash", ((*_PYTEST, "tests/crash"),), 900),
    Stage(
        "lab",
        (
            (*_PYTEST, "plugins/lab/tests"),
            (*_PYTEST, "tests/lab", *(f"--ignore={path}" for path in _APPS)),
        ),
        2400,
    ),
    Stage("apps", ((*_PYTEST, *_APPS),), 3600, quick=False),
    Stage("attacks", ((*_PYTEST, "tests/attacks"),), 1500),
    Stage("docs", ((*_PYTEST, "tests/docs"),), 1500, quick=False),
)


MATRIX = {
    "static, php": {"plan": "tests.features.", "engine": "tests.lab.test_sites", "real": "tests.lab.test_sites"},
    "toy app": {"plan": "tests.agent.test_app", "engine": "tests.lab.test_upgrade", "real": ""},
    "wordpress": {"plan": "plugin.wordpress", "engine": "tests.lab.test_killed", "real": "tests.lab.test_wordpress"},
    **{
        name: {"plan": f"plugin.{name}", "engine": f"tests.lab.test_{name}", "real": f"tests.lab.test_{name}"}
        for name in ("drupal", "flarum", "kimai", "matomo", "mediawiki", "nextcloud")
    },
}
"""Which modules show an application: its plan, what the engine does with it, and the real thing on a real server."""
NOT_TESTED = (
    "limits of memory, processor and tasks: set, not tested",
    "limits of disk and files: described, not set yet",
)


@dataclass
class Result:
    stage: Stage
    ok: bool
    seconds: float
    counts: str
    not_run: list[str]
    modules: dict[str, str]
    """By test module, or ``plugin.NAME`` for a plugin's suite: one of WORDS."""


WORDS = ("not run", "ok", "FAILED")
"""What is said of several is the last of these that is said of one."""


def modules(report: Path) -> dict[str, str]:
    """Read what pytest wrote about each test (its --junitxml)."""
    found: dict[str, str] = {}
    if report.exists():
        for case in ET.parse(report).iter("testcase"):
            name = case.get("classname", "")
            bad = any(case.find(tag) is not None for tag in ("failure", "error"))
            word = "FAILED" if bad else "ok" if case.find("skipped") is None else "not run"
            found[name] = max(found.get(name, "not run"), word, key=WORDS.index)
    return found


def suites(text: str) -> dict[str, str]:
    """Read what tox says of each plugin."""
    said = re.findall(r"^ *(\w+): (OK|FAIL)", text, re.MULTILINE)
    return {f"plugin.{name}": "ok" if word == "OK" else "FAILED" for name, word in said}


def run(stage: Stage) -> Result:
    print(f"\n── {stage.name} ──", flush=True)
    began, ok, counts, not_run, seen = time.monotonic(), True, [], [], {}
    report = Path(tempfile.mkdtemp()) / "report.xml"
    for command in stage.commands:
        report.unlink(missing_ok=True)
        argv = [*command, f"--junitxml={report}"] if "pytest" in command else [*command]
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        )
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        text = "".join(lines)
        counts += _CLOSING.findall(text)
        not_run += re.findall(r"not run: [^\n]*", text)
        ok &= process.wait() == 0
        seen |= modules(report) | suites(text)
    seconds = time.monotonic() - began
    if seconds > stage.budget:
        print(f"{stage.name} took {seconds:.0f}s, more than its {stage.budget}s", flush=True)
        ok = False
    return Result(stage, ok, seconds, "; ".join(counts), sorted(set(not_run)), seen)


def table(results: list[Result]) -> None:
    print("\nstage      result   time      tests")
    for result in results:
        word = "ok" if result.ok else "FAILED"
        minutes, seconds = divmod(round(result.seconds), 60)
        print(f"{result.stage.name:<10} {word:<8} {minutes}m {seconds:02}s    {result.counts}")
    for line in sorted({line for result in results for line in result.not_run}):
        print(line)
    matrix({name: word for result in results for name, word in result.modules.items()})
    totals = {
        word: sum(int(n) for r in results for n in re.findall(rf"(\d+) {word}", r.counts))
        for word in ("passed", "failed", "skipped")
    }
    failed = totals["failed"] + sum(not r.ok and "failed" not in r.counts for r in results)
    print(f"\n{totals['passed']} passed, {failed} failed, {totals['skipped']} skipped")


def matrix(seen: dict[str, str]) -> None:
    """What was shown of each application in this run, and what no test shows."""
    print("\napplication   plan      engine    real")
    for app, cells in MATRIX.items():
        words = []
        for module in cells.values():
            said = [word for name, word in seen.items() if module and name.startswith(module)]
            words.append(max(said, key=WORDS.index, default="not run") if module else "-")
        print(f"{app:<13} {words[0]:<9} {words[1]:<9} {words[2]}")
    print("\n".join(NOT_TESTED))


def main() -> int:
    parser = argparse.ArgumentParser(prog="./test", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also the stages that take long")
    parser.add_argument("--list", action="store_true", help="name the stages and stop")
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    options = parser.parse_args()
    known = {stage.name: stage for stage in STAGES}
    if options.list:
        print("\n".join(f"{s.name:<10} up to {s.budget // 60} min{'' if s.quick else '  (--all)'}" for s in STAGES))
        return 0
    if unknown := [name for name in options.stages if name not in known]:
        parser.error(f"no stage {', '.join(unknown)}; there are {', '.join(known)}")
    # The background job of a shell ignores Ctrl-C, and so would the tests of it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [known[name] for name in options.stages] or [s for s in STAGES if s.quick or options.all]
    results = [run(stage) for stage in chosen]
    table(results)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
