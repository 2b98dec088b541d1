from __future__ import annotations

import io
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from wsh_core.cli import terminal
from wsh_core.cli.terminal import Console, Span, cells, cut, escape, open_console, pad, wrap

HOSTILE = {
    "a\nb": "a\\x0ab",
    "\x1b[31mred": "\\x1b[31mred",
    "\x1b]0;owned\x07": "\\x1b]0;owned\\x07",
    "\x9b2J": "\\x9b2J",
    "\u202egnp.exe": "\\u202egnp.exe",
    "\u2066x\u2069": "\\u2066x\\u2069",
    "\U000e0041": "\\U000e0041",
    b"caf\xe9".decode(errors="surrogateescape"): "caf\\xe9",
    "caf\u00e9 \u5bb6": "caf\u00e9 \u5bb6",
}


def test_what_could_drive_a_terminal_is_shown_instead():
    for text, shown in HOSTILE.items():
        assert escape(text) == shown


@given(st.text())
def test_nothing_escaped_moves_hides_or_reorders(text):
    shown = escape(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert escape(shown) == shown


@given(st.text(), st.sampled_from(["", "green", "red"]), st.booleans())
def test_a_line_is_one_line_and_only_its_own_colours_reach_the_stream(text, style, colour):
    stream = io.StringIO()
    Console(stream, colour, None).line(Span(text, style), " ", text)
    written = stream.getvalue()
    assert written.count("\n") == 1
    for code in ("\x1b[32m", "\x1b[31m", "\x1b[0m"):
        written = written.replace(code, "")
    assert "\x1b" not in written


@given(st.text(), st.integers(3, 40))
def test_cut_text_fits(text, width):
    assert cells(cut(text, width)) <= width
    if cells(text) <= width:
        assert cut(text, width) == escape(text)
        assert cells(pad(text, width)) == width


@given(
    st.lists(st.text(st.characters(codec="ascii", exclude_characters=" "), min_size=1, max_size=9)),
    st.integers(12, 40),
)
def test_wrapped_words_are_all_there_and_fit(words, width):
    lines = [
        "".join(part if isinstance(part, str) else part.text for part in line)
        for line in wrap([" ".join(words)], width, "- ", "  ")
    ]
    assert " ".join(lines).removeprefix("- ").split() == " ".join(words).split()
    assert all(cells(line) <= width or len(line.strip().split(" ")) == 1 + line.startswith("- ") for line in lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise AssertionError("COLUMNS decides")


def console(when="auto", stream=None, **environ):
    return open_console(stream or Terminal(), when, {"COLUMNS": "80", **environ})


def test_colour_is_off_wherever_it_is_not_wanted():
    assert console().colour
    assert not console(NO_COLOR="1").colour
    assert console(NO_COLOR="").colour
    assert not console(TERM="dumb").colour
    assert not console(stream=io.StringIO()).colour
    assert not console("never").colour
    assert console("always", NO_COLOR="1").colour


def test_a_pipe_has_no_width_and_is_not_live():
    pipe = console(stream=io.StringIO())
    assert pipe.width is None
    assert not terminal.live(pipe, {"TERM": "xterm"})
    assert terminal.live(console(), {"TERM": "xterm"})
    assert not terminal.live(console(), {"TERM": "xterm", "ACCESSIBLE": "1"})
    assert not terminal.live(console(), {"TERM": "dumb"})
