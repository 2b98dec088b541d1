"""Several servers side by side: each in a thread of its own, their events in one stream, their reports at the end."""

from __future__ import annotations

import getpass
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wsh_core.cli import envelope, privilege
from wsh_core.cli.render.progress import REPAINT, Progress
from wsh_core.cli.session import Session
from wsh_core.errors import TransportError, WshError
from wsh_core.plan.report import Event, Report, Verb

if TYPE_CHECKING:
    from wsh_core.models.server import Server
    from wsh_core.transport.base import Transport

Work = Callable[[], Iterator[Event]]


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
        if event.get("type") == "started" and event.get("operation"):
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
    """Do the work of every server at once, tell of its events as they come, and return the reports by name."""
    events: queue.Queue[tuple[str, Event | BaseException | None]] = queue.Queue()
    reports = {name: Report(name, verb) for name in sorted(work)}
    for name, start in work.items():
        threading.Thread(target=_feed, args=(name, start, events), daemon=True).start()
    running = len(work)
    try:
        while running:
            with suppress(queue.Empty):
                name, item = events.get(timeout=REPAINT)
                if item is None:
                    running -= 1
                elif isinstance(item, WshError):
                    reports[name].failed(item)
                    watch.failed(item)
                elif isinstance(item, BaseException):
                    raise item
                else:
                    reports[name].add(item)
                    watch.event(name, item)
            watch.tick()
    finally:
        watch.clear()
    return list(reports.values())


def _feed(name: str, start: Work, events: queue.Queue[tuple[str, Event | BaseException | None]]) -> None:
    try:
        for event in start():
            events.put((name, event))
    except BaseException as error:  # noqa: BLE001 - it is raised again where it is read
        events.put((name, error))
    events.put((name, None))


def transport(session: Session, server: Server) -> Transport:
    """The way to a server's agent: root's half, this machine, or Ansible. Raises as `may_enter`."""
    from wsh_core.transport.ansible import Ansible
    from wsh_core.transport.base import Transport
    from wsh_core.transport.local import Local
    from wsh_core.transport.login import Login

    may_enter(session, server)
    if not server.address.local:
        return Transport(server.name, Ansible(Login.of(server)))
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
    return {"user": environ.get("SUDO_USER") or getpass.getuser(), "host": socket.gethostname()}
