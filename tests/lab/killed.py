"""Runs on a server: a verb of the agent's, killed at one point.

Usage: killed.py AGENT before|after|during WHAT [VERB]. WHAT is a phase of the journal, ``finish``, or (``during``)
a verb that the helper is busy with at that moment; ``2:WHAT`` is the second time that it comes to that. VERB is
``apply``, or ``recover``. The agent has no hook for this: its functions are wrapped here.
"""

import itertools
import os
import signal
import sys

sys.path.insert(0, sys.argv[1])

from agent import jailed, ledger, main

WHEN = sys.argv[2]
TIMES, _, WHAT = sys.argv[3].rpartition(":")
VERB = sys.argv[4] if len(sys.argv) > 4 else "apply"
times = itertools.count(1)


def wrap(owner, name, is_it):
    real = getattr(owner, name)

    def wrapped(*arguments, **named):
        hit = is_it(*arguments) and next(times) == int(TIMES or 1)
        if hit and WHEN in ("before", "during"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*arguments, **named)
        if hit and WHEN == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


if WHEN == "during":
    wrap(jailed.Helper, "_line", lambda _self, verb, *_rest: verb == WHAT)
elif WHAT == "finish":
    wrap(ledger.Ledger, "finish", lambda *_: True)
else:
    wrap(ledger.Ledger, "begin", lambda _self, _object, phase, _data: phase == WHAT)
sys.exit(main.main([VERB]))
