"""T74: a plugin that is installed and not listed is imported by no command; one that is listed is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 65534
"""Root does not load plugins: its half of the command would ask for a user of wsh's."""
RAN = "the plugin's code ran"
PLUGIN = f"""
import sys
print({RAN!r}, file=sys.stderr)
from wsh_core.plugin import App, hookimpl
WSH_API = 1
@hookimpl
def wsh_app():
    return App("evil", "Evil")
"""
COMMANDS = (
    "check", "plugin list", "plugin --help", "account list", "site list", "server list", "status", "schema",
    "help", "version", "plan --no-input",
)  # fmt: skip


@pytest.fixture
def place() -> Iterator[Path]:
    """A description, and beside it a distribution as pip leaves it; both can be read by everybody."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        info = place / "installed/wsh_evil-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wsh-evil\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[wsh]\nevil = wsh_evil\n")
        (place / "installed/wsh_evil.py").write_text(PLUGIN)
        accounts = place / "hosting/servers/web1/accounts"
        accounts.mkdir(parents=True)
        (accounts.parent / "server.yaml").write_text("address: localhost\ndebian: 13\n")
        describe(place, "static")
        place.chmod(0o755)
        yield place


def describe(place: Path, app: str, plugins: str = "") -> None:
    (place / "hosting/wsh.yaml").write_text(
        f"description: 7f0c2a9e-5d1b-4b7e-9a51-0c5d1e6f7a8b\nplugins: [{plugins}]\n"
        "mail: {from: support@example.org, signature: Example}\n"
        "packages:\n"
        "  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 3, databases: 3}\n"
    )
    (place / "hosting/servers/web1/accounts/alice.yaml").write_text(
        "name: Alice\nemail: alice@example.org\npackage: small\n"
        f"sites:\n  www: {{domains: [www.alice.test], app: {app}}}\n"
    )


def wsh(place: Path, command: str) -> str:
    """All that a command says, and how it ended."""
    ordinary = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [sys.executable, "-m", "wsh_core.cli", *command.split()],
        cwd=place / "hosting",
        env={"PYTHONPATH": f"{place}/installed:{ROOT}", "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **ordinary,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return f"{done.stdout}exit {done.returncode}"


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_listed_is_imported_by_no_command(place: Path, command: str) -> None:
    said = wsh(place, command)
    assert RAN not in said
    assert said.endswith(("exit 0", "exit 5")), said  # 5: no server answers here


def test_it_is_seen_as_installed_all_the_same(place: Path) -> None:
    assert "wsh-evil" in wsh(place, "plugin list --json")


def test_a_site_that_asks_for_it_does_not_load_it(place: Path) -> None:
    describe(place, "evil")
    said = wsh(place, "check")
    assert RAN not in said
    assert "wsh.yaml does not list it, so it was not loaded" in said
    assert said.endswith("exit 3")


def test_control_on_the_list_it_is_imported(place: Path) -> None:
    describe(place, "evil", plugins="evil")
    said = wsh(place, "check")
    assert RAN in said
    assert said.endswith("exit 0")
