"""The reference of hooks and vocabulary is what the code says, and leaves nothing out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from wsh_core import hookspecs, plugin

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/plugin.md"


def test_it_is_made_from_the_code() -> None:
    made = subprocess.run(
        [sys.executable, "tools/plugin_reference.py"], cwd=ROOT, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert made.stdout == PAGE.read_text(), "python tools/plugin_reference.py > docs/reference/plugin.md"


def test_every_name_that_can_be_imported_stands_in_it() -> None:
    named = set(re.findall(r"^(?:### `|\| `)(\w+)", PAGE.read_text(), re.MULTILINE))
    assert set(plugin.__all__) - named == set()
    assert {name for name in vars(hookspecs) if name.startswith("wsh_")} - named == set()


def test_every_field_says_what_it_takes() -> None:
    silent = re.findall(r"^\| `\w+`(?: \(by name\))? \|.*\|  \|$", PAGE.read_text(), re.MULTILINE)
    assert silent == []
