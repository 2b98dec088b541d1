"""What can only be seen from several files is told at all the places that make it wrong."""

from __future__ import annotations

import pytest

BOB = "name: Bob\npackage: small\nsites: {shop: {domains: [DOMAINS], app: php}}\n"


def held(tree, **options):
    return sorted(account for _, account in tree.load(**options).held)


def test_a_domain_of_two_accounts_holds_both(tree):
    tree.account("bob", BOB.replace("DOMAINS", "shop.example.org, Blog.Example.org"))
    assert tree.told() == [
        "config.domain-taken: blog.example.org belongs to two sites, alice/blog and bob/shop",
        "  --> accounts/alice.yaml:4:20+16 sites.blog.domains.0",
        "  --> accounts/bob.yaml:3:44+16 sites.shop.domains.1",
        "  help: take it out of one of them; until then alice and bob are held",
    ]
    assert held(tree) == ["alice", "bob"]


def test_a_domain_of_three_accounts(tree):
    tree.account("bob", BOB.replace("DOMAINS", "blog.example.org"))
    tree.account("carol", BOB.replace("DOMAINS", "blog.example.org"))
    message, *_, hint = tree.told()
    assert message.endswith("blog.example.org belongs to three sites, alice/blog, bob/shop and carol/shop")
    assert hint == "  help: take it out of all but one; until then alice, bob and carol are held"


def test_a_domain_of_two_servers(tree):
    tree.files["servers/web2/server.yaml"] = "address: web2.example.coop\ndebian: 13\n"
    tree.account("bob", BOB.replace("DOMAINS", "blog.example.org"), server="web2")
    assert held(tree) == ["alice", "bob"]


def test_a_domain_twice_in_one_account(tree):
    text = "name: A\npackage: small\nsites:\n"
    site = "{domains: [x.org], app: php}"
    tree.account("alice", f"{text}  a: {site}\n  b: {site}\n")
    message, *_, hint = tree.told()
    assert message.endswith("x.org belongs to two sites, alice/a and alice/b")
    assert hint == "  help: take it out of one of them"


def test_a_domain_twice_in_one_site(tree):
    tree.account("alice", BOB.replace("DOMAINS", "x.org, X.ORG"))
    assert tree.told() == [
        "config.domain-taken: x.org stands twice at alice/shop",
        "  --> accounts/alice.yaml:3:26+5 sites.shop.domains.0",
        "  --> accounts/alice.yaml:3:33+5 sites.shop.domains.1",
        "  help: take one out",
    ]


@pytest.mark.parametrize("form", ["bücher.example.org", "xn--bcher-kva.example.org", "BÜCHER.example.org"])
def test_a_domain_is_the_same_in_every_form(tree, form):
    tree.account("bob", BOB.replace("DOMAINS", "xn--bcher-kva.example.org"))
    tree.account("carol", BOB.replace("DOMAINS", f'"{form}"'))
    assert held(tree) == ["bob", "carol"]


def test_a_domain_of_an_account_that_is_wrong_elsewhere_is_still_its_own(tree):
    tree.account("alice", "nam: x\npackage: small\nsites: {blog: {domains: [7, blog.example.org, '*'], app: php}}\n")
    tree.account("bob", BOB.replace("DOMAINS", "blog.example.org"))
    assert held(tree) == ["alice", "bob"]
    assert any("belongs to two sites, alice/blog and bob/shop" in line for line in tree.told())


def test_no_site_has_the_address_of_a_server(tree):
    tree.account("bob", BOB.replace("DOMAINS", "WEB1.example.coop"))
    assert tree.told() == [
        "config.domain-reserved: web1.example.coop is the address of the server web1, which no site can have",
        "  --> accounts/bob.yaml:3:26+17 sites.shop.domains.0",
    ]


def test_an_account_on_two_servers_is_held_on_both(tree):
    tree.files["servers/web2/server.yaml"] = "address: web2.example.coop\ndebian: 13\n"
    tree.account("alice", "name: Alice\npackage: small\n", server="web2")
    assert tree.told() == [
        "config.account-taken: the account alice is on two servers, web1 and web2",
        "  --> accounts/alice.yaml:1:1+1",
        "  --> servers/web2/accounts/alice.yaml:1:1+1",
        "  help: remove one of the files; until then it is held on both",
    ]
    assert list(tree.load().held) == [("web1", "alice"), ("web2", "alice")]


def test_two_servers_of_one_address_stop_all(tree):
    tree.files["servers/web2/server.yaml"] = "debian: 13\naddress: WEB1.example.coop\n"
    tree.files["servers/web2/accounts/.gitkeep"] = ""
    assert tree.told() == [
        "config.address-taken: web1.example.coop is the address of two servers, web1 and web2",
        "  --> server.yaml:1:10+17 address",
        "  --> servers/web2/server.yaml:2:10+17 address",
        "  help: take one out",
    ]


