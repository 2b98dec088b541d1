"""Files that cannot be taken, and names that say nothing: each is told, none is waited for."""

from __future__ import annotations

import os

import pytest

from wsh_core.errors import ConfigError
from wsh_core.models.load import load_description


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
        path.symlink_to({"socket-like link": "/dev/null", "dangling link": "nowhere", "loop": path.name}[kind])
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
