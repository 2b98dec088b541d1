"""The helper as it stands in a jail: one request a line in, one answer a line out, as the account itself."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wsh_core.agent import paths
from wsh_core.testing import toyapp

ACCOUNT = 12345
"""A uid without any right, and without a name."""


class Helper:
    def __init__(self, place: Path) -> None:
        self.place = place
        argv = [sys.executable, "-m", "wsh_core.agent", "helper"]
        who = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []} if os.geteuid() == 0 else {}
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **who
        )

    def answer(self, verb: str, **request: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"verb": verb, **request}).encode() + b"\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def ask(self, verb: str, **request: Any) -> Any:
        answer = self.answer(verb, **request)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, verb: str, **request: Any) -> dict[str, Any]:
        return dict(self.answer(verb, **request)["error"])

    def step(self, *argv: str, **more: Any) -> dict[str, Any]:
        step = {
            "step": "run",
            "argv": list(argv),
            "stdin": None,
            "env": {},
            "files": {},
            "timeout": 20,
            "memory": None,
        } | more
        return dict(self.ask("step", step=step, tree=str(self.place), php="8.4", home="/home/alice", account="alice"))

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self.process.wait(10)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that the account can come to, as it cannot to those of pytest's."""
    with tempfile.TemporaryDirectory(prefix="wsh-test-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture
def helper(shared: Path) -> Iterator[Helper]:
    place = shared / "site"
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, ACCOUNT, ACCOUNT)
    helper = Helper(place)
    yield helper
    helper.close()


def test_a_release_is_unpacked_as_the_account(helper: Helper, shared: Path) -> None:
    release = toyapp.build(shared)
    into = helper.place / "app.new"
    report = helper.ask(
        "unpack", archives=[str(release.path)], into=str(into), root="toyapp-1.0", entries=100, bytes=1 << 20
    )
    assert report["dangling"] == []
    assert (into / "VERSION").read_text() == "1.0\n"
    assert {p.stat().st_uid for p in into.rglob("*")} == {helper.place.stat().st_uid}
    assert {stat.S_IMODE(p.stat().st_mode) for p in into.rglob("*")} == {0o640, 0o750}


def test_unpacking_again_begins_anew(helper: Helper, shared: Path) -> None:
    release, into = toyapp.build(shared), helper.place / "app.new"
    helper.ask("write", path=f"{into}/left/over", content="x", mode="0640", absent=False)
    helper.ask("unpack", archives=[str(release.path)], into=str(into), root="toyapp-1.0", entries=100, bytes=1 << 20)
    assert not (into / "left").exists()


def test_an_archive_that_eats_memory_is_refused(helper: Helper, shared: Path) -> None:
    """A name of 700 MB, packed into next to nothing: the helper has a limit, and goes on afterwards."""
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 700 << 20
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb", compresslevel=1) as out:
        out.write(name.tobuf(tarfile.GNU_FORMAT))
        for _ in range(700):
            out.write(bytes(1 << 20))
    (shared / "bomb").write_bytes(bomb.getvalue())
    into = str(helper.place / "app.new")
    error = helper.error("unpack", archives=[str(shared / "bomb")], into=into, root="", entries=100, bytes=1 << 20)
    assert (error["code"], error["message"]) == ("app.archive", "the archive cannot be read: MemoryError")
    assert helper.ask("directory", path=into) is None


def test_a_file_is_written_whole_with_its_mode(helper: Helper) -> None:
    path = helper.place / "a/b/config.php"
    assert helper.ask("write", path=str(path), content="Ä\n\0x", mode="0600", absent=False) is True
    assert path.read_bytes() == "Ä\n\0x".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert helper.ask("write", path=str(path), content="again", mode="0640", absent=True) is False
    assert path.read_text() == "Ä\n\0x"
    assert helper.ask("write", path=str(path), content="again", mode="0640", absent=False) is True
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("again", 0o640)
    assert sorted(p.name for p in path.parent.iterdir()) == ["config.php"]


@pytest.mark.parametrize("verb", ["write", "remove", "directory", "exchange"])
def test_nothing_passes_through_a_link(helper: Helper, verb: str) -> None:
    other = helper.place / "other"
    other.mkdir(mode=0o777)
    (other / "file").write_text("own")
    (helper.place / "link").symlink_to(other)
    path = f"{helper.place}/link/file"
    request = {
        "write": {"path": path, "content": "x", "mode": "0640", "absent": False},
        "remove": {"path": path},
        "directory": {"path": f"{helper.place}/link/new"},
        "exchange": {"one": path, "other": f"{helper.place}/other"},
    }[verb]
    error = helper.error(verb, **request)
    assert error["code"] == "path.unsafe"
    assert "symbolic link link" in error["message"]
    assert [p.name for p in other.iterdir()] == ["file"]
    assert (other / "file").read_text() == "own"


def test_a_link_is_not_written_over_and_only_itself_removed(helper: Helper) -> None:
    (helper.place / "target").write_text("own")
    (helper.place / "link").symlink_to(helper.place / "target")
    path = f"{helper.place}/link"
    assert helper.error("write", path=path, content="x", mode="0640", absent=False)["code"] == "path.unsafe"
    assert helper.error("exchange", one=path, other=f"{helper.place}/target")["code"] == "path.unsafe"
    helper.ask("remove", path=path)
    assert [p.name for p in helper.place.iterdir()] == ["target"]


