"""What is checked, in which level, and the table with which a run ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

Level = Literal["bronze", "silver", "gold"]
Outcome = Literal["passed", "failed", "not run"]
LEVELS: Mapping[Level, str] = {
    "bronze": "it installs, works, and keeps within its walls",
    "silver": "it survives: upgrades, failures, a full disk, its budget",
    "gold": "it can be taken away, brought back, and moved",
}

NOT_YET: Mapping[Level, tuple[str, ...]] = {
    "bronze": (),
    "silver": ("quota full",),
    "gold": ("backup, removal, restore", "removal leaves nothing", "change of domain", "clone"),
}
"""What wsh itself cannot do yet, so that no application can be checked for it. A level does not wait for these, but
for one of which nothing can be checked, which nobody has."""

Test = TypeVar("Test", bound=Callable[..., object])


@dataclass(frozen=True)
class Check:
    """One thing that every application is checked for."""

    level: Level
    title: str


@dataclass
class Result:
    """What became of a check, and the seconds it took."""

    outcome: Outcome
    seconds: float
    why: str = ""


Results = Mapping[Check, Result]


def check(level: Level, title: str) -> Callable[[Test], Test]:
    """Mark a test of the kit as one of its checks."""

    def mark(test: Test) -> Test:
        test.check = Check(level, title)  # type: ignore[attr-defined]
        return test

    return mark


def level(checks: Iterable[Check], results: Results) -> Level | None:
    """The highest level of which, and of those below it, every check has passed."""
    reached: Level | None = None
    known = list(checks)
    for name in LEVELS:
        mine = [each for each in known if each.level == name]
        if not mine or any(each not in results or results[each].outcome != "passed" for each in mine):
            break
        reached = name
    return reached


def table(checks: Iterable[Check], apps: Mapping[str, Results]) -> list[str]:
    """The lines of the table: a row for each check, a column for each application."""
    known = list(checks)
    first = max(len(title) for title in (*(each.title for each in known), *sum(NOT_YET.values(), ()))) + 4
    wide = {app: max(len(app), 16) for app in apps}
    lines = [" " * first + "  ".join(app.ljust(wide[app]) for app in apps)]
    for name, meaning in LEVELS.items():
        lines.append(f"{name}: {meaning}")
        for each in (one for one in known if one.level == name):
            cells = (_cell(results.get(each)).ljust(wide[app]) for app, results in apps.items())
            lines.append(f"  {each.title:<{first - 2}}" + "  ".join(cells))
        lines += [f"  {title:<{first - 2}}not yet in the core" for title in NOT_YET[name]]
    reached = ((level(known, results) or "none").ljust(wide[app]) for app, results in apps.items())
    return [line.rstrip() for line in [*lines, f"{'level':<{first}}" + "  ".join(reached)]]


def reasons(apps: Mapping[str, Results]) -> list[str]:
    """Why something was not run."""
    return [
        f"{app}: {each.title}: {result.why}"
        for app, results in apps.items()
        for each, result in results.items()
        if result.outcome == "not run"
    ]


def _cell(result: Result | None) -> str:
    if result is None:
        return "not run"
    return f"{result.outcome} {result.seconds:.1f} s" if result.outcome != "not run" else "not run"
