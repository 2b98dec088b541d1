"""The command `wsh`: the only layer that prints, asks, and ends the process.

One file for each noun. What all commands share: `root` (the root command, the errors), `session`, `help`,
`options`, `questions`, `terminal` and `render` (all that is written), `envelope` (all that is JSON), `watch`
(several servers at once), `privilege` and `broker` (who does the work).
"""

from __future__ import annotations

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process and end it with the command's exit status."""
    from wsh_core.cli.root import run

    gc.disable()  # it takes a third of the time, and nothing becomes garbage before a command ends
    sys.exit(run(sys.argv[1:]))
