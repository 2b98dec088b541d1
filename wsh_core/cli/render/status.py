"""The state of servers as a list: a line for each account, and for each of its sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsh_core.cli.render.table import Column, table
from wsh_core.cli.terminal import Console, Span, Style
from wsh_core.cli.units import counted, duration

WORDS: dict[str, Style] = {"ok": "green", "pending": "yellow", "drift": "yellow"}


def servers(out: Console, found: Sequence[dict[str, Any]]) -> None:
    """Write the states of servers (`wsh_core.plan.states`)."""
    for number, each in enumerate(found):
        if number:
            out.line()
        _show(out, each)


def _show(out: Console, server: dict[str, Any]) -> None:
    accounts = server["accounts"]
    sites = [site for account in accounts for site in account["sites"]]
    read = f"read in {duration(server['seconds'])}" if server["read"] else f"? {server['why']}"
    where = "" if server["address"] == server["server"] else f"   {server['address']}"
    title = Span(server["server"], "bold")
    out.line(title, f"{where}   {_counted(accounts, 'account')}, {_counted(sites, 'site')}   {read}")
    rows: list[Sequence[str | Span]] = []
    for account in accounts:
        rows.append([account["account"], "", "", _word(account["state"]), account["why"]])
        for site in account["sites"]:
            key = site["site"].partition("/")[2]
            rows.append([f"  {key}", site["url"], site["runs"], _word(site["state"]), site["why"]])
    if rows:
        columns = [
            Column("account"),
            Column("site"),
            Column("runs", 1),
            Column("state"),
            Column("why", cuts=True),
        ]
        table(out, columns, rows)


def _word(state: str) -> Span:
    return Span(state, WORDS.get(state, "red"))


def _counted(things: Sequence[dict[str, Any]], noun: str) -> str:
    """`3 accounts (1 pending, 1 held)`."""
    states = [each["state"] for each in things]
    odd = [f"{states.count(word)} {word}" for word in ("failed", "pending", "drift", "held") if word in states]
    return counted(len(things), noun) + (f" ({', '.join(odd)})" if odd else "")
