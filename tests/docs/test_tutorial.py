"""The tutorial is typed, line by line, on a real machine; what it shows must appear."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.needs_machine, pytest.mark.timeout(900)]


def typed(page: str) -> list[tuple[str, list[str]]]:
    """The commands of a page's console blocks, each with the lines that stand below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def missing(shown: list[str], output: str) -> list[str]:
    """The lines that should have appeared, in their order; … stands for anything."""
    pattern = r"[\s\S]*?".join(re.escape(part.strip("\n")) for part in "\n".join(shown).split("…"))
    return [] if re.search(pattern, output) else shown


def test_every_line_of_the_tutorial_does_what_it_says() -> None:
    shell = subprocess.Popen(
        ["bash", "-s"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert shell.stdin is not None
    assert shell.stdout is not None
    commands = typed((ROOT / "docs/tutorial/first-server.md").read_text())
    assert len(commands) > 20
    try:
        for command, shown in commands:
            shell.stdin.write(f"{{ {command}\n}} </dev/null; echo 'end-of-line' $?\n")
            shell.stdin.flush()
            output = ""
            while not (ended := re.match(r"end-of-line (\d+)$", line := shell.stdout.readline())):
                assert line, f"the shell ended at: {command}\n{output}"
                output += line
            assert ended[1] == "0", f"{command}\nended with {ended[1]}:\n{output}"
            assert not missing(shown, output), f"{command}\nshould show {shown}, and showed:\n{output}"
    finally:
        shell.stdin.close()
        shell.wait()
        shell.stdout.close()
        subprocess.run(["/opt/wsh/bin/wsh", "lab", "down", "first"], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", "/srv/first", "/tmp/first-ca.pem"], check=True)
