"""The types of the values people write. Each makes itself from text, or refuses it with reason and remedy.

They are the defence against injection: whatever has one of these types needs no escaping in the places it is
made for, because nothing that would need it is let in. All can be made by hand,
`DomainName("blog.example.org")`, raise `Refused`, and can be made again from their own text.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import struct
from typing import ClassVar

from wsh_core.errors import quote
from wsh_core.models.domains import DomainName, to_ascii
from wsh_core.models.quantities import Memory, Percent, Size
from wsh_core.models.reserved import ACCOUNTS
from wsh_core.models.text import UNSEEN, Refused, Text

__all__ = [
    "UNSEEN", "AbsolutePath", "AccountName", "Address", "DescriptionId", "DomainName", "Email",
    "Memory", "Mode", "Name", "Percent", "PhpVersion", "Refused", "RelativePath", "ReleaseName",
    "SiteKey", "Size", "SshKey", "Text",
]  # fmt: skip


class AccountName(Text):
    """The name of an account: a Unix user, and with `_` the prefix of its databases."""

    what = "the name of an account (2 to 16 of a-z and 0-9, a letter first)"
    example = "alice"
    pattern = "[a-z][a-z0-9]{1,15}"

    @classmethod
    def clean(cls, value: str) -> str:
        if value in ACCOUNTS:
            raise Refused(f"{quote(value)} is a name of the system's own", "choose another name")
        return super().clean(value)

    @classmethod
    def of_file(cls, stem: str) -> str:
        """The name by which an account's file is known, be it reserved or not. Raises Refused."""
        return stem if stem in ACCOUNTS else cls(stem)


class SiteKey(Text):
    """The name of a site within its account; it never changes, its domains may."""

    what = "the key of a site (1 to 16 of a-z and 0-9, a letter first)"
    example = "blog"
    pattern = "[a-z][a-z0-9]{0,15}"


class Name(Text):
    """The name of a package, of a plugin, of an application, or of a server."""

    what = "a name (a-z, 0-9 and single dashes, a letter first)"
    example = "small"
    pattern = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
    longest = 63


class DescriptionId(Text):
    """The id of a description (RFC 9562), by which a server knows whose it is."""

    what = "an id as `wsh init` makes it"
    example = "7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f"
    pattern = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class PhpVersion(Text):
    """A version of PHP as Debian names it."""

    what = "a version of PHP"
    example = '"8.4"'
    pattern = r"[0-9]\.[0-9]{1,2}"


class ReleaseName(Text):
    """A version of an application, as its makers write it."""

    what = "the number of a release"
    example = '"6.8.3"'
    pattern = "[0-9A-Za-z]+(?:[.+~_-][0-9A-Za-z]+)*"
    longest = 40


class Mode(Text):
    """Permission bits (chmod(1)): four octal digits as text; YAML 1.1 would misread a number."""

    what = "a mode of four octal digits"
    example = '"0640"'
    pattern = "[0-7]{4}"


_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._][A-Za-z0-9._+@=-]*"


class AbsolutePath(Text):
    """A file of the machine that wsh runs on, from its root."""

    what = "a path from the root (letters, digits and ._+@=-, no `..`)"
    example = "/etc/wsh/ssh/id_ed25519"
    pattern = f"(?:/{_PART})+"
    longest = 1000


class RelativePath(Text):
    """A path below a directory known from elsewhere: it cannot leave it, nor look like an option."""

    what = "a path below the site (letters, digits and ._+@=-, single slashes, no `..`)"
    example = "wp-content/uploads"
    pattern = f"{_PART}(?:/{_PART})*"
    longest = 1000


class Email(Text):
    """A mail address of plain form: what mail programs and the files of mail servers take without quoting."""

    what = "a mail address"
    example = "alice@example.org"
    longest = 254
    _LOCAL: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_+-]|\.(?=[A-Za-z0-9_+-]))*")

    @classmethod
    def clean(cls, value: str) -> str:
        local, at, domain = value.rpartition("@")
        if not at or "@" in local:
            raise Refused(f"{quote(value)} is not a mail address, which has one @", cls.such_as())
        if len(local) > 64 or not cls._LOCAL.fullmatch(local):
            raise Refused(
                f"{quote(value)} is not a mail address that wsh takes: letters, digits and ._+- before the @",
                cls.such_as(),
            )
        return f"{local}@{DomainName(domain)}"


class Address(Text):
    """Where a server is reached: a name, an IP address, a host of ~/.ssh/config, or `localhost`."""

    what = "the address of a server"
    example = "web1.example.org"
    longest = 253
    _LABEL: ClassVar[str] = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

    @property
    def local(self) -> bool:
        """Is it this machine, which needs no SSH?"""
        return self == "localhost"

    @classmethod
    def clean(cls, value: str) -> str:
        try:
            if "%" not in value:  # a zone may hold any text (RFC 4007)
                return ipaddress.ip_address(value).compressed
        except ValueError:
            pass
        name = value.lower()
        name = name if name.isascii() else to_ascii(name)
        if not re.fullmatch(rf"{cls._LABEL}(?:\.{cls._LABEL})*", name) or re.fullmatch("[0-9.]+", name):
            raise Refused(f"{quote(value)} is not {cls.what}", "a name, an IP address, or localhost")
        return name


class Repository(Text):
    """Where Composer finds packages: an https URL, or a directory of the server that holds packages.json."""

    what = "an https URL or a path from the root"
    example = "https://packages.example.org"
    pattern = f"https://[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~%/-]*)?|(?:/{_PART})+"
    longest = 1000


class SshKey(Text):
    """A public SSH key: type, key, comment on one line (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""

    what = "a public SSH key"
    example = "ssh-ed25519 AAAA… alice@laptop"
    longest = 8000
    TYPES: ClassVar[tuple[str, ...]] = (
        "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
    )  # fmt: skip

    @classmethod
    def clean(cls, value: str) -> str:
        kind, _, rest = value.strip().partition(" ")
        body, _, comment = rest.strip().partition(" ")
        if kind not in cls.TYPES:
            raise Refused(f"{quote(value)} does not begin as {cls.what} does", f"one of {', '.join(cls.TYPES)}")
        try:
            fields = _ssh_strings(base64.b64decode(body, validate=True))
        except binascii.Error:
            fields = []
        if len(fields) < 2 or fields[0] != kind.encode():
            raise Refused(f"{quote(value)} is damaged after {kind}", "copy the whole line of the .pub file")
        if kind == "ssh-rsa" and (len(fields) != 3 or len(fields[2].lstrip(b"\0")) < 256):
            raise Refused("an RSA key of fewer than 2048 bits is too weak", "ssh-keygen -t ed25519")
        return " ".join(part for part in (kind, body, comment.strip()) if part)


def _ssh_strings(blob: bytes) -> list[bytes]:
    """The fields of a key (RFC 4251, section 5); none if they do not fill it exactly."""
    found, at = [], 0
    while at + 4 <= len(blob):
        (length,) = struct.unpack_from(">I", blob, at)
        found.append(blob[at + 4 : at + 4 + length])
        at += 4 + length
    return found if at == len(blob) else []
