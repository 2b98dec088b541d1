"""`wsh check`: everything that is wrong with the description, at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from wsh_core.cli.help import Command
from wsh_core.cli.session import Answer, Session
from wsh_core.cli.terminal import Console, Span
from wsh_core.cli.units import counted, duration
from wsh_core.errors import ExitStatus

if TYPE_CHECKING:
    from wsh_core.cli.findings import Findings


@click.command(
    cls=Command, section="Describe", exits=(0, 2, 3),
    examples=[("wsh check", ""), ("wsh -C hosting check --json", "for an editor, or a hook of git")],
)  # fmt: skip
@click.pass_obj
def check(session: Session) -> Answer:
    """Check the whole description; nothing is begun, no server is asked."""
    from wsh_core.cli import findings
    from wsh_core.cli.render import problems as rendered

    began = time.monotonic()
    found = findings.of(session)
    took = time.monotonic() - began
    data = {
        "files": found.files, "servers": found.servers, "accounts": found.accounts, "sites": found.sites,
        "held": found.held,
    }  # fmt: skip

    def text(out: Console) -> None:
        if found.problems:
            rendered.problems(out, found.problems, session.source)
            out.prose(_verdict(found))
            return
        out.line(
            Span("ok", "green"),
            f": {counted(found.files, 'file')}, {counted(found.servers, 'server')},"
            f" {counted(found.accounts, 'account')}, {counted(found.sites, 'site')} ({duration(took)})",
        )

    return Answer(data, text, errors=found.problems, exit=ExitStatus.CONFIG if found.problems else ExitStatus.OK)


def _verdict(found: Findings) -> str:
    files = {problem.where[-1].file for problem in found.problems if problem.where}
    head = f"{counted(len(found.problems), 'error')} in {len(files)} of {counted(found.files, 'file')}."
    if found.general:
        are = "is" if len(found.general) == 1 else "are"
        return f"{head} {' and '.join(found.general)} {are} every account's: apply would do nothing."
    return f"{head} {counted(len(found.held), 'account')} would be held: {', '.join(found.held[:10])}"
