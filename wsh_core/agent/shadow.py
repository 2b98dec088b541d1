"""A second Apache, started whole from the configuration as it would be, where the first is out of reach.

``apache2ctl configtest`` only reads. What modules refuse afterwards (a key that does not match, a name that
two sites claim from mod_md) ends the real Apache a moment after a reload that answered 0. So the trial runs
everything, in network, mount and process namespaces of its own: the files under trial lie over the real ones,
ports 80 and 443 are those of a private loopback, and the directories that Apache writes are empty ones in
memory. All of it is gone, whatever happens, when its first process is.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from . import paths
from .host import Host

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS, _CLONE_NEWPID, _CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1

_RUN, _LOCK, _LOGS, _MD = "/run/apache2", "/run/lock/apache2", "/var/log/apache2", f"{paths.STATE}/md"
_PR_SET_PDEATHSIG = 1
_COMMAND = ("setpriv", "--pdeathsig=KILL", "apachectl", "-DFOREGROUND")
"""Debian's own way to start it, which reads its environment (envvars); it does not outlive the trial."""
_SECONDS = 60.0
_WORDS = 4000
"""Bytes of what Apache says that are kept."""
_LOG_LINE = re.compile(r"^\[[^]]+\] \[(?P<module>\w*):(?P<level>\w+)\] (?:\[[^]]*\] )*", re.MULTILINE)


def try_out(host: Host, staged: Mapping[str, bytes]) -> str | None:
    """Start an Apache whose directory of sites holds these files over, or beside, what is there.

    Returns None when it serves a page over https, else why it does not, in Apache's words.
    """
    host.processes += 1
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _close_all_but(writer)
        with suppress(BaseException), open(writer, "w", encoding="utf-8") as answer:
            json.dump(_child(staged), answer)
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as answers:
        text = answers.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else "the trial was ended from outside"


def answers_https(timeout: float) -> bool:
    """Whether something on this machine answers a request over https, whatever it answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", 443), timeout) as plain,
        context.wrap_socket(plain) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return secure.recv(7) == b"HTTP/1."
    return False


def errors(log: str) -> list[str]:
    """The lines of an Apache log that are errors or worse, without time and process."""
    found = []
    for line in log.splitlines():
        match = _LOG_LINE.match(line)
        if match and match["level"] in {"emerg", "alert", "crit", "error"}:
            found.append(line[match.end() :])
    return found


# In the child, which never returns


def _child(staged: Mapping[str, bytes]) -> str | None:
    try:
        _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # two log files a site
        _unshare()
        _loopback_up()
        _private_directories()
        _stage(staged)
        return _run()
    except Exception as error:  # noqa: BLE001  (whatever it is, there is nobody else to tell)
        return f"the trial could not be made: {type(error).__name__}: {error}"


def _close_all_but(kept: int) -> None:
    """Keep nothing of the agent's, its lock above all."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd != kept:
            with suppress(OSError):
                os.close(fd)


def _run() -> str | None:
    with open(f"{_RUN}/output", "w+b") as output:
        apache = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "APACHE_ULIMIT_MAX_FILES": "true"},
        )
        try:
            deadline = time.monotonic() + _SECONDS
            while apache.poll() is None:
                if answers_https(timeout=5):
                    return None
                if time.monotonic() > deadline:
                    break
                time.sleep(0.01)
            ended = apache.poll()
        finally:
            apache.send_signal(signal.SIGKILL)  # the first of its namespace: all others go with it
            apache.wait()
        output.seek(0)
        said = output.read(_WORDS).decode(errors="replace").splitlines()
    words = [line for line in [*said, *_logged()] if "AH00558" not in line]
    if ended is None:
        words.append(f"it did not answer https on port 443 within {_SECONDS:g} s")
    return "\n".join(words)[:_WORDS] or f"it ended with {ended} and said nothing"


def _logged() -> Iterator[str]:
    for top in (_LOGS, paths.LOGS):
        for directory, _, files in os.walk(top):
            for file in sorted(files):
                with open(f"{directory}/{file}", encoding="utf-8", errors="replace") as log:
                    yield from errors(log.read(1 << 20))


def _unshare() -> None:
    _checked(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWPID), "unshare")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        _, flags = struct.unpack("16sH14x", request)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _private_directories() -> None:
    """Empty ones where Apache writes; of logs' directories those that are there, as one may be missing."""
    for directory in (_RUN, _LOCK, _LOGS):
        os.makedirs(directory, exist_ok=True)
        _tmpfs(directory, "mode=1777")
    logs = [os.path.relpath(directory, paths.LOGS) for directory, _, _ in os.walk(paths.LOGS)]
    if logs:
        _tmpfs(paths.LOGS, "mode=0755")
        for log in logs:
            os.makedirs(os.path.join(paths.LOGS, log), exist_ok=True)
    if os.path.isdir(_MD):
        shutil.copytree(_MD, f"{_RUN}/md", copy_function=_copy)
        _mount(f"{_RUN}/md", _MD, None, _MS_BIND)


def _copy(source: str, target: str) -> None:
    """Content, mode and owner: mod_md refuses files that are not its own."""
    shutil.copy2(source, target)
    info = os.stat(source)
    os.chown(target, info.st_uid, info.st_gid)


def _stage(staged: Mapping[str, bytes]) -> None:
    """Lay a directory over that of the sites: the files under trial, and links to all others."""
    real, trial = f"{_RUN}/real", f"{_RUN}/trial"
    for directory in (real, trial):
        os.mkdir(directory)
    _mount(paths.VHOSTS, real, None, _MS_BIND)
    for file, content in staged.items():
        with open(f"{trial}/{file}", "wb") as out:
            out.write(content)
    for file in os.listdir(real):
        if file not in staged:
            os.symlink(f"{real}/{file}", f"{trial}/{file}")
    _mount(trial, paths.VHOSTS, None, _MS_BIND)


def _tmpfs(directory: str, options: str) -> None:
    _mount("tmpfs", directory, "tmpfs", 0, options)


def _mount(source: str, target: str, type_: str | None, flags: int, options: str | None = None) -> None:
    arguments = [None if text is None else os.fsencode(text) for text in (source, target, type_, options)]
    _checked(_libc.mount(*arguments[:3], ctypes.c_ulong(flags), arguments[3]), f"mount {target}")


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
