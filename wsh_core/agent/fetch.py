"""Download one release by https, as a user who owns nothing else; what comes is checked by somebody else.

The verb ``fetch`` runs this in a unit of its own: one request on stdin, ``{"url", "to", "limit"}``, and one
answer on stdout, ``{"result": bytes}`` or ``{"error": …}``. A download that broke off goes on where it
stopped.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import urlsplit

from .errors import AgentError

_CHUNK = 1 << 20
_SILENCE = 60
"""Seconds without a byte after which the other side is given up."""


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _must_be_https(newurl)
        except AgentError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _must_be_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise AgentError("app.source", f"{url} is not https, so nobody knows who answers", "give an https URL")


def download(url: str, to: str, limit: int, context: ssl.SSLContext | None = None) -> int:
    """Bring ``url`` to the file ``to``, going on with what is there, and return its size in bytes.

    Raises AgentError ``app.source``: not https (redirections too), unreachable, refused, or more than
    ``limit`` bytes.
    """
    _must_be_https(url)
    fd = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with open(fd, "ab", buffering=0) as file:
        size = os.fstat(fd).st_size
        headers = {"User-Agent": "wsh", "Accept-Encoding": "identity"}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - https, as was seen above
        if size:
            request.add_header("Range", f"bytes={size}-")
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context or ssl.create_default_context()), _OnlyHttps()
        )
        try:
            with opener.open(request, timeout=_SILENCE) as answer:
                if answer.status != http.client.PARTIAL_CONTENT:
                    os.ftruncate(fd, 0)
                return _save(answer, file, limit)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                return size  # all of it was there already; if it is the wrong thing, its checksum says so
            raise _unreachable(url, f"{error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(url, str(getattr(error, "reason", error))) from None


def _save(answer: http.client.HTTPResponse, file: IO[bytes], limit: int) -> int:
    size = os.fstat(file.fileno()).st_size
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise AgentError("app.source", f"{answer.url} is larger than {limit} bytes; the rest was not fetched")
        file.write(chunk)
    if answer.length:
        raise OSError(f"the connection broke {answer.length} bytes before the end")
    return size


def _unreachable(url: str, why: str) -> AgentError:
    return AgentError(
        "app.source",
        f"{url} could not be fetched: {why}",
        "apply again when it can be reached, it goes on where it stopped; or give a copy on the server",
    )


def main() -> None:
    """Serve one request."""
    request: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    try:
        answer: dict[str, Any] = {"result": download(request["url"], request["to"], request["limit"])}
    except AgentError as error:
        answer = {"error": error.event()}
    except OSError as error:
        answer = {"error": AgentError("app.source", f"{request['to']}: {error.strerror}", "df -h").event()}
    sys.stdout.write(json.dumps(answer) + "\n")
