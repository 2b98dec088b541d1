"""What became of a plan: the agent's events, folded into outcomes of accounts and sites, and an exit status.

The events are the only source: the same report comes from a running operation, from its log, and from a test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wsh_core.errors import ExitStatus, Problem, WshError

Event = Mapping[str, Any]
Verb = Literal["plan", "apply"]

PRECEDENCE = (
    ExitStatus.INTERRUPTED, ExitStatus.TERMINATED, ExitStatus.FAILED, ExitStatus.CONFIG,
    ExitStatus.UNREACHABLE, ExitStatus.OTHER, ExitStatus.PENDING,
)  # fmt: skip
"""Which status a command ends with when several things happened."""

_TROUBLE = frozenset({"failed", "conflict", "stale"})
"""Outcomes of resources that are told as errors, whatever was to be done."""

_OTHERS = {"server.locked", "server.foreign"}
"""What the agent says when somebody else is in the way of the whole server."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a resource that is not as wanted; None on a side is absence."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that is not as wanted, and what became of it.

    `action` is add, change or remove; `outcome` planned, changed, failed, refused, conflict, stale or held.
    `drift` says that somebody changed the server, and not the description.
    """

    id: str
    object: str
    account: str | None
    action: str
    outcome: str
    why: str = ""
    origin: str = "wsh"
    differences: tuple[Difference, ...] = ()
    digest: str | None = None
    drift: bool = False
    problem: Problem | None = None

    @property
    def kind(self) -> str:
        """The word before the colon of the id."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """What the kind is of: a path, a unit, a site."""
        return self.id.partition(":")[2]

    @property
    def troubled(self) -> bool:
        """Whether it is told as an error. A removal that waits is none; another thing that is refused is one."""
        return self.outcome in _TROUBLE or (self.outcome == "refused" and self.action != "remove")


@dataclass(frozen=True, slots=True)
class Outdated:
    """A site that goes on with an older release until it is told to upgrade, which is no change and no failure."""

    object: str
    app: str
    version: str
    wanted: str

    @property
    def site(self) -> str:
        """`alice/blog`."""
        return self.object.partition(":")[2]


@dataclass
class Report:
    """What is known of one server in one plan or operation. Fed by `add`, in the order of the events."""

    server: str
    verb: Verb = "plan"
    operation: str | None = None
    resources: int = 0
    changes: list[Change] = field(default_factory=list)
    phases: dict[str, Event] = field(default_factory=dict)
    """The last phase of each object that had one."""
    outdated: list[Outdated] = field(default_factory=list)
    outcome: str | None = None
    """ok, failed or refused, once it is done."""
    counts: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    """ok, changed, failed, pending or held, by name."""
    processes: int = 0
    seconds: float = 0.0
    problem: Problem | None = None
    """What stopped the whole server, or kept it from being entered."""
    stopped: ExitStatus | None = None
    """What `problem` makes of the command."""
    detached: int | None = None
    """Where to go on reading the events, if they were not read to their end."""

    def add(self, event: Event) -> None:
        """Take one event in. Types and keys that are not known are ignored."""
        self.operation = event.get("operation") or self.operation
        match event.get("type"):
            case "started":
                self.resources = int(event.get("resources", 0))
            case "resource":
                self.changes.append(_change(event))
            case "phase":
                self.phases[str(event.get("object"))] = event
            case "outdated":
                self.outdated.append(Outdated(event["object"], event["app"], event["installed"], event["wanted"]))
            case "detached":
                self.detached = int(event.get("offset", 0))
            case "done":
                self._done(event)

    def _done(self, event: Event) -> None:
        self.outcome = event.get("outcome")
        self.counts = dict(event.get("counts") or {})
        self.accounts = dict(event.get("accounts") or {})
        self.processes = int(event.get("processes") or 0)
        self.seconds = float(event.get("seconds") or 0)
        self.detached = None
        if event.get("error"):
            self.problem = problem_of(event["error"], f"server:{self.server}")
            self.stopped = ExitStatus.OTHER if self.problem.code in _OTHERS else ExitStatus.FAILED

    def failed(self, error: WshError) -> None:
        """Note that the way to the server failed."""
        self.problem, self.stopped = error.problems[0], error.exit

    @property
    def shown(self) -> dict[str, str]:
        """Digests of all states that were shown: what `apply` may expect to find (`expect` of a request)."""
        return {change.id: change.digest for change in self.changes if change.digest is not None}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that was printed as an error: the server's own first."""
        own = (self.problem,) if self.problem else ()
        return own + tuple(c.problem for c in self.changes if c.problem and c.troubled)

    def accounts_that_are(self, word: str) -> list[str]:
        """Names of the accounts with that outcome, in order."""
        return sorted(name for name, outcome in self.accounts.items() if outcome == word)

    @property
    def settled(self) -> bool:
        """Whether all that was looked at is as wanted."""
        return self.outcome == "ok" and not self.changes and not self.accounts_that_are("held")

    def statuses(self) -> set[ExitStatus]:
        """Everything that happened on this server, as exit statuses."""
        found: set[ExitStatus] = set()
        outcomes = {change.outcome for change in self.changes}
        if self.stopped:
            found.add(self.stopped)
        elif self.outcome == "failed" and not outcomes & {"conflict", "stale"}:
            found.add(ExitStatus.FAILED)
        if "failed" in outcomes:
            found.add(ExitStatus.FAILED)
        if outcomes & {"conflict", "stale"}:
            found.add(ExitStatus.OTHER)
        if self.accounts_that_are("held"):
            found.add(ExitStatus.CONFIG if self.verb == "plan" else ExitStatus.FAILED)
        if self.verb == "plan" and outcomes & {"planned", "refused"}:
            found.add(ExitStatus.PENDING)
        return found


def _change(event: Event) -> Change:
    about = event.get("object") or event["id"]
    changes = event.get("changes") or ()
    error = event.get("error")
    return Change(
        id=event["id"],
        object=about,
        account=event.get("account"),
        action=event["action"],
        outcome=event["outcome"],
        why=event.get("why") or "",
        origin=event.get("origin") or "wsh",
        differences=tuple(Difference(c["field"], c.get("before"), c.get("after")) for c in changes),
        digest=event.get("digest"),
        drift=bool(event.get("drift")),
        problem=problem_of(error, about) if error else None,
    )


def problem_of(error: Mapping[str, Any], about: str | None) -> Problem:
    """The `error` of an event as the problem that text and JSON print."""
    return Problem(error["code"], error["message"], error.get("hint"), object=about, detail=error.get("detail"))


def fold(server: str, events: Iterable[Event], verb: Verb = "plan") -> Report:
    """The report of all `events` of one server."""
    report = Report(server, verb)
    for event in events:
        report.add(event)
    return report


def exit_status(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """The status of a command in which all these happened."""
    found = set(statuses)
    return next((status for status in PRECEDENCE if status in found), ExitStatus.OK)
