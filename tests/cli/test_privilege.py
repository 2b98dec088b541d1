"""Real processes: root starts `wsh` where /etc/passwd knows the user wsh, or does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UID, GID = 61234, 61235

pytestmark = [
    pytest.mark.needs_machine("root", "unshare"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

SPY = """
import os
with open(os.environ["SPY"], "a") as file:
    file.write(f"{os.getresuid()} {os.getresgid()} {os.getgroups()} {os.getsid(0) == os.getpid()}\\n")
from wsh_core.plugin import App, hookimpl
WSH_API = 1
@hookimpl
def wsh_app():
    return App("spy", "Spy", php=False)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A description that lists a plugin which tells who imports it, and files for a user wsh."""
    with tempfile.TemporaryDirectory(prefix="wsh-test-") as name:
        yield furnish(Path(name))


def furnish(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    site = tmp_path / "site"
    info = site / "wsh_spy-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "wsh_spy.py").write_text(SPY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-spy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wsh]\nspy = wsh_spy\n[wsh.commands]\noperate = wsh_operate:operate\n")
    (site / "wsh_operate.py").write_text(
        "import click, os\n@click.command()\ndef operate():\n    click.echo(f'operates as {os.geteuid()}')\n"
    )
    description = tmp_path / "description"
    accounts = description / "servers" / "web1" / "accounts"
    accounts.mkdir(parents=True)
    (description / "wsh.yaml").write_text(
        "description: 7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f\nplugins: [spy]\n"
        "packages:\n  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 3,"
        " databases: 3}\n"
    )
    (description / "servers" / "web1" / "server.yaml").write_text("address: localhost\ndebian: 13\n")
    (accounts / "alice.yaml").write_text(
        "name: Alice\npackage: small\nsites:\n  www: {domains: [www.example.org], app: spy}\n"
    )
    wanted = {"passwd": f"wsh:x:{UID}:{GID}::/nonexistent:/usr/sbin/nologin", "group": f"wsh:x:{GID}:"}
    for name, line in wanted.items():
        others = [row for row in Path(f"/etc/{name}").read_text().splitlines() if not row.startswith("wsh:")]
        (tmp_path / name).write_text("\n".join([*others, line, ""]))
        (tmp_path / f"{name}.without").write_text("\n".join([*others, ""]))
    (tmp_path / "spied").touch()
    (tmp_path / "spied").chmod(0o666)
    return tmp_path


PASSWD = 'mount --bind "$0/passwd{end}" /etc/passwd && mount --bind "$0/group{end}" /etc/group && exec "$@"'
MACHINE = """
mkdir "$0/layers" && mount -t tmpfs tmpfs "$0/layers" && chmod 755 "$0/layers"
for top in usr/lib etc var home; do
  mkdir -p "$0/layers/$top" "$0/layers/work/$top"
  mount -t overlay overlay -o "lowerdir=/$top,upperdir=$0/layers/$top,workdir=$0/layers/work/$top" "/$top"
done
mount -t tmpfs tmpfs /run
mkdir -p /usr/lib/wsh /etc/wsh /var/lib/wsh /var/log/wsh
echo '{"setup": "here", "debian": 13, "php": "8.4"}' > /etc/wsh/server.json
"""
"""A machine of the command's own over this one, set up as far as a plan needs it."""


def wsh(place: Path, *words: str, without: bool = False, machine: str = "") -> subprocess.CompletedProcess[str]:
    script = f"set -e\n{machine}\n" + PASSWD.format(end=".without" if without else "")
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, str(place), sys.executable, "-m", "wsh_core.cli", *words],
        env={
            **os.environ, "PYTHONPATH": f"{ROOT}:{place / 'site'}", "SPY": str(place / "spied"),
            "WSH_DIR": str(place / "description"), "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def spied(place: Path) -> set[str]:
    return set((place / "spied").read_text().splitlines())


ORDINARY = f"{(UID,) * 3} {(GID,) * 3} {[GID]} True"


@pytest.mark.parametrize("words", [["check"], ["plan"], ["status"], ["site", "list"], ["plugin", "list"]])
def test_plugins_are_imported_by_the_user_wsh_alone(place, words):
    done = wsh(place, *words)
    assert spied(place) == {ORDINARY}, done.stderr


def test_help_with_the_options_of_an_app_is_made_by_the_user_wsh(place):
    done = wsh(place, "site", "add", "--app", "spy", "--help")
    assert done.returncode == 0, done.stderr
    assert spied(place) == {ORDINARY}


def test_the_agent_is_run_by_root_s_half(place):
    """Here /usr/lib/wsh is missing: only a process that is root gets as far as to find that out."""
    done = wsh(place, "plan", "--json")
    envelope = json.loads(done.stdout.splitlines()[-1])
    assert [error["code"] for error in envelope["errors"]] == ["server.not-ready"]
    assert done.returncode == envelope["exit"] == 5


def test_a_plan_is_made_by_the_agent_as_root_for_a_child_that_is_not(place):
    done = wsh(place, "plan", machine=MACHINE)
    assert "+ account alice" in done.stdout, done.stderr
    assert "! site alice/www" in done.stdout
    assert "error[tls.authority]" in done.stderr
    assert "run.bug" not in done.stderr
    assert done.returncode == 1
    assert spied(place) == {ORDINARY}


def test_a_missing_user_is_told_with_the_line_that_makes_it(place):
    done = wsh(place, "check", without=True)
    assert done.returncode == 1
    assert "error[run.no-user]" in done.stderr
    assert "adduser --system" in done.stderr
    assert spied(place) == set()


@pytest.mark.parametrize("words", [["--help"], ["version"], ["schema", "--output"], ["help", "site", "add"]])
def test_what_reads_no_description_needs_no_user(place, words):
    assert wsh(place, *words, without=True).returncode == 0


def test_operators_commands_keep_root(place):
    done = wsh(place, "operate")
    assert (done.returncode, done.stdout) == (0, "operates as 0\n"), done.stderr


def test_yaml_that_the_user_wsh_may_not_write_is_left_and_told(place):
    file = place / "description" / "servers" / "web1" / "accounts" / "alice.yaml"
    before = file.read_text()
    done = wsh(
        place,
        "site",
        "add",
        "--app",
        "static",
        "--account",
        "alice",
        "--domain",
        "x.example.org",
        "--no-apply",
    )
    assert done.returncode == 3
    assert "config.unwritable" in done.stderr
    assert "chown -R wsh:" in done.stderr
    assert file.read_text() == before


def test_yaml_is_written_by_the_user_wsh(place):
    for path in [place / "description", *(place / "description").rglob("*")]:
        os.chown(path, UID, GID)
    done = wsh(
        place,
        "site",
        "add",
        "--app",
        "static",
        "--account",
        "alice",
        "--domain",
        "x.example.org",
        "--no-apply",
    )
    assert done.returncode == 0, done.stderr
    file = place / "description" / "servers" / "web1" / "accounts" / "alice.yaml"
    assert "x: {domains: [x.example.org], app: static}" in file.read_text()
    assert file.stat().st_uid == UID


def test_a_description_that_the_user_wsh_cannot_read_is_told(place):
    place.chmod(0o700)
    done = wsh(place, "check")
    assert done.returncode == 3
    assert "error[config.unreadable]" in done.stderr
    assert "cannot be read by wsh" in done.stderr
