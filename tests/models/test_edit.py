"""An edit adds what was meant and leaves every other byte as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from wsh_core.errors import ConfigError
from wsh_core.models import edit
from wsh_core.models.emit import flow
from wsh_core.models.source import parse

FILE = "servers/web1/accounts/alice.yaml"
SITE = {"domains": ("new.example.org",), "app": "static", "options": {"title": 'A: "b"', "n": "NO"}}


def written(root, text):
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def cases():
    """Before and after, from a file: `=== name`, the text, `--- lines of the change`, the result."""
    text = (Path(__file__).parent / "cases" / "edits.txt").read_text()
    for case in text.split("\n=== ")[1:]:
        name, _, rest = case.partition("\n")
        before, _, rest = rest.partition("--- ")
        lines, _, after = rest.partition("\n")
        yield pytest.param(before, lines, after + "\n", id=name)


@pytest.mark.parametrize(("before", "lines", "after"), list(cases()))
def test_a_site_is_added_in_the_style_of_its_neighbours(tmp_path, before, lines, after):
    path = written(tmp_path, before)
    change = edit.add_site(tmp_path, FILE, "new", SITE)
    assert path.read_text() == before, "nothing is written yet"
    change.write()
    assert path.read_text() == after.rstrip("\n") + "\n"
    assert str(change) == f"{FILE}:{lines}"


def test_line_ends_and_a_missing_last_one(tmp_path):
    path = written(tmp_path, "name: A\r\nsites:\r\n  a: {app: php}")
    edit.add_site(tmp_path, FILE, "b", {"app": "static"}).write()
    assert path.read_bytes() == b"name: A\r\nsites:\r\n  a: {app: php}\r\n  b: {app: static}\r\n"


BEFORE = """\
name: x # c
sites:
  a:
    app: static # why
    domains:
      - a.b.org
      - c.d.org
    options: {a: 1, b: [2]} # o
    release:
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("name",), "NO", "name: x # c", 'name: "NO" # c'),
        (("sites", "a", "app"), "php", "app: static # why", "app: php # why"),
        (
            ("sites", "a", "domains"),
            ["x.y.org"],
            "domains:\n      - a.b.org\n      - c.d.org",
            "domains: [x.y.org]",
        ),
        (("sites", "a", "options"), {}, "options: {a: 1, b: [2]} # o", "options: {} # o"),
        (("sites", "a", "options", "b"), True, "b: [2]} # o", "b: true} # o"),
        (("sites", "a", "options", "c"), "8.30", "b: [2]} # o", 'b: [2], c: "8.30"} # o'),
        (("sites", "a", "release"), "6.8", "release:\n", 'release: "6.8"\n'),
        (
            ("sites", "a", "php"),
            {"memory_limit": "1G"},
            "release:\n",
            "release:\n    php:\n      memory_limit: 1G\n",
        ),
        (("ssh", "password"), True, "release:\n", "release:\nssh:\n  password: true\n"),
    ],
)
def test_a_value_is_set_where_it_stands(tmp_path, path, value, old, new):
    file = written(tmp_path, BEFORE)
    edit.set_value(tmp_path, FILE, path, value).write()
    assert file.read_text() == BEFORE.replace(old, new)


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("name: x\n", ("name", "first")),  # a text has no keys
        ("sites:\n  - a\n", ("sites", "a")),
        ("a:\n  - 1 # why\n  - 2\n", ("a",)),  # the comment would go
        ("name: x\n...\n", ("email",)),  # the end of the document
        ("- a\n", ("a",)),
        ("a: &x 1\n", ("b",)),
        ("a: NO\n", ("b",)),
        ("a: [\n", ("b",)),
    ],
)
def test_what_cannot_be_done_without_harm_is_refused(tmp_path, before, path):
    file = written(tmp_path, before)
    with pytest.raises(ConfigError):
        edit.set_value(tmp_path, FILE, path, "v")
    assert file.read_text() == before


def test_a_site_of_that_key_is_left_alone(tmp_path):
    written(tmp_path, BEFORE)
    with pytest.raises(ConfigError, match=r"has `sites\.a` already"):
        edit.add_site(tmp_path, FILE, "a", SITE)


def test_a_new_account(tree):
    values = {"name": "Bob: the 2nd", "email": "bob@example.org", "package": "small"}
    change = edit.add_account(tree.root, "web1", "bob", values)
    assert tree.told(overlay=change.overlay) == []
    change.write()
    assert (tree.root / change.file).read_text() == 'name: "Bob: the 2nd"\nemail: bob@example.org\npackage: small\n'
    with pytest.raises(ConfigError, match="exists already"):
        edit.add_account(tree.root, "web1", "bob", values)