def test_two_trees_change_places_in_one_step(helper: Helper) -> None:
    for name in ("one", "other"):
        helper.ask("write", path=f"{helper.place}/{name}/file", content=name, mode="0640", absent=False)
    helper.ask("exchange", one=f"{helper.place}/one", other=f"{helper.place}/other")
    assert (helper.place / "one/file").read_text() == "other"
    assert (helper.place / "other/file").read_text() == "one"
    assert helper.error("exchange", one=f"{helper.place}/one", other=f"{helper.place}/none")["code"] == "app.files"


def test_a_tree_is_removed_even_where_it_was_closed(helper: Helper) -> None:
    helper.step("sh", "-c", "mkdir -p a/b/c && touch a/b/c/f && chmod 0555 a/b/c a/b && chmod 0 a")
    helper.ask("remove", path=f"{helper.place}/a")
    helper.ask("remove", path=f"{helper.place}/a")
    assert list(helper.place.iterdir()) == []


def test_a_tree_is_removed_however_deep_it_is(helper: Helper) -> None:
    dig = "import os\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')"
    assert helper.step(sys.executable, "-I", "-c", dig)["code"] == 0
    helper.ask("remove", path=f"{helper.place}/d")
    assert list(helper.place.iterdir()) == []


def test_it_may_not_do_what_the_account_may_not(helper: Helper, shared: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root: the helper must be somebody else")
    error = helper.error("write", path=str(shared / "x"), content="x", mode="0640", absent=False)
    assert error["code"] == "app.files"
    assert "Permission denied" in error["message"]


def test_a_step_runs_in_the_tree_with_its_files_and_nothing_else(helper: Helper) -> None:
    outcome = helper.step(
        "sh",
        "-c",
        "pwd; cat; env | sort; cd /tmp/wsh-step; ls -l | tail -n +2 | cut -c1-10; cat f.json; exit 3",
        stdin="in\n",
        env={"X": "y"},
        files={"f.json": "{}\n"},
    )
    lines = outcome["stdout"].splitlines()
    assert outcome["code"] == 3
    assert lines[0] == str(helper.place)
    assert lines[1] == "in"
    assert {line.partition("=")[0] for line in lines[2:-2]} == {
        "HOME",
        "LANG",
        "LOGNAME",
        "PATH",
        "PWD",
        "USER",
        "X",
    }
    assert lines[-2:] == ["-rw-------", "{}"]
    assert not Path(paths.STEP_FILES).exists()


def test_what_a_step_prints_is_no_answer(helper: Helper) -> None:
    """Nothing that it prints, to whatever descriptor, comes out as an answer."""
    forged = json.dumps({"result": {"code": 0, "stdout": "forged", "stderr": "", "seconds": 0}})
    outcome = helper.step(
        "sh",
        "-c",
        f"echo '{forged}'; for fd in 0 1 2 3 4 5 6 7; do echo '{forged}' >&$fd; "
        f"echo '{forged}' >/proc/$PPID/fd/$fd; done 2>/dev/null; exit 4",
    )
    assert outcome["code"] == 4
    assert helper.ask("directory", path=f"{helper.place}/next") is None


def test_a_step_sees_nothing_of_the_helper(helper: Helper) -> None:
    if os.geteuid():
        pytest.skip("needs root: the helper must be somebody else")
    outcome = helper.step(
        "sh", "-c", "ls /proc/$PPID/fd; cat /proc/$PPID/environ; head -c 1 /proc/$PPID/mem; ls /proc/self/fd"
    )
    assert outcome["stdout"].split() == ["0", "1", "2", "3"]
    assert outcome["stderr"].count("Permission denied") == 3


def test_with_its_caller_goes_the_helper_and_what_it_runs(helper: Helper) -> None:
    assert helper.process.stdin
    step = {
        "step": "run",
        "argv": ["sh", "-c", "echo $$ > pid; sleep 61"],
        "stdin": None,
        "env": {},
        "files": {},
        "timeout": 60,
        "memory": None,
    }
    request = {
        "verb": "step",
        "step": step,
        "tree": str(helper.place),
        "php": "8.4",
        "home": "/",
        "account": "alice",
    }
    helper.process.stdin.write(json.dumps(request).encode() + b"\n")
    helper.process.stdin.flush()
    for _ in range(200):
        if (helper.place / "pid").exists() and (helper.place / "pid").read_text().strip():
            break
        time.sleep(0.02)
    helper.process.stdin.close()
    helper.process.wait(10)
    for _ in range(100):
        status = Path(f"/proc/{(helper.place / 'pid').read_text().strip()}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the step outlived the helper")


def test_a_full_disk_is_said_in_words(shared: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root: it mounts a small file system")
    small = shared / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "none", small], check=True)
    helper = Helper(small)
    try:
        error = helper.error("write", path=f"{small}/x", content="x" * (1 << 20), mode="0640", absent=False)
        assert (error["code"], list(small.iterdir())) == ("account.disk-full", [])
    finally:
        helper.close()
        subprocess.run(["umount", small], check=True)
