"""Every virtual host is read back as what was meant, whatever the values; what would not be is refused."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features import worlds
from tests.features.parse import Directive, apache
from wsh_core import transport
from wsh_core.features import web
from wsh_core.features.scope import SiteScope
from wsh_core.plugin import Vhost
from wsh_core.resources.text import readable

ALWAYS = {
    "ServerName", "DocumentRoot", "ErrorLog", "CustomLog", "SSLEngine", "SSLCertificateFile",
    "SSLCertificateKeyFile", "RewriteEngine", "RewriteCond", "RewriteRule", "Directory",
}  # fmt: skip


def hosts(scope: SiteScope) -> list[Directive]:
    return apache(readable(web.content(scope), "6001"))


def main_host(scope: SiteScope) -> Directive:
    return hosts(scope)[-1]


@given(
    worlds.VHOSTS,
    st.sampled_from(["php", "static"]),
    worlds.NAMES,
    worlds.KEYS,
    st.lists(worlds.DOMAINS, min_size=1, max_size=3, unique=True),
)
def test_a_virtual_host_is_what_was_meant(vhost: Vhost, app: str, name: str, key: str, domains: list[str]) -> None:
    scope = worlds.site(vhost, app, name, key, *domains)
    found = hosts(scope)
    aliases = found[1:-1]
    assert [host.args for host in found] == [["*:80"], *[["*:443"]] * (1 + bool(domains[1:]))]
    for host, names in [(found[0], domains), *[(alias, domains[1:]) for alias in aliases]]:
        assert host.one("ServerName").args == names[:1]
        assert [each.args for each in host.all("ServerAlias")] == [[domain] for domain in names[1:]]
        assert host.one("Redirect").args == ["permanent", "/", f"https://{domains[0]}/"]
    main = found[-1]
    docroot = f"/home/{name}/sites/{key}/app" + (f"/{vhost.docroot}" if vhost.docroot else "")
    assert main.one("ServerName").args == domains[:1]
    assert main.one("DocumentRoot").args == [docroot]
    assert main.one("Directory").args == [docroot]
    assert main.one("SSLCertificateFile").args == [f"/var/lib/wsh/tls/{name}-{key}/cert.pem"]
    assert main.one("SSLCertificateKeyFile").args == [f"/var/lib/wsh/tls/{name}-{key}/key.pem"]
    assert main.one("ErrorLog").args == [f"/var/log/wsh/{name}/{key}-error.log"]
    assert main.one("CustomLog").args == [f"/var/log/wsh/{name}/{key}-access.log", "combined"]
    _has_exactly_what_the_app_asked(main, vhost, app)


def _has_exactly_what_the_app_asked(main: Directive, vhost: Vhost, app: str) -> None:
    assert [each.args for each in main.all("Header")] == [
        ["always", "set", name, value] for name, value in vhost.headers.items()
    ]
    assert [(re.compile(each.args[1]), each.args[2]) for each in main.all("RedirectMatch")] == [
        (re.compile(f"^{re.escape(path)}$"), target) for path, target in vhost.redirects.items()
    ]
    optional = {
        "LimitRequestBody": vhost.body_limit,
        "ProxyTimeout": vhost.timeout,
    }
    for name, value in optional.items():
        assert [each.args for each in main.all(name)] == ([] if value is None else [[str(value)]])
    directory = main.one("Directory")
    assert [each.args for each in directory.all("FallbackResource")] == ([[vhost.fallback]] if vhost.fallback else [])
    assert len(main.all("Location")) == len(directory.all("FilesMatch")) == (app == "php")
    expected = ALWAYS | {"Header", "RedirectMatch", "LocationMatch", "Location", "Proxy", "SetEnvIfNoCase", *optional}
    assert {each.name for each in main.inside} <= expected
    assert {each.name for each in main.inside} >= ALWAYS


def meant(pattern: str, path: str) -> bool:
    """Whether *pattern* means *path*: part by part, and all that is below."""
    wanted, parts = pattern.removesuffix("/").split("/"), path.removeprefix("/").split("/")
    if len(parts) < len(wanted):
        return False
    return all(fnmatchcase(part, want.replace("[", "[[]")) for want, part in zip(wanted, parts, strict=False))


SHORT = st.text("ab.*", min_size=1, max_size=3).filter(lambda part: part.replace("*", "x") not in {".", ".."})


@given(
    st.lists(st.lists(SHORT, min_size=1, max_size=2).map("/".join), min_size=1, max_size=3),
    st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_patterns_mean_what_they_say(patterns: list[str], parts: list[str]) -> None:
    main = main_host(worlds.site(Vhost(deny=patterns, no_php=patterns)))
    denied, not_executed = (re.compile(each.args[0]) for each in main.all("LocationMatch"))
    path = "/" + "/".join(parts)
    hit = any(meant(pattern, path) for pattern in patterns)
    assert bool(denied.search(path)) == hit
    for program in ("x.php", "x.PHP", "x.phtml/info", "deep/x.php"):
        assert bool(not_executed.search(f"{path}/{program}")) >= hit
    if not any(meant(pattern, f"{path}/x.php") for pattern in patterns):
        assert not not_executed.search(f"{path}/x.php")
    assert not not_executed.search(f"{path}/x.png")


FIELDS = {
    "docroot": lambda text: {"docroot": text},
    "fallback": lambda text: {"fallback": text},
    "deny": lambda text: {"deny": [text]},
    "no_php": lambda text: {"no_php": [text]},
    "redirect from": lambda text: {"redirects": {text: "/to"}},
    "redirect to": lambda text: {"redirects": {"/from": text}},
    "header": lambda text: {"headers": {text: "x"}},
    "header value": lambda text: {"headers": {"X-Test": text}},
}
HOSTILE = (
    "\n", "\r", "\0", '"', "'", "\\", "${run{id}}", "%i", "%{file:/etc/passwd}", "</VirtualHost>",
    "<VirtualHost *:80>", ";", "`", "$()", "-oProxyCommand", "\u2028", "\u0085", "\ue000uid\ue001", "xn--",
    "a" * 300, "/a\nRequire all granted", '/a" "b', "/a\\", "\\\n", "/../..", "../etc", "a/../b", "/%2e%2e",
    "{{ 7*7 }}", "{% raw %}", "\ufeff", "",
)  # fmt: skip


def _count(directives: list[Directive]) -> int:
    return sum(1 + _count(each.inside) for each in directives)


def _all_args(directives: list[Directive]) -> list[str]:
    return [arg for each in directives for arg in (*each.args, *_all_args(each.inside))]


@pytest.mark.parametrize("field", FIELDS)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30), st.text("/a.\\\"\n${}%<>#'", max_size=12)))
def test_any_text_is_refused_or_stays_where_it_was_put(field: str, text: str) -> None:
    try:
        vhost = Vhost(**FIELDS[field](text))
    except (TypeError, ValueError):
        return
    harmless = Vhost(**FIELDS[field](text and ("/plain" if text.startswith("/") else "plain")))
    found, plain = hosts(worlds.site(vhost)), hosts(worlds.site(harmless))
    assert _count(found) == _count(plain)
    seen = re.escape(text) if field == "redirect from" else text
    if field in {"deny", "no_php"}:
        assert re.fullmatch(r"[A-Za-z0-9._+@=*/-]+", text)
    else:
        assert any(seen in arg for arg in _all_args(found))


def test_the_account_is_pinned_and_php_is_for_what_exists() -> None:
    main = main_host(worlds.site(Vhost()))
    assert [each.args for each in main.one("Location").inside] == [
        ["true", "!PHP_VALUE"],
        ["true", "!PHP_ADMIN_VALUE"],
        ["true", "WSH_UID", "6001"],
    ]
    assert main.one("Location").args == ["/"]
    php = main.one("Directory").one("FilesMatch")
    assert php.args == [r"\.php$"]
    assert php.one("SetHandler").args == ["proxy:unix:/run/wsh/fpm/php84-6001.sock|fcgi://alice-blog"]
    assert php.one("If").args == ["! -f %{REQUEST_FILENAME}"]
    assert php.one("If").one("SetHandler").args == ["none"]


def test_a_static_site_has_no_way_to_php_and_hides_programs() -> None:
    scope = worlds.site(Vhost(), "static")
    assert "fpm" not in readable(web.content(scope), "6001")
    (hidden,) = (re.compile(each.args[0]) for each in main_host(scope).all("LocationMatch"))
    for name in ("/a.php", "/a.PHP", "/d/a.phtml/x", "/a.php5", "/a.phar", "/a.inc", "/a.cgi"):
        assert hidden.search(name), name
    for name in ("/a.html", "/php", "/a.php.txt", "/aphp", "/incoming"):
        assert not hidden.search(name), name


def test_the_fence_is_in_server_context_and_opens_to_a_token_only() -> None:
    main = main_host(worlds.site(Vhost()))
    assert [each.args for each in main.all("RewriteCond")] == [
        ["/var/lib/wsh/fence/alice-blog", "-f"],
        ["%{HTTP:Wsh-Probe}", "!^[0-9a-f]{32}$", "[OR]"],
        ["/var/lib/wsh/fence/alice-blog.%{HTTP:Wsh-Probe}", "!-f"],
    ]
    assert main.one("RewriteRule").args == ["^", "-", "[R=503,L]"]
    assert main.inside.index(main.one("RewriteEngine")) < main.inside.index(main.all("RewriteCond")[0])


def test_no_site_says_itself_what_htaccess_may_say() -> None:
    directory = main_host(worlds.site(Vhost())).one("Directory")
    assert directory.one("Include").args == ["/etc/apache2/wsh/htaccess.conf"]
    assert not {"AllowOverride", "AllowOverrideList"} & {each.name for each in directory.inside}


def test_htaccess_never_names_the_account_and_names_what_applications_use() -> None:
    file = files(transport).joinpath("playbooks", "files", "htaccess.conf")
    override, allowed = apache(file.read_text(encoding="utf-8"))
    assert override.args[0] == "None"
    assert (override.name, allowed.name) == ("AllowOverride", "AllowOverrideList")
    assert len(set(allowed.args)) == len(allowed.args)
    assert {"RewriteRule", "Header", "SetHandler", "Require", "FallbackResource"} <= set(allowed.args)
    assert not {"ProxyFCGISetEnvIf", "SetInputFilter", "PassEnv", "XBitHack", "Action"} & set(allowed.args)
