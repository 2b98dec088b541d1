"""The kit as a plugin of pytest: an option, the fixtures that its checks ask for, and the table at the end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from wsh_core.testing.conformance.levels import Check, Result
    from wsh_core.testing.conformance.machine import Machine
    from wsh_core.testing.conformance.scenes import Installed, Old
    from wsh_core.testing.conformance.stage import Stage

_RESULTS = pytest.StashKey[dict[str, "dict[Check, Result]"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """See pytest's own documentation of the hook; so below."""
    group = parser.getgroup("wsh", "applications of wsh")
    group.addoption(
        "--wsh-server",
        metavar="DESTINATION",
        help="where applications are installed and checked: what ssh takes, as root; the server is not spared",
    )


@pytest.fixture(scope="session")
def wsh_machine(request: pytest.FixtureRequest) -> Machine:
    """The server on which applications are checked. A project that makes its own overrides this fixture."""
    from wsh_core.testing.conformance.machine import SshMachine

    destination = request.config.getoption("--wsh-server")
    if destination is None:
        pytest.skip("needs_machine: no server to check applications on: --wsh-server root@SERVER")
    return SshMachine(destination)


@pytest.fixture(scope="class")
def wsh_stage(request: pytest.FixtureRequest, wsh_machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The description under which the application of a class is installed."""
    from wsh_core.testing.conformance.stage import Stage

    return Stage(wsh_machine, tmp_path_factory.mktemp("stage"), request.cls())


@pytest.fixture(scope="class")
def wsh_installed(wsh_stage: Stage) -> Installed:
    """The application, twice in one account and once in another."""
    from wsh_core.testing.conformance.scenes import Installed

    return Installed(wsh_stage)


@pytest.fixture(scope="class")
def wsh_old(wsh_stage: Stage) -> Old:
    """A site of the older release, with content."""
    from wsh_core.testing.conformance.scenes import Old
    from wsh_core.testing.conformance.stage import Site

    says = wsh_stage.says
    if says.upgrade is None:
        pytest.skip(f"not run: no source of two releases of {says.app} to upgrade between")
    older, newer = says.upgrade
    site = Site(wsh_stage, wsh_stage.account("old"), "site", says.app, says.options, older)
    wsh_stage.describe(site)
    wsh_stage.apply(site.account)
    words = "Words of the older release"
    written = {says.write(says.enter(site), words): words}
    site.run_jobs()  # what a first run changes is not for the comparison
    return Old(wsh_stage, site, newer, written)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what became of each check."""
    report = yield
    check = getattr(getattr(item, "function", None), "check", None)
    if check is not None:
        _keep(item, check, report, call.duration)
    return report


def _keep(item: pytest.Item, check: Check, report: pytest.TestReport, seconds: float) -> None:
    from wsh_core.testing.conformance.levels import Result

    results = item.config.stash.setdefault(_RESULTS, {}).setdefault(item.cls.app, {})  # type: ignore[attr-defined]
    before = results.get(check)
    spent = seconds + (before.seconds if before else 0.0)
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        results[check] = Result("not run", spent, why.removeprefix("Skipped: "))
    elif report.failed:
        results[check] = Result("failed", spent)
    elif before is None or before.outcome == "passed":
        results[check] = Result("passed", spent)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Close with the table of applications and levels."""
    apps = config.stash.get(_RESULTS, None)
    if not apps:
        return
    from wsh_core.testing.conformance.checks import CHECKS
    from wsh_core.testing.conformance.levels import reasons, table

    terminalreporter.section("conformance")
    for line in [*table(CHECKS, apps), *reasons(apps)]:
        terminalreporter.write_line(line)
