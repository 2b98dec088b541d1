"""Accounts and sites for property tests: any that the models let in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from wsh_core.features.scope import AccountScope, SiteScope
from wsh_core.models.account import Account
from wsh_core.models.package import Package
from wsh_core.models.reserved import ACCOUNTS
from wsh_core.models.server import Server
from wsh_core.plugin import Vhost
from wsh_core.plugins import Apps
from wsh_core.testing.golden import PACKAGE

APPS = Apps()
SERVER = Server.make("web1", {"address": "localhost", "debian": 13})

NAMES = st.from_regex(r"[a-z][a-z0-9]{1,15}", fullmatch=True).filter(lambda name: name not in ACCOUNTS)
KEYS = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(lambda s: s[2:4] != "--")
DOMAINS = st.builds(lambda *labels: ".".join([*labels, "example.org"]), LABEL, LABEL)
SEGMENTS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._+@=-]{0,12}", fullmatch=True).filter(lambda s: ".." not in s)
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
PATTERNS = st.builds(lambda path, end: path + end, PATHS, st.sampled_from(["", "/", "*", "*.php"]))
URL_PATHS = st.from_regex(r"/[A-Za-z0-9._~!&()*+,;=:@/?-]{0,20}", fullmatch=True)
HEADERS = st.dictionaries(
    st.from_regex(r"X-[A-Za-z-]{1,10}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9!#&'()*+,./:;<=>?@^_`|~-]{1,10}( [a-z=;-]{1,9})?", fullmatch=True),
    max_size=3,
)  # fmt: skip
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "memory_limit": st.sampled_from(["64M", "1G", "1.5G"]),
        "max_input_vars": st.integers(1, 100_000),
        "display_errors": st.booleans(),
        "date.timezone": st.sampled_from(["Europe/London", "Etc/GMT+7", "UTC"]),
    },
)
VHOSTS = st.builds(
    Vhost,
    docroot=st.one_of(st.just(""), PATHS),
    fallback=st.one_of(st.none(), URL_PATHS),
    deny=st.lists(PATTERNS, max_size=3),
    no_php=st.lists(PATTERNS, max_size=3),
    redirects=st.dictionaries(URL_PATHS, URL_PATHS, max_size=3),
    headers=HEADERS,
    body_limit=st.one_of(st.none(), st.integers(0, 1 << 40)),
    timeout=st.one_of(st.none(), st.integers(1, 3600)),
    php=SETTINGS,
)


def scope(name: str, sites: dict[str, dict[str, Any]]) -> AccountScope:
    """An account by hand, with the sites given."""
    account = Account.make(name, {"name": "Alice", "package": "small", "sites": sites})
    return AccountScope.of(SERVER, account, Package.model_validate(PACKAGE), APPS)


def site(vhost: Vhost, app: str = "php", name: str = "alice", key: str = "blog", *domains: str) -> SiteScope:
    """One site, of which a plugin says *vhost*."""
    made = scope(name, {key: {"domains": list(domains) or ["blog.example.org"], "app": app}})
    return replace(made.sites[0], vhost=vhost)
