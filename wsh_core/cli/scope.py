"""Which servers and accounts a command is about, what is wanted there, and how it is shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from wsh_core.cli import watch as watching
from wsh_core.cli.render.plan import View
from wsh_core.cli.render.progress import Progress
from wsh_core.cli.session import Session
from wsh_core.cli.watch import Watch
from wsh_core.errors import Problem, UsageError
from wsh_core.plan.report import Report

if TYPE_CHECKING:
    from wsh_core.models.description import Description
    from wsh_core.models.server import Server
    from wsh_core.plan.desired import Desired
    from wsh_core.transport.base import Event as Sent
    from wsh_core.transport.fleet import Work


@dataclass(frozen=True)
class Scope:
    """What a command is about. `accounts` is None for all."""

    session: Session
    description: Description
    servers: Sequence[Server]
    accounts: Sequence[str] | None
    desired: Mapping[str, Desired]
    view: View
    told: Mapping[str, str] = field(default_factory=dict)
    """What is to be done that no apply does by itself, `upgrade` or `rollback`, by `site:alice/blog`."""

    def plan(self) -> list[Report]:
        """Ask all servers at once what an apply would do."""
        work: dict[str, Work] = {str(server.name): partial(self._plan, server) for server in self.servers}
        return watching.run(work, "plan", self.watch(stages=False))

    def apply(self, planned: Mapping[str, Report] | None, lock_wait: float, watch: Watch) -> list[Report]:
        """Apply on all servers at once; where a plan was shown, only what is still as it was shown."""
        work: dict[str, Work] = {
            server.name: partial(self._apply, server, planned[server.name].shown if planned else None, lock_wait)
            for server in self.servers
            if planned is None or server.name in planned
        }
        return watching.run(work, "apply", watch)

    def _plan(self, server: Server) -> Iterator[Sent]:
        return watching.transport(self.session, server).plan(self.request(server))

    def _apply(self, server: Server, expect: Mapping[str, str] | None, lock_wait: float) -> Iterator[Sent]:
        return watching.transport(self.session, server).apply(self.request(server, expect), lock_wait)

    def request(self, server: Server, expect: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The request for a server."""
        from wsh_core.plan.document import document

        desired = self.desired[server.name]
        told = {name: what for name, what in self.told.items() if name in desired.labels}
        return document(desired, watching.asker(), accounts=self.accounts, expect=expect, told=told)

    def held(self, reports: Iterable[Report]) -> tuple[Problem, ...]:
        """Why accounts of these servers are held, as `check` tells it; each reason once."""
        names = ((report.server, name) for report in reports for name in report.accounts_that_are("held"))
        return tuple(dict.fromkeys(problem for key in names for problem in self.description.held.get(key, ())))

    def watch(self, total: int = 0, *, stages: bool = True) -> Watch:
        """How what happens is told: as JSON, or as text."""
        session = self.session
        if session.json:
            return Watch(session, None)
        progress = Progress(
            session.err,
            stages=stages,
            quiet=session.quiet,
            verbose=session.verbose > 0,
            total=total,
            labels=self.view.labels,
        )
        return Watch(session, progress)


def scope(
    session: Session,
    accounts: Sequence[str] = (),
    servers: Sequence[str] = (),
    *,
    full: bool = False,
    told: Mapping[str, str] | None = None,
    description: Description | None = None,
) -> Scope:
    """Find what the options name and collect what is wanted there: in `description`, if it is another one.

    Raises:
        UsageError: an option names what is not there.
        ConfigError: the description cannot be acted on at all.
    """
    from wsh_core.plan.collect import collect

    description = description or session.description
    _known("server", servers, description.servers)
    everyone = [*(a.name for _, a in description.accounts()), *(name for _, name in description.held)]
    _known("account", accounts, everyone)
    checked, desired = collect(description, session.apps, accounts or None)
    chosen = [server for name, server in checked.servers.items() if not servers or name in servers]
    if accounts:
        chosen = [s for s in chosen if any(a in s.accounts or (s.name, a) in checked.held for a in accounts)]
    active = [server for server in chosen if not server.hold]
    session.warnings += [_on_hold(server) for server in chosen if server.hold]
    typed = "".join(f" --account {a}" for a in accounts) + "".join(f" --server {s}" for s in servers)
    view = _view(active, desired, typed, full=full)
    return Scope(session, checked, active, tuple(accounts) or None, desired, view, told or {})


def _known(noun: str, given: Iterable[str], known: Collection[str]) -> None:
    from wsh_core.models.check import suggest

    for name in given:
        if name not in known:
            hint = suggest(name, known) or f"wsh {noun} list"
            raise UsageError("usage.unknown-name", f"there is no {noun} `{name}` in this description", hint)


def _on_hold(server: Server) -> Problem:
    return Problem(
        "server.on-hold", f"{server.name} is on hold and was left alone", f"take `hold` out of {server.file}",
        object=f"server:{server.name}",
    )  # fmt: skip


def _view(servers: Sequence[Server], desired: Mapping[str, Desired], typed: str, *, full: bool) -> View:
    return View(
        titles={s.name: s.name if s.address.local else s.address for s in servers},
        labels={name: label for s in servers for name, label in desired[s.name].labels.items()},
        held={s.name: desired[s.name].held for s in servers},
        scope=typed,
        full=full,
    )
