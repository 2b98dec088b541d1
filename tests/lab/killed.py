"""Runs on a server: the agent's ``apply``, killed at one point.

Usage: killed.py AGENT before|after|during WHAT. WHAT is a phase of the journal, ``finish``, or (``during``) a
verb that the helper is busy with at that moment. The agent has no hook for this:
its functions are wrapped here.
"""

import os
import signal
import sys

sys.path.insert(0, sys.argv[1])

from agent import jailed, ledger, main

WHEN, WHAT = sys.argv[2:4]


def wrap(owner, name, is_it):
    real = getattr(owner, name)

    def wrapped(*arguments, **named):
        hit = is_it(*arguments)
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
sys.exit(main.main(["apply"]))
