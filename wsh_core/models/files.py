"""The files of a description: which there are, and how they are read without harm."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path
from typing import Final

from wsh_core.errors import Problem, Where

LARGEST: Final = 1 << 20
"""Bytes that one file may have. The largest account of a large organisation takes a hundredth."""


class NotRead(Exception):  # noqa: N818 - it says what became of the file
    """A file could not be read; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read(path: Path, file: str) -> str:
    """Read a file of the description as text; `file` is its name in messages.

    It must be a regular file, since anything else could block or never end; of at most LARGEST bytes, which
    is seen before anything is read; and in UTF-8. Raises NotRead.
    """
    try:
        data = _bytes(path, file)
    except OSError as error:
        raise NotRead(_unreadable(path, file, error)) from None
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode()) + 1
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        hint = "save the file as UTF-8: iconv -f LATIN1 -t UTF-8"
        raise NotRead(_problem("config.encoding", message, hint, file, line, column)) from None


def _bytes(path: Path, file: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            message = f"{file} is not a regular file"
            raise NotRead(_problem("config.unreadable", message, f"ls -l {file}", file))
        if status.st_size > LARGEST:
            raise NotRead(_too_large(file, f"{file} has {status.st_size >> 10}K"))
        data = b""
        while len(data) <= LARGEST and (more := os.read(descriptor, LARGEST + 1 - len(data))):
            data += more
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:  # it grew meanwhile
        raise NotRead(_too_large(file, f"{file} grows while it is read"))
    return data


def _too_large(file: str, message: str) -> Problem:
    hint = f"move away what is no description: mv {file} …"
    return _problem("config.too-large", f"{message}, a file here has at most {LARGEST >> 10}K", hint, file)


def _unreadable(path: Path, file: str, error: OSError) -> Problem:
    if not isinstance(error, FileNotFoundError):
        return _problem("config.unreadable", f"{file} cannot be read: {error.strerror}", f"ls -l {file}", file)
    if path.is_symlink():
        return _problem("config.unreadable", f"{file} is a link that leads nowhere", f"ls -l {file}", file)
    return _problem("config.missing-file", f"{file} does not exist", "make it, or say where it is: wsh -C DIR", file)


def _problem(code: str, message: str, hint: str | None, file: str, line: int = 1, column: int = 1) -> Problem:
    return Problem(code, message, hint, (Where(file, line, column),))
