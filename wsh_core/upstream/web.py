"""Fetching from the web: by https alone, within a size and a time, and nothing is decoded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from wsh_core.errors import UnreachableError, WshError

PAGE: Final = 4 << 20
"""Bytes that a page, a checksum file or a signature may have."""
ARCHIVE: Final = 2 << 30
"""Bytes that an archive may have. The largest application that is known has a tenth."""

_REDIRECTS = 5
_BLOCK = 64 << 10
_STALLS = (10.0, 30.0)
"""Seconds to connect, and between two pieces of an answer."""


class Web:
    """A way to the web. Proxies and authorities are those of the environment, as requests reads them."""

    def __init__(self, *, page_time: float = 60.0, archive_time: float = 3600.0) -> None:
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity", "User-Agent": "wsh"})
        self._page_time, self._archive_time = page_time, archive_time

    def read(self, url: str) -> bytes:
        """Return a page. This and `save` raise UnreachableError, and WshError for what is not as it should be."""
        return b"".join(self._pieces(url, PAGE, self._page_time))

    def save(self, url: str, place: Path) -> None:
        """Write what *url* leads to into a new file."""
        with place.open("xb") as file:
            for piece in self._pieces(url, ARCHIVE, self._archive_time):
                file.write(piece)

    def _pieces(self, url: str, limit: int, seconds: float) -> Iterator[bytes]:
        deadline, received = time.monotonic() + seconds, 0
        with _told(url), self._answer(url) as answer:
            announced = answer.headers.get("Content-Length", "")
            while piece := answer.raw.read(_BLOCK, decode_content=False):
                received += len(piece)
                if received > limit:
                    raise WshError("app.source", f"{url} is larger than {limit >> 20} MiB, and was given up")
                if time.monotonic() > deadline:
                    raise UnreachableError("app.source", f"{url} took longer than {seconds:.0f} s, and was given up")
                yield piece
            if announced.isascii() and announced.isdigit() and received < int(announced):
                raise HTTPError(f"only {received} of {announced} bytes came")

    @contextmanager
    def _answer(self, url: str) -> Iterator[requests.Response]:
        """The answer, once no redirect is left; each of them must lead to https too."""
        here = url
        for _ in range(_REDIRECTS):
            if urlsplit(here).scheme != "https":
                raise WshError("app.source", f"{url} leads to {here[:200]!r}, which is not https")
            with self._session.get(here, stream=True, timeout=_STALLS, allow_redirects=False) as answer:
                if answer.is_redirect:
                    here = urljoin(here, answer.headers["location"])
                    continue
                if answer.status_code != requests.codes.ok:
                    raise WshError("app.source", f"{url} answers {answer.status_code}", "look whether it moved")
                yield answer
                return
        raise WshError("app.source", f"{url} leads on more than {_REDIRECTS} times")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Tell what goes wrong on the way in one line."""
    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        hint = "try again later; behind a proxy or an authority of your own, set HTTPS_PROXY or REQUESTS_CA_BUNDLE"
        raise UnreachableError("app.source", f"{url} cannot be fetched: {_cause(error)}", hint) from error


def _cause(error: BaseException) -> str:
    """The innermost reason, which is the one that helps."""
    seen: BaseException = error
    while (inner := getattr(seen, "reason", None) or next(filter(_is_error, seen.args), None)) and _is_error(inner):
        seen = inner
    text = str(seen).rpartition(": ")[2] if ">:" in str(seen) else str(seen)
    return text.strip().partition("\n")[0][:200] or type(seen).__name__


def _is_error(value: object) -> bool:
    return isinstance(value, BaseException)
