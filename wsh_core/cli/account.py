"""`wsh account`: who has room on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wsh_core.cli import completion, options
from wsh_core.cli.help import Group, argument, option
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span
from wsh_core.cli.units import counted

if TYPE_CHECKING:
    from wsh_core.models.account import Account
    from wsh_core.models.server import Server

account = Group(
    "account",
    section="Have",
    help="Accounts: a Unix user with a home, a jail, sites and databases.",
    examples=[
        ("wsh account add alice --package small", "asks for the rest"),
        ("wsh account list", "all of them"),
        ("wsh account show alice", "one, with its sites"),
    ],
)


@account.command(
    "add",
    section="Make",
    exits=(0, 1, 2, 3, 5, 6),
    examples=[
        ("wsh account add alice", "asks for the rest"),
        ('wsh account add alice --name "Alice Example" --email alice@example.org --package small', ""),
    ],
)
@argument("name", metavar="ACCOUNT", help="2 to 16 of a-z and 0-9, a letter first: alice")
@option("--name", "full_name", metavar="TEXT", group="What", help="whose it is: Alice Example")
@option("--email", metavar="ADDRESS", group="What", help="where its mail goes")
@option("--package", metavar="NAME", group="What", help="its limits: a package of wsh.yaml")
@option(
    "--ssh-key",
    "keys",
    metavar="FILE",
    multiple=True,
    group="What",
    help="a public key that may log in; repeat it",
)
@option(
    "--server",
    metavar="NAME",
    group="Where",
    shell_complete=completion.servers,
    help="its server (if there is more than one)",
)
@options.adding
@click.pass_obj
def add(session: Session, /, **given: Any) -> Answer:
    """Write an account's file, check it, and apply it; asks for what is missing."""
    from wsh_core.cli import adding, new_account
    from wsh_core.models.edit import add_account

    new = new_account.wanted(session, given)
    addition = adding.Addition(
        object=f"account:{new.name}",
        account=new.name,
        change=lambda: add_account(session.root, new.server, new.name, new.content),
        rows=new.rows,
        done=f"account {new.name} is ready",
    )
    return adding.add(session, addition, apply=not given["no_apply"], wait=given["wait"])


@account.command("list", section="See", exits=(0, 2, 3), examples=[("wsh account list --server web1", "")])
@options.SERVERS
@click.pass_obj
def list_(session: Session, servers: tuple[str, ...]) -> Answer:
    """List the accounts that the description has; wsh status asks the servers."""
    from wsh_core.cli.render.table import Column, table

    description = session.description
    rows = [(server, found) for server, found in description.accounts() if not servers or server.name in servers]
    held = [key for key in description.held if not servers or key[0] in servers]
    data = [_data(server, found) for server, found in rows]
    data += [{"account": name, "server": server, "held": True} for server, name in held]

    def text(out: Console) -> None:
        columns = [
            Column("account"),
            Column("server", 2),
            Column("package", 3),
            Column("sites", 4),
            Column("name", 1, cuts=True),
            Column("mail", 5),
        ]
        lines: list[list[str | Span]] = [
            [a.name, s.name, a.package, str(len(a.sites)), a.full_name, a.email or ""] for s, a in rows
        ]
        lines += [
            [name, server, Span("held", "red"), "", str(description.held[server, name][0]), ""] for server, name in held
        ]
        table(out, columns, sorted(lines, key=lambda line: str(line[0])))

    return Answer({"accounts": data}, text)


@account.command("show", section="See", exits=(0, 2, 3), examples=[("wsh account show alice", "")])
@argument("name", metavar="ACCOUNT", shell_complete=completion.accounts, help="the account: alice")
@click.pass_obj
def show(session: Session, name: str | None) -> Answer:
    """Show an account and its sites, as the description has them."""
    from wsh_core.cli import adding, questions
    from wsh_core.cli.questions import Want
    from wsh_core.cli.render.table import Column, table

    if name is None:
        raise questions.missing([Want("ACCOUNT", "wsh account list", "Account")])
    found = session.description.account(name)
    if found is None:
        raise adding.not_there(session, "account", name)
    server, account_ = found

    def text(out: Console) -> None:
        mail = f" <{account_.email}>" if account_.email else ""
        out.line(
            Span(account_.name, "bold"),
            f"   {account_.full_name}{mail}   package {account_.package}   on {server.name}",
        )
        out.line(Span(f"{account_.where.short}   {counted(len(account_.sites), 'site')}", "dim"))
        rows = [
            (f"  {s.key}", f"https://{s.domains[0]}/", s.app, ", ".join(s.domains[1:])) for s in account_.sites.values()
        ]
        if rows:
            table(
                out,
                [Column("  site"), Column("address"), Column("app", 1), Column("also", 2, cuts=True)],
                rows,
            )

    return Answer(_data(server, account_) | {"file": account_.file}, text)


def _data(server: Server, account_: Account) -> dict[str, Any]:
    return {
        "account": account_.name, "server": server.name, "name": account_.full_name, "email": account_.email,
        "package": account_.package, "sites": [site.id for site in account_.sites.values()], "held": False,
    }  # fmt: skip
