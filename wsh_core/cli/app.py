"""`wsh app`: the applications that sites can have, and their releases."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from wsh_core.cli import completion
from wsh_core.cli.help import Group, argument
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span
from wsh_core.cli.units import counted
from wsh_core.errors import ExitStatus

app = Group(
    "app",
    section="Have",
    help="Applications and their releases. wsh plugin enable adds one.",
    examples=[
        ("wsh app list", ""),
        ("wsh app releases wordpress", "which there are, and which a new site gets"),
        ("wsh app refresh", "look whether their makers have newer ones"),
    ],
)


@app.command("list", section="See", exits=(0, 2, 3), examples=[("wsh app list", "")])
@click.pass_obj
def list_(session: Session) -> Answer:
    """List the applications that are enabled, and the release that a new site gets on each server."""
    from wsh_core.cli import releases
    from wsh_core.cli.render.table import Column, table

    used = Counter(str(s.app) for _, account in session.description.accounts() for s in account.sites.values())
    loaded = [session.apps.get(name) for name in session.apps.names if name not in session.apps.failures]
    rows: list[dict[str, Any]] = [
        {
            "app": each.app.name, "title": each.app.title, "from": each.distribution, "sites": used[each.app.name],
            "defaults": releases.defaults(session, each.app),
        }
        for each in loaded
    ]  # fmt: skip

    def text(out: Console) -> None:
        columns = [Column("app"), Column("title", 1), Column("from", 2), Column("sites"), Column("release", cuts=True)]
        table(out, columns, [
            [r["app"], r["title"], r["from"], str(r["sites"]), releases.told(r["defaults"])] for r in rows
        ])  # fmt: skip

    return Answer({"apps": rows}, text)


@app.command("releases", section="See", exits=(0, 2, 3), examples=[("wsh app releases wordpress", "")])
@argument("name", metavar="APP", shell_complete=completion.apps, help="the application: wordpress")
@click.pass_obj
def releases_(session: Session, name: str | None) -> Answer:
    """List the releases of an application: where they run, where they come from, and who says so."""
    from wsh_core.cli import questions, releases
    from wsh_core.cli.questions import Want
    from wsh_core.cli.render.table import Column, table

    if name is None:
        raise questions.missing([Want("APP", "wsh app list", "App")])
    loaded = session.apps.get(name)
    rows = releases.rows(session, loaded)

    def text(out: Console) -> None:
        if not rows:
            out.line(f"{name} has no releases: its files are the account's own.")
            return
        columns = [
            Column("release"), Column("PHP", 1), Column("upgrades from", 2), Column("source", 3, cuts=True),
            Column("known by", 1), Column("default on"),
        ]  # fmt: skip
        table(out, columns, [
            [r["release"], " ".join(r["php"]), _from(r["upgrades_from"]), ", ".join(r["sources"]), r["known_by"],
             ", ".join(r["default_on"])]
            for r in rows
        ])  # fmt: skip

    return Answer({"app": name, "releases": rows}, text)


def _from(version: str) -> str:
    return "any" if version == "0" else f"{version} and later"


@app.command(
    "refresh", section="Make", exits=(0, 1, 2, 3, 5),
    examples=[("wsh app refresh", "all that are enabled"), ("wsh app refresh nextcloud", "")],
)  # fmt: skip
@argument("name", metavar="APP", shell_complete=completion.apps, help="only this application")
@click.pass_obj
def refresh(session: Session, name: str | None) -> Answer:
    """Look upstream for newer releases, verify them, and write them into releases/APP.toml, which is yours."""
    from wsh_core.cli import refreshing
    from wsh_core.plan.report import exit_status

    found = list(refreshing.refreshed(session, [name] if name else None))

    def text(out: Console) -> None:
        for each in found:
            for release in each.new:
                out.line(Span("+", "green"), f" {each.app} {release.release.version}   {release.how}")
            if each.change:
                out.line(f"{each.change} written")
            elif not each.problems:
                out.line(f"{each.app}: nothing newer than {each.newest}")
        if written := [each for each in found if each.change]:
            next_ = Span("wsh site list --outdated", "bold")
            out.line(f"{counted(len(written), 'application')} with newer releases.  Next: ", next_)

    problems = tuple(problem for each in found for problem in each.problems)
    return Answer(
        {"apps": [each.as_json() for each in found]},
        text,
        errors=problems,
        exit=exit_status(each.exit for each in found if each.exit != ExitStatus.OK),
    )
