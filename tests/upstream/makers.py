"""The makers of an application: a web server with an authority of its own, and an OpenPGP key made by gpg."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = bytes | Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = self.server.pages.get(self.path)
        if callable(answer):
            answer(self)
        elif answer is None:
            self.send_error(404)
        else:
            self.send(answer)

    def send(self, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def serving(certificate: Path | None) -> Iterator[Server]:
    server = Server(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(place: Path) -> tuple[Path, Path]:
    """The authority's certificate, and key and certificate of `localhost` in one file."""

    def openssl(*words: str | Path) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=place)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9", "-subj", "/CN=Makers")
    openssl("req", *curve, "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (place / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        "x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9",
        "-extfile", "names", "-out", "cert.pem",
    )  # fmt: skip
    both = place / "both.pem"
    both.write_bytes((place / "key.pem").read_bytes() + (place / "cert.pem").read_bytes())
    return place / "ca.pem", both


class Key:
    """An OpenPGP key of the makers."""

    def __init__(self, place: Path, name: str) -> None:
        self.home, self.name = place / name, name
        self.home.mkdir(mode=0o700)
        self.gpg("--quick-gen-key", f"{name} <{name}@example.org>", "ed25519", "sign", "never")

    def gpg(self, *words: str, input: bytes | None = None) -> bytes:
        options = (
            "--homedir",
            str(self.home),
            "--batch",
            "--no-tty",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        )
        environ = {**os.environ, "GNUPGHOME": str(self.home)}
        done = subprocess.run(["gpg", *options, *words], input=input, capture_output=True, check=False, env=environ)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    @property
    def public(self) -> str:
        return self.gpg("--armor", "--export").decode()

    @property
    def fingerprint(self) -> str:
        lines = self.gpg("--with-colons", "--list-keys").decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))

    def sign(self, data: bytes) -> bytes:
        return self.gpg("--armor", "--detach-sign", "--output", "-", "-", input=data)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False, capture_output=True)
