"""`wsh site`: what accounts serve."""

from __future__ import annotations

from typing import Any

import click

from wsh_core.cli import completion, options
from wsh_core.cli.help import Command, Group, argument, block, option
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span

site = Group(
    "site",
    section="Have",
    help="Web sites. SITE is alice/blog, or any of its domains.",
    examples=[
        ("wsh site add --app wordpress", "asks for the rest"),
        ("wsh site list --account alice", ""),
        ("wsh site show blog.example.org", ""),
        ("wsh site upgrade --all --dry-run", "what would be upgraded"),
        ("wsh site rollback alice/blog", "back to what it was before its last upgrade"),
    ],
)


class Add(Command):
    """`wsh site add`; with `--app` its help has the options of that application too."""

    def get_help(self, ctx: click.Context) -> str:
        """The help, and what `--set` takes."""
        text = super().get_help(ctx)
        if not ctx.params.get("app"):
            return text
        from wsh_core.cli import new_site

        session: Session = ctx.find_root().obj
        session.begin("site add", ordinary=True)
        known = new_site.described(session.apps.get(ctx.params["app"]).app)
        return "\n".join([text, *block(f"Options of {ctx.params['app']}, for --set", known)])


@site.command(
    "add",
    cls=Add,
    section="Make",
    exits=(0, 1, 2, 3, 5, 6),
    examples=[
        ("wsh site add --app wordpress --account alice --domain blog.example.org", ""),
        ("wsh site add --app wordpress --help", "the options of wordpress, for --set"),
        ("wsh site add --app static --account alice --domain old.example.org --no-apply", ""),
    ],
)
@option(
    "--app",
    metavar="APP",
    group="What",
    is_eager=True,
    shell_complete=completion.apps,
    help="what runs there: static, php, or a plugin's application",
)
@option("--release", metavar="VERSION", group="What", help="its release (the newest checked one)")
@option(
    "--set",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    group="What",
    help="an option of the application; no passwords",
)
@option("--account", metavar="NAME", group="Where", shell_complete=completion.accounts, help="whose site it is")
@option(
    "--domain",
    "domains",
    metavar="NAME",
    multiple=True,
    group="Where",
    help="the first is canonical; repeat it for more",
)
@option("--key", metavar="NAME", group="Where", help="its name within the account (the domain's first part)")
@options.adding
@click.pass_obj
def add(session: Session, /, **given: Any) -> Answer:
    """Write a site into its account's file, check it, and apply it; asks for what is missing."""
    from wsh_core.cli import adding, new_site
    from wsh_core.models.edit import add_site

    new = new_site.wanted(session, given)
    addition = adding.Addition(
        object=f"site:{new.id}",
        account=new.account,
        change=lambda: add_site(session.root, new.file, new.key, new.content),
        rows=new.rows,
        done=new.done,
        next=new.next,
        data={"site": new.id, "url": f"https://{new.domains[0]}/"},
    )
    return adding.add(session, addition, apply=not given["no_apply"], wait=given["wait"])


@site.command(
    "upgrade",
    section="Keep",
    exits=(0, 1, 2, 3, 4, 5, 6),
    examples=[
        ("wsh site upgrade alice/blog", "to the newest release"),
        ("wsh site upgrade alice/blog --release 7.0.1", "to that one, and pin it"),
        ("wsh site upgrade --all --dry-run", "what would be upgraded"),
        ("wsh site upgrade --app wordpress --yes", "all of them, without a question"),
    ],
)
@argument("names", nargs=-1, metavar="SITE", shell_complete=completion.sites, help="alice/blog, or any of its domains")
@option("--all", "everything", is_flag=True, group="What", help="all sites whose application wsh installs")
@option("--app", metavar="APP", group="What", shell_complete=completion.apps, help="all sites of this application")
@option(
    "--release", metavar="VERSION", group="What", help="this release, and write it into the YAML (else: the newest)"
)
@option("--dry-run", is_flag=True, help="only say what would be done; exit status 4 if there is something")
@option("--yes", is_flag=True, help="do not ask about several sites")
@options.WAIT
@click.pass_obj
def upgrade(session: Session, /, **given: Any) -> Answer:
    """Upgrade the application of sites; what goes wrong is put back: code, configuration and database."""
    from wsh_core.cli import upgrading

    return upgrading.upgrade(session, upgrading.Asked(**given))


@site.command(
    "rollback",
    section="Keep",
    exits=(0, 1, 2, 3, 5, 6),
    examples=[("wsh site rollback alice/blog", "says what is lost, and asks")],
)
@argument("name", metavar="SITE", shell_complete=completion.sites, help="alice/blog, or any of its domains")
@option("--yes", is_flag=True, help="do not say what is lost, do not ask")
@options.WAIT
@click.pass_obj
def rollback(session: Session, name: str | None, yes: bool, wait: float) -> Answer:
    """Put a site back to what it was before its last upgrade; once more, and it is as it was today."""
    from wsh_core.cli import rolling_back

    return rolling_back.rollback(session, name, yes=yes, wait=wait)


@site.command(
    "list",
    section="See",
    exits=(0, 1, 2, 3, 5),
    examples=[("wsh site list --account alice", ""), ("wsh site list --outdated", "asks the servers")],
)
@options.ACCOUNTS
@option("--outdated", is_flag=True, group="What", help="only those that do not have their newest release")
@click.pass_obj
def list_(session: Session, accounts: tuple[str, ...], outdated: bool) -> Answer:
    """List the sites that the description has; wsh status asks the servers."""
    from wsh_core.cli.render.table import Column, table

    if outdated:
        from wsh_core.cli import outdated as aged

        return aged.listed(session, accounts)
    found = [
        (server, each)
        for server, owner in session.description.accounts()
        if not accounts or owner.name in accounts
        for each in owner.sites.values()
    ]

    def text(out: Console) -> None:
        columns = [Column("site"), Column("address"), Column("app", 1), Column("server", 2)]
        table(out, columns, [(s.id, f"https://{s.domains[0]}/", s.app, server.name) for server, s in found])

    return Answer({"sites": [_data(server.name, each) for server, each in found]}, text)


@site.command("show", section="See", exits=(0, 2, 3), examples=[("wsh site show alice/blog", "")])
@argument("name", metavar="SITE", shell_complete=completion.sites, help="alice/blog, or any of its domains")
@click.pass_obj
def show(session: Session, name: str | None) -> Answer:
    """Show a site, as the description has it."""
    from wsh_core.cli import adding, questions
    from wsh_core.cli.questions import Want

    if name is None:
        raise questions.missing([Want("SITE", "wsh site list", "Site")])
    found = session.description.site(name)
    if found is None:
        raise adding.not_there(session, "site", name)
    owner = session.description.account(found.account)
    assert owner

    def text(out: Console) -> None:
        out.line(
            Span(found.id, "bold"),
            f"   {found.app}{f' {found.release}' if found.release else ''}   on {owner[0].name}",
        )
        for domain in found.domains:
            out.line(f"  https://{domain}/")
        for key, value in found.options.items():
            out.line(f"  {key}: {value}")
        out.line(Span(found.where.short, "dim"))

    return Answer(_data(owner[0].name, found) | {"file": found.file, "line": found.where.line}, text)


def _data(server: str, each: Any) -> dict[str, Any]:
    return {
        "site": each.id, "server": server, "app": each.app, "release": each.release,
        "domains": list(each.domains), "options": each.options,
    }  # fmt: skip
