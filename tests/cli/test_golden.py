"""What people read, word for word: the real renderer over events that a real server wrote (`recorded/`).

With `WSH_GOLDEN=write` the files in `golden/` are written anew; read the difference before it is committed.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from wsh_core.cli.render import log, plan, problems, report, status, table, upgrades
from wsh_core.cli.render.progress import Progress
from wsh_core.cli.terminal import Console
from wsh_core.errors import Problem, Where
from wsh_core.plan.labels import Label
from wsh_core.plan.outcomes import Outcome, State
from wsh_core.plan.report import Event, fold

HERE = Path(__file__).parent
WIDTHS = {"100": 100, "60": 60, "pipe": None}

VIEW = plan.View(
    titles={"web1": "web1.example.org"},
    labels={
        "account:carol": Label(package="small"),
        "account:gwen": Label(package="small"),
        "site:alice/blog": Label("blog.alice.test", "wordpress 6.8.12"),
        "site:alice/shop": Label("shop.alice.test", "wordpress 9.9"),
        "site:carol/blog": Label("blog.carol.test", "php"),
        "site:carol/files": Label("files.carol.test", "static"),
        "site:gwen/files": Label("files.gwen.test", "static"),
        "site:gwen/www": Label("gwen.test", "php"),
    },
    held={"web1": {"erin": "accounts/erin.yaml:4: domains is missing (and 1 more: wsh check)"}},
)
FULL = plan.View(VIEW.titles, VIEW.labels, VIEW.held, " --account dave", full=True)


def events(name: str) -> list[Event]:
    return [json.loads(line) for line in (HERE / "recorded" / f"{name}.jsonl").read_text().splitlines()]


def a_plan(console: Console) -> None:
    plan.plans(console, [fold("web1", events("plan"))], VIEW)


def a_full_plan(console: Console) -> None:
    plan.plans(console, [fold("web1", events("plan"))], FULL)


def nothing_to_do(console: Console) -> None:
    (started, *_, done) = events("install")
    settled = {**done, "counts": {"read": 20}, "accounts": {"alice": "ok"}}
    plan.plans(console, [fold("web1", [started, settled])], VIEW)


def an_operation(name: str) -> Callable[[Console], None]:
    def told(console: Console) -> None:
        now = [0.0]
        progress = Progress(console, labels=VIEW.labels, clock=lambda: now[0])
        progress.live = None
        for event in events(name):
            now[0] = datetime.fromisoformat(event["time"]).timestamp()
            progress.event("web1", event)
        report.reports(console, [fold("web1", events(name), "apply")], VIEW)

    return told


def an_upgrade(name: str, state: State, before: str, after: str, *, alone: bool = True) -> Callable[[Console], None]:
    site = Outcome("anna/notes", "web1", "toyapp", "https://anna.example.org/", "not read", before, after)
    sites = {f"site:{each.site}": each for each in (site, replace(site, site="berta/notes"))[: 1 if alone else 2]}

    def told(console: Console) -> None:
        now = [0.0]
        progress = upgrades.Upgrades(console, sites, clock=lambda: now[0])
        progress.live = None
        for event in events(name):
            now[0] = datetime.fromisoformat(event["time"]).timestamp()
            progress.event("web1", event)
        upgrades.results(console, [replace(site, state=state)], [fold("web1", events(name), "apply")])

    return told


def a_dry_run(console: Console) -> None:
    site = Outcome("anna/notes", "web1", "toyapp", "https://anna.example.org/", "pending", "1.0", "2.0")
    problem = Problem("app.no-way", "no release of toyapp leads from 1.0 to 2.0; 1.0 was not touched")
    found = [
        site,
        replace(site, site="berta/notes", state="failed", problem=problem),
        replace(site, site="clara/notes", state="as wanted", before="2.0", after="2.0"),
    ]
    upgrades.outcomes(console, found)
    upgrades.next_step(console, found, [fold("web1", events("plan"))], VIEW, "wsh site upgrade --all")


def outdated(console: Console) -> None:
    plan.plans(console, [fold("web1", events("outdated"))], VIEW)


def a_log(console: Console) -> None:
    shown = log.Log(console)
    for event in events("install"):
        shown.event(event)


def errors(console: Console) -> None:
    """The errors of the mock-up, with their excerpts."""
    lines = {
        "wsh.yaml": "  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: three}",
        "servers/web1/accounts/alice.yaml": "    options: {title: Alice's blog, admin_emial: a@example.org}",
        "servers/web1/accounts/bob.yaml": "    domains: [shop.example.org, blog.example.org]",
    }
    found = [
        Problem(
            "config.type", "sites is a whole number, not the text `three`", "such as sites: 3",
            (Where("wsh.yaml", 8, 80, "packages.small.sites", 5),),
        ),
        Problem(
            "config.unknown-key", "`admin_emial` is not an option of wordpress", "did you mean admin_email?",
            (Where("servers/web1/accounts/alice.yaml", 9, 36, "sites.blog.options.admin_emial", 11),),
        ),
        Problem(
            "config.domain-taken", "blog.example.org belongs to two sites, alice/blog and bob/shop",
            "take it out of one of them",
            (Where("servers/web1/accounts/alice.yaml", 7, 15, "sites.blog.domains.0", 16),
             Where("servers/web1/accounts/bob.yaml", 7, 33, "sites.shop.domains.1", 16)),
        ),
        Problem(
            "app.step", "carol/files: step 4 of 6, install, exited 1",
            "0.1G of 40G is free in /var/lib/mysql; make room, then: wsh apply --account carol",
            detail="\x1b]0;owned\x07SQLSTATE[HY000]: General error: 1021 Disk full\u202e\nwaiting",
        ),
    ]  # fmt: skip
    problems.problems(console, found, lambda place: lines[place.file])
    problems.problem(console, Problem("server.on-hold", "web2 is on hold"), "warning")


def many_errors(console: Console) -> None:
    found = [Problem("config.value", f"number {number}") for number in range(30)]
    problems.problems(console, [*found, Problem("config.type", "one more")])


def what_is_missing(console: Console) -> None:
    rest = "the rest has values: --key, --release and --set follow from those"
    wants = {
        "--account NAME": "whose site it is: wsh account list",
        "--domain NAME": "such as blog.example.org; repeat it for more, the first is canonical",
    }
    problems.problems(console, [
        Problem("usage.missing-option", f"{option} is missing: {says}", rest, object=option)
        for option, says in wants.items()
    ])  # fmt: skip


def a_status(console: Console) -> None:
    blog = {
        "site": "alice/blog",
        "url": "https://blog.example.org/",
        "runs": "wordpress 6.8.12",
        "state": "ok",
        "why": "",
    }
    shop = blog | {
        "site": "alice/shop",
        "url": "https://shop.example.org/",
        "state": "pending",
        "why": "accounts/alice.yaml:9",
    }
    accounts = [
        {"account": "alice", "package": "small", "state": "ok", "why": "", "sites": [blog, shop]},
        {
            "account": "dave",
            "package": "small",
            "state": "drift",
            "why": "drift: changed on the server, not by wsh",
            "sites": [],
        },
        {"account": "erin", "package": "", "state": "held", "why": VIEW.held["web1"]["erin"], "sites": []},
    ]
    server = {
        "server": "web1",
        "address": "web1.example.org",
        "read": True,
        "why": "",
        "seconds": 0.4,
        "accounts": accounts,
    }
    status.servers(
        console,
        [server, {**server, "server": "web2", "read": False, "why": "it did not answer", "accounts": []}],
    )


def a_table(console: Console) -> None:
    columns = [
        table.Column("site"),
        table.Column("address"),
        table.Column("app", 1),
        table.Column("why", 0, cuts=True),
    ]
    table.table(console, columns, [
        ("alice/blog", "https://a-rather-long-name.example.org/", "wordpress", "because of this and that"),
        ("bob/shop", "https://shop.example.org/", "php", "\x1b[31mred"),
    ])  # fmt: skip


CASES: dict[str, Callable[[Console], None]] = {
    "plan": a_plan,
    "plan-full": a_full_plan,
    "nothing-to-do": nothing_to_do,
    "apply": an_operation("apply"),
    "install": an_operation("install"),
    "upgrade": an_upgrade("upgrade", "changed", "1.0", "2.0"),
    "upgrades": an_upgrade("upgrade", "changed", "1.0", "2.0", alone=False),
    "put-back": an_upgrade("put-back", "failed", "2.0", "2.1"),
    "upgrade-dry-run": a_dry_run,
    "outdated": outdated,
    "log": a_log,
    "errors": errors,
    "many-errors": many_errors,
    "missing": what_is_missing,
    "status": a_status,
    "table": a_table,
}


def written(case: str, width: str, *, colour: bool = False) -> str:
    stream = io.StringIO()
    CASES[case](Console(stream, colour, WIDTHS[width]))
    return stream.getvalue()


def cases() -> Iterator[tuple[str, str]]:
    return ((case, width) for case in CASES for width in WIDTHS)


@pytest.mark.parametrize(("case", "width"), list(cases()))
def test_golden(case: str, width: str) -> None:
    kept = HERE / "golden" / f"{case}-{width}.txt"
    text = written(case, width)
    if os.environ.get("WSH_GOLDEN") == "write":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(text)
    assert text == kept.read_text()


@pytest.mark.parametrize("case", CASES)
def test_colour_adds_nothing_but_colour(case: str) -> None:
    coloured = written(case, "100", colour=True)
    assert "\x1b[" in coloured
    for code in (0, 1, 2, 31, 32, 33):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == written(case, "100")


@pytest.mark.parametrize(("case", "width"), list(cases()))
def test_no_control_character_is_written(case: str, width: str) -> None:
    assert all(char == "\n" or char.isprintable() for char in written(case, width))


@pytest.mark.parametrize("case", [name for name in CASES if name not in {"log", "errors"}])
def test_prose_and_tables_fit_the_terminal(case: str) -> None:
    lines = written(case, "100").splitlines()
    assert [line for line in lines if len(line) > 100 and " " in line[:100].strip()] == []
