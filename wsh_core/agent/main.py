"""The agent's own command line: verbs of the protocol, spoken on stdin and stdout; people use ``wsh``.

Each verb imports what it needs: the helper in a jail starts in a third of the time without the rest.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import Any

from .protocol import canonical, event


def _emit(what: dict[str, Any]) -> None:
    sys.stdout.write(canonical(what) + "\n")
    sys.stdout.flush()


def _out(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def _stdin() -> str:
    return sys.stdin.buffer.read().decode()


def _plan(options: argparse.Namespace) -> None:
    from . import operation

    operation.plan(options.root, _stdin(), _emit)


def _apply(options: argparse.Namespace) -> None:
    from . import operation

    operation.apply(options.root, _stdin(), _emit)


def _start(options: argparse.Namespace) -> None:
    from . import operation

    name = operation.start(_stdin(), options.lock_wait)
    operation.follow(name, 0, options.wait, _out)


def _run(options: argparse.Namespace) -> None:
    from . import operation

    operation.run(options.operation, options.lock_wait)


def _follow(options: argparse.Namespace) -> None:
    from . import operation

    operation.follow(options.operation, options.offset, options.wait, _out)


def _log(options: argparse.Namespace) -> None:
    from . import operation
    from .safefs import Root

    _emit(event("operations", operations=operation.listed(Root("/"))))


def _recover(options: argparse.Namespace) -> None:
    from . import recovery

    if not recovery.run(_emit):
        raise SystemExit(1)


def _helper(options: argparse.Namespace) -> None:
    from . import helper

    helper.main()


def _fetch(options: argparse.Namespace) -> None:
    from . import fetch

    fetch.main()


def _compose(options: argparse.Namespace) -> None:
    from . import compose

    compose.main()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wsh-agent", allow_abbrev=False, description=__doc__)
    parser.add_argument("--root", default="/", help="a scratch tree instead of the server (plan, apply)")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb, act, names in (
        ("plan", _plan, ()),
        ("apply", _apply, ()),
        ("start", _start, ("wait", "lock-wait")),
        ("run", _run, ("operation", "lock-wait")),
        ("follow", _follow, ("operation", "offset", "wait")),
        ("log", _log, ()),
        ("recover", _recover, ()),
        ("helper", _helper, ()),
        ("fetch", _fetch, ()),
        ("compose", _compose, ()),
    ):
        sub = verbs.add_parser(verb)
        sub.set_defaults(act=act)
        for name in names:
            if name == "operation":
                sub.add_argument("operation")
            elif name == "offset":
                sub.add_argument("offset", type=int)
            else:
                sub.add_argument(f"--{name}", type=float, default=0 if name == "lock-wait" else 600, metavar="SECONDS")
    return parser


def main(argv: list[str]) -> int:
    """Run one verb; 0 when its events were delivered, whatever they say, 6 when the lock is somebody else's."""
    options = _parser().parse_args(argv)
    os.umask(0o022)
    gc.disable()  # a short life with very many objects that all stay: looking for cycles is a fifth of its time
    try:
        options.act(options)
    except Exception as error:  # noqa: BLE001  # the caller reads events, not tracebacks
        from . import operation

        last = operation.refused(error)
        _emit(last)
        return 6 if last["error"]["code"] == "server.locked" else 1
    return 0
