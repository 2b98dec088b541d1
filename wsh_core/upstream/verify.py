"""Whether a file is the one that its makers published: by their checksum, or by their OpenPGP signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from wsh_core.errors import WshError

_ALGORITHMS = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
"""By the number of hexadecimal digits. SHA-1 tells a damaged file, and by https the maker's own from a stranger's."""
_LINE = re.compile(r"(?:[A-Z0-9-]+ \((?P<of>[^()]+)\) = )?(?P<digest>[0-9A-Fa-f]{40,128})(?:\s+\*?(?P<name>\S+))?")
_PROGRAM = "gpgv"


def digest(file: Path, algorithm: str = "sha256") -> str:
    """Return the checksum of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def checksum(file: Path, name: str, published: bytes) -> str:
    """Compare a file, published as *name*, with a checksum file (sha256sum(1), or BSD's form); say how.

    Raises:
        WshError: it is another file, or the checksum file does not speak of it.
    """
    expected = _expected(name, published.decode("utf-8", "replace"))
    algorithm = _ALGORITHMS.get(len(expected))
    if algorithm is None:
        raise WshError("app.checksum", f"the checksum file has no checksum of {name} that is known: SHA-1 or SHA-2")
    found = digest(file, algorithm)
    if found != expected:
        message = f"{name} has the {algorithm.upper()} checksum {found}, published is {expected}"
        raise WshError("app.checksum", message, "nothing was written; try later, and tell its makers if it stays so")
    return f"{algorithm.upper()} checksum"


def _expected(name: str, text: str) -> str:
    """The checksum of *name*: in the line that names it, or the only one there is."""
    found = [match for line in text.splitlines() if (match := _LINE.fullmatch(line.strip()))]
    named = [m["digest"] for m in found if (m["of"] or m["name"] or "").rpartition("/")[2] == name]
    alone = [m["digest"] for m in found if not (m["of"] or m["name"])]
    candidates = {each.lower() for each in named or alone}
    return candidates.pop() if len(candidates) == 1 else ""


def signature(file: Path, name: str, signed: bytes, keyring: str, owner: str) -> str:
    """Verify a detached OpenPGP signature by gpgv(1) with the keys of *owner* (a distribution), and none other.

    Returns how it was verified: the fingerprint of the key.

    Raises:
        WshError: the signature is not of this file, or not by one of these keys; or gpgv is not there.
    """
    with TemporaryDirectory(prefix="wsh-") as place:
        ring, sig = Path(place, "keys.gpg"), Path(place, "signature")
        ring.write_bytes(_binary(keyring, owner))
        sig.write_bytes(signed)
        said = _gpgv("--homedir", place, "--keyring", str(ring), str(sig), str(file))
    valid = re.search(r"^\[GNUPG:\] VALIDSIG ([0-9A-F]{40,64}) ", said, re.MULTILINE)
    if valid and "[GNUPG:] GOODSIG " in said and "[GNUPG:] BADSIG " not in said:
        return f"signature by {valid[1]}"
    raise WshError("app.signature", f"{name}: {_refusal(said, owner)}", "nothing was written; do not use this file")


def _gpgv(*arguments: str) -> str:
    try:
        done = subprocess.run(
            [_PROGRAM, "--status-fd", "1", *arguments], capture_output=True, check=False, timeout=600,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        message = "the signature cannot be verified: gpgv is not installed"
        raise WshError("app.signature", message, "apt install gpgv") from None
    text = done.stdout.decode("utf-8", "replace")
    return text if done.returncode == 0 or "[GNUPG:] " in text else ""


def _refusal(said: str, owner: str) -> str:
    """Why gpgv did not accept a signature, in words (GnuPG's doc/DETAILS)."""
    missing = re.search(r"^\[GNUPG:\] NO_PUBKEY ([0-9A-F]+)", said, re.MULTILINE)
    if missing:
        return f"it is signed by the key {missing[1]}, which is none of those that {owner} has"
    for word, text in {
        "BADSIG": "the signature is not of this file",
        "EXPKEYSIG": f"the key that {owner} has for it has expired; a newer {owner} may have another",
        "REVKEYSIG": "the key that signed it was revoked",
        "EXPSIG": "the signature has expired",
    }.items():
        if f"[GNUPG:] {word} " in said:
            return text
    return "what is published as its signature is none"


def _binary(armoured: str, owner: str) -> bytes:
    """The bytes of all armoured blocks (RFC 9580, 6.2), which is how gpgv takes keys."""
    blocks = re.findall(r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(.*?)-----END PGP", armoured, re.DOTALL)
    try:
        return b"".join(base64.b64decode(_body(block), validate=True) for block in blocks)
    except (binascii.Error, ValueError) as error:
        raise WshError("app.signature", f"the keys of {owner} cannot be read: {error}", f"report it: {owner}") from None


def _body(block: str) -> str:
    """The base64 lines of a block: without its headers, and without the checksum that may follow."""
    lines = [line.strip() for line in block.splitlines()]
    return "".join(line for line in lines if line and ": " not in line and not line.startswith("="))
