"""The health probe, against a real https server that behaves and misbehaves like a tenant's application."""

from __future__ import annotations

import http.client
import http.server
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from wsh_core.agent import probe


class Application(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append({**self.headers, "path": self.path})
        if self.path == "/drip":
            self._drip()
            return
        if self.path == "/headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n")
            return
        self.send_response(302 if self.path == "/login" else 200)
        self.send_header("Location", "https://elsewhere.example.org/")
        self.end_headers()
        try:
            for _ in range(64 if self.path == "/large" else 0):
                self.wfile.write(b"x" * (1 << 20))
            self.wfile.write("Grüße".encode())
        except OSError:
            self.close_connection = True

    def _drip(self) -> None:
        """One byte at a time: each read has an answer in time, the whole has none."""
        try:
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 10000:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    place = tmp_path_factory.mktemp("application")
    subject = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:blog.example.org"]
    key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        place / "key.pem",
    ]
    argv = ["openssl", "req", "-x509", *key, "-days", "2", *subject, "-out", place / "cert.pem"]
    subprocess.run(argv, check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, str(place / "cert.pem")
    server.shutdown()
    server.server_close()


def test_the_site_is_asked_by_its_name_with_the_token(application: tuple[int, str]) -> None:
    port, ca = application
    answer = probe.ask("blog.example.org", "/page?x=1", ca, "abc", port)
    assert (answer.status, answer.body) == (200, "Grüße")
    asked = Application.seen[-1]
    assert (asked["path"], asked["Host"].partition(":")[0], asked["Wsh-Probe"]) == (
        "/page?x=1",
        "blog.example.org",
        "abc",
    )


def test_without_a_fence_there_is_no_token(application: tuple[int, str]) -> None:
    probe.ask("blog.example.org", "/", application[1], None, application[0])
    assert "Wsh-Probe" not in Application.seen[-1]


def test_a_redirection_is_an_answer_and_not_followed(application: tuple[int, str]) -> None:
    before = len(Application.seen)
    assert probe.ask("blog.example.org", "/login", application[1], None, application[0]).status == 302
    assert len(Application.seen) == before + 1


def test_the_certificate_must_be_the_names(application: tuple[int, str]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        probe.ask("other.example.org", "/", application[1], None, application[0])
    with pytest.raises(ssl.SSLCertVerificationError):
        probe.ask("blog.example.org", "/", "/etc/ssl/certs/ca-certificates.crt", None, application[0])


def test_of_a_large_answer_only_the_beginning_is_read(application: tuple[int, str]) -> None:
    answer = probe.ask("blog.example.org", "/large", application[1], None, application[0])
    assert len(answer.body) == 1 << 20


def test_who_answers_byte_by_byte_is_cut_off(application: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_SECONDS", 1.0)
    started = time.monotonic()
    with pytest.raises((OSError, http.client.HTTPException)):
        probe.ask("blog.example.org", "/drip", application[1], None, application[0])
    assert 0.8 < time.monotonic() - started < 5


def test_endless_headers_are_refused(application: tuple[int, str]) -> None:
    with pytest.raises(http.client.HTTPException):
        probe.ask("blog.example.org", "/headers", application[1], None, application[0])


def test_nobody_there_is_an_error(application: tuple[int, str]) -> None:
    with pytest.raises(ConnectionRefusedError):
        probe.ask("blog.example.org", "/", application[1], None, 1)
