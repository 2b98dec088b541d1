"""`wsh site upgrade`: sites of an application go to another release, by a transaction that can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wsh_core.agent import versions
from wsh_core.cli import adding, questions, watch
from wsh_core.cli import scope as scopes
from wsh_core.cli.questions import Want
from wsh_core.cli.render import upgrades as rendered
from wsh_core.cli.session import Answer, Interrupted, Session
from wsh_core.errors import ConfigError, ExitStatus, Problem, UsageError
from wsh_core.plan.outcomes import Outcome, outcome
from wsh_core.plan.report import exit_status

if TYPE_CHECKING:
    from wsh_core.cli.scope import Scope
    from wsh_core.models.edit import Change
    from wsh_core.models.site import Site
    from wsh_core.plan.report import Report


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    names: Sequence[str]
    everything: bool
    app: str | None
    release: str | None
    dry_run: bool
    yes: bool
    wait: float

    @property
    def words(self) -> str:
        """What was typed, for remedies: `wsh site upgrade --all`."""
        which = " ".join(self.names) or (f"--app {self.app}" if self.app else "--all")
        return f"wsh site upgrade {which}" + (f" --release {self.release}" if self.release else "")


def upgrade(session: Session, asked: Asked) -> Answer:
    """Find the sites, pin them if a release was named, show or ask where that is due, and apply.

    Raises:
        UsageError: no site is named, or one that is not there, or nobody can be asked.
        ConfigError: a named site is pinned, or the release cannot be had; nothing was written.
    """
    sites = _chosen(session, asked)
    if not (asked.names or asked.yes or asked.dry_run or session.asks):
        raise UsageError(
            "usage.confirmation", "several sites would be upgraded, and there is nobody to ask",
            f"{asked.words} --dry-run shows which; --yes does it without a question",
        )  # fmt: skip
    if asked.release is None:
        sites = list(_not_pinned(session, asked, sites))
        edits: Mapping[str, Change] = {}
    else:
        edits = pinned(session, sites, asked.release)
    if not sites:
        return Answer({"sites": []}, lambda out: out.line("No site is to be upgraded."))
    scope = told(session, sites, "upgrade", edits)
    planned: list[Report] | None = None
    if asked.dry_run or edits or not (asked.names or asked.yes):
        planned = scope.plan()
        found = [outcome(site, scope.desired, planned) for site in sites]
        if asked.dry_run or any(each.problem for each in found if edits):
            return _plan(scope, planned, found, asked)
        if not (asked.names or asked.yes) and not _confirmed(session, found):
            return Answer(text=lambda out: out.line("Nothing was done."), exit=ExitStatus.FAILED)
    write(session, edits)
    reports = carry_out(scope, sites, planned, asked.wait)
    return answer(scope, reports, [outcome(site, scope.desired, reports) for site in sites])


def _chosen(session: Session, asked: Asked) -> list[Site]:
    """The sites that the command line names."""
    ways = [bool(asked.names), asked.everything, asked.app is not None]
    if sum(ways) > 1:
        raise UsageError("usage.arguments", "sites, --all and --app exclude each other", "wsh site upgrade --help")
    if asked.everything and asked.release:
        raise UsageError("usage.arguments", "--release is of one application", "--app NAME --release VERSION")
    if not any(ways):
        raise questions.missing([Want("SITE", "alice/blog, or a domain; or --all, or --app NAME", "Site")])
    if asked.names:
        return list({site.id: site for site in (one(session, name) for name in asked.names)}.values())
    if asked.app is not None:
        session.apps.get(asked.app)
    everyone = [site for _, account in session.description.accounts() for site in account.sites.values()]
    return [site for site in everyone if asked.app in (None, site.app) and session.apps.get(site.app).app.installed]


def one(session: Session, name: str) -> Site:
    """The site of that name or domain, which must have an application that wsh installs.

    Raises:
        UsageError: there is no such site, or nothing was installed in it.
    """
    site = session.description.site(name)
    if site is None:
        raise adding.not_there(session, "site", name)
    if not session.apps.get(site.app).app.installed:
        message = f"{site.id} is of {site.app}: its files are the account's own, so there is nothing to upgrade"
        raise UsageError("usage.value", message, "wsh site list", object=f"site:{site.id}")
    return site


def _not_pinned(session: Session, asked: Asked, sites: Sequence[Site]) -> Iterator[Site]:
    """The sites that may go to the newest release. One that is pinned to an older one is told where it is."""
    problems = []
    for site in sites:
        newest = newer_than_pinned(session, site)
        if newest is None:
            yield site
            continue
        problems.append(
            Problem(
                "app.pinned",
                f"{site.id} is pinned to {site.app} {site.release}, {newest} is known",
                f"wsh site upgrade {site.id} --release {newest}; or take `release` out, so that it follows the newest",
                site.origin.places("release"),
                f"site:{site.id}",
            )
        )
    if asked.names and problems:
        raise ConfigError.of(problems)
    session.warnings += problems


def newer_than_pinned(session: Session, site: Site) -> str | None:
    """The newest release that a site could have, if the description pins it to an older one."""
    from wsh_core import releases
    from wsh_core.features.release import available

    found = session.description.account(site.account)
    if site.release is None or found is None:
        return None
    known = available(session.apps.get(site.app).app, releases.load(found[0].debian))
    newest = next(iter(known), None)
    return newest if newest and versions.key(newest) > versions.key(site.release) else None


def pinned(session: Session, sites: Sequence[Site], release: str) -> dict[str, Change]:
    """The changes, by file, that write the release of sites into the description; nothing where it says so already.

    Raises:
        ConfigError: a site names its own source.
    """
    from wsh_core.models.edit import set_value

    changes: dict[str, Change] = {}
    for site in sites:
        if "source" in site.options:
            message = f"{site.id} names its own source of {site.app}, which says its release"
            places = site.origin.places("options", "source")
            raise ConfigError("app.pinned", message, "change it there, then: wsh apply", places, f"site:{site.id}")
        if site.release != release:
            path = ("sites", str(site.key), "release")
            changes[site.file] = set_value(session.root, site.file, path, release, changes.get(site.file))
    return changes


def told(session: Session, sites: Sequence[Site], what: str, edits: Mapping[str, Change]) -> Scope:
    """The scope of the sites' accounts in which they are told `what`, with the description as `edits` make it.

    Raises:
        ConfigError: an account of these cannot be known whole; nothing was written.
    """
    description = session.load({file: change.after for file, change in edits.items()})
    accounts = list(dict.fromkeys(str(site.account) for site in sites))
    scope = scopes.scope(session, accounts, told={f"site:{s.id}": what for s in sites}, description=description)
    problems = [p for (_, name), found in scope.description.held.items() if name in accounts for p in found]
    if edits and problems:
        error = ConfigError.of(problems)
        error.files = description.files
        raise error
    return scope


def write(session: Session, edits: Mapping[str, Change]) -> None:
    """Write what was checked."""
    for change in edits.values():
        adding.write(session, change)
        if not (session.json or session.quiet):
            session.err.line(f"{change} written and checked")


def _confirmed(session: Session, found: Sequence[Outcome]) -> bool:
    rendered.outcomes(session.out, found)
    due = [each for each in found if each.state == "pending"]
    return bool(due) and questions.yes(session, f"Upgrade {len(due)} of {len(found)}?", default=False)


def _plan(scope: Scope, planned: Sequence[Report], found: Sequence[Outcome], asked: Asked) -> Answer:
    """What an upgrade would do, or why it will not be tried."""
    status = exit_status(status for report in planned for status in report.statuses())

    def text(out: Any) -> None:
        rendered.outcomes(out, found)
        rendered.next_step(out, found, planned, scope.view, asked.words)

    return Answer(
        {"sites": [each.as_json() for each in found]},
        text,
        errors=(*(problem for report in planned for problem in report.problems), *scope.held(planned)),
        exit=status,
    )


def carry_out(scope: Scope, sites: Sequence[Site], planned: Sequence[Report] | None, wait: float) -> list[Report]:
    """Apply and tell each phase as it begins.

    Raises:
        Interrupted: the user stopped watching; what was begun goes on.
    """
    from wsh_core.cli.apply import goes_on

    watching = watch.Watch(scope.session, None)
    if not scope.session.json:
        known = [outcome(site, scope.desired, planned or []) for site in sites]
        watching.progress = rendered.Upgrades(
            scope.session.err,
            {f"site:{each.site}": each for each in known},
            quiet=scope.session.quiet,
            verbose=scope.session.verbose > 0,
            labels=scope.view.labels,
        )
    try:
        return scope.apply(None, wait, watching)
    except KeyboardInterrupt as stop:
        raise Interrupted.by(stop, "not watching", goes_on(scope, watching)) from None


def answer(scope: Scope, reports: Sequence[Report], found: Sequence[Outcome]) -> Answer:
    """The answer of an upgrade or a rollback that was carried out."""
    return Answer(
        {"sites": [each.as_json() for each in found], "operations": [r.operation for r in reports if r.operation]},
        lambda out: rendered.results(out, found, reports),
        errors=(*(problem for report in reports for problem in report.problems), *scope.held(reports)),
        exit=exit_status(status for report in reports for status in report.statuses()),
        report=True,
    )
