"""What an ordinary child may wish of root's half, over a socket pair: this machine's agent, and its set-up.

Root's half trusts the child with nothing but the words of `WISHES`: it has its own agent, its own playbook
and its own Python, and takes neither paths nor programs. What is carried are frames: their length in
four bytes, then their bytes.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from wsh_core.errors import AgentFailure, TransportError, WshError

WISHES = re.compile(
    r"plan|log|start(?: --(?:wait|lock-wait) [0-9]{1,6}(?:\.[0-9]{1,3})?){0,2}"
    r"|follow [0-9a-f]{6} [0-9]{1,12}(?: --wait [0-9]{1,6}(?:\.[0-9]{1,3})?)?"
    r"|setup [a-z][a-z0-9-]{0,62} 1[23]"
)
"""All that may be wished: verbs of the agent's protocol, and setting up this server (name, Debian)."""

LARGEST = 256 << 20
"""Bytes in one frame."""

_OUT, _END = b"o", b"e"
Run = Callable[[Sequence[str], bytes], Iterator[bytes]]
"""Does what was wished: yields the answer in pieces, raises WshError if it cannot."""


class Child:
    """The child's side, which wishes one thing at a time: a channel of `wsh_core.transport.base`."""

    wait = 600.0

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._one = threading.Lock()

    def run(self, words: Sequence[str], request: bytes = b"") -> Iterator[bytes]:
        """Yield what root's half answers to a wish, in pieces.

        Raises:
            TransportError, AgentFailure: it refused, could not, or is gone.
        """
        with self._one:
            try:
                _send(self._channel, " ".join(words).encode())
                _send(self._channel, request)
            except OSError:
                raise _gone() from None
            end: bytes | None = None
            try:
                while (frame := _receive(self._channel)) is not None:
                    if frame[:1] == _END:
                        end = frame[1:]
                        break
                    yield frame[1:]
            finally:
                if frame is not None and end is None:
                    self._skip()
        self._judge(end)

    def _skip(self) -> None:
        """Read an answer to its end that nobody wants to hear, so that the next wish gets its own."""
        while (frame := _receive(self._channel)) is not None and frame[:1] != _END:
            pass

    @staticmethod
    def _judge(end: bytes | None) -> None:
        if end is None:
            raise _gone()
        if (error := json.loads(end)) is not None:
            kind = TransportError if error.pop("exit") == TransportError.exit else AgentFailure
            raise kind(**error)


def _gone() -> TransportError:
    return TransportError("server.broken-off", "root's half of this command is gone", "wsh log says what runs")


def serve(channel: socket.socket, run: Run) -> None:
    """Be root's half: answer wishes until the child is gone. What is not in `WISHES` is refused."""
    with suppress(ConnectionError):
        while (wish := _receive(channel)) is not None and (request := _receive(channel)) is not None:
            error = _answer(channel, wish.decode("ascii", "replace"), request, run)
            _send(channel, _END + json.dumps(error).encode())


def _answer(channel: socket.socket, words: str, request: bytes, run: Run) -> dict[str, Any] | None:
    """Do what was wished, and return why it could not be done."""
    if not WISHES.fullmatch(words):
        message = f"root does not do {words[:60]!r} for wsh"
        return {"code": "run.refused", "message": message, "exit": AgentFailure.exit}
    try:
        for piece in run(words.split(" "), request):
            _send(channel, _OUT + piece)
    except WshError as failed:
        first = failed.problems[0]
        return {
            "code": first.code, "message": first.message, "hint": first.hint, "detail": first.detail,
            "exit": failed.exit,
        }  # fmt: skip
    return None


def _send(channel: socket.socket, data: bytes) -> None:
    channel.sendall(struct.pack("!I", len(data)))
    channel.sendall(data)


def _receive(channel: socket.socket) -> bytes | None:
    """One frame; None when the other side is gone, or sends more than is ever sent."""
    head = _exactly(channel, 4)
    if head is None:
        return None
    (length,) = struct.unpack("!I", head)
    return _exactly(channel, length) if length <= LARGEST else None


def _exactly(channel: socket.socket, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        piece = channel.recv(min(length - len(data), 1 << 20))
        if not piece:
            return None
        data += piece
    return bytes(data)
