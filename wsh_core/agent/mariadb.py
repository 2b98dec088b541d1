"""MariaDB's text protocol over its Unix socket, as root whom the socket itself identifies.

One connection per operation and no client program: a program costs 45 ms, prints NULL and the string ``NULL``
alike, and tells which statement failed only by a line number. The protocol is MariaDB's own documentation,
"Client/Server Protocol": connection, COM_QUERY, text result sets.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn

from . import paths
from .errors import AgentError

if TYPE_CHECKING:
    from .host import Host

Row = tuple[str | None, ...]

_TIMEOUT = 120.0
"""Seconds without an answer. A large ALTER or a lock may take long; a dead server answers at once."""
_CAPABILITIES = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x80000
"""MYSQL, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH; not LOCAL_FILES, not MULTI_STATEMENTS."""
_UTF8MB4 = 45
_MAX_PACKET = 0xFFFFFF
_OK, _LOCAL_FILE, _EOF, _ERROR = 0x00, 0xFB, 0xFE, 0xFF
_SET_UP = "SET SESSION sql_mode='STRICT_TRANS_TABLES', NAMES utf8mb4"
"""So that literals and quoted names mean what the functions below take them to mean, whatever my.cnf says."""


def string(text: str) -> str:
    """A string literal. Raises ValueError for NUL, which no value of wsh's holds."""
    if "\0" in text:
        raise ValueError("NUL in a string for MariaDB")
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted name, of a database say.

    Raises ValueError for what MariaDB takes for none: empty, over 64 characters, NUL, or beyond U+FFFF.
    """
    if not 0 < len(name) <= 64 or "\0" in name or max(name) > "\uffff":
        raise ValueError(f"{name!r} is no name of MariaDB's")
    return _quoted(name)


def pattern(database: str) -> str:
    """The pattern that matches this database alone: in grants and mysql.db ``_`` and ``%`` are wildcards."""
    return database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def grant_target(database: str) -> str:
    """All tables of this database alone, as GRANT and REVOKE take it. Raises ValueError as ``identifier``."""
    identifier(database)
    return _quoted(pattern(database)) + ".*"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


class Client:
    """The one connection of an operation, opened at the first statement."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._socket: socket.socket | None = None
        self._input, self._at = b"", 0
        self._sequence = 0

    def query(self, sql: str) -> list[Row]:
        """Run one statement; its rows, each value as text or None.

        Raises AgentError: ``database.unreachable``, or ``database.statement`` with the server's words behind.
        """
        if self._socket is None:
            self._connect()
        return self._run(sql)

    def execute(self, statements: Iterable[str]) -> None:
        """Run one statement after the other; the first that fails raises as in ``query``, and ends it."""
        for sql in statements:
            self.query(sql)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # connection

    def _connect(self) -> None:
        directory, _, name = paths.MARIADB_SOCKET.rpartition("/")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_TIMEOUT)
        self._input, self._at = b"", 0
        try:
            # By way of a descriptor: the address of a socket has 108 bytes, and a scratch root may lie deep.
            with self._host.fs.opened(directory, os.O_RDONLY | os.O_DIRECTORY) as fd:
                self._socket.connect(f"/proc/self/fd/{fd}/{name}")
        except OSError as error:
            self._lost(error)
        greeting = self._receive()
        if greeting[0] == _ERROR:
            self._refused(greeting)
        self._send(struct.pack("<IIB23x", _CAPABILITIES, _MAX_PACKET, _UTF8MB4) + b"root\0" + b"\0" + b"\0")
        answer = self._receive()
        while answer[0] == _EOF:  # it asks for the first method's password; without one, it tries the next
            self._send(b"")
            answer = self._receive()
        if answer[0] == _ERROR:
            self._refused(answer)
        self._run(_SET_UP)

    def _refused(self, packet: bytes) -> NoReturn:
        self.close()
        raise AgentError(
            "database.unreachable",
            "MariaDB does not let root in by its socket",
            "give root@localhost its unix_socket login back, then: wsh server setup NAME",
            _words(packet),
        )

    def _lost(self, error: OSError) -> NoReturn:
        self.close()
        raise AgentError(
            "database.unreachable",
            f"MariaDB does not answer at {paths.MARIADB_SOCKET}",
            "systemctl start mariadb   (why it stopped: journalctl -u mariadb)",
            error.strerror or str(error) or type(error).__name__,
        ) from error

    # packets

    def _send(self, payload: bytes) -> None:
        assert self._socket is not None
        data = bytearray()
        for start in range(0, len(payload) + 1, _MAX_PACKET):
            part = payload[start : start + _MAX_PACKET]
            data += struct.pack("<I", len(part) | self._sequence << 24) + part
            self._sequence = (self._sequence + 1) & 0xFF
        try:
            self._socket.sendall(data)
        except OSError as error:
            self._lost(error)

    def _receive(self) -> bytes:
        """The next packet, its parts joined; never empty."""
        payload, size = b"", _MAX_PACKET
        while size == _MAX_PACKET:
            (head,) = struct.unpack("<I", self._exactly(4))
            self._sequence = ((head >> 24) + 1) & 0xFF
            size = head & _MAX_PACKET
            payload += self._exactly(size)
        return payload or self._lost(ConnectionAbortedError("an empty answer"))

    def _exactly(self, size: int) -> bytes:
        assert self._socket is not None
        if len(self._input) - self._at < size:
            parts = [self._input[self._at :]]
            missing = size - len(parts[0])
            while missing > 0:
                try:
                    parts.append(self._socket.recv(max(1 << 18, missing)))
                except OSError as error:
                    self._lost(error)
                if not parts[-1]:
                    self._lost(ConnectionResetError("the connection was closed"))
                missing -= len(parts[-1])
            self._input, self._at = b"".join(parts), 0
        self._at += size
        return self._input[self._at - size : self._at]

    # statements

    def _run(self, sql: str) -> list[Row]:
        self._sequence = 0
        self._send(b"\x03" + sql.encode())
        first = self._receive()
        if first[0] == _OK:
            return []
        if first[0] == _ERROR:
            raise _failed("MariaDB refused a statement", first)
        if first[0] == _LOCAL_FILE:
            self._lost(ConnectionAbortedError("the server asks for a local file"))
        for _ in range(first[0] + 1):  # the columns' descriptions, and the EOF behind them
            self._receive()
        return list(self._rows())

    def _rows(self) -> Iterator[Row]:
        while (packet := self._receive())[0] != _EOF or len(packet) >= 9:
            if packet[0] == _ERROR:
                raise _failed("MariaDB broke off its answer", packet)
            yield _row(packet)


def _row(packet: bytes) -> Row:
    values: list[str | None] = []
    at, end = 0, len(packet)
    while at < end:
        size = packet[at]
        at += 1
        if size == 0xFB:
            values.append(None)
            continue
        if size > 0xFB:
            width = {0xFC: 2, 0xFD: 3, 0xFE: 8}[size]
            size = int.from_bytes(packet[at : at + width], "little")
            at += width
        values.append(packet[at : at + size].decode("utf-8", "surrogateescape"))
        at += size
    return tuple(values)


def _failed(message: str, packet: bytes) -> AgentError:
    words = _words(packet)
    full = f"errno: {errno.ENOSPC} " in words
    remedy = "make room: df -h /var/lib/mysql" if full else "mend what MariaDB says"
    return AgentError("database.statement", message, f"{remedy}; then: wsh apply", words)


def _words(packet: bytes) -> str:
    """An error packet as the client program words it: ``ERROR 1045 (28000): Access denied …``."""
    (number,) = struct.unpack_from("<H", packet, 1)
    text = packet[3:].decode("utf-8", "replace")
    return f"ERROR {number} ({text[1:6]}): {text[6:]}" if text.startswith("#") else f"ERROR {number}: {text}"
