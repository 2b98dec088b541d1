"""How to write a plugin, done: every file is written, every line typed, and the kit runs on a server of the lab."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_tutorial import ROOT, missing, typed

PAGE = ROOT / "docs/how-to/write-a-plugin.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with an ssh that knows the server `guide`, as a user's own configuration would."""
    from wsh_lab import Lab

    from tests.lab.prepare import wsh_image

    lab, name, place = Lab(), f"guide-{os.getpid()}", tmp_path_factory.mktemp("ssh")
    server = lab.up(name, image=wsh_image(lab))
    login = server.ssh_config()
    config = {"HostName": login.address, "IdentityFile": login.key, "UserKnownHostsFile": login.known_hosts}
    (place / "config").write_text("Host guide\n" + "".join(f"  {key} {value}\n" for key, value in config.items()))
    (place / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {place}/config "$@"\n')
    (place / "ssh").chmod(0o755)
    yield place
    lab.down(name)


def test_the_page_makes_a_plugin_that_works(tmp_path: Path, ssh: Path) -> None:
    shell = Shell(tmp_path, ssh)
    package = tmp_path / "wsh-dokuwiki"
    files = 0
    for language, file, body in BLOCK.findall(PAGE.read_text()):
        if file:
            (package / file).write_text(body)
            files += 1
        elif language == "console":
            for command, shown in typed(f"```console\n{body}```\n"):
                output = shell.type(command)
                assert not missing(shown, output), f"{command}\nshould show {shown}, and showed:\n{output}"
    assert files == 6
    shell.end()


class Shell:
    """A shell in which the page is typed."""

    def __init__(self, place: Path, ssh: Path) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        self.process = subprocess.Popen(
            ["bash", "-s"], cwd=place, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**environ, "WSH": str(ROOT), "PATH": f"{ssh}:/usr/bin:/bin:/usr/sbin:/sbin", "WSH_GOLDEN": ""},
        )  # fmt: skip

    def type(self, command: str) -> str:
        """What a line shows; it must end well."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{{ {command}\n}} </dev/null; echo 'end-of-line' $?\n")
        self.process.stdin.flush()
        output = ""
        while not (ended := re.match(r"end-of-line (\d+)$", line := self.process.stdout.readline())):
            assert line, f"the shell ended at: {command}\n{output}"
            output += line
        assert ended[1] == "0", f"{command}\nended with {ended[1]}:\n{output}"
        return output

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
