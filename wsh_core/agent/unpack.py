"""Unpack archives: zip and tar files and Debian packages, each over the one before."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from .tree import remove
from .union import ArchiveError, Limits, Report, Union, above, clean

_CHUNK = 1 << 20
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    struct.error,
)


def _unzip(union: Union, source: IO[bytes]) -> None:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            name, mode = clean(info.orig_filename), info.external_attr >> 16
            kind = stat.S_IFMT(mode) if info.create_system == 3 else 0
            if kind == stat.S_IFLNK:
                if info.file_size > 4096:
                    raise ArchiveError(f"the archive has a link with a target of {info.file_size} bytes: {name!r}")
                union.link(name, os.fsdecode(archive.read(info)), absolute=False)
            elif info.is_dir():
                union.directory(name)
            elif kind in (0, stat.S_IFREG):
                with archive.open(info) as content:
                    union.file(name, content, bool(mode & 0o100))
            else:
                raise ArchiveError(f"the archive has something else than files, directories and links: {name!r}")


def _untar(union: Union, source: IO[bytes], package: bool = False) -> None:
    with tarfile.open(fileobj=source, mode="r|*") as archive:
        for member in archive:
            name = clean(member.name)
            if member.isdir():
                union.directory(name)
            elif member.issym():
                union.link(name, member.linkname, absolute=package)
            elif member.islnk():
                union.hardlink(name, clean(member.linkname))
            elif member.isreg() and (content := archive.extractfile(member)) is not None:
                union.file(name, content, bool(member.mode & 0o100))
            else:
                raise ArchiveError(f"the archive has something else than files, directories and links: {name!r}")


@contextmanager
def _package(path: str) -> Iterator[IO[bytes]]:
    """The tar stream of a Debian package's files (dpkg-deb(1))."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
            while process.stdout.read(_CHUNK):
                pass
        finally:
            process.stdout.close()
            words = process.stderr.read(4096).decode(errors="replace").strip()
        if process.wait():
            raise ArchiveError("the Debian package cannot be read", words)


def _add(union: Union, path: str) -> None:
    with open(path, "rb") as source:
        magic = source.read(8)
        source.seek(0)
        if magic == b"!<arch>\n":
            with _package(path) as stream:
                _untar(union, stream, package=True)
        elif magic.startswith(b"PK"):
            _unzip(union, source)
        else:
            _untar(union, source)


def _place(union: Union, root: str, into: str, aside: str) -> None:
    """Put the subtree ``root`` in its place, copies of what its links lead to in the place of the links."""
    top = union.resolve(clean(root))
    if top is None or not os.path.isdir(union.disk(top)):
        raise ArchiveError(f"the archive has no directory {root!r}")
    inside = f"{top}/" if top else ""
    links = [path for path in sorted(union.links) if path.startswith(inside)]
    os.mkdir(aside, 0o750)
    for number, path in enumerate(links):
        union.copy(path, f"{aside}/{number}", within=frozenset(above(path)))
    os.rename(union.disk(top), into)
    for number, path in enumerate(links):
        if os.path.lexists(f"{aside}/{number}"):
            os.rename(f"{aside}/{number}", f"{into}/{path.removeprefix(inside)}")


def unpack(archives: list[str], into: str, root: str, limits: Limits, links: Mapping[str, str] | None = None) -> Report:
    """Unpack the archives over each other and put their subtree ``root`` at ``into``: a free place.

    ``links`` are further links, from path to target, as if one more Debian package had brought them.
    Files are made 0640 or 0750, directories 0750, less the umask. Raises ArchiveError; then nothing is left.
    """
    top, aside = f"{into}.unpacked", f"{into}.linked"
    try:
        union = Union(top, limits)
        for path in archives:
            _add(union, path)
        for path, target in (links or {}).items():
            union.link(clean(path), target, absolute=True)
        _place(union, root, into, aside)
        return union.report
    except _DAMAGED as error:
        raise ArchiveError(f"the archive cannot be read: {type(error).__name__}", str(error)) from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        place = str(error.filename).removeprefix(f"{top}/")
        raise ArchiveError(f"the archive has one name for a file and for a directory: {place!r}") from error
    finally:
        for leftover in (top, aside):
            remove(leftover)
