"""`wsh server`: the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wsh_core.cli import completion, privilege
from wsh_core.cli.help import Group, argument
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console
from wsh_core.errors import ExitStatus

if TYPE_CHECKING:
    from wsh_core.models.server import Server

server = Group(
    "server",
    section="Have",
    help="Servers: Debian hosts.",
    examples=[("wsh server setup web1", "make a plain Debian a wsh server"), ("wsh server list", "")],
)


@server.command("list", section="See", exits=(0, 2, 3), examples=[("wsh server list", "")])
@click.pass_obj
def list_(session: Session) -> Answer:
    """List the servers that the description has; wsh status asks them."""
    from wsh_core.cli.render.table import Column, table

    rows = [
        {
            "server": s.name, "address": s.address, "debian": s.debian, "php": s.php,
            "accounts": len(s.accounts), "hold": s.hold,
        }
        for s in session.description.servers.values()
    ]  # fmt: skip

    def text(out: Console) -> None:
        columns = [
            Column("server"),
            Column("address"),
            Column("debian", 2),
            Column("php", 3),
            Column("accounts", 1),
        ]
        cells = [(r["server"], r["address"], r["debian"], r["php"], r["accounts"]) for r in rows]
        table(out, columns, [tuple(map(str, row)) for row in cells])

    return Answer({"servers": rows}, text)


@server.command("setup", section="Make", exits=(0, 1, 2, 3, 5), examples=[("wsh server setup web1", "")])
@argument(
    "names",
    metavar="SERVER",
    nargs=-1,
    shell_complete=completion.servers,
    help="the server's name; several at once are possible",
)
@click.pass_obj
def setup(session: Session, names: tuple[str, ...]) -> Answer:
    """Make plain Debian servers wsh servers: packages, Apache, PHP, MariaDB. Can be repeated at any time."""
    from wsh_core.cli import questions, setting_up, watch
    from wsh_core.cli.adding import one_of
    from wsh_core.cli.questions import Want
    from wsh_core.cli.render.setup import Shown
    from wsh_core.transport.setup import Result

    servers = session.description.servers
    if not names:
        raise questions.missing([Want("SERVER", f"one of {', '.join(servers)}", "Server")])
    for name in names:
        one_of("server", name, servers)
    for name in names:
        watch.may_enter(session, servers[name])
    shown = Shown(session.err, quiet=session.quiet or session.json, verbose=session.verbose > 0)
    results: list[Result] = []
    for line in _lines([servers[name] for name in names], session.log):
        if (progress := setting_up.progress(line)) is not None:
            shown.progress(progress)
        elif (result := setting_up.result(line)) is not None:
            shown.result(result)
            results.append(result)
    failed = [result.problem for result in results if result.problem]
    unreachable = any(problem.code == "server.unreachable" for problem in failed)
    return Answer(
        data={"servers": [_data(result) for result in results], "log": str(session.log) if session.log else None},
        text=lambda out: shown.summary(out, results),
        errors=tuple(failed),
        exit=ExitStatus.UNREACHABLE if unreachable else ExitStatus.FAILED if failed else ExitStatus.OK,
    )


def _lines(servers: list[Server], log: Any) -> Any:
    """Progress and results of all servers: of this machine by root's half, of the others over SSH."""
    from wsh_core.cli import setting_up
    from wsh_core.transport.login import Login

    child = privilege.child()
    here = [s for s in servers if s.address.local and child is not None]
    there = {Login.of(s): s.debian for s in servers if s not in here}
    for each in here:
        assert child
        yield from setting_up.read(child.run(["setup", str(each.name), str(each.debian)]))
    if there:
        yield from setting_up.lines(there, log)


def _data(result: Any) -> dict[str, Any]:
    return {
        "server": result.server, "ok": result.problem is None, "changed": result.changed,
        "as_wanted": result.as_wanted, "seconds": round(result.seconds, 1), "notes": result.notes,
    }  # fmt: skip
