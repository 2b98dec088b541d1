"""`wsh` with a server that is slow, for the terminal tests: plays recorded events, one after the other.

Usage: at_terminal SECONDS RECORDED WORD… (the time between events; a file of `recorded/`; the command line)
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from wsh_core.cli import privilege, root, watch
from wsh_core.transport.base import Transport

RECORDED = Path(__file__).with_name("recorded")


class Slow:
    """A channel whose agent takes its time."""

    wait = 600.0

    def __init__(self, seconds: float, apply: str) -> None:
        self.seconds = seconds
        self.apply = apply

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        del request
        name = self.apply if words[0] == "start" else "plan"
        for line in (RECORDED / f"{name}.jsonl").read_text().splitlines():
            event = {**json.loads(line), "operation": "5da7d5" if words[0] == "start" else None}
            yield json.dumps(event).encode() + b"\n"
            if words[0] == "start":
                time.sleep(self.seconds)


if __name__ == "__main__":
    privilege.become_ordinary = lambda: None
    privilege.assert_ordinary = lambda: None
    slow = Slow(float(sys.argv[1]), sys.argv[2])
    watch.transport = lambda _session, server: Transport(server.name, slow)
    sys.exit(root.run(sys.argv[3:]))
