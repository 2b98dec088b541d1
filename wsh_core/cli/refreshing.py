"""`wsh app refresh`: one application after the other; what goes wrong with one does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wsh_core.agent import versions
from wsh_core.cli.adding import write
from wsh_core.cli.render import problems as rendered
from wsh_core.errors import ExitStatus, Problem, WshError
from wsh_core.upstream import overlay
from wsh_core.upstream.refresh import Verified, newer
from wsh_core.upstream.web import Web

if TYPE_CHECKING:
    from wsh_core.cli.session import Session
    from wsh_core.models.edit import Change
    from wsh_core.plugins import LoadedApp


@dataclass
class Refreshed:
    """What became of one application: its new releases, and the change that was written, if there are any."""

    app: str
    newest: str
    new: list[Verified] = field(default_factory=list)
    change: Change | None = None
    problems: tuple[Problem, ...] = ()
    exit: ExitStatus = ExitStatus.OK

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints of it."""
        return {
            "app": self.app,
            "newest": self.newest,
            "new": [{"release": each.release.version, "verified": each.how} for each in self.new],
            "file": self.change.file if self.change else None,
        }


def refreshed(session: Session, names: Sequence[str] | None) -> Iterator[Refreshed]:
    """Refresh the applications of these names, or all that say where their releases are announced.

    Raises:
        PluginError: there is no application of such a name.
    """
    loaded = [session.apps.get(name) for name in names or session.apps.names if names or _of_use(session, name)]
    for each in loaded:
        found = _one(session, each)
        if not session.json:
            rendered.problems(session.err, found.problems)
        yield found


def _of_use(session: Session, name: str) -> bool:
    return name not in session.apps.failures and session.apps.get(name).app.upstream is not None


def _one(session: Session, loaded: LoadedApp) -> Refreshed:
    known = [each.version for each in loaded.app.releases]
    found = Refreshed(loaded.app.name, max(known, key=versions.key, default=""))
    try:
        found.new = list(newer(loaded, Web(), lambda text: _tell(session, text)))
        if found.new:
            change = overlay.added(session.root, found.app, [(each.release, each.remark) for each in found.new])
            write(session, change)
            found.change = change
    except WshError as error:
        found.new, found.problems, found.exit = [], error.problems, error.exit
    return found


def _tell(session: Session, text: str) -> None:
    if not (session.json or session.quiet):
        session.err.line(text)
        session.err.flush()
