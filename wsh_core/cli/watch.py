"""What several servers do at once, told as it happens; and the way to each of them."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wsh_core.cli import envelope, privilege
from wsh_core.cli.render.progress import REPAINT, Progress
from wsh_core.cli.session import Session
from wsh_core.errors import TransportError, WshError
from wsh_core.plan.report import Event, Report, Verb
from wsh_core.transport.fleet import Work, each

if TYPE_CHECKING:
    from wsh_core.models.server import Server
    from wsh_core.transport.base import Transport


@dataclass
class Watch:
    """Tells what happens, in text or as JSON lines."""

    session: Session
    progress: Progress | None
    """None: JSON."""
    operations: dict[str, str] = field(default_factory=dict)
    """The operation that runs on each server."""

    def event(self, server: str, event: Event) -> None:
        """Tell of one event."""
        if event.get("operation"):
            self.operations[server] = event["operation"]
        if event.get("type") == "done":
            self.operations.pop(server, None)
        if self.progress is None:
            envelope.event(server, event)
        else:
            self.progress.event(server, event)

    def failed(self, error: WshError) -> None:
        """Tell of a server that could not be entered."""
        if self.progress is not None:
            self.progress.problem(error.problems[0])

    def tick(self) -> None:
        """Let time be seen."""
        if self.progress is not None:
            self.progress.tick()

    def clear(self) -> None:
        """Make way for other text."""
        if self.progress is not None:
            self.progress.clear()


def run(work: Mapping[str, Work], verb: Verb, watch: Watch) -> list[Report]:
    """Do the work of every server at once and tell of it as it happens; the reports, by name."""
    reports = {name: Report(name, verb) for name in sorted(work)}
    try:
        for name, what in each(work, tick=REPAINT):
            if isinstance(what, WshError):
                reports[name].failed(what)
                watch.failed(what)
            elif what is not None:
                reports[name].add(what)
                watch.event(name, what)
            watch.tick()
    finally:
        watch.clear()
    return list(reports.values())


def transport(session: Session, server: Server) -> Transport:
    """The way to a server's agent: root's half, this machine, or Ansible. Raises as `may_enter`."""
    from wsh_core.transport.ansible import Ansible
    from wsh_core.transport.base import Transport
    from wsh_core.transport.local import Local
    from wsh_core.transport.login import Login

    may_enter(session, server)
    if not server.address.local:
        return Transport(server.name, Ansible(Login.of(server), session.log))
    return Transport(server.name, privilege.child() or Local())


def may_enter(session: Session, server: Server) -> None:
    """Raise TransportError if the server is this machine and nobody here may be its root."""
    if server.address.local and privilege.child() is None and os.geteuid() != 0:
        raise TransportError(
            "server.need-root",
            f"{server.name} is localhost, its agent must run as root; you are {asker()['user']}",
            f"sudo wsh {session.command}   (YAML and plugins are still read as the user wsh, not as root)",
            object=f"server:{server.name}",
        )


def asker(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Who asks, as those are told who find a server locked; behind sudo, the one who typed it."""
    user = environ.get("SUDO_USER") or ("root" if privilege.child() else getpass.getuser())
    return {"user": user, "host": socket.gethostname()}
