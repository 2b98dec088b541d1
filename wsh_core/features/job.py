"""The jobs of a site's application: a timer and a service in the jail for each, and what its PHP is told."""

from __future__ import annotations

from collections.abc import Iterator

from wsh_core import releases
from wsh_core import resources as r
from wsh_core.agent import paths
from wsh_core.agent.protocol import shim_frame
from wsh_core.vocabulary.config import Job

from . import account
from .scope import SiteScope
from .text import UID, render, text

CALENDAR = {
    "1min": ("*:*", 60),
    "5min": ("*:0/5", 300),
    "10min": ("*:0/10", 600),
    "15min": ("*:0/15", 900),
    "30min": ("*:0/30", 1800),
    "1h": ("hourly", 3600),
    "6h": ("0/6:00", 6 * 3600),
    "1d": ("daily", 24 * 3600),
}
"""systemd.time(7), and how many seconds of the period the sites' jobs are spread over."""


def resources(scope: SiteScope, php: releases.Php) -> Iterator[r.Resource]:
    """The jobs that the site's plugin asked for."""
    for job in scope.jobs:
        yield from _job(scope, php, job)


def _job(scope: SiteScope, php: releases.Php, job: Job) -> Iterator[r.Resource]:
    name, key = scope.context.account, scope.context.key
    stem = f"wsh-job-{UID}-{key}-{job.name}"
    frame = f"{paths.JOBS}/{scope.slug}-{job.name}"
    calendar, spread = CALENDAR[job.every]
    yield r.File(**scope.whose, path=frame, owner="root", group="root", mode="0600", content=_frame(scope, job))
    values = {
        "job": job, "key": key, "uid": UID, "paths": paths, "php": php, "frame": frame, "name": name,
        "binds": account.binds(name), "fence": f"{paths.FENCES}/{scope.slug}", "calendar": calendar, "spread": spread,
    }  # fmt: skip
    yield r.Unit(
        **scope.whose,
        name=text(f"{stem}.service"),
        content=render("job.service", **values),
        wanted_by=None,
        state="installed",
    )
    yield r.Unit(
        **scope.whose,
        name=text(f"{stem}.timer"),
        content=render("job.timer", **values),
        wanted_by=paths.TARGET,
        state="active",
    )


def _frame(scope: SiteScope, job: Job) -> str:
    """What the shim reads on its standard input."""
    run = job.run
    return shim_frame(
        entry=f"{scope.context.tree}/{run.entry}",
        argv=[str(argument) for argument in run.argv],
        cwd=scope.context.tree,
        env={},
        ini=run.ini,
        memory=run.memory,
    )
