"""Releases: downloaded from a real https server, and let into the cache only when they are right."""

from __future__ import annotations

import hashlib
import http.server
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from wsh_core.agent.cache import Cache
from wsh_core.agent.errors import AgentError
from wsh_core.agent.fetch import download
from wsh_core.agent.host import Host

from .conftest import make_scratch

RELEASE = bytes(range(256)) * 4096
LIMIT = 4 << 20


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves one release, with the faults that the path names."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["Range"])
        if self.path == "/missing":
            self.send_error(404)
        elif self.path in ("/to-http", "/to-https"):
            self.send_response(302)
            host = self.headers["Host"]
            self.send_header(
                "Location", f"http://{host}/release" if self.path == "/to-http" else f"https://{host}/release"
            )
            self.end_headers()
        else:
            self._release()

    def _release(self) -> None:
        start = int(self.headers["Range"][6:-1]) if self.headers["Range"] and self.path != "/no-ranges" else 0
        if start >= len(RELEASE):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(RELEASE) - start))
        self.end_headers()
        self.wfile.write(RELEASE[start : start + 500_000] if self.path == "/breaks" else RELEASE[start:])
        try:
            while self.path == "/endless":
                self.wfile.write(RELEASE)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ssl.SSLContext]]:
    place = tmp_path_factory.mktemp("publisher")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            place / "key.pem",
            "-out",
            place / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that break off are the point
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield (
        f"https://localhost:{server.server_port}",
        ssl.create_default_context(cafile=str(place / "cert.pem")),
    )
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def forget() -> None:
    Publisher.asked.clear()


@pytest.mark.parametrize("path", ["/release", "/to-https"])
def test_a_release_comes_whole(publisher: tuple[str, ssl.SSLContext], tmp_path: Path, path: str) -> None:
    url, context = publisher
    assert download(url + path, str(tmp_path / "r"), LIMIT, context) == len(RELEASE)
    assert (tmp_path / "r").read_bytes() == RELEASE


def test_a_broken_download_is_said_and_goes_on_where_it_stopped(
    publisher: tuple[str, ssl.SSLContext], tmp_path: Path
) -> None:
    url, context = publisher
    with pytest.raises(AgentError, match=r"could not be fetched.*broke") as caught:
        download(f"{url}/breaks", str(tmp_path / "r"), LIMIT, context)
    assert caught.value.code == "app.source"
    assert (tmp_path / "r").stat().st_size == 500_000
    assert download(f"{url}/release", str(tmp_path / "r"), LIMIT, context) == len(RELEASE)
    assert Publisher.asked == [None, "bytes=500000-"]
    assert (tmp_path / "r").read_bytes() == RELEASE


def test_a_server_without_ranges_is_read_from_the_start(publisher: tuple[str, ssl.SSLContext], tmp_path: Path) -> None:
    url, context = publisher
    (tmp_path / "r").write_bytes(b"old pieces")
    download(f"{url}/no-ranges", str(tmp_path / "r"), LIMIT, context)
    assert (tmp_path / "r").read_bytes() == RELEASE


def test_what_is_there_whole_already_is_not_fetched_again(
    publisher: tuple[str, ssl.SSLContext], tmp_path: Path
) -> None:
    url, context = publisher
    (tmp_path / "r").write_bytes(RELEASE)
    assert download(f"{url}/release", str(tmp_path / "r"), LIMIT, context) == len(RELEASE)
    assert (tmp_path / "r").read_bytes() == RELEASE


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/missing", "404"),
        ("/to-http", "is not https"),
        ("/endless", "larger than"),
        ("/release", "larger than"),
    ],
)
def test_what_is_not_to_be_had_is_said_in_words(
    publisher: tuple[str, ssl.SSLContext], tmp_path: Path, path: str, why: str
) -> None:
    url, context = publisher
    with pytest.raises(AgentError, match=why) as caught:
        download(url + path, str(tmp_path / "r"), 300_000, context)
    assert caught.value.code == "app.source"
    assert caught.value.hint or "larger" in why


@pytest.mark.parametrize("url", ["http://localhost/x", "ftp://localhost/x", "file:///etc/passwd"])
def test_only_https_is_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(AgentError, match="not https"):
        download(url, str(tmp_path / "r"), LIMIT)
    assert not (tmp_path / "r").exists()


def test_an_unknown_authority_and_a_wrong_name_are_refused(
    publisher: tuple[str, ssl.SSLContext], tmp_path: Path
) -> None:
    url, context = publisher
    with pytest.raises(AgentError, match="certificate"):
        download(f"{url}/release", str(tmp_path / "r"), LIMIT)
    with pytest.raises(AgentError, match=r"certificate|match"):
        download(url.replace("localhost", "127.0.0.1") + "/release", str(tmp_path / "r"), LIMIT, context)


def test_nobody_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="refused"):
        download("https://127.0.0.1:1/x", str(tmp_path / "r"), LIMIT)


# the cache


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    if os.geteuid():
        pytest.skip("needs root: the cache is root's")
    host = Host(str(make_scratch(tmp_path / "root")), writable=True, emit=lambda _: None)
    yield host
    host.close()


def cache(host: Host) -> Cache:
    return Cache(host, lambda _: None)


def test_a_file_of_the_server_gets_into_the_cache_by_its_checksum(host: Host) -> None:
    path, sha256 = Path(host.root) / "srv/r.zip", hashlib.sha256(RELEASE).hexdigest()
    path.parent.mkdir()
    path.write_bytes(RELEASE)
    source = {"type": "file", "path": "/srv/r.zip", "sha256": sha256, "root": ""}
    assert cache(host).get(source) == [f"/var/cache/wsh/sha256/{sha256}"]
    cached = Path(host.root) / f"var/cache/wsh/sha256/{sha256}"
    assert (cached.read_bytes(), cached.stat().st_uid, cached.stat().st_mode & 0o777) == (RELEASE, 0, 0o644)
    path.unlink()
    assert cache(host).get(source) == [f"/var/cache/wsh/sha256/{sha256}"]


def test_a_wrong_checksum_names_both_and_the_remedy_and_nothing_is_kept(host: Host) -> None:
    path, promised = Path(host.root) / "srv/r.zip", "0" * 64
    path.parent.mkdir()
    path.write_bytes(RELEASE)
    with pytest.raises(AgentError) as caught:
        cache(host).get({"type": "file", "path": "/srv/r.zip", "sha256": promised, "root": ""})
    error = caught.value
    assert error.code == "app.checksum"
    assert promised in error.message
    assert hashlib.sha256(RELEASE).hexdigest() in error.message
    assert "/srv/r.zip" in error.message
    assert error.hint
    assert list((Path(host.root) / "var/cache/wsh/sha256").iterdir()) == []


@pytest.mark.parametrize("what", ["missing", "directory", "fifo", "link"])
def test_what_is_no_file_is_refused(host: Host, what: str) -> None:
    path = Path(host.root) / "srv/r.zip"
    path.parent.mkdir()
    if what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        path.symlink_to("/etc/shadow")
    with pytest.raises(AgentError) as caught:
        cache(host).get({"type": "file", "path": "/srv/r.zip", "sha256": "0" * 64, "root": ""})
    assert caught.value.code in ("app.source", "path.unsafe", "app.checksum")
    assert list((Path(host.root) / "var/cache/wsh/sha256").iterdir()) == []
