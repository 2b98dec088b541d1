"""POSIX access control lists as the kernel keeps them in extended attributes (acl(5)), without a program per file."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_BASE = {("user", ""): _USER_OBJ, ("group", ""): _GROUP_OBJ, ("mask", ""): _MASK, ("other", ""): _OTHER}

_LETTERS = ("---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx")


def _bits(text: str) -> int:
    """The number of ``r-x``; ValueError for any other form."""
    return _LETTERS.index(text)


@dataclass(frozen=True)
class Acl:
    """The permissions of one file: those of the mode, and those of named users and groups (by number)."""

    user: int
    group: int
    other: int
    named: tuple[tuple[int, int, int], ...] = ()
    """(tag, id, bits), sorted."""
    mask: int | None = None

    @classmethod
    def wanted(cls, mode: int, entries: Iterable[str], uid: Callable[[str], int], gid: Callable[[str], int]) -> Acl:
        """From mode bits and entries as setfacl(1) writes them (``user:www-data:--x``, ``group::r-x``).

        The mask, unless given, is the union that setfacl computes. Raises ValueError for an entry of another form.
        """
        base = {_USER_OBJ: mode >> 6 & 7, _GROUP_OBJ: mode >> 3 & 7, _OTHER: mode & 7}
        named = []
        for entry in entries:
            who, name, bits = entry.split(":")
            if (who, name) in _BASE:
                base[_BASE[who, name]] = _bits(bits)
            elif who == "user":
                named.append((_USER, uid(name), _bits(bits)))
            elif who == "group":
                named.append((_GROUP, gid(name), _bits(bits)))
            else:
                raise ValueError(f"{entry} is no access control entry")
        mask = base.get(_MASK)
        if named and mask is None:
            mask = base[_GROUP_OBJ]
            for _, _, bits_ in named:
                mask |= bits_
        return cls(base[_USER_OBJ], base[_GROUP_OBJ], base[_OTHER], tuple(sorted(named)), mask)

    @classmethod
    def parse(cls, data: bytes) -> Acl:
        base: dict[int, int] = {}
        named = []
        for tag, bits, id_ in struct.iter_unpack("<HHI", data[4:]):
            if tag in (_USER, _GROUP):
                named.append((tag, id_, bits))
            else:
                base[tag] = bits
        return cls(base[_USER_OBJ], base[_GROUP_OBJ], base[_OTHER], tuple(sorted(named)), base.get(_MASK))

    def pack(self) -> bytes:
        rows = [(_USER_OBJ, self.user, _NO_ID)]
        rows += [(tag, bits, id_) for tag, id_, bits in self.named if tag == _USER]
        rows.append((_GROUP_OBJ, self.group, _NO_ID))
        rows += [(tag, bits, id_) for tag, id_, bits in self.named if tag == _GROUP]
        if self.mask is not None:
            rows.append((_MASK, self.mask, _NO_ID))
        rows.append((_OTHER, self.other, _NO_ID))
        return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", *row) for row in rows)

    @property
    def mode(self) -> int:
        return self.user << 6 | self.group << 3 | self.other

    def entries(self, user_name: Callable[[int], str], group_name: Callable[[int], str]) -> list[str]:
        """The entries beyond the mode, and the mask where it takes something away."""
        found = [
            f"user:{user_name(id_)}:{_LETTERS[bits]}" if tag == _USER else f"group:{group_name(id_)}:{_LETTERS[bits]}"
            for tag, id_, bits in self.named
        ]
        union = self.group
        for _, _, bits in self.named:
            union |= bits
        if self.mask is not None and self.mask != union:
            found.append(f"mask::{_LETTERS[self.mask]}")
        return sorted(found)


def get(fd: int, attribute: str) -> Acl | None:
    """The list of an open file, or None where it has none or its file system knows none."""
    try:
        return Acl.parse(os.getxattr(fd, attribute))
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return None
        raise


def put(fd: int, attribute: str, acl: Acl | None) -> None:
    if acl is not None:
        os.setxattr(fd, attribute, acl.pack())
    elif get(fd, attribute) is not None:
        os.removexattr(fd, attribute)
