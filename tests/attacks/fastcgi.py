"""FastCGI as Apache speaks it, for an attacker who reaches a socket himself (FastCGI 1.0, section 3)."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_BEGIN, _PARAMS, _STDIN = 1, 4, 5


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def request(parameters: Mapping[str, str]) -> bytes:
    """One whole request without a body; names shorter than 128 bytes."""
    pairs = b""
    for name, value in parameters.items():
        key, data = name.encode(), value.encode()
        length = bytes([len(data)]) if len(data) < 128 else struct.pack(">I", len(data) | 1 << 31)
        pairs += bytes([len(key)]) + length + key + data
    begin = _record(_BEGIN, struct.pack(">HB5x", 1, 0))
    return begin + _record(_PARAMS, pairs) + _record(_PARAMS, b"") + _record(_STDIN, b"")
