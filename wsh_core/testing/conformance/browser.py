"""A visitor of one site: real requests, whatever name servers say, to the machine on which it is checked."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from .stage import Site

_ATTRIBUTE = re.compile(r"""([\w-]+)=(["'])(.*?)\2""", re.DOTALL)

TIMEOUT = 120
"""Seconds that an answer may take."""


class _Direct(HTTPAdapter):
    """Connects to one address; name and certificate are those of the URL."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        del proxies
        place, tls = self.build_connection_pool_key_attributes(request, verify, cert)
        pool: dict[str, Any] = {**tls}
        if place["scheme"] == "https":
            pool |= {"server_hostname": place["host"], "assert_hostname": place["host"]}
        return self.poolmanager.connection_from_host(**{**place, "host": self._address}, pool_kwargs=pool)

    def send(self, request: requests.PreparedRequest, *args: Any, **named: Any) -> requests.Response:
        # No longer than it is sent: requests would take it for the name that its cookies belong to.
        request.headers["Host"] = urlsplit(str(request.url)).netloc
        try:
            return super().send(request, *args, **named)
        finally:
            del request.headers["Host"]


class Browser(requests.Session):
    """A session with cookies of its own, on one ``site``. Paths are the site's; the certificate must hold.

    Redirections are followed as `requests` does, unless ``allow_redirects=False``. Wherever they lead, they
    lead to the machine that is checked.
    """

    def __init__(self, site: Site, authority: str) -> None:
        """*authority* is the file of who signs the certificates."""
        super().__init__()
        self.site, self.verify, self.trust_env = site, authority, False
        self.headers["User-Agent"] = "wsh-conformance"
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Direct(site.stage.machine.address))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **named: Any) -> requests.Response:
        """Ask for a path of the site, or for a whole URL."""
        named.setdefault("timeout", TIMEOUT)
        return super().request(method, urljoin(f"{self.site.url}/", str(url)), *args, **named)

    def form(self, page: requests.Response, **fields: str) -> dict[str, str]:
        """What is to be posted: *fields*, and the hidden fields (tokens against forgery) of the form that has them.

        Where no form on the page has a field of each name, the hidden fields of the whole page.
        """
        forms = [_inputs(text) for text in re.findall(r"<form\b.*?</form>", page.text, re.DOTALL | re.IGNORECASE)]
        inputs = next((form for form in forms if fields.keys() <= form.keys()), None) or _inputs(page.text)
        hidden = {name: tag.get("value", "") for name, tag in inputs.items() if tag.get("type") == "hidden"}
        return {**hidden, **fields}


def _inputs(text: str) -> dict[str, dict[str, str]]:
    """The attributes of the elements that have a name and are filled in, by that name."""
    tags = re.findall(r"<(?:input|textarea|select|button)\b[^>]*>", text, re.IGNORECASE)
    found = [{name: html.unescape(value) for name, _, value in _ATTRIBUTE.findall(tag)} for tag in tags]
    return {tag["name"]: tag for tag in found if "name" in tag}
