"""Before anything is read: whose server this is, and which numbers its accounts have."""

from __future__ import annotations

from collections.abc import Iterable

from . import paths
from .errors import AgentError
from .host import Host


def admit(host: Host, description: str, *, apply: bool) -> None:
    """See that the server is set up and belongs to this description; a new one is taken by the first apply.

    Raises AgentError ``server.not-ready`` or ``server.foreign``.
    """
    _ = host.server
    owner = host.ledger.description
    if owner is None and apply:
        host.ledger.take(description)
    elif owner not in (None, description):
        raise AgentError(
            "server.foreign",
            f"this server belongs to the description {owner}, not to {description}",
            "apply the description that it belongs to; nothing was changed",
        )


def give_uids(host: Host, accounts: Iterable[str], *, apply: bool) -> None:
    """Let ``host.uids`` know every account's number, which it keeps for ever.

    It is the ledger's, else that of a user like those that wsh makes, else a new one.
    """
    names = host.names
    host.uids = host.ledger.uids()
    used, given = set(host.uids.values()), dict[str, int]()
    free = max(host.ledger.uid_floor(), 1 + max(filter(_is_ours, map(int, _numbers(names.users))), default=0))
    for account in accounts:
        if account in host.uids:
            continue
        row = names.users.get(account)
        number = int(row[2]) if row else 0
        if not _is_ours(number) or number in used:
            number, free = free, free + 1
        given[account] = number
    host.uids |= given
    if given and apply:
        host.ledger.keep_uids(given)


def _numbers(users: dict[str, list[str]]) -> Iterable[str]:
    return (row[2] for row in users.values())


def _is_ours(number: int) -> bool:
    return paths.FIRST_UID <= number <= paths.LAST_UID
