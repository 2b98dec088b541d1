"""Runs on a server: the agent's ``apply``, told by Python itself which programs it starts.

Usage: counted.py AGENT FILE. Each program, or fork, is a line in FILE: the count is not the agent's own.
"""

import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from agent import main

STARTS = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system")


def note(event, arguments):
    if event in STARTS:
        file.write(f"{event} {arguments[0] if arguments else ''}\n")
        file.flush()


with Path(sys.argv[2]).open("w") as file:
    sys.addaudithook(note)
    status = main.main(["apply"])
sys.exit(status)
