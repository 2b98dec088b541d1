"""What `wsh check` finds: everything that a plan would stumble over, without asking a server."""

from __future__ import annotations

from dataclasses import dataclass

from wsh_core.cli.session import Session
from wsh_core.errors import ConfigError, Problem


@dataclass(frozen=True)
class Findings:
    """All problems of a description, and how much was looked at."""

    problems: tuple[Problem, ...]
    files: int
    servers: int = 0
    accounts: int = 0
    sites: int = 0
    held: tuple[str, ...] = ()
    """Accounts that would wait."""
    general: tuple[str, ...] = ()
    """Files with problems that are every account's, so that nothing could be done."""


def of(session: Session) -> Findings:
    """Load, check and collect the whole description."""
    from wsh_core.models.description import ordered
    from wsh_core.plan.collect import collect

    failures = [problem for error in session.apps.failures.values() for problem in error.problems]
    try:
        description, _ = collect(session.description, session.apps)
    except ConfigError as error:
        return Findings(ordered([*error.problems, *failures]), error.files, general=tuple(_general(error.problems)))
    accounts = list(description.accounts())
    return Findings(
        problems=ordered([*failures, *description.problems]),
        files=description.files,
        servers=len(description.servers),
        accounts=len(accounts) + len(description.held),
        sites=sum(len(account.sites) for _, account in accounts),
        held=tuple(sorted(account for _, account in description.held)),
    )


def _general(problems: tuple[Problem, ...]) -> list[str]:
    """The files among those with problems that do not belong to one account."""
    files = [problem.where[-1].file for problem in problems if problem.where]
    return sorted({file for file in files if "/accounts/" not in file})
