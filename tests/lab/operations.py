"""Operations that run on a server of the lab while a test looks on, stops them, or ends them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .world import Event, World


def wait_for(what: Callable[[], Any], seconds: float = 240) -> Any:
    """Look until there is something; AssertionError when the time is over."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found


@dataclass(frozen=True)
class Operation:
    """An apply in its own unit, which goes on whoever looks."""

    world: World
    id: str

    @classmethod
    def begin(cls, world: World, **options: Any) -> Operation:
        """Start one for which nobody waits."""
        *_, last = world.verb("start", "--wait", "0", request=world.request(**options))
        assert last["type"] == "detached", last
        return cls(world, last["operation"])

    @classmethod
    def newest(cls, world: World) -> Operation:
        """The one that somebody has started last."""
        (known,) = world.verb("log")
        return cls(world, known["operations"][0])

    @property
    def unit(self) -> str:
        return f"wsh-operation-{self.id}.service"

    def log(self) -> bytes:
        """What it has said up to now, as it stands on the server."""
        return self.world.server.read(f"/var/log/wsh/operations/{self.id}.jsonl")

    def events(self) -> list[Event]:
        whole, _, _ = self.log().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]

    def until(self, phase: str) -> None:
        """Wait until that phase has begun."""
        wait_for(lambda: any(e.get("phase") == phase for e in self.events()))

    def signal(self, name: str) -> None:
        """Send a signal to all processes of its unit."""
        self.world.server.run(["systemctl", "kill", f"--signal={name}", self.unit])

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It stands still meanwhile, with whatever it holds."""
        self.signal("STOP")
        try:
            yield
        finally:
            self.signal("CONT")

    def follow(self, offset: int = 0) -> list[Event]:
        """Its events from a byte of its log on, until it is done."""
        return self.world.verb("follow", self.id, str(offset))

    def running(self) -> bool:
        done = self.world.server.run(["systemctl", "is-active", self.unit], check=False)
        return done.stdout.strip() in ("active", "activating", "deactivating")
