from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _world_unchanged() -> Iterator[None]:
    """No test leaves another directory or another environment behind."""
    before = Path.cwd(), {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    yield
    after = Path.cwd(), {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    assert after == before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On the build machine, a test that cannot run has failed, unless it wants the source of an application."""
    report = yield
    if report.skipped and os.environ.get("CI") and "not run: no source of" not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} could not run here: {report.longrepr}"
    return report
