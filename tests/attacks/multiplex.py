"""A small HTTP/2 client: many requests to several names at the same time, over one connection (RFC 9113)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset

from tests.lab.world import Answer

_AT_A_TIME = 40
_SECONDS = 60.0


@dataclass
class _Stream:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(address: str, name: str, ca: Path, wanted: Sequence[tuple[str, str]]) -> list[Answer]:
    """Send GET requests for (host, path), 40 at a time, over one connection that was opened for ``name``.

    Raises AssertionError when a stream is reset or the connection ends early, TimeoutError after 60 s
    of silence.
    """
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection((address, 443), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
        return _exchange(connection, wanted)


def _exchange(connection: ssl.SSLSocket, wanted: Sequence[tuple[str, str]]) -> list[Answer]:
    protocol = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    protocol.initiate_connection()
    protocol.increment_flow_control_window(1 << 24)
    streams: dict[int, _Stream] = {}
    order: list[int] = []
    ended: set[int] = set()
    while len(ended) < len(wanted):
        while len(order) < len(wanted) and len(order) - len(ended) < _AT_A_TIME:
            host, path = wanted[len(order)]
            order.append(protocol.get_next_available_stream_id())
            streams[order[-1]] = _Stream()
            head = {":method": "GET", ":authority": host, ":scheme": "https", ":path": f"/{path}"}
            protocol.send_headers(order[-1], list(head.items()), end_stream=True)
        connection.sendall(protocol.data_to_send())
        data = connection.recv(1 << 16)
        assert data, "the server ended the connection"
        for event in protocol.receive_data(data):
            _take(protocol, streams, ended, event)
    return [
        Answer(each.status, "HTTP/2", each.headers, each.body.decode(errors="replace"))
        for each in (streams[number] for number in order)
    ]


def _take(protocol: H2Connection, streams: dict[int, _Stream], ended: set[int], event: Event) -> None:
    assert not isinstance(event, StreamReset), event
    if isinstance(event, ResponseReceived):
        stream = streams[event.stream_id]
        stream.headers = dict(event.headers)
        stream.status = int(stream.headers.pop(":status"))
    elif isinstance(event, DataReceived):
        streams[event.stream_id].body += event.data
        protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    elif isinstance(event, StreamEnded):
        ended.add(event.stream_id)