def test_an_unknown_package(tree):
    tree.account("alice", "name: A\npackage: smal\n")
    assert tree.told() == [
        "config.unknown-package: wsh.yaml has no package `smal`",
        "  --> accounts/alice.yaml:2:10+4 package",
        "  help: did you mean small?",
    ]


SITES = "name: A\npackage: small\nsites:\n" + "".join(
    f"  s{n}: {{domains: [s{n}.example.org], app: {app}}}\n"
    for n, app in enumerate(["wordpress", "wordpress", "static", "php"])
)


def test_more_sites_and_databases_than_the_package_has(tree):
    tree.account("alice", SITES)
    assert tree.told(app_databases={"wordpress": 1}) == [
        "config.too-many-databases: the sites of alice need 2 databases, the package `small` has 1",
        "  --> accounts/alice.yaml:3:1+5 sites",
        "  help: take sites out, or give it a larger package",
        "config.too-many-sites: alice has 4 sites, the package `small` has 3",
        "  --> accounts/alice.yaml:7:3+2 sites.s3",
        "  help: take sites out, or give it a larger package",
    ]


def test_databases_are_counted_only_where_they_are_known(tree):
    tree.account("alice", SITES.rpartition("  s3")[0])
    assert tree.told() == []


def test_an_application_that_the_package_does_not_allow(tree):
    tree.files["wsh.yaml"] = tree.files["wsh.yaml"].replace("databases: 1", "databases: 1, apps: [static, php]")
    assert tree.told() == [
        "config.app-not-allowed: the package `small` does not allow `wordpress`",
        "  --> accounts/alice.yaml:4:66+9 sites.blog.app",
        "  help: it allows static, php",
    ]


def test_an_application_that_nothing_brings(tree):
    tree.account("alice", "name: A\npackage: small\nsites: {a: {domains: [a.org], app: nextcloud}}\n")
    known = tree.told()
    assert known == [
        "config.unknown-app: `nextcloud` is no application that is loaded",
        "  --> accounts/alice.yaml:3:36+9 sites.a.app",
        "  help: one of php, static, wordpress",
    ]
    hint = "  help: its plugin must be installed, and be listed under plugins in wsh.yaml"
    assert tree.told(app_names=()) == [*known[:2], hint]
    assert tree.told(app_names=None) == []


def test_a_package_of_an_unknown_application_stops_all(tree):
    tree.files["wsh.yaml"] = tree.files["wsh.yaml"].replace("databases: 1", "databases: 1, apps: [php, wordpres]")
    assert tree.told() == [
        "config.unknown-app: `wordpres` is no application that is loaded",
        "  --> wsh.yaml:4:109+8 packages.small.apps.1",
        "  help: did you mean wordpress?",
        "config.app-not-allowed: the package `small` does not allow `wordpress`",
        "  --> accounts/alice.yaml:4:66+9 sites.blog.app",
        "  help: it allows php, wordpres",
    ]


@pytest.mark.parametrize(("debian", "php", "wrong"), [(13, "8.4", False), (13, "8.2", True), (12, "8.2", False)])
def test_php_is_the_one_of_the_server_s_debian(tree, debian, php, wrong):
    tree.files["servers/web1/server.yaml"] = f"address: web1\ndebian: {debian}\n"
    tree.account("alice", f'name: A\npackage: small\nphp: "{php}"\n')
    expected = [
        "config.php-version: Debian 13 has PHP 8.4, not `8.2`",
        "  --> accounts/alice.yaml:3:6+5 php",
        '  help: write "8.4", or leave it out',
    ]
    assert tree.told() == (expected if wrong else [])


def test_php_has_no_more_memory_than_the_package(tree):
    tree.account(
        "alice",
        "name: A\npackage: small\nsites: {a: {domains: [a.org], app: php, php: {memory_limit: 1G}}}\n",
    )
    assert tree.told() == [
        "config.too-much-memory: memory_limit 1G is more than the package `small` has, 512M",
        "  --> accounts/alice.yaml:3:61+2 sites.a.php.memory_limit",
        "  help: at most 512M",
    ]


def test_an_error_is_told_once(tree):
    tree.account("alice", 'name: A\npackage: "sm al"\nphp: "8.x"\nsites: {a: {domains: [a.org], app: ../x}}\n')
    codes = [line.partition(":")[0] for line in tree.told() if not line.startswith(" ")]
    assert codes == ["config.value"] * 3
