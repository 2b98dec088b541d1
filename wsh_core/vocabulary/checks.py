"""The checks of declarations: each returns the value to keep, or raises TypeError or ValueError in words.

The docstring of a check says what it takes, in the words of the reference of the vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from wsh_core.models.types import UNSEEN, RelativePath
from wsh_core.resources.text import Fact, Secret, Text, pieces

from .base import Check


def word(value: Any) -> str:
    """Text on one line, without anything that cannot be seen; it may be empty."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no str")
    if UNSEEN.search(value):
        raise ValueError(f"{value!r} holds a character that cannot be seen")
    return value


def text(value: Any) -> Text:
    """Text of any number of lines, with secrets and facts."""
    for piece in pieces(value):
        if isinstance(piece, str):
            word(piece.replace("\n", "").replace("\t", ""))
    return value  # type: ignore[no-any-return]


def argument(value: Any) -> Text:
    """One argument of a program. Other users see it in the process list, so no secret may stand in it."""
    for piece in pieces(value):
        if isinstance(piece, Secret):
            raise TypeError(f"the secret {piece.name!r} would be seen in the process list: give it by stdin or files")
        if not isinstance(piece, Fact):
            word(piece)
    return value  # type: ignore[no-any-return]


def frame_argument(value: Any) -> Text:
    """One argument that travels in the shim's frame, where nobody sees it."""
    for piece in pieces(value):
        if isinstance(piece, str):
            word(piece)
    return value  # type: ignore[no-any-return]


def relative(value: Any) -> str:
    """A path below the site's tree: ``wp-content/uploads``."""
    path = word(value)
    if path.startswith("/"):
        raise ValueError(f"{path!r} is absolute: give the path below the site's tree")
    if ".." in path.split("/"):
        raise ValueError(f"{path!r} leaves the site's tree by '..'")
    return RelativePath(path)


def tree(value: Any) -> str:
    """A directory below the site's tree, or an empty text for the tree itself."""
    return value if value == "" else relative(value)


def absolute(value: Any) -> str:
    """A file of the server."""
    path = word(value)
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is relative: give the whole path on the server")
    relative(path[1:])
    return path


def pattern(value: Any) -> str:
    """A path below the tree; ``*`` stands for anything but a slash, a slash at the end for all below."""
    relative(word(value).removesuffix("/").replace("*", "x"))
    return str(value)


def url_path(value: Any) -> str:
    """A path as a browser asks for it: ``/index.php``."""
    path = word(value)
    if not re.fullmatch(r"/[A-Za-z0-9._~!&()*+,;=:@/?-]*", path):
        raise ValueError(f"{path!r} is no path of a URL: it begins with '/' and needs no quoting")
    return path


def https(value: Any) -> str:
    """An https URL without user, query or fragment."""
    url = word(value)
    parts = urlsplit(url)
    plain = re.fullmatch(r"https://[a-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~+/-]+", url)
    if not plain or ".." in parts.path.split("/"):
        raise ValueError(f"{url!r} is no plain https URL")
    return url


def sha256(value: Any) -> str:
    """A SHA-256 checksum."""
    if not re.fullmatch(r"[0-9a-f]{64}", word(value)):
        raise ValueError(f"{value!r} is no SHA-256 checksum: 64 hexadecimal digits in lower case")
    return str(value)


def mode(value: Any) -> str:
    """A mode of a file, without any right for others and without set-id bits."""
    if not re.fullmatch(r"0[0-7][0-7]0", word(value)):
        raise ValueError(f"{value!r} is no mode such as '0640': nothing for others, no set-id bits")
    return str(value)


def one_group(value: Any) -> str:
    """A regular expression with one group: the value sought."""
    try:
        groups = re.compile(word(value)).groups
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    if groups != 1:
        raise ValueError(f"{value!r} has {groups} groups, it needs the one that holds the value")
    return str(value)


def expression(value: Any) -> str:
    """A regular expression."""
    try:
        re.compile(word(value))
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    return str(value)


def matching(regex: str, what: str) -> Check:
    """Text of the form *regex*; *what* says so in words."""

    def check(value: Any) -> str:
        if not re.fullmatch(regex, word(value)):
            raise ValueError(f"{value!r} is no {what}")
        return str(value)

    return _saying(check, f"{what[:1].upper()}{what[1:]}.")


def whole(least: int, most: int) -> Check:
    """A whole number within bounds."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{value!r} is no whole number")
        if not least <= value <= most:
            raise ValueError(f"{value} is not between {least} and {most}")
        return value

    return _saying(check, f"A whole number from {least} to {most}.")


def boolean(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither True nor False")
    return value


def instance(*types: type) -> Check:
    """An instance of one of *types*."""
    names = " or ".join(each.__name__ for each in types)

    def check(value: Any) -> Any:
        if not isinstance(value, types):
            raise TypeError(f"{value!r} is no {names}")
        return value

    return _saying(check, " or ".join(f"``{each.__name__}``" for each in types) + ".")


def choice(*values: Any) -> Check:
    """One of *values*."""

    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"{value!r} is none of {', '.join(map(repr, values))}")
        return value

    return _saying(check, f"One of {', '.join(map(repr, values))}.")


def optional(check: Check) -> Check:
    """None, or what *check* takes."""

    def check_some(value: Any) -> Any:
        return None if value is None else check(value)

    return _saying(check_some, check.__doc__)


def each(check: Check, least: int = 0) -> Check:
    """A list or tuple of what *check* takes, kept as a tuple."""

    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise TypeError(f"{value!r} is no list or tuple")
        if len(value) < least:
            raise ValueError(f"at least {least} needed")
        return tuple(check(item) for item in value)

    return _saying(check_all, f"Each: {_small(check)}")


def table(key: Check, item: Check) -> Check:
    """A mapping, each key and each value checked; kept as one that cannot change."""

    def check(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise TypeError(f"{value!r} is no mapping")
        return MappingProxyType({key(name): item(content) for name, content in value.items()})

    return _saying(check, f"Each key: {_small(key)} Each value: {_small(item)}")


def _saying(check: Check, says: str | None) -> Check:
    check.__doc__ = says
    return check


def _small(check: Check) -> str:
    said = check.__doc__ or ""
    return said if said[:2].isupper() else said[:1].lower() + said[1:]
