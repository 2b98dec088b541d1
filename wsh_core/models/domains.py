"""Domain names, and the reasons why something is none."""

from __future__ import annotations

import ipaddress
import re

from wsh_core.errors import quote
from wsh_core.models.reserved import TOP_LEVEL
from wsh_core.models.text import Refused, Text

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")


class DomainName(Text):
    """A host name in lower case, as DNS has it (RFC 1123, RFC 5890); U-labels are converted to A-labels."""

    what = "a domain name"
    example = "blog.example.org"
    longest = 253

    @classmethod
    def clean(cls, value: str) -> str:
        name = value.lower()
        if not name.isascii() or "xn--" in name:
            name = to_ascii(name)
        if not _DOMAIN.fullmatch(name) or len(name) > cls.longest:
            raise _refused(value, name)
        if "--" in name and any(label[2:4] == "--" and label[:2] != "xn" for label in name.split(".")):
            raise Refused(f"{quote(value)} has a part with `--` in third place, which DNS keeps for itself")
        if (last := name.rpartition(".")[2]) in TOP_LEVEL:
            raise Refused(f"{quote(value)} cannot be a web site: {TOP_LEVEL[last]}", cls.such_as())
        return name


def to_ascii(name: str) -> str:
    """Convert a name to A-labels (RFC 5891, after the mapping of UTS 46). Raises Refused."""
    import idna

    try:
        return idna.encode(name, uts46=True, std3_rules=True, strict=True).decode("ascii").lower()
    except UnicodeError as error:
        raise Refused(f"{quote(name)} is not a domain name: {error}", DomainName.such_as()) from None


def _refused(value: str, name: str) -> Refused:
    """The reason and the remedy, for each of the mistakes people make."""
    such_as = DomainName.such_as()
    shown = quote(value)
    reasons = (
        ("/" in name, "is an address of a page, not a domain name", f"only the name, {such_as}"),
        ("*" in name, "is a wildcard; those are not served: one could take another account's names",
         "name each domain"),
        (_is_address(name), "is an IP address, not a domain name", such_as),
        (name.endswith("."), "ends in a dot", f"write {name.rstrip('.')}"),
        (":" in name, "holds a port; sites are served at 80 and 443", f"only the name, {such_as}"),
        ("." not in name, "is a single word; a domain name has at least two parts", such_as),
        ("_" in name, "is not a domain name: `_` cannot stand in the name of a host", such_as),
        (len(name) > 253 or any(len(part) > 63 for part in name.split(".")),
         "is too long: 63 characters a part, 253 in all (RFC 1035)", such_as),
        (True, "is not a domain name: letters, digits, dots, and dashes only inside a part", such_as),
    )  # fmt: skip
    reason, hint = next((reason, hint) for applies, reason, hint in reasons if applies)
    return Refused(f"{shown} {reason}", hint)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        # Browsers read these as IPv4 too (WHATWG URL, host parsing): 127.1, 0x7f.1.
        return bool(re.fullmatch(r"(?:[^.]*\.)*(?:[0-9]+|0x[0-9a-f]*)\.?", name))
    return True
