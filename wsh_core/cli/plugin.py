"""`wsh plugin`: what applications there are."""

from __future__ import annotations

from typing import Any

import click

from wsh_core.cli.help import Group, argument, option
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span
from wsh_core.cli.units import counted
from wsh_core.errors import ExitStatus, UsageError

plugin = Group(
    "plugin",
    section="More",
    help="Plugins: each brings an application. Only those that wsh.yaml lists are loaded.",
    examples=[
        ("wsh plugin list", "what is installed"),
        ("wsh plugin enable wordpress", "put it into wsh.yaml"),
        ("wsh plugin new ghost", "a package for an application of your own"),
    ],
)

_ORDER = ("failed", "missing", "not enabled", "enabled")


@plugin.command("list", section="See", exits=(0, 1, 2, 3), examples=[("wsh plugin list", "")])
@click.pass_obj
def list_(session: Session) -> Answer:
    """List the plugins: troubled ones first; one that is not enabled is named, never imported."""
    from wsh_core.cli.render import problems as rendered
    from wsh_core.cli.render.table import Column, table
    from wsh_core.plugins import installed

    failures = session.apps.failures
    listed = set(session.description.organisation.plugins)
    used = [str(site.app) for _, account in session.description.accounts() for site in account.sites.values()]

    def state(name: str) -> str:
        return "failed" if name in failures else "enabled" if name in listed else "not enabled"

    rows: list[dict[str, Any]] = [
        {
            "plugin": each.name, "version": each.version, "from": each.distribution,
            "sites": used.count(each.name), "state": state(each.name),
        }
        for each in installed()
    ]  # fmt: skip
    gone = sorted(listed - {row["plugin"] for row in rows})
    rows += [
        {"plugin": name, "version": "", "from": "", "sites": used.count(name), "state": "missing"} for name in gone
    ]
    rows.sort(key=lambda row: (_ORDER.index(str(row["state"])), str(row["plugin"])))
    errors = tuple(problem for error in failures.values() for problem in error.problems)

    def text(out: Console) -> None:
        columns = [Column("plugin"), Column("version"), Column("from", 1), Column("state")]
        table(out, columns, [(r["plugin"], r["version"], r["from"], _state(r)) for r in rows])
        rendered.problems(out, errors)

    return Answer({"plugins": rows}, text, errors=errors, exit=ExitStatus.FAILED if errors else ExitStatus.OK)


def _state(row: dict[str, Any]) -> str | Span:
    match row["state"]:
        case "failed":
            return Span("FAILED to load", "red")
        case "missing":
            return Span("not installed", "red")
        case "not enabled":
            return f"not enabled: wsh plugin enable {row['plugin']}"
    return counted(row["sites"], "site")


@plugin.command("enable", section="Make", exits=(0, 2, 3), examples=[("wsh plugin enable wordpress", "")])
@argument("name", metavar="PLUGIN", help="its name, as wsh plugin list shows it")
@click.pass_obj
def enable(session: Session, name: str | None) -> Answer:
    """Put a plugin into wsh.yaml, so that it may be loaded."""
    from wsh_core.cli import questions
    from wsh_core.cli.questions import Want
    from wsh_core.models.check import suggest
    from wsh_core.models.edit import set_value
    from wsh_core.plugins import installed

    if name is None:
        raise questions.missing([Want("PLUGIN", "wsh plugin list", "Plugin")])
    known = [each.name for each in installed()]
    if name not in known:
        hint = suggest(name, known) or f"pip install wsh-{name}"
        raise UsageError("usage.unknown-name", f"no plugin {name} is installed", hint)
    listed = list(session.description.organisation.plugins)
    if name in listed:
        return Answer({"plugins": listed}, lambda out: out.line(f"{name} is enabled already"))
    change = set_value(session.root, "wsh.yaml", ("plugins",), sorted([*listed, name]))
    session.load(change.overlay)
    change.write()
    return Answer({"plugins": sorted([*listed, name])}, lambda out: out.line(f"{change} written and checked"))


@plugin.command(
    "new", section="Make", ordinary=False, exits=(0, 2, 3),
    examples=[("wsh plugin new ghost", "in ./wsh-ghost"), ('wsh plugin new ghost blog --title "Ghost"', "in ./blog")],
)  # fmt: skip
@argument("name", metavar="PLUGIN", help="the application's name: ghost")
@argument("directory", default=None, metavar="DIR", help="where; it is made if need be (./wsh-PLUGIN)")
@option("--title", metavar="TEXT", group="What", help="what people call the application (its name)")
def new(name: str | None, directory: str | None, title: str | None) -> Answer:
    """Write a package for a plugin: module, releases, tests, kit, CI; its tests pass as written."""
    from pathlib import Path

    from wsh_core.cli import new_plugin, questions
    from wsh_core.cli.questions import Want

    if name is None:
        raise questions.missing([Want("PLUGIN", "the application's name: ghost", "Plugin")])
    place = Path(directory or f"wsh-{name}")
    names = new_plugin.write(name, place, title)

    def text(out: Console) -> None:
        out.line(f"{place}: {counted(len(names), 'file')} written")
        out.line("Next: ", Span(f"cd {place} && pip install -e '.[test]' && pytest", "bold"), "; then README.md")

    return Answer({"directory": str(place), "files": names}, text)
