"""T26: no name that somebody else can change leads a path astray."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from wsh_core.agent.errors import AgentError
from wsh_core.agent.safefs import Root, UnsafePathError


@pytest.fixture
def place(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("OUTSIDE")
    inside = tmp_path / "inside"
    (inside / "home").mkdir(parents=True)
    (inside / "home/link").symlink_to(outside)
    (inside / "home/file").symlink_to(outside / "secret")
    (inside / "home/up").symlink_to("..")
    (inside / "home/proc").symlink_to("/proc/self/root")
    (inside / "home/real").write_text("real")
    return inside


@pytest.mark.parametrize(
    "path",
    [
        "/home/link/secret",
        "/home/file",
        "/home/up/home/real",
        "/home/proc/etc/passwd",
        "/home/link/../home/real",
    ],
)
def test_a_link_on_the_way_is_refused(place: Path, path: str) -> None:
    fs = Root(str(place))
    with pytest.raises(UnsafePathError, match="symbolic link") as caught:
        fs.read(path)
    assert caught.value.path == path


@pytest.mark.parametrize("path", ["/../outside/secret", "../outside/secret", "/home/../../outside/secret"])
def test_the_way_out_is_refused(place: Path, path: str) -> None:
    with pytest.raises(UnsafePathError, match="out of its tree"):
        Root(str(place)).read(path)


def test_control_plain_open_follows_every_one_of_them(place: Path) -> None:
    assert (place / "home/link/secret").read_text() == "OUTSIDE"
    assert (place / "home/file").read_text() == "OUTSIDE"
    assert (place / "home/../../outside/secret").read_text() == "OUTSIDE"


def test_writing_through_a_link_is_refused_and_changes_nothing(place: Path) -> None:
    fs = Root(str(place))
    with pytest.raises(UnsafePathError):
        fs.write("/home/link/new", b"x")
    with pytest.raises(UnsafePathError):
        fs.mkdir("/home/link/new")
    fs.write("/home/file", b"mine")
    assert sorted(p.name for p in (place.parent / "outside").iterdir()) == ["secret"]
    assert (place.parent / "outside/secret").read_text() == "OUTSIDE"
    assert not (place / "home/file").is_symlink()


def test_a_link_itself_is_seen_and_not_followed(place: Path) -> None:
    fs = Root(str(place))
    assert fs.readlink("/home/link") == str(place.parent / "outside")
    assert fs.stat("/home/nothing") is None
    assert fs.stat("/home/real/below") is None


def test_a_fifo_does_not_block(place: Path) -> None:
    os.mkfifo(place / "home/fifo")
    with pytest.raises(AgentError, match="not a regular file"):
        Root(str(place)).read("/home/fifo")


def test_a_large_file_is_refused(place: Path) -> None:
    with pytest.raises(AgentError, match="4 bytes, more than the 3"):
        Root(str(place)).read("/home/real", limit=3)


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(place: Path) -> None:
    fs = Root(str(place))
    with pytest.raises(OverflowError):
        fs.write("/home/real", b"new", uid=1 << 40)
    assert (place / "home/real").read_text() == "real"
    assert sorted(path.name for path in (place / "home").iterdir()) == ["file", "link", "proc", "real", "up"]


def test_of_files_that_belong_together_none_is_put_in_place_before_all_are_written(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, names = Root(str(place)), ["one", "other"]
    for name in names:
        (place / "home" / name).write_text(f"old {name}")
    real, left = os.fsync, [1]

    def full(fd: int) -> None:
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()
        real(fd)

    monkeypatch.setattr(os, "fsync", full)
    before = sorted(path.name for path in (place / "home").iterdir())
    with pytest.raises(OSError, match="No space left") as failure:
        root.write_all({f"/home/{name}": b"new" for name in names})
    assert failure.value.filename == "/home/other"
    assert [(place / "home" / name).read_text() for name in names] == ["old one", "old other"]
    assert sorted(path.name for path in (place / "home").iterdir()) == before
    monkeypatch.setattr(os, "fsync", real)
    root.write_all({f"/home/{name}": b"new" for name in names})
    assert [(place / "home" / name).read_text() for name in names] == ["new", "new"]


def test_two_directories_are_exchanged_in_one_step(place: Path) -> None:
    for name in ("old", "new"):
        (place / name).mkdir()
        (place / name / "which").write_text(name)
    Root(str(place)).exchange("/old", "/new")
    assert (place / "old/which").read_text() == "new"
    assert (place / "new/which").read_text() == "old"


def test_a_link_replaces_only_a_link(place: Path) -> None:
    fs = Root(str(place))
    fs.symlink("/usr/bin", "/home/link")
    assert (place / "home/link").readlink() == Path("/usr/bin")
    with pytest.raises(FileExistsError):
        fs.symlink("/usr/bin", "/home/real")


def test_a_socket_is_refused_in_words(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(place / "home/socket"))
        with pytest.raises(UnsafePathError, match="cannot be opened as a file"):
            Root(str(place)).read("/home/socket")


def test_a_lease_on_a_file_does_not_keep_root_waiting(place: Path) -> None:
    began = time.monotonic()
    with (place / "home/real").open("r+") as held:
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        with pytest.raises(UnsafePathError, match="cannot be opened"):
            Root(str(place)).read("/home/real")
    assert time.monotonic() - began < 5
