"""Images made of real servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wsh_lab import CommandError, Image
from wsh_lab.state import Store
from wsh_lab.tools import locked

pytestmark = pytest.mark.needs_machine


def processes():
    return subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout


def test_what_was_prepared_is_there_in_every_clone_and_prepared_once(lab, name):
    calls = []

    def prepare(server):
        calls.append(server.name)
        server.write("/home/page", "prepared")
        server.write("/var/lib/mysql/table", "rows")
        server.write("/etc/setting", "1")
        server.run(["rm", "/etc/issue"])

    key = f"test-{os.getpid()}"
    image = lab.prepared(key, prepare)
    assert lab.prepared(key, prepare) == image
    assert len(calls) == 1
    assert lab.server(calls[0]) is None
    server = lab.up(name, image=image)
    assert [server.read(path) for path in ("/home/page", "/var/lib/mysql/table", "/etc/setting")] == [
        b"prepared",
        b"rows",
        b"1",
    ]
    assert server.run(["test", "-e", "/etc/issue"], check=False).returncode == 1
    assert server.run(["hostname"]).stdout == f"{name}\n"
    server.write("/home/page", "changed")
    lab.down(name)
    assert lab.up(name, image=image).read("/home/page") == b"prepared"

    further = lab.prepared(key, lambda server: server.write("/etc/further", "2"), base=image)
    lab.down(name)
    server = lab.up(name, image=further)
    assert (server.read("/etc/further"), server.read("/etc/setting")) == (b"2", b"1")


def test_a_preparation_that_fails_makes_no_image_and_leaves_no_server(lab, left):
    before = {path.name for path in (lab.directory / "images").iterdir()}
    seen = []

    def prepare(server):
        seen.append(server.name)
        server.run(["false"])

    with pytest.raises(CommandError, match="`false` ended with 1"):
        lab.prepared(f"fails-{os.getpid()}", prepare)
    assert {path.name for path in (lab.directory / "images").iterdir()} <= before
    assert lab.server(seen[0]) is None
    assert left(seen[0]) == set()


def test_of_two_who_ask_for_one_image_one_makes_it_and_the_other_waits(tmp_path):
    script = (
        "import os, sys\nfrom wsh_lab import Lab\n"
        "def prepare(server):\n    open(sys.argv[1], 'a').write('made\\n'); server.write('/etc/x', 'x')\n"
        "print(Lab().prepared(sys.argv[2], prepare).id)\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path / "log"), f"two-{os.getpid()}"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (process.communicate(timeout=120)[0] for process in both)
    assert first == second != ""
    assert (tmp_path / "log").read_text() == "made\n"


def test_preparing_again_downloads_nothing(lab):
    said = []

    def prepare(server):
        server.run(["apt-get", "update"], timeout=120)
        said.append(server.run(["apt-get", "install", "--yes", "--no-install-recommends", "acl"]).stdout)

    for turn in (1, 2):
        lab.prepared(f"packages-{os.getpid()}-{turn}", prepare)
    assert "Need to get 0 B/" in said[1]


def test_debian_12_boots_too(lab, name):
    server = lab.up(name, debian=12)
    assert server.run(["cat", "/etc/debian_version"]).stdout.startswith("12.")
    assert server.failed_units() == []
    assert server.ssh(["hostname"]).stdout == f"{name}\n"


def test_a_killed_build_of_a_base_leaves_no_process_and_no_mount(tmp_path, eventually):
    own = tmp_path / "lab"
    builder = subprocess.Popen(
        [sys.executable, "-c", "from wsh_lab import Lab; Lab().base()"],
        env={**os.environ, "WSH_LAB_DIR": str(own)},
    )
    eventually(lambda: list(own.glob("images/*.unfinished/tree/var/lib/dpkg")))
    builder.kill()
    builder.wait()
    eventually(lambda: str(own) not in processes())
    assert str(own) not in Path("/proc/self/mounts").read_text()
    (unfinished,) = (own / "images").iterdir()
    assert Image.load(Store.open(own), unfinished.name.removesuffix(".unfinished")) is None
    with locked(own / "locks" / unfinished.name.removesuffix(".unfinished"), wait=False) as free:
        assert free, "the next may build"
