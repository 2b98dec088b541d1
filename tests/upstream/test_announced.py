from __future__ import annotations

import re

import pytest

from wsh_core.errors import WshError
from wsh_core.upstream.announced import announced
from wsh_core.vocabulary.sources import LocalFile, Release
from wsh_core.vocabulary.upstream import Upstream


class Page:
    def __init__(self, *versions):
        self.text = " ".join(f"[{version}]" for version in versions).encode()

    def read(self, _url):
        return self.text


def known(*versions, php="8.4"):
    return [Release(v, (php,), (LocalFile("/x", "0" * 64),)) for v in versions]


def found(page, ours, **declared):
    upstream = Upstream(("https://example.org/index",), r"\[([^]]*)\]", **declared)
    return [(each.version, each.follows.version, each.upgrades_from) for each in announced(upstream, ours, page)]


def test_of_each_line_the_newest():
    page = Page("31.0.2", "31.0.12", "31.0.9", "32.0.5", "30.0.9", "9.0.1")
    assert found(page, known("31.0.2")) == [("32.0.5", "31.0.2", "0"), ("31.0.12", "31.0.2", "0")]


def test_nothing_newer():
    assert found(Page("31.0.2", "30.0.1"), known("31.0.2")) == []
    assert found(Page("2.0"), known("2.0.1", "2.0")) == []


def test_lines_of_two_numbers():
    page = Page("1.43.5", "1.43.6", "1.45.1", "1.44.9")
    assert [version for version, _, _ in found(page, known("1.43.5"), line=2)] == ["1.45.1", "1.44.9", "1.43.6"]


def test_each_line_is_upgraded_from_the_one_before():
    page = Page("31.0.12", "32.0.5", "33.0.1", "34.0.2")
    hops = [(version, low) for version, _, low in found(page, known("33.0.0", "31.0.2"), every_line=True)]
    assert hops == [("34.0.2", "33"), ("33.0.1", "0"), ("32.0.5", "31"), ("31.0.12", "0")]


@pytest.mark.parametrize(
    "trick",
    [
        "../../etc/passwd",
        "9.0/../x",
        "9.0-rc1",
        "9.0beta",
        "9..0",
        "9.0.0.0.0",
        "1e9",
        "9.0\n",
        "999999999.0",
        "٩.0",
        "9 .0",
    ],
)
def test_what_is_no_plain_version_is_passed_over(trick):
    assert found(Page("2.0", trick), known("1.0")) == [("2.0", "1.0", "0")]


def test_a_page_that_names_none():
    with pytest.raises(WshError, match="names no version any more") as caught:
        found(Page(), known("1.0"))
    assert caught.value.problems[0].code == "app.upstream"


def test_a_page_that_names_too_many():
    with pytest.raises(WshError, match="names 30 lines that are newer"):
        found(Page(*(f"{n}.0" for n in range(2, 32))), known("1.0"))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"archive": "http://example.org/{version}"}, "no plain https URL"),
        ({"archive": "https://example.org/{versoin}"}, "there are {version} and {line}"),
        ({"checksum": "https://example.org/{version}.sha256"}, "needs the archive"),
        (
            {"archive": "https://example.org/{version}", "signature": "https://example.org/{version}.asc"},
            "belong together",
        ),
        ({"archive": "https://example.org/{version}", "root": "../{version}"}, "leaves the site's tree"),
        ({"line": 0}, "not between"),
    ],
)
def test_a_declaration_that_is_wrong(declared, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        Upstream(("https://example.org/",), "([0-9.]+)", **declared)
