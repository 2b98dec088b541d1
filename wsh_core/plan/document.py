"""The request to a server: the same JSON for the same input. Secrets stand in it by name only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wsh_core.agent.protocol import VERSION
from wsh_core.errors import PlanError
from wsh_core.plan.desired import Desired
from wsh_core.resources import Resource


def document(
    desired: Desired, by: Mapping[str, str], *, accounts: Iterable[str] | None = None,
    expect: Mapping[str, str] | None = None, told: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The request for what is desired on a server; `canonical` makes bytes of it.

    Args:
        desired: what must exist there, and what is held.
        by: who asks, `user` and `host`; shown to whoever finds the server locked.
        accounts: the scope, None for all; nothing outside it is touched.
        expect: digests of the states that somebody was shown; what is in another state is left alone.
        told: what is to be done that no apply does by itself, `upgrade` or `rollback`, by `site:alice/blog`.

    Raises:
        PlanError: two resources have the same id, or two secrets of one name differ.
    """
    scope = None if accounts is None else sorted(accounts)
    return {
        "protocol": VERSION,
        "description": desired.description,
        "server": desired.server,
        "by": dict(by),
        "scope": {"accounts": scope},
        "held": _within(desired.held, scope),
        "expect": None if expect is None else dict(expect),
        "told": dict(told or {}),
        "secrets": _secrets(desired.resources, scope),
        "resources": _resources(desired.resources, scope),
    }


def _within(by_account: Mapping[str, str], scope: list[str] | None) -> dict[str, str]:
    return {name: value for name, value in by_account.items() if scope is None or name in scope}


def _resources(resources: Iterable[Resource], scope: list[str] | None) -> list[dict[str, Any]]:
    found: dict[str, Resource] = {}
    for resource in resources:
        if scope is not None and resource.account not in scope:
            continue
        if (other := found.setdefault(resource.id, resource)) is not resource:
            raise PlanError(
                "plan.duplicate",
                f"{resource.id} is wanted twice, by {other.object} and by {resource.object}",
                f"compare {other.why} with {resource.why}", object=resource.object,
            )  # fmt: skip
    return [resource.to_json() for resource in found.values()]


def _secrets(resources: Iterable[Resource], scope: list[str] | None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for resource in resources:
        if scope is not None and resource.account not in scope:
            continue
        for secret in resource.secrets():
            made = {"account": resource.account, "length": secret.length}
            if found.setdefault(secret.name, made) != made:
                raise PlanError(
                    "plan.secret", f"the secret {secret.name} is wanted with two lengths, or by two accounts",
                    f"report it to the author of {resource.origin}", object=resource.object,
                )  # fmt: skip
    return found
