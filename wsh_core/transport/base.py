"""What all ways to a server have in common: the conversation with its agent, and its going on after a cut."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from wsh_core.agent.protocol import VERSION, canonical
from wsh_core.errors import AgentFailure, TransportError

Event = dict[str, Any]

RECONNECT_SECONDS = 120
"""How long a server that does not answer any more is asked again while an operation runs there."""


class Channel(Protocol):
    """Runs verbs of one server's agent (`wsh_core.agent.main`)."""

    wait: float
    """Seconds that one call should take at most; what runs longer is followed by further calls."""

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        """Run the agent with these arguments and this standard input; yield what it writes, in any pieces.

        Raises:
            UnreachableError: the server could not be entered.
            TransportError, AgentFailure: the agent could not be run.
        """


class Transport:
    """One server's agent: the same requests and the same events whatever the way."""

    def __init__(self, server: str, channel: Channel) -> None:
        self.server = server
        self.channel = channel

    def plan(self, request: Mapping[str, Any]) -> Iterator[Event]:
        """Ask what an apply would do. Yields `resource` events and, last, `done`.

        Raises:
            TransportError: the server cannot be asked.
            AgentFailure: the agent broke off.
        """
        for event, _ in self._events(["plan"], canonical(request).encode()):
            yield event
            if event["type"] == "done":
                return
        raise self._broken_off("planning")

    def apply(self, request: Mapping[str, Any], lock_wait: float = 0) -> Iterator[Event]:
        """Start an operation on the server and yield its events; the last is `done`.

        The operation outlives this connection; one that is lost is made again. `lock_wait` is how many
        seconds it may queue behind another one.

        Raises:
            TransportError: the server cannot be entered, or was lost for too long; the operation goes on.
            AgentFailure: the agent broke off.
        """
        words = ["start", "--wait", _number(self.channel.wait), "--lock-wait", _number(lock_wait)]
        yield from self._until_done(words, canonical(request).encode(), None, 0)

    def follow(self, operation: str, offset: int = 0) -> Iterator[Event]:
        """Yield the events of an operation from byte `offset` of its log until `done`. Raises as `apply`."""
        yield from self._until_done(self._following(operation, offset), b"", operation, offset)

    def past(self, operation: str) -> Iterator[Event]:
        """Yield the events of an operation up to now; `done` is the last only if it is. Raises as `plan`."""
        for event, _ in self._events(["follow", operation, "0", "--wait", "0"], b""):
            yield event

    def operations(self) -> list[str]:
        """The operations whose events the server still keeps, newest first. Raises as `plan`."""
        return [name for event, _ in self._events(["log"], b"") for name in event.get("operations", ())]

    def _following(self, operation: str, offset: int) -> list[str]:
        return ["follow", operation, str(offset), "--wait", _number(self.channel.wait)]

    def _until_done(self, words: list[str], request: bytes, operation: str | None, offset: int) -> Iterator[Event]:
        silent_since: float | None = None
        while True:
            try:
                for event, size in self._events(words, request):
                    silent_since = None
                    operation = event.get("operation") or operation
                    if event["type"] == "detached":
                        break
                    offset += size
                    yield event
                    if event["type"] == "done":
                        return
                else:
                    silent_since = self._lost(operation, silent_since, None)
            except TransportError as error:
                silent_since = self._lost(operation, silent_since, error)
            assert operation
            words, request = self._following(operation, offset), b""

    def _lost(self, operation: str | None, since: float | None, error: TransportError | None) -> float:
        """Wait before the server is asked again; gives since when it is silent, raises when that is long."""
        if operation is None:
            raise error or self._broken_off("starting")
        now = time.monotonic()
        since = since or now
        if now - since >= RECONNECT_SECONDS:
            raise TransportError(
                "server.lost",
                f"{self.server} does not answer any more; operation {operation} goes on there",
                f"wsh log {operation} --follow",
                detail=str(error) if error else None,
            ) from error
        time.sleep(min(5.0, 0.5 + (now - since) / 4))
        return since

    def _events(self, words: Sequence[str], request: bytes) -> Iterator[tuple[Event, int]]:
        """Events, each with the length of its line in bytes."""
        rest = b""
        for piece in self.channel.run(words, request):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield self._event(line), len(line) + 1

    def _event(self, line: bytes) -> Event:
        try:
            event: Event = json.loads(line)
            major = event["version"].partition(".")[0]
            assert isinstance(event["type"], str)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
            said = line[:500].decode("utf-8", "replace")
            raise AgentFailure(
                "agent.garbled",
                f"the agent of {self.server} said what is no event",
                "see that nothing else writes to that connection: a login message, a profile",
                detail=said,
            ) from error
        if major != VERSION.partition(".")[0]:
            raise AgentFailure(
                "protocol.version",
                f"the agent of {self.server} speaks protocol {event['version']}, wsh {VERSION}",
                "use the wsh that belongs to that server",
            )
        return event

    def _broken_off(self, doing: str) -> AgentFailure:
        return AgentFailure(
            "agent.broken-off",
            f"the agent of {self.server} broke off while {doing}",
            "wsh log says whether something runs there; the command can be repeated",
        )


def _number(seconds: float) -> str:
    return f"{seconds:g}"
