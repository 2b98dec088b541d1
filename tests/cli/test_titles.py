"""What people may write into a title goes to the server as it is, whatever it looks like; the rest is refused."""

from __future__ import annotations

import re

import pytest

from tests.cli import guestbook
from tests.cli.conftest import ALICE, WSH, write
from wsh_core.errors import ExitStatus
from wsh_core.models.load import load_description

ADD = ("site", "add", "--app", "guestbook", "--account", "alice", "--domain", "new.example.org", "--key", "new")


@pytest.fixture(autouse=True)
def described(description, tmp_path):
    write(description, "wsh.yaml", WSH.replace("plugins: []", "plugins: [guestbook]"))
    with guestbook.installed(tmp_path / "plugin"):
        yield


def title_sent(server) -> str:
    """The title that the server will write: PHP's quotes are taken off, and nothing else was put in."""
    (want,) = [r["want"] for r in server.requests[-1][1]["resources"] if r["id"] == "app:alice/new"]
    (file,) = [each["content"] for each in want["config"] if each["path"] == "title.php"]
    quoted = re.fullmatch(r"<\?php\ndefine\('TITLE', '(.*)'\);\n", file)[1]
    assert re.fullmatch(r"(?:[^'\\]|\\['\\])*", quoted)
    return re.sub(r"\\(['\\])", r"\1", quoted)


@pytest.mark.parametrize(
    "title",
    [
        "Alice's \"blog\"", "{{ 7 * 7 }}", "{% raw %}", "{title}", "😀 emoji 👩‍👧", "Käse & <b>", "<?php echo 1 ?>",
        "\\' \\\\", "# no comment", "[a]: {b}", "- x", "yes", "7", "2026-11-24", "22:30", "*a", "&a", "!tag", "%x",
        "@x", "`x`", "$HOME `id`", "' OR 1=1 --", "null", "~", "a: b", "日本語", "''", "x" * 200,
    ],
)  # fmt: skip
def test_a_title_goes_through_as_it_is(wsh, server, description, title):
    done = wsh(*ADD, "--set", f"title={title}")
    assert done.status == ExitStatus.OK, done.err
    assert load_description(description).site("alice/new").options == {"title": title}
    assert title_sent(server) == title
    upgraded = wsh("site", "upgrade", "alice/new")
    assert upgraded.status == ExitStatus.OK, upgraded.err
    assert title_sent(server) == title


@pytest.mark.parametrize(
    ("title", "words"),
    [("a\nb", "U+000A"), ("a\tb", "U+0009"), ("\x1b[31m", "U+001B"), ("a\u202eb", "U+202E")],
)
def test_a_title_with_what_cannot_be_seen_is_refused_in_words(wsh, server, description, title, words):
    done = wsh(*ADD, "--set", f"title={title}")
    assert done.status == ExitStatus.USAGE
    assert "error[usage.value]: --set title:" in done.err
    assert words in done.err
    assert "\x1b" not in done.err
    assert server.requests == []
    assert (description / "servers/web1/accounts/alice.yaml").read_text() == ALICE
