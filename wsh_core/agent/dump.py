"""The dump of a site's database, made and loaded by the account itself inside its jail.

The account's own settings of MariaDB's programs are not read, and a dump is loaded with nothing but the
account's rights: whatever somebody wrote into it, it can do no more than the account could anyway.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from contextlib import ExitStack
from io import BufferedReader
from typing import IO

from . import paths
from .errors import AgentError
from .tree import parent

_CHUNK = 1 << 20
_WORDS = 2000
_COMMON = ["--no-defaults", f"--socket={paths.MARIADB_SOCKET}", "--default-character-set=utf8mb4"]
_DUMP = [
    "mariadb-dump",
    *_COMMON,
    "--single-transaction",
    "--quick",
    "--hex-blob",
    "--routines",
    "--events",
    "--triggers",
    "--no-tablespaces",
]
_LOAD = ["mariadb", *_COMMON, "--binary-mode"]


def dump(database: str, path: str) -> dict[str, str | int]:
    """Write a packed dump to a free place; its checksum and its size in bytes.

    Raises AgentError ``database.dump`` with the words of who failed, FileExistsError for what is there.
    """
    with parent(path) as (above, name):
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=above)
    with open(fd, "wb") as file, tempfile.TemporaryFile() as words, ExitStack() as running:
        dumper = _start([*_DUMP, "--", database], running, words, stdin=subprocess.DEVNULL)
        packer = _start(["gzip", "-1"], running, words, stdin=dumper.stdout)
        assert dumper.stdout is not None
        assert packer.stdout is not None
        dumper.stdout.close()
        digest, size = hashlib.sha256(), 0
        while chunk := packer.stdout.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
        _see_ended("the database cannot be dumped", words, dumper, packer)
        file.flush()
        os.fsync(fd)
    return {"sha256": digest.hexdigest(), "bytes": size}


def load(database: str, path: str) -> None:
    """Load a packed dump into an empty database. Raises AgentError ``database.dump``."""
    with _opened(path) as file, tempfile.TemporaryFile() as words, ExitStack() as running:
        unpacker = _start(["gzip", "-dc"], running, words, stdin=file)
        loader = _start([*_LOAD, f"--database={database}"], running, words, stdin=unpacker.stdout)
        assert unpacker.stdout is not None
        unpacker.stdout.close()
        _see_ended("the dump of the database cannot be loaded", words, loader, unpacker)


def checksum(path: str) -> str | None:
    """The SHA-256 of a file, None where there is none."""
    try:
        with _opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _opened(path: str) -> BufferedReader:
    with parent(path) as (above, name):
        return open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above), "rb")


def _start(
    argv: list[str], running: ExitStack, words: IO[bytes], stdin: IO[bytes] | int | None
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=words)
    running.callback(process.wait)
    running.callback(process.kill)
    return process


def _see_ended(what: str, words: IO[bytes], *processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        if process.stdout is not None and not process.stdout.closed:
            process.stdout.read()
        process.wait()
    if any(process.returncode for process in processes):
        words.seek(0)
        said = words.read().decode(errors="replace").strip()[-_WORDS:]
        raise AgentError("database.dump", what, "mend what MariaDB says, then try again", said or None)
