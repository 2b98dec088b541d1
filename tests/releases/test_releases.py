from __future__ import annotations

import itertools

import pytest

from wsh_core import releases


@pytest.mark.parametrize("debian", releases.DEBIAN)
def test_data_is_whole(debian: int) -> None:
    release = releases.load(debian)
    php = release.php
    assert release.debian == debian
    assert all(package.startswith(f"php{php.version}-") for package in php.packages)
    assert set(php.needs) <= set(php.extensions)
    assert {need for needs in php.needs.values() for need in needs} <= set(php.extensions)
    assert not php.builtin & set(php.extensions)
    assert len(set(php.extensions)) == len(php.extensions)


@pytest.mark.parametrize("debian", releases.DEBIAN)
def test_what_is_needed_comes_before_what_needs_it(debian: int) -> None:
    php = releases.load(debian).php
    for name, needs in php.needs.items():
        assert all(php.extensions.index(need) < php.extensions.index(name) for need in needs)


def test_ini_loads_needs_first_and_the_cache_as_a_zend_extension() -> None:
    ini = releases.load(13).php.ini(["pdo_mysql", "json"])
    assert ini.splitlines() == [
        "extension=mysqlnd.so",
        "zend_extension=opcache.so",
        "extension=pdo.so",
        "extension=pdo_mysql.so",
        "extension=posix.so",
    ]


def test_order_does_not_depend_on_how_it_was_asked() -> None:
    php = releases.load(13).php
    wanted = ["xsl", "mysqli", "gd"]
    assert len({php.ordered(order) for order in itertools.permutations(wanted)}) == 1


def test_unknown_extension_is_named() -> None:
    with pytest.raises(ValueError, match="no extension ldap"):
        releases.load(13).php.ordered(["gd", "ldap"])


def test_unknown_release_is_named() -> None:
    with pytest.raises(ValueError, match="12 and 13, not 11"):
        releases.load(11)


def test_only_13_has_private_pids() -> None:
    assert "PrivatePIDs=yes" in releases.load(13).sandbox
    assert "PrivatePIDs=yes" not in releases.load(12).sandbox
