"""A real terminal (pty(7)): questions, the live area, Ctrl-C, colours."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable

import pexpect
import pytest

from tests.cli.conftest import ROOT
from wsh_core.errors import ExitStatus

Spawn = Callable[..., pexpect.spawn]
REPAINT = "\x1b[1A\x1b[2K"


@pytest.fixture
def terminal(description) -> Spawn:
    """Start `wsh` on a terminal of 100 columns."""
    started = []

    def spawn(*words: str, seconds: float = 0.0, **environ: str) -> pexpect.spawn:
        program = ["-m", "tests.cli.at_terminal", str(seconds), "apply", "-C", str(description)]
        process = pexpect.spawn(
            sys.executable, [*program, *words], cwd=str(ROOT), dimensions=(40, 100), encoding="utf-8",
            env={**os.environ, "TERM": "xterm", **environ}, timeout=20,
        )  # fmt: skip
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.close(force=True)


def ended(process: pexpect.spawn) -> tuple[str, int]:
    process.expect(pexpect.EOF)
    process.close()
    return process.before.replace("\r\n", "\n"), process.exitstatus


def test_the_plan_is_shown_and_yes_applies(terminal):
    process = terminal("apply")
    process.expect_exact("Apply? [y/N] ")
    assert "account gwen" in process.before
    process.sendline("y")
    text, status = ended(process)
    assert "1 of 5 accounts failed" in text
    assert status == ExitStatus.FAILED


@pytest.mark.parametrize("answer", ["n", "", "no"])
def test_anything_but_yes_does_nothing(terminal, answer):
    process = terminal("apply")
    process.expect_exact("Apply? [y/N] ")
    process.sendline(answer)
    text, status = ended(process)
    assert "Nothing was done." in text
    assert status == ExitStatus.FAILED


def test_what_is_no_answer_is_asked_again(terminal):
    process = terminal("apply")
    process.expect_exact("Apply? [y/N] ")
    process.sendline("perhaps")
    process.expect_exact("Apply? [y/N] ")
    process.sendeof()
    text, status = ended(process)
    assert "interrupted: nothing is under way" in text
    assert status == ExitStatus.INTERRUPTED


def test_no_input_asks_nothing_even_here(terminal):
    text, status = ended(terminal("apply", "--no-input"))
    assert "usage.confirmation" in text
    assert status == ExitStatus.USAGE


def test_control_c_at_the_question_begins_nothing(terminal):
    process = terminal("apply")
    process.expect_exact("Apply? [y/N] ")
    process.sendintr()
    text, status = ended(process)
    assert "interrupted: nothing is under way" in text
    assert "Aborted" not in text
    assert status == ExitStatus.INTERRUPTED


def test_control_c_while_it_runs_stops_watching_and_says_what_goes_on(terminal):
    process = terminal("apply", "--yes", seconds=0.2)
    process.expect_exact("Ctrl-C stops watching")
    process.sendintr()
    text, status = ended(process)
    assert "not watching: web1 goes on: wsh log 5da7d5 --follow" in text
    assert "Traceback" not in text
    assert status == ExitStatus.INTERRUPTED


def test_sigterm_counts_as_control_c(terminal):
    process = terminal("apply", "--yes", seconds=0.2)
    process.expect_exact("Ctrl-C stops watching")
    process.kill(signal.SIGTERM)
    text, status = ended(process)
    assert "not watching: web1 goes on" in text
    assert status == ExitStatus.TERMINATED


def test_the_live_area_is_repainted_and_leaves_nothing_behind(terminal):
    text, _ = ended(terminal("apply", "--yes", seconds=0.05))
    assert REPAINT in text
    assert "Ctrl-C stops watching" in text
    screen: list[str] = []
    for piece in re.split(r"(\x1b\[1A\x1b\[2K|\n)", text):
        if piece == REPAINT:
            screen = screen[:-1]
        elif piece != "\n":
            screen.append(re.sub(r"\x1b\[\d*m", "", piece)) if piece else None
    assert not [line for line in screen if "Ctrl-C stops watching" in line]
    assert [line for line in screen if line.startswith("web1   accounts   ok ")]


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"ACCESSIBLE": "1"}], ids=str)
def test_nothing_is_repainted_where_it_cannot_be(terminal, environ):
    text, _ = ended(terminal("apply", "--yes", seconds=0.05, **environ))
    assert "\x1b[1A" not in text
    assert "web1   accounts   ok" in re.sub(r"\x1b\[\d*m", "", text)


@pytest.mark.parametrize(
    ("words", "environ", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        ((), {"TERM": "dumb"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_are_off_where_they_are_not_wanted(terminal, words, environ, coloured):
    text, _ = ended(terminal("plan", *words, **environ))
    assert ("\x1b[" in text) is coloured


def test_site_add_asks_for_what_is_missing_and_shows_what_it_will_do(terminal, description):
    process = terminal("site", "add", "--app", "static", "--no-apply")
    process.expect_exact("Account (Enter takes a [value]; nothing is changed before the last question): ")
    process.sendline("alice")
    process.expect_exact("Domain: ")
    process.sendline("no domain")
    process.expect_exact("Domain: ")
    process.sendline("files.example.org")
    process.expect_exact("Add it? [Y/n] ")
    assert "from account and domain; --key" in process.before
    process.sendline("")
    _, status = ended(process)
    assert status == ExitStatus.OK
    assert "files:" in (description / "servers/web1/accounts/alice.yaml").read_text()
