"""Ask a site over https whether it is well: from root to this very server, by the name that visitors use."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from . import fence, paths
from .errors import AgentError
from .host import Host

_BODY = 1 << 20
"""Bytes of an answer that are looked at."""
_SECONDS = 30.0
"""How long one answer may take, its last byte included."""
_PATIENCE = 15.0
"""How long it may take until Apache has taken over a new virtual host and the answer is the site's own."""
_NOT_YET = frozenset({421, 502, 503})


@dataclass(frozen=True)
class Wanted:
    """What an answer must be: its status, and a text that its body must hold ("" for any)."""

    host: str
    path: str
    status: int
    contains: str


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    seconds: float


class _Local(http.client.HTTPSConnection):
    """https to 127.0.0.1 whatever the name resolves to; the certificate must be that of the name."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]


def ask(name: str, path: str, ca: str, token: str | None = None, port: int = 443) -> Answer:
    """Get one page of the site that is called ``name``; redirections are not followed.

    ``ca``: the file of the authority that must have signed. Raises OSError or http.client.HTTPException.
    """
    started = time.monotonic()
    connection = _Local(name, port, timeout=_SECONDS, context=ssl.create_default_context(cafile=ca))
    connection.connect()
    # The time of a single read starts again with each byte; this is for who sends one byte at a time.
    guard = threading.Timer(_SECONDS, connection.sock.shutdown, [socket.SHUT_RDWR])
    guard.daemon = True
    guard.start()
    try:
        headers = {"User-Agent": "wsh", "Accept": "*/*"} | ({fence.HEADER: token} if token else {})
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body, seconds = answer.read(_BODY).decode(errors="replace"), time.monotonic() - started
        if seconds >= _SECONDS:
            raise TimeoutError(f"no whole answer in {_SECONDS:g}s")
        return Answer(answer.status, body, seconds)
    finally:
        guard.cancel()
        connection.close()


def check(host: Host, site: str, wanted: Wanted) -> Answer:
    """Ask until the answer is as wanted.

    Raises AgentError ``app.unhealthy`` that says what came instead; what may only need a moment is asked
    again.
    """
    ca = os.path.join(host.root, f"{paths.CA}/ca.pem".lstrip("/"))
    url, deadline = f"https://{wanted.host}{wanted.path}", time.monotonic() + _PATIENCE
    while True:
        try:
            answer = ask(wanted.host, wanted.path, ca, fence.token(host, site))
            if answer.status == wanted.status and wanted.contains in answer.body:
                return answer
            missing = "" if wanted.contains in answer.body else f" without {wanted.contains!r}"
            why, detail, wait = (
                f"answered {answer.status}{missing}",
                answer.body[:2000],
                answer.status in _NOT_YET,
            )
        except (OSError, http.client.HTTPException) as error:
            why, detail, wait = f"did not answer: {error}", None, isinstance(error, ConnectionError)
        if not wait or time.monotonic() > deadline:
            raise AgentError(
                "app.unhealthy",
                f"{url} {why}; wanted was {wanted.status}" + (f" with {wanted.contains!r}" if wanted.contains else ""),
                "what the application says stands in the logs of the account",
                detail or None,
            )
        time.sleep(0.2)
