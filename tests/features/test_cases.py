"""Golden plans of the core's own apps: cases are directories of data."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsh_core.testing.golden import assert_golden, resources_of

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden_plan(case: Path) -> None:
    account = (case / "account.yaml").read_text(encoding="utf-8")
    resources = resources_of(account)
    assert_golden(case, resources)
    assert len({resource.id for resource in resources}) == len(resources)
    assert resources == resources_of(account)
