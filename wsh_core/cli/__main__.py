"""`python -m wsh_core.cli` is `wsh`."""

from wsh_core.cli import main

main()
