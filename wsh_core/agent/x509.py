"""What wsh asks of a certificate and of its key, read from their DER form (RFC 5280, RFC 5915, X.690).

The standard library shows a certificate only to a connection that uses it, and ``openssl`` is a process each
time: half a minute for 3,000 of them, where this takes 0.1 s. Only root writes the files; signatures are not
verified.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _KEY_ID, _PUBLIC_HALF = 0x82, 0x80, 0xA1
_NOWHERE = (0, 0)
_SUBJECT_KEY, _ALT_NAMES, _AUTHORITY_KEY = b"\x55\x1d\x0e", b"\x55\x1d\x11", b"\x55\x1d\x23"


class Certificate(NamedTuple):
    subject: bytes
    issuer: bytes
    """Names, encoded."""
    not_after: datetime
    public_key: bytes
    """The bit string, encoded."""
    domains: list[str]
    """The DNS names for which it is valid; a name of another type stands as ``type 135`` or the like."""
    key_id: bytes
    """Subject key identifier; empty if there is none."""
    authority_key_id: bytes


def read_certificate(pem: bytes) -> Certificate:
    """The first certificate of a PEM text. Raises ValueError for what is none."""
    data = _block(pem, b"CERTIFICATE")
    try:
        return _certificate(data)
    except (IndexError, StopIteration):
        raise ValueError("a certificate that is not whole, or not in DER") from None


def is_key_of(key_pem: bytes, certificate: Certificate) -> bool:
    """Whether a private elliptic-curve key, which ends with its public half, belongs to the certificate.

    Raises ValueError for what is no private key.
    """
    public = certificate.public_key
    return _block(key_pem, b"PRIVATE KEY").endswith(bytes((_PUBLIC_HALF, len(public) & 0x7F)) + public)


def _certificate(data: bytes) -> Certificate:
    _, _, start, end = next(_values(data, 0, len(data)))
    _, _, start, end = next(_values(data, start, end))
    parts = list(_values(data, start, end))
    issuer, validity, subject, key = parts[3:7] if parts[0][0] == _VERSION else parts[2:6]
    _, not_after = _values(data, *validity[2:])
    _, bits = _values(data, *key[2:])
    found = _extensions(data, *parts[-1][2:]) if parts[-1][0] == _EXTENSIONS else {}
    domains = [
        data[start:end].decode("ascii", "replace") if tag == _DNS_NAME else f"type {tag}"
        for tag, _, start, end in _values(data, *found.get(_ALT_NAMES, _NOWHERE))
    ]
    authority = [v for v in _values(data, *found.get(_AUTHORITY_KEY, _NOWHERE)) if v[0] == _KEY_ID]
    return Certificate(
        data[subject[2] : subject[3]],
        data[issuer[2] : issuer[3]],
        _time(data[not_after[2] : not_after[3]]),
        data[bits[1] : bits[3]],
        domains,
        data[slice(*found.get(_SUBJECT_KEY, _NOWHERE))],
        data[authority[0][2] : authority[0][3]] if authority else b"",
    )


def _extensions(data: bytes, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """Where the content of each extension's one value stands, by the extension's object identifier."""
    _, _, start, end = next(_values(data, start, end))
    found = {}
    for _, _, inner, stop in _values(data, start, end):
        (_, _, name, name_end), *_, (_, _, value, value_end) = _values(data, inner, stop)
        _, _, *content = next(_values(data, value, value_end))
        found[data[name:name_end]] = (content[0], content[1])
    return found


def _values(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The values one behind the other: tag, where the value begins, where its content begins and ends."""
    while at < end:
        begin, size = at, data[at + 1]
        at += 2
        if size >= 0x80:
            size, at = int.from_bytes(data[at : at + size - 0x80], "big"), at + size - 0x80
        at += size
        if at > end:
            raise IndexError
        yield data[begin], begin, at - size, at


def _block(pem: bytes, label: bytes) -> bytes:
    start = pem.find(b"-----BEGIN " + label + b"-----")
    end = pem.find(b"-----END " + label + b"-----", start)
    if start < 0 or end < 0:
        raise ValueError(f"no {label.decode()} in it")
    return binascii.a2b_base64(pem[start + len(label) + 16 : end])


def _time(content: bytes) -> datetime:
    """UTCTime or GeneralizedTime, as RFC 5280 allows them: to the second, in UTC."""
    text = content.decode("ascii")
    if len(text) == 13:
        text = ("19" if text >= "50" else "20") + text
    return datetime.fromisoformat(f"{text[:8]}T{text[8:14]}").replace(tzinfo=UTC)
