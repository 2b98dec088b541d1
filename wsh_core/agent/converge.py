"""The converge engine: read everything, compare, write what differs, read again; kind by kind, account by account."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

from .admission import admit, give_uids
from .change import Change
from .errors import AgentError, told
from .host import Host, Secrets
from .kinds.base import Kind, State
from .kinds.order import ORDER
from .ledger import Owned
from .protocol import Request, Resource, digest, event, resolve, secret_names

_REMOVAL = (
    "it left the description, and wsh does not remove anything yet; nothing was touched",
    "put it back into the description, or leave it as it is",
)


class Converge:
    """One operation on one server. ``run`` gives its events to ``host.emit`` and returns the outcome word."""

    def __init__(self, host: Host, request: Request, *, apply: bool, operation: str | None = None) -> None:
        self.host, self.request, self.apply, self.operation = host, request, apply, operation
        self.kinds = [kind(host) for kind in ORDER]
        self.counts: Counter[str] = Counter()
        self.failed: dict[str | None, AgentError] = {}
        """Accounts (None: the server itself) that something failed for; the rest of them is skipped."""
        self.changed: set[str | None] = set()
        self.waiting: set[str | None] = set()
        self._broken: set[str] = set()
        self._owned: dict[str, Owned] = {}
        host.told = request.told

    def run(self) -> str:
        started = time.monotonic()
        request = self.request
        accounts = sorted({r.account for r in request.resources if r.account})
        self._emit(
            "started",
            operation=self.operation,
            server=request.server,
            description=request.description,
            accounts=len(accounts),
            resources=len(request.resources),
        )
        error: AgentError | None = None
        try:
            admit(self.host, request.description, apply=self.apply)
            self._owned = self.host.ledger.owned()
            give_uids(self.host, accounts, apply=self.apply)
            self._make_secrets()
            self._converge()
            self._left()
        except AgentError as stopped:
            error = stopped
        outcome = "refused" if error else "failed" if self._bad() else "ok"
        counts = dict.fromkeys(("read", "changed", "planned", "failed", "refused", "conflict", "stale", "held"), 0)
        self._emit(
            "done",
            operation=self.operation,
            outcome=outcome,
            counts=counts | self.counts,
            accounts={name: self._word(name) for name in accounts} | dict.fromkeys(request.held, "held"),
            processes=self.host.processes,
            seconds=round(time.monotonic() - started, 3),
            **({"error": error.event()} if error else {}),
        )
        return outcome

    # before anything is read

    def _make_secrets(self) -> None:
        secrets = [
            Resource(f"secret:{name}", "secret", s["account"], f"account:{s['account']}", "", "wsh", dict(s))
            for name, s in sorted(self.request.secrets.items())
        ]
        kind = next(k for k in self.kinds if k.name == "secret")
        changes = self._compare(kind, secrets)
        lost = [c for c in changes if c.actual is None and self._recorded(c)]
        for change in lost:
            self._fail(change.resource, _lost_secret(change.resource), "add")
        self._write_kind(kind, [c for c in changes if c not in lost])

    # read, compare, write

    def _converge(self) -> None:
        by_kind: dict[str, list[Resource]] = {kind.name: [] for kind in self.kinds}
        values = {name: self.host.secrets.get(name) or "" for name in self.request.secrets}
        for resource in self.request.resources:
            try:
                target = by_kind[resource.kind]
                resource.sensitive = bool(secret_names(resource.want)) if values else False
                resource.asked = resource.want
                resource.want = resolve(resource.want, self.host.facts(resource.account), values)
                target.append(resource)
                if resource.kind == "app":
                    self.host.with_app.add(resource.object)
                if resource.kind == "jail" and resource.account is not None:
                    self.host.jails[resource.account] = resource.want
            except AgentError as error:
                self._fail(resource, error, "change")  # a fact that cannot be had now
            except KeyError as error:
                raise AgentError("request.unknown", f"{resource.id}: {error} is not known here") from None
        changes = {kind.name: self._compare(kind, by_kind[kind.name]) for kind in self.kinds}
        if self.apply:
            self._before(changes)
        for kind in self.kinds:
            self._write_kind(kind, changes[kind.name])

    def _compare(self, kind: Kind, resources: list[Resource]) -> list[Change]:
        """Read resources of one kind and return what differs and may be written; say the rest."""
        if not resources:
            return []
        self.counts["read"] += len(resources)
        actual = self._read(kind, resources)
        changes, same = [], []
        for resource in resources:
            state = actual.get(resource.id)
            if isinstance(state, AgentError):
                self._fail(resource, state, "change")
                continue
            if resource.account in self.failed and resource.id not in actual:
                continue
            try:
                change = Change(resource, state, kind.desired(resource), kind.secret_fields, kind.plain_fields)
            except Exception as error:  # noqa: BLE001  # one account's trouble is never another's
                self._fail(resource, told(resource.id, error), "change")
                continue
            if state == change.desired:
                same.append(change)
            elif self._may(change):
                changes.append(change)
        if self.apply:
            self._own([c for c in same if not self._recorded(c)])
        return changes

    def _read(self, kind: Kind, resources: list[Resource]) -> dict[str, State | None | AgentError]:
        """The actual states; where one account makes the reading fail, only its own are missing, and it is told."""
        try:
            return kind.read(resources)
        except AgentError as error:
            failed: AgentError = error
        except Exception:  # noqa: BLE001  # what an account can write must not stop the others
            return self._read_each(kind, resources)
        for account in {r.account for r in resources}:
            self._fail(next(r for r in resources if r.account == account), failed, "change")
        return {}

    def _read_each(self, kind: Kind, resources: list[Resource]) -> dict[str, State | None | AgentError]:
        found: dict[str, State | None | AgentError] = {}
        for account in sorted({r.account or "" for r in resources}):
            own = [r for r in resources if (r.account or "") == account]
            try:
                found |= kind.read(own)
            except Exception as error:  # noqa: BLE001  # as above
                self._fail(own[0], told(own[0].id, error), "change")
        return found

    def _may(self, change: Change) -> bool:
        """Whether a difference is wsh's to mend: not somebody else's, and still what the plan showed."""
        resource, expect = change.resource, self.request.expect
        if change.actual is not None and resource.id not in self._owned:
            self._refuse(
                change,
                "conflict",
                AgentError(
                    "server.conflict",
                    f"{resource.id} exists, is not wsh's and is not as wanted; it was left alone",
                    "remove or rename what is there, or take it out of the description",
                ),
            )
            return False
        if expect is not None and expect.get(resource.id) != digest(change.actual):
            self._refuse(
                change,
                "stale",
                AgentError(
                    "plan.stale",
                    f"{resource.id} is no longer what the plan showed; it was left alone",
                    "look again: wsh plan",
                ),
            )
            return False
        return True

    def _before(self, changes: dict[str, list[Change]]) -> None:
        for kind in self.kinds:
            for change in changes[kind.name]:
                try:
                    kind.before(change.resource, change.actual)
                except Exception as error:  # noqa: BLE001  # as in reading
                    self._fail(change.resource, told(change.resource.id, error), change.action)

    def _write_kind(self, kind: Kind, changes: list[Change]) -> None:
        if not self.apply:
            for change in changes:
                self._say(change, "planned")
            return
        due = [c for c in changes if not self._blocked(c)]
        if due:
            self.host.ledger.claim([self._row(c.resource) for c in due])
        written = []
        for change in due:
            if self._blocked(change):
                self.host.ledger.disclaim([change.resource.id])
                continue
            began = time.monotonic()
            try:
                kind.write(change.resource, change.actual)
                written.append((change, began))
            except Exception as error:  # noqa: BLE001  # as in reading
                self._fail(change.resource, told(change.resource.id, error), change.action)
        self._see(kind, written)

    def _see(self, kind: Kind, written: list[tuple[Change, float]]) -> None:
        """Have the deferred effects, read again what was written, and believe only that."""
        failures = self._commit(kind, written)
        again = self._read_again(kind, [c.resource for c, _ in written])
        for change, began in written:
            change.desired = kind.desired(change.resource)  # some is only known when all is done
            state = again[change.resource.id]
            failure = failures.get(change.resource.id)
            if isinstance(state, AgentError):
                failure = failure or state
            elif failure is None and state != change.desired:
                failure = self._did_not_take(change, state)
            if failure is not None:
                self._fail(change.resource, failure, change.action)
                continue
            self.changed.add(change.resource.account)
            self._say(change, "changed", ms=round((time.monotonic() - began) * 1000))
        self._own([c for c, _ in written if c.resource.id not in self._broken])

    def _commit(self, kind: Kind, written: list[tuple[Change, float]]) -> dict[str, AgentError]:
        try:
            return kind.commit()
        except Exception as failed:  # noqa: BLE001  # as in reading
            error = told(kind.name, failed)
            if not written:
                self.failed.setdefault(None, error)
                self.counts["failed"] += 1
                self._emit("log", object="server", text=error.message, error=error.event())
            return {change.resource.id: error for change, _ in written}

    @staticmethod
    def _read_again(kind: Kind, resources: list[Resource]) -> dict[str, State | None | AgentError]:
        try:
            return kind.read(resources) if resources else {}
        except Exception as error:  # noqa: BLE001  # as in reading
            return {resource.id: told(resource.id, error) for resource in resources}

    def _did_not_take(self, change: Change, state: State | None) -> AgentError:
        left = replace(change, actual=state).fields()
        what = ", ".join(f"{f['field']} is {f['before']!r}, not {f['after']!r}" for f in left)
        return AgentError(
            "server.not-taken",
            f"{change.resource.id} was written and is not as wanted: {what}",
            "something else on the server changes it back, or refuses it; look at: wsh log",
        )

    # what is wsh's and no longer wanted

    def _left(self) -> None:
        request = self.request
        wanted = {r.id for r in request.resources} | {f"secret:{name}" for name in request.secrets}
        for owned in self._owned.values():
            in_scope = request.accounts is None or owned.account in request.accounts
            if owned.id in wanted or owned.account in request.held or not in_scope:
                continue
            error = AgentError("account.removal", f"{owned.id}: {_REMOVAL[0]}", _REMOVAL[1])
            self.counts["refused"] += 1
            self._emit(
                "resource",
                id=owned.id,
                object=owned.object,
                account=owned.account,
                action="remove",
                outcome="refused",
                why=owned.why,
                origin="wsh",
                changes=[],
                digest=None,
                error=error.event(),
            )

    # saying and remembering

    def _emit(self, type_: str, **values: Any) -> None:
        self.host.emit(event(type_, **values))

    def _say(self, change: Change, outcome: str, **more: Any) -> None:
        resource = change.resource
        self.counts[outcome] += 1
        self._emit(
            "resource",
            id=resource.id,
            object=resource.object,
            account=resource.account,
            action=change.action,
            outcome=outcome,
            why=resource.why,
            origin=resource.origin,
            changes=change.fields(),
            digest=digest(change.actual),
            drift=self._drifted(change),
            **more,
        )

    def _refuse(self, change: Change, outcome: str, error: AgentError) -> None:
        self.failed.setdefault(change.resource.account, error)
        self._say(change, outcome, error=error.event())

    def _fail(self, resource: Resource, error: AgentError, action: str) -> None:
        self.failed.setdefault(resource.account, error)
        self._broken.add(resource.id)
        self.counts[error.outcome] += 1
        self._emit(
            "resource",
            id=resource.id,
            object=resource.object,
            account=resource.account,
            action=action,
            outcome=error.outcome,
            why=resource.why,
            origin=resource.origin,
            changes=[],
            digest=None,
            error=error.event(),
        )

    def _blocked(self, change: Change) -> bool:
        """A failed server stops everything; a failed account stops itself, or all that follow it if so asked."""
        account = change.resource.account
        if None in self.failed or account in self.failed or (self.failed and self.request.stop_on_failure):
            self.waiting.add(account)
            return True
        return False

    @staticmethod
    def _row(resource: Resource) -> tuple[str, str | None, str, str]:
        return (resource.id, resource.account, resource.object, resource.why)

    def _own(self, changes: list[Change]) -> None:
        if changes:
            self.host.ledger.own([(*self._row(c.resource), digest(c.desired)) for c in changes])

    def _recorded(self, change: Change) -> bool:
        owned = self._owned.get(change.resource.id)
        return owned is not None and owned.state is not None

    def _drifted(self, change: Change) -> bool:
        """Whether somebody else changed it, and not the description."""
        owned = self._owned.get(change.resource.id)
        return owned is not None and owned.state not in (None, digest(change.actual))

    def _bad(self) -> bool:
        return bool(self.failed) or any(self.counts[word] for word in ("failed", "conflict", "stale"))

    def _word(self, account: str) -> str:
        if account in self.failed:
            return "failed"
        if None in self.failed or account in self.waiting:
            return "pending"
        return "changed" if account in self.changed else "ok"


def _lost_secret(resource: Resource) -> AgentError:
    """A secret that was made and is gone: another one would not be what the applications and people know."""
    return AgentError(
        "account.secret",
        f"the secret {resource.name} was made here and its file is gone; it was not made anew",
        f"restore {Secrets.path(resource.name)} from a backup, or write the value that is in use into it (mode 0600)",
    )
