"""A description is loaded whole, and what is wrong with it is told at once and at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsh_core.errors import ConfigError, ExitStatus


def test_a_description_as_objects(tree):
    description = tree.load()
    assert description.id == "7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f"
    assert description.organisation.plugins == ("wordpress",)
    assert description.organisation.packages["small"].memory == 512 << 20
    assert description.problems == ()
    assert dict(description.held) == {}
    assert description.files == 3
    server = description.servers["web1"]
    assert (server.name, server.address, server.debian, server.php, server.hold) == (
        "web1",
        "web1.example.coop",
        13,
        "8.4",
        False,
    )
    alice = server.accounts["alice"]
    assert (alice.name, alice.full_name, alice.email, alice.package) == (
        "alice",
        "Alice Example",
        None,
        "small",
    )
    assert description.package_of(alice).sites == 3
    site = alice.sites["blog"]
    assert (site.id, site.slug, site.account, site.key) == ("alice/blog", "alice-blog", "alice", "blog")
    assert site.domains == ("blog.example.org", "www.blog.example.org")
    assert dict(site.php) == {}
    assert description.site("www.blog.example.org") is site
    assert description.site("alice/blog") is site
    assert description.site("nobody/nothing") is None


def test_debian_decides_on_php(tree):
    tree.files["servers/web1/server.yaml"] = "address: web1\ndebian: 12\n"
    assert tree.load().servers["web1"].php == "8.2"


def test_php_settings_as_php_ini_takes_them(tree):
    settings = "{memory_limit: 256M, display_errors: false, max_input_vars: 3000, date.timezone: Europe/London}"
    tree.account("alice", f"name: A\npackage: small\nsites:\n  a: {{domains: [a.org], app: php, php: {settings}}}\n")
    assert dict(tree.load().site("a.org").php) == {
        "memory_limit": "256M",
        "max_input_vars": "3000",
        "display_errors": "Off",
        "date.timezone": "Europe/London",
    }


@pytest.mark.parametrize(
    ("object", "steps", "place"),
    [
        ("account:alice", (), "servers/web1/accounts/alice.yaml:1:1"),
        ("account:alice", ("package",), "servers/web1/accounts/alice.yaml:2:10"),
        ("site:alice/blog", (), "servers/web1/accounts/alice.yaml:4:3"),
        ("site:alice/blog", ("app",), "servers/web1/accounts/alice.yaml:4:66"),
        ("server:web1", ("debian",), "servers/web1/server.yaml:2:9"),
        ("package:small", (), "wsh.yaml:4:3"),
    ],
)
def test_everything_knows_its_place(tree, object, steps, place):
    assert str(tree.load().where(object, *steps)) == place


def test_a_place_beside_its_server_s_name(tree):
    assert tree.load().where("site:alice/blog").short == "accounts/alice.yaml:4"


def test_what_is_not_there_has_no_place(tree):
    with pytest.raises(KeyError):
        tree.load().where("site:alice/shop")


def test_an_empty_key_counts_as_left_out(tree):
    tree.account("alice", "name: A\nemail:\npackage: small\nssh:\nphp: ~\nsites:\n")
    alice = tree.load().servers["web1"].accounts["alice"]
    assert (alice.email, alice.php, alice.ssh.keys, alice.sites) == (None, None, (), {})


def test_an_error_holds_its_account_and_no_other(tree):
    tree.account("bob", "name: Bob\npackage: small\nsite: {}\n")
    description = tree.load()
    assert list(description.servers["web1"].accounts) == ["alice"]
    (problem,) = description.held["web1", "bob"]
    assert str(problem) == "accounts/bob.yaml:3: `site` is not a key of an account"
    assert problem.object == "account:bob"
    assert description.problems == (problem,)


def test_a_check_raises_for_held_accounts_too(tree):
    tree.account("bob", "name: Bob\npackage: small\nsite: {}\n")
    with pytest.raises(ConfigError) as caught:
        tree.load(strict=True)
    assert caught.value.exit is ExitStatus.CONFIG
    assert caught.value.files == 4


@pytest.mark.parametrize("file", ["wsh.yaml", "servers/web1/server.yaml"])
def test_an_error_in_a_general_file_stops_all(tree, file):
    tree.files[file] += "extra: 1\n"
    with pytest.raises(ConfigError, match="`extra` is not a key of"):
        tree.load()


def test_more_can_be_held_later(tree):
    tree.account("bob", "name: Bob\npackage: small\n")
    description = tree.load()
    problem = description.servers["web1"].accounts["bob"].origin.problem("plugin.failed", "it crashed", None)
    later = description.holding({("web1", "bob"): (problem,)})
    assert list(later.servers["web1"].accounts) == ["alice"]
    assert later.problems == (problem,)
    assert list(description.servers["web1"].accounts) == ["alice", "bob"], "the first is as it was"


def test_an_edit_can_be_checked_before_it_is_written(tree):
    tree.write()
    overlay = {"servers/web1/accounts/bob.yaml": "name: Bob\npackage: none-such\n"}
    description = tree.load(overlay=overlay)
    assert list(description.held) == [("web1", "bob")]
    assert not (tree.root / "servers/web1/accounts/bob.yaml").exists()


# What is wrong with single files; one description each, all its errors.


def test_errors_come_all_at_once_general_files_first(tree):
    tree.files["wsh.yaml"] = WSH_WRONG
    tree.files["servers/web1/server.yaml"] += "backup: {at: 22:30}\n"
    tree.account("alice", ALICE_WRONG)
    tree.account("bob", "name: Bob\npackage: small\nsites: {s: {domains: [s.org, blog.example.org], app: php}}\n")
    expected = (Path(__file__).parent / "cases" / "all_at_once.txt").read_text().splitlines()
    assert tree.told() == expected


WSH_WRONG = """\
description: mine
plugins: wordpress
mail: {from: support}
pakages: 1
packages:
  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: three, databases: 3}
  Big: {disk: 2, inodes: 5, memory: 12M, cpu: 50, tasks: 1.5, sites: -1, databases: }
  tiny:
"""
ALICE_WRONG = """\
name: 7
email: alice@@example.org
package: smal
php: 8.4
ssh: {keys: "ssh-ed25519 AAAA", password: yes}
sites:
  blog:
    domains: [blog.example.org, "*.example.org", 10.0.0.1, localhost]
    app: 7
    php: {memory_limit: 256, max_execution_tim: 3, display_errors: 1}
    release: 6.8
  Shop: {domains: [], app: wordpres}
  x:
"""
