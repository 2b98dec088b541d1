"""What is fetched from the web, and what is not: against a real server that behaves badly."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from wsh_core.errors import ExitStatus, WshError
from wsh_core.upstream import web
from wsh_core.upstream.web import Web


def refused(url, **options):
    with pytest.raises(WshError) as caught:
        Web(**options).read(url)
    (problem,) = caught.value.problems
    assert "\n" not in problem.message
    assert url in problem.message
    return problem, caught.value.exit


def test_a_page_is_read_as_it_is(makers):
    makers.pages["/page"] = b"\x00\xff"
    assert Web().read(f"{makers.url}/page") == b"\x00\xff"


def test_what_is_saved_is_what_was_sent(makers, tmp_path):
    makers.pages["/archive"] = b"x" * 300_000
    Web().save(f"{makers.url}/archive", tmp_path / "here")
    assert (tmp_path / "here").read_bytes() == b"x" * 300_000
    with pytest.raises(FileExistsError):
        Web().save(f"{makers.url}/archive", tmp_path / "here")


def test_nothing_is_decoded(makers):
    bomb = gzip.compress(b"\0" * (web.PAGE + 1))
    makers.pages["/page"] = lambda request: request.send(bomb, Content_Encoding="gzip")
    assert Web().read(f"{makers.url}/page") == bomb


def test_a_huge_answer_is_given_up(makers):
    def flood(request):
        request.send_response(200)
        request.end_headers()
        for _ in range(web.PAGE // 1024 + 99):
            request.wfile.write(b"x" * 1024)

    makers.pages["/page"] = flood
    problem, status = refused(f"{makers.url}/page")
    assert problem.code == "app.source"
    assert "larger than 4 MiB" in problem.message
    assert status == ExitStatus.FAILED


def test_a_slow_answer_is_given_up(makers):
    def drip(request):
        request.send_response(200)
        request.end_headers()
        for _ in range(40):
            request.wfile.write(b"x" * (64 << 10))
            time.sleep(0.02)

    makers.pages["/page"] = drip
    problem, status = refused(f"{makers.url}/page", page_time=0.1)
    assert "took longer than" in problem.message
    assert status == ExitStatus.UNREACHABLE


def test_a_network_that_goes_half_way(makers):
    makers.pages["/page"] = lambda request: request.send(b"half", length=999)
    problem, status = refused(f"{makers.url}/page")
    assert problem.code == "app.source"
    assert "cannot be fetched" in problem.message
    assert status == ExitStatus.UNREACHABLE
    assert "try again later" in problem.hint


def test_nobody_is_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        problem, status = refused(f"https://localhost:{port}/page")
    assert "Connection refused" in problem.message
    assert status == ExitStatus.UNREACHABLE


def test_an_authority_that_is_not_known(makers, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    problem, status = refused(f"{makers.url}/page")
    assert "certificate verify failed" in problem.message
    assert status == ExitStatus.UNREACHABLE


def test_a_page_that_is_not_there(makers):
    problem, status = refused(f"{makers.url}/page")
    assert "answers 404" in problem.message
    assert status == ExitStatus.FAILED


def leading(to):
    def answer(request):
        request.send_response(302)
        request.send_header("Location", to)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def test_a_redirect_is_followed_to_https(makers):
    makers.pages |= {"/old": leading("/new"), "/new": b"here"}
    assert Web().read(f"{makers.url}/old") == b"here"


def test_a_redirect_to_http_is_not_followed(makers, plain):
    plain.pages["/page"] = b"evil"
    makers.pages["/page"] = leading(f"{plain.url}/page")
    problem, _ = refused(f"{makers.url}/page")
    assert "which is not https" in problem.message
    assert plain.asked == []


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://localhost/x", "//"])
def test_a_redirect_to_something_else_is_not_followed(makers, to):
    makers.pages["/page"] = leading(to)
    refused(f"{makers.url}/page")


def test_a_circle_is_left(makers):
    makers.pages["/page"] = leading("/page")
    problem, _ = refused(f"{makers.url}/page")
    assert "leads on more than 5 times" in problem.message
    assert len(makers.asked) == 5
