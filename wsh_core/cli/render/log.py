"""The events of an operation as lines, in the order they came."""

from __future__ import annotations

from wsh_core.cli.render import differences, problems
from wsh_core.cli.render.plan import ACTIONS, COLOURS
from wsh_core.cli.terminal import Console, Span, pad
from wsh_core.cli.units import counted
from wsh_core.plan.report import Event, fold, problem_of


class Log:
    """Writes one event after the other."""

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self.console = console
        self.verbose = verbose

    def event(self, event: Event) -> None:
        """Write one event; what wrote nothing is left out unless all is wanted."""
        stamp = Span(str(event.get("time", ""))[11:19], "dim")
        match event.get("type"):
            case "started":
                resources = counted(int(event.get("resources", 0)), "resource")
                accounts = counted(int(event.get("accounts", 0)), "account")
                self.console.line(stamp, f"  operation {event.get('operation')}: {resources} of {accounts}")
            case "resource":
                (change,) = fold("", [event]).changes
                sign = ACTIONS.get(change.action, "~") if change.outcome == "changed" else "!"
                text = f" {pad(change.outcome, 8)} {change.object}: {differences.resource(change)}"
                self.console.line(stamp, "  ", Span(sign, COLOURS[sign]), text)
                if self.verbose and change.differences:
                    self.console.line("            ", Span(differences.fields(change), "dim"))
            case "phase":
                name = str(event.get("object", "")).partition(":")[2]
                self.console.line(stamp, f"    {name}: {event.get('phase')} {event.get('text') or ''}".rstrip())
            case "log":
                for line in str(event.get("text", "")).splitlines():
                    self.console.line(stamp, "  | ", line)
        if event.get("error") and event.get("type") != "done":
            problems.problem(self.console, problem_of(event["error"], event.get("object")))
        self.console.flush()
