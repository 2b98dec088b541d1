"""Who does the work: root hands it to a child that has become the system user `wsh`, and serves its wishes.

Plugins are other people's code, so no process of root's ever imports one, and none reads a description. The
child that does has given root up for good (setresuid(2)). What it may still have of root is this machine's
own agent and this machine's own set-up, over a socket, in the words of `broker.WISHES`, and nothing else.
"""

from __future__ import annotations

import os
import pwd
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from wsh_core.cli import broker
from wsh_core.errors import WshError

USER = "wsh"
CREATE = (
    "addgroup --system wsh-command && adduser --system --ingroup wsh-command --no-create-home --home /nonexistent wsh"
)
"""A group of its own: the group `wsh` is that of all accounts."""

_child: broker.Child | None = None


class Served(BaseException):
    """The child did the work; `status` is how it ended. Only root's half of a command raises this."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def become_ordinary() -> None:
    """Return as a user that is not root: at once, or as the user `wsh` in a child of root's.

    Raises:
        WshError: there is no such user.
        Served: in root's half, once the child has ended.
    """
    global _child  # noqa: PLW0603 - a process becomes ordinary once, for all that it does
    if os.geteuid() != 0:
        return
    user = _user()
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        theirs.close()
        raise Served(_serve(ours, pid))
    ours.close()
    _become(user)
    _child = broker.Child(theirs)


def become_ordinary_for_good() -> None:
    """Be the user `wsh`, without a way back, if this process is root's. Raises as `become_ordinary`."""
    if os.geteuid() == 0:
        _become(_user())


def child() -> broker.Child | None:
    """The way back to root's half, if this process has one."""
    return _child


def assert_ordinary() -> None:
    """Refuse to go on as root: a description is about to be read, or a plugin loaded."""
    assert 0 not in os.getresuid(), "root must not read descriptions or load plugins"


def _user() -> pwd.struct_passwd:
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        user = None
    if user is None or user.pw_uid == 0:
        raise WshError("run.no-user", f"wsh reads YAML and plugins as the user {USER}, which does not exist", CREATE)
    return user


def _become(user: pwd.struct_passwd) -> None:
    """Become `user` for good, without the controlling terminal: its TIOCSTI would type into root's shell."""
    os.setsid()
    os.setgroups([user.pw_gid])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    assert_ordinary()
    os.environ.update(HOME=user.pw_dir, USER=USER, LOGNAME=USER)
    os.environ.pop("XDG_STATE_HOME", None)
    os.environ.pop("XDG_RUNTIME_DIR", None)


def _serve(ours: socket.socket, pid: int) -> int:
    """Be root's half: hand signals on, answer the child, and return its exit status."""

    def hand_on(number: int, _frame: FrameType | None) -> None:
        os.kill(pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, hand_on)
    with ours:
        broker.serve(ours, _do)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


def _do(words: Sequence[str], request: bytes) -> Iterator[bytes]:
    """Do one of the child's wishes, as root, with what root's own installation has."""
    if words[0] == "setup":
        from wsh_core.cli import setting_up

        yield from setting_up.here(words[1], int(words[2]))
    else:
        from wsh_core.transport.local import Local

        yield from Local().run(words, request)
