"""A description is loaded whole, and what is wrong with it is told at once and at its place."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsh_core.errors import ConfigError, ExitStatus
from wsh_core.models.load import load_description
from wsh_core.models.schema import FILES, keys


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
    settings = (
        "{memory_limit: 256M, display_errors: false, max_input_vars: 3000, date.timezone: Europe/London}"
    )
    tree.account(
        "alice", f"name: A\npackage: small\nsites:\n  a: {{domains: [a.org], app: php, php: {settings}}}\n"
    )
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
    tree.account(
        "bob", "name: Bob\npackage: small\nsites: {s: {domains: [s.org, blog.example.org], app: php}}\n"
    )
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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "config.empty: the file is empty @ 1:1+1"),
        (b"name: \xff\n", "config.encoding: the byte 0xff is not UTF-8 @ 1:7+1"),
        ("name: x\n".encode("utf-16"), "config.encoding: the byte 0xff is not UTF-8 @ 1:1+1"),
        (b"a: 1\n\xc3\xa9: \xe9\n", "config.encoding: the byte 0xe9 is not UTF-8 @ 2:4+1"),
        (b"- x\n", "config.type: the file is a list, no keys @ 1:1+1"),
        (
            b"x" * (1 << 20 | 1),
            "config.too-large: FILE has 1024K, a file here has at most 1024K @ 1:1+1",
        ),
        (
            b"name: \x00\n",
            "config.character: the file holds the character U+0000, which cannot be seen @ 1:7+1",
        ),
    ],
    ids=["empty", "bytes", "utf-16", "latin-1", "list", "large", "nul"],
)
@pytest.mark.parametrize("file", ["wsh.yaml", "servers/web1/server.yaml", "servers/web1/accounts/bob.yaml"])
def test_a_file_that_cannot_be_taken(tree, file, content, told):
    tree.files[file] = content
    message, place = told.split(" @ ")
    lines = [line.replace("servers/web1/", "") for line in tree.told()]
    assert message.replace("FILE", file).replace("servers/web1/", "") in lines
    assert f"  --> {file}:{place}".replace("servers/web1/", "") in lines


def test_a_byte_order_mark_is_let_pass(tree):
    tree.files["wsh.yaml"] = b"\xef\xbb\xbf" + tree.files["wsh.yaml"].encode()
    assert tree.told() == []


def test_windows_line_ends_are_let_pass(tree):
    tree.account("alice", ALICE_CRLF)
    assert tree.told() == [
        "config.unknown-package: wsh.yaml has no package `smal2`",
        "  --> accounts/alice.yaml:2:10+5 package",
        "  help: did you mean small?",
    ]


ALICE_CRLF = "name: Alice\r\npackage: smal2\r\n"


@pytest.mark.parametrize("kind", ["fifo", "directory", "socket-like link", "dangling link", "loop"])
def test_what_is_no_regular_file_is_not_waited_for(tree, kind):
    tree.write()
    path = tree.root / "servers/web1/accounts/bob.yaml"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(
            {"socket-like link": "/dev/null", "dangling link": "nowhere", "loop": path.name}[kind]
        )
    message, place, *_ = tree.told()
    assert message.startswith("config.unreadable: servers/web1/accounts/bob.yaml ")
    assert place == "  --> accounts/bob.yaml:1:1+1"


def test_a_file_without_permission(tree):
    tree.write()
    (tree.root / "servers/web1/accounts/alice.yaml").chmod(0)
    assert _as_nobody(lambda: tree.told(write=False)[0], tree.root) == (
        "config.unreadable: servers/web1/accounts/alice.yaml cannot be read: Permission denied"
    )


def _as_nobody(call, root):
    """What `call` returns to a user who may not read everything; root has to become one, in a child."""
    if os.geteuid() != 0:
        return call()
    for path in (root, *root.parents[:-1]):
        path.chmod(path.stat().st_mode | 0o011)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        os.write(writer, call().encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        return stream.read()


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("wsh.yaml", "wsh.yaml"),
        ("servers/web1/server.yaml", "servers/web1/server.yaml"),
        ("servers/web1/accounts/alice.yaml", "servers/web1/accounts"),
    ],
)
def test_what_is_missing(tree, without, missing):
    del tree.files[without]
    assert f"config.missing-file: {missing} does not exist" in tree.told()


def test_no_description_at_all(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere does not exist"):
        load_description(tmp_path / "nowhere")


def test_no_server(tree):
    tree.files = {"wsh.yaml": tree.files["wsh.yaml"]}
    first, _, second = tree.told()
    assert first == "config.missing-file: servers does not exist"
    assert second == "  help: mkdir servers; git keeps none that is empty: put a .gitkeep into it"
    (tree.root / "servers").mkdir()
    first, _, second = tree.told()
    assert first.endswith("servers/NAME/server.yaml does not exist")
    assert second == "  help: wsh init makes the first"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("servers/web1/accounts/Erin.yaml", "`Erin` is not the name of an account"),
        ("servers/web1/accounts/a.yaml", "`a` is not the name of an account"),
        ("servers/web1/accounts/er in.yaml", "`er in` is not the name of an account"),
        ("servers/web1/accounts/x\n.yaml", "`x\\n` holds the character U+000A"),
        ("servers/web1/accounts/carol.yml", "servers/web1/accounts/carol.yml would not be read"),
        ("servers/web2.yaml", "servers/web2.yaml is a file"),
        ("servers/Web_2/server.yaml", "`Web_2` is not a name"),
    ],
)
def test_a_file_whose_subject_cannot_be_known_stops_all(tree, file, told):
    tree.files[file] = "name: x\npackage: small\n"
    with pytest.raises(ConfigError) as caught:
        tree.load()
    (problem,) = caught.value.problems
    assert problem.code == "config.file-name"
    assert problem.message.startswith(told)


def test_an_account_of_a_system_user_s_name_is_held(tree):
    tree.account("mysql", "name: x\npackage: small\n")
    (problem,) = tree.load().held["web1", "mysql"]
    assert (problem.code, problem.message) == (
        "config.name-reserved",
        "`mysql` is a name of the system's own",
    )


def test_other_files_are_left_alone(tree):
    for name in ("README.md", ".alice.yaml.swp", "alice.yaml~", "alice.yaml.orig", "#alice.yaml#"):
        tree.files[f"servers/web1/accounts/{name}"] = b"\xff"
    tree.files["servers/.git/x"] = b""
    assert tree.told() == []


# Whatever is in a file: an answer, no traceback.

PATHS = ["wsh.yaml", "servers/web1/server.yaml", "servers/web1/accounts/alice.yaml"]


@given(st.sampled_from(PATHS), st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_bytes_in_any_file(tree, file, content):
    before = tree.files[file]
    tree.files[file] = content
    lines = tree.told()
    tree.files[file] = before
    assert all(line.isprintable() for line in lines)
    assert lines


_WORDS = ["alice", "small", "2G", "50%", "static", "a.example.org", "8.4", "../x", "root", "{{7*7}}", "\0"]
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(allow_nan=False),
    st.sampled_from([*_WORDS, "x" * 300]),
)
_KEYS = st.sampled_from(
    sorted({"blog", "X", ""}.union(*(key.path.split(".") for kind in FILES for key in keys(kind))))
)
_ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(st.sampled_from(PATHS), st.dictionaries(_KEYS, _ANY, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_values_in_any_file(tree, file, values):
    import json

    tree.write()
    overlay = {file: json.dumps(values, ensure_ascii=True)}
    lines = tree.told(write=False, overlay=overlay)
    assert all(line.isprintable() for line in lines)


# Figures.


def test_a_thousand_accounts_are_loaded_quickly(tree):
    del tree.files["servers/web1/accounts/alice.yaml"]
    for number in range(1000):
        name = f"a{number:04}"
        tree.account(name, ACCOUNT.replace("NAME", name))
    tree.write()
    seconds = []
    for _ in range(3):
        start = time.process_time()
        description = load_description(tree.root, app_names={"wordpress"}, app_databases={"wordpress": 1})
        seconds.append(time.process_time() - start)
    assert description.problems == ()
    assert sum(len(account.sites) for _, account in description.accounts()) == 3000
    assert min(seconds) < 0.6


ACCOUNT = """\
name: Alice Example
email: alice@example.org
package: small
ssh:
  keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aRKy5k+TdH2TCpzTuTbojLdlAGA0FU1UuHZlf+U6q alice@laptop"]
  password: true
sites:
  blog:
    domains: [blog.NAME.example.org, www.blog.NAME.example.org]
    app: wordpress
    options: {title: Alice's blog, admin: alice, admin_email: alice@example.org}
  archive: {domains: [old.NAME.example.org], app: static}
  shop: {domains: [shop.NAME.example.org, www.shop.NAME.example.org], app: php}
"""


def test_ten_megabytes_are_refused_in_a_moment_and_little_memory(tree):
    tree.account("bob", "x: y\n" * 2_000_000)
    tree.write()
    program = """
import pathlib, re, sys, time
from wsh_core.models.load import load_description
from wsh_core.models.schema import FILES, keys
start = time.monotonic()
held = load_description(pathlib.Path(sys.argv[1])).held
seconds = time.monotonic() - start
peak = re.search(r"VmHWM:\\s*([0-9]+) kB", pathlib.Path("/proc/self/status").read_text())
print(seconds, peak[1], *(problem.code for each in held.values() for problem in each))
"""
    command = [sys.executable, "-c", program, str(tree.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, kilobytes, code = done.stdout.split()
    assert code == "config.too-large"
    assert float(seconds) < 1
    assert int(kilobytes) < 100_000
