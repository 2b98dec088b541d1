"""``python -m wsh_lab``: the command without wsh."""

from __future__ import annotations

from wsh_lab.cli import main

main()