def test_a_change_is_checked_before_it_is_written(tree):
    tree.write()
    change = edit.add_site(tree.root, FILE, "shop", {"domains": ["blog.example.org"], "app": "php"})
    assert tree.told(write=False, overlay=change.overlay)[0].startswith("config.domain-taken: blog.example.org")


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path):
    path = written(tmp_path, BEFORE)
    change = edit.set_value(tmp_path, FILE, ("name",), "Bob")
    path.write_text(BEFORE + "# mine\n")
    with pytest.raises(ConfigError, match="was changed meanwhile"):
        change.write()
    assert path.read_text() == BEFORE + "# mine\n"


def test_mode_and_owner_stay_and_nothing_is_left_beside(tmp_path):
    path = written(tmp_path, BEFORE)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 1235)
    before = path.stat()
    edit.set_value(tmp_path, FILE, ("name",), "Bob").write()
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "the old file is replaced, not written into"
    assert [each.name for each in path.parent.iterdir()] == ["alice.yaml"]


def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        edit.add_account(tmp_path, "web1", "bob", {"name": "B"}).write()
    finally:
        os.umask(old)
    assert (tmp_path / "servers/web1/accounts/bob.yaml").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path):
    real = tmp_path / "elsewhere.yaml"
    real.write_text(BEFORE)
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    edit.set_value(tmp_path, FILE, ("name",), "Bob").write()
    assert path.is_symlink()
    assert real.read_text() == BEFORE.replace("name: x", "name: Bob")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = written(tmp_path, BEFORE)
    change = edit.set_value(tmp_path, FILE, ("name",), "Bob")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot be written: No space left on device"):
        change.write()
    assert path.read_text() == BEFORE
    assert [each.name for each in path.parent.iterdir()] == ["alice.yaml"]


# Whatever stands in the file: the result says what was meant, and what was there before is there unchanged.

_WORDS = st.sampled_from(["a", "b", "title", "x y", "NO", "8.30", "", "ü", "# no", "a: b", "'", '"', "{", "-", "?"])
_VALUES = st.recursive(
    _WORDS | st.integers(0, 99) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_COMMENTS = st.sampled_from(["", "  # why", "  # sites: {x: 1}", "   "])


@st.composite
def texts(draw, levels=3, indent=0):
    """YAML as people write it: block style with comments, blank lines and odd indentation, flow within."""
    if levels == 0 or (indent and draw(st.booleans())):
        return None
    keys = draw(st.lists(st.sampled_from(["sites", "new", "app", "name"]), min_size=1, max_size=3, unique=True))
    lines = []
    for key in keys:
        if draw(st.integers(0, 4)) == 0:
            lines.append(f"{' ' * draw(st.integers(0, 8))}# comment")
        step = draw(st.sampled_from([1, 2, 4]))
        inner = draw(texts(levels=levels - 1, indent=indent + step))
        if inner:
            lines.append(f"{' ' * indent}{key}:{draw(_COMMENTS)}")
            lines += inner
        elif draw(st.integers(0, 5)) == 0:
            lines.append(f"{' ' * indent}{key}: >-")
            lines.append(f"{' ' * indent}    folded text")
        else:
            value = draw(_VALUES)
            lines.append(f"{' ' * indent}{key}:{'' if value is None else ' ' + flow(value)}{draw(_COMMENTS)}")
        if draw(st.integers(0, 4)) == 0:
            lines.append("")
    return lines


@given(
    texts(),
    st.sampled_from([("sites", "new"), ("name",), ("sites", "new", "app"), ("app", "name")]),
    _VALUES,
    st.sampled_from(["\n", "\r\n"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@example(["sites: # none", "", "# end"], ("sites", "new"), {"app": "static"}, "\n")
def test_any_edit_of_any_text(tmp_path, lines, path, value, newline):
    before = newline.join(lines) + newline
    old = parse(before, FILE).value
    assume(old is not None)
    file = written(tmp_path, before)
    try:
        change = edit.set_value(tmp_path, FILE, path, value)
    except ConfigError:
        assert file.read_bytes().decode() == before
        return
    change.write()
    after = file.read_bytes().decode()
    new = parse(after, FILE)
    assert new.problems == []
    here, there = new.value, old
    for depth, key in enumerate(path):
        others = {k: v for k, v in (there or {}).items() if k != key}
        assert {k: v for k, v in here.items() if k != key} == others, depth
        here, there = here[key], (there or {}).get(key)
    assert here == value
    for comment in ("# comment", "# why", "# sites: {x: 1}", "# end"):
        assert before.count(comment) == after.count(comment)
    if there is None:  # something new: nothing is taken away
        rest = iter(after)
        assert all(character in rest for character in before)
