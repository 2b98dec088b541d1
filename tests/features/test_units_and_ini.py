"""Units, PHP's settings and the skeleton's files are read back as what was meant."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.features import worlds
from tests.features.parse import ini
from wsh_core import resources as r
from wsh_core.features import account as accounts
from wsh_core.features import php
from wsh_core.features.scope import AccountScope
from wsh_core.resources.text import readable

SITES = st.dictionaries(
    worlds.KEYS,
    st.fixed_dictionaries(
        {
            "app": st.sampled_from(["php", "static"]),
            "domains": st.lists(worlds.DOMAINS, min_size=1, max_size=2),
        },
        optional={"php": worlds.SETTINGS},
    ),
    max_size=4,
)


def units(scope: AccountScope) -> dict[str, r.Unit]:
    return {unit.identity: unit for unit in php.resources(scope) if isinstance(unit, r.Unit)}


def jail(scope: AccountScope) -> r.Jail:
    (found,) = (each for each in accounts.resources(scope) if isinstance(each, r.Jail))
    return found


@given(worlds.NAMES)
def test_the_service_says_only_what_is_the_accounts_own(name: str) -> None:
    scope = worlds.scope(name, {"blog": {"domains": ["a.example.org"], "app": "php"}})
    service = units(scope)[f"wsh-php84-{name}.service"]
    assert ini(readable(service.content, "6001")) == [
        ("Unit", "Description", "PHP 8.4 of account 6001"),
        ("Service", "Type", "notify"),
        ("Service", "User", "6001"),
        ("Service", "Group", "6001"),
        ("Service", "Slice", "wsh-6001.slice"),
        ("Service", "RootDirectory", "/var/lib/wsh/jail/6001"),
        ("Service", "BindPaths", f"/home/{name}/home:/home/{name}"),
        ("Service", "ReadWritePaths", f"+/home/{name}"),
        ("Service", "BindPaths", f"/home/{name}/sites:/home/{name}/sites"),
        ("Service", "ReadWritePaths", f"+/home/{name}/sites"),
        ("Service", "BindReadOnlyPaths", f"/var/log/wsh/{name}:/home/{name}/logs"),
        (
            "Service",
            "ExecStart",
            "/usr/sbin/php-fpm8.4 --nodaemonize --force-stderr --fpm-config /usr/lib/wsh/php-fpm.conf",
        ),
        ("Service", "ExecReload", "+/bin/kill -USR2 $MAINPID"),
        ("Service", "StandardError", f"append:/var/log/wsh/{name}/php.log"),
    ]


def test_a_socket_listens_by_uid_and_does_not_know_the_name() -> None:
    one, other = (
        units(worlds.scope(name, {"blog": {"domains": ["a.example.org"], "app": "php"}})) for name in ("alice", "bob")
    )
    socket = one["wsh-php84-alice.socket"]
    assert socket.content == other["wsh-php84-bob.socket"].content
    assert ("Socket", "ListenStream", "/run/wsh/fpm/php84-6001.sock") in ini(readable(socket.content, "6001"))
    assert ("Socket", "SocketMode", "0666") in ini(readable(socket.content, "6001"))
    assert (socket.wanted_by, socket.state) == ("wsh.target", "active")


@given(worlds.NAMES, SITES)
def test_settings_stand_in_the_section_of_their_site(name: str, sites: dict[str, dict[str, Any]]) -> None:
    scope = worlds.scope(name, sites)
    files = {path: readable(text, "6001") for path, text in jail(scope).files.items()}
    executing = [site for site in scope.sites if site.app.php]
    assert ("etc/wsh/php/sites.ini" in files) == ("etc/wsh/php/extensions.ini" in files) == bool(executing)
    if not executing:
        assert not units(scope)
        assert jail(scope).reload == ()
        return
    expected = [("", "session.save_path", f"/home/{name}/.sessions")]
    for site in executing:
        section = f"PATH=/home/{name}/sites/{site.context.key}/app"
        expected += [(section, *pair) for pair in sorted(site.site.php.items())]
    assert ini(files["etc/wsh/php/sites.ini"]) == expected
    assert [readable(unit, name) for unit in jail(scope).reload] == [f"wsh-php84-{name}.service"]


@given(worlds.NAMES, SITES)
def test_the_jail_knows_root_and_the_account_and_its_own_domains(name: str, sites: dict[str, Any]) -> None:
    scope = worlds.scope(name, sites)
    made = jail(scope)
    files = {path: readable(text, "6001") for path, text in made.files.items()}
    assert [line.split(":") for line in files["etc/passwd"].splitlines()] == [
        ["root", "x", "0", "0", "root", "/root", "/usr/sbin/nologin"],
        [name, "x", "6001", "6001", "", f"/home/{name}", "/bin/bash"],
    ]
    assert [line.split(":") for line in files["etc/group"].splitlines()] == [
        ["root", "x", "0", ""],
        ["wsh", "x", "5999", name],
        [name, "x", "6001", ""],
    ]
    domains = [domain for site in scope.sites for domain in site.context.domains]
    assert [line.split() for line in files["etc/hosts"].splitlines()] == [
        ["127.0.0.1", "localhost"],
        *(["127.0.0.1", domain] for domain in domains),
        ["::1", "localhost"],
    ]
    assert made.directories[-1] == f"home/{name}"
    for directory in made.directories:
        above = directory.rpartition("/")[0]
        assert not above or made.directories.index(above) < made.directories.index(directory)
    for path in (*files, *made.links):
        assert not path.rpartition("/")[0] or path.rpartition("/")[0] in made.directories
    places = {place for _, place, access in made.binds if access == "rw"}
    assert places == {f"/home/{name}", f"/home/{name}/sites"}


def test_extensions_of_all_sites_are_loaded_once_and_in_order() -> None:
    scope = worlds.scope("alice", {"a": {"domains": ["a.example.org"], "app": "php"}})
    lines = str(jail(scope).files["etc/wsh/php/extensions.ini"]).splitlines()
    loaded = [line.partition("=")[2].removesuffix(".so") for line in lines]
    assert len(set(loaded)) == len(loaded)
    assert loaded.index("mysqlnd") < loaded.index("mysqli")
    assert {"opcache", "posix"} < set(loaded)
    assert "zend_extension=opcache.so" in lines
