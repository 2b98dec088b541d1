"""Archives, honest and hostile (T62): what is made of them, and that nothing is made elsewhere."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsh_core.agent.unpack import ArchiveError, Limits, Report, clean, unpack

LIMITS = Limits(entries=1000, bytes=1 << 20)


def tar(*members: tarfile.TarInfo | tuple[str, bytes], mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as file:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                file.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                file.addfile(info, io.BytesIO(member[1]))
    return packed.getvalue()


def entry(name: str, kind: bytes, target: str = "", mode: int = 0o777) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, target)


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            file.writestr(info, content)
    return packed.getvalue()


class Place:
    """A directory in which archives are unpacked, with something beside it that must stay as it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.into = path / "site" / "app.new"
        self.into.parent.mkdir()
        (path / "outside").write_text("untouched")
        self.before = self.seen()

    def seen(self) -> dict[str, tuple[int, bytes | None]]:
        return {
            str(p.relative_to(self.path)): (p.lstat().st_mode, p.read_bytes() if p.is_file() else None)
            for p in sorted(self.path.rglob("*"))
            if not p.name.startswith("archive")
        }

    def unpack(
        self, *archives: bytes, root: str = "", limits: Limits = LIMITS, links: dict[str, str] | None = None
    ) -> Report:
        files = []
        for number, data in enumerate(archives):
            file = self.path / f"archive{number}"
            file.write_bytes(data)
            files.append(str(file))
        return unpack(files, str(self.into), root, limits, links)

    def tree(self) -> dict[str, str]:
        return {str(p.relative_to(self.into)): p.read_text() for p in sorted(self.into.rglob("*")) if p.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    old = os.umask(0o027)
    yield Place(tmp_path)
    os.umask(old)


# honest ones


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_file_becomes_the_subtree_that_is_its_root(place: Place, mode: str) -> None:
    report = place.unpack(
        tar(("./app/index.php", b"<?php"), ("app/a/b.txt", b"b"), ("other", b"x"), mode=mode), root="app"
    )
    assert place.tree() == {"index.php": "<?php", "a/b.txt": "b"}
    assert report.bytes == 7
    assert sorted(p.name for p in place.into.parent.iterdir()) == ["app.new"]


def test_a_zip_file_keeps_what_may_be_executed_and_no_other_mode(place: Place) -> None:
    place.unpack(zipped(("a/", b"", 0o40777), ("a/run", b"#!", 0o106777), ("a/text", b"t", 0o100666)))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in place.into.rglob("*")}
    assert modes == {"a": 0o750, "run": 0o750, "text": 0o640}


def test_links_become_copies_of_what_they_lead_to(place: Place) -> None:
    place.unpack(
        tar(
            ("lib/code", b"code"),
            link("app/code", "../lib/code"),
            link("app/again", "code"),
            link("app/lib", "../lib"),
            link("lib/inner", "../app/top"),
            ("app/top", b"top"),
            entry("app/hard", tarfile.LNKTYPE, "lib/code"),
        ),
        root="app",
    )
    assert place.tree() == {
        "code": "code",
        "again": "code",
        "lib/code": "code",
        "lib/inner": "top",
        "top": "top",
        "hard": "code",
    }
    assert not any(p.is_symlink() for p in place.into.rglob("*"))


def test_links_that_lead_to_nothing_or_in_a_circle_are_reported(place: Place) -> None:
    report = place.unpack(
        tar(
            ("app/a", b"a"),
            link("app/gone", "nothing"),
            link("app/one", "two"),
            link("app/two", "one"),
            link("app/self", "."),
            link("app/up", "../app"),
            link("app/to", "../b"),
            ("b/b", b"b"),
            link("b/back", "../app/to"),
        ),
        root="app",
    )
    assert report.dangling == {
        ("app/gone", "nothing"),
        ("app/one", "two"),
        ("app/two", "one"),
        ("app/self", "."),
        ("app/up", "../app"),
        ("b/back", "../app/to"),
    }
    assert place.tree() == {"a": "a", "to/b": "b"}


def test_a_later_archive_lies_over_an_earlier_one(place: Place) -> None:
    place.unpack(tar(("a", b"old"), ("b", b"b"), link("c", "a")), tar(("a", b"new"), ("c", b"file")))
    assert place.tree() == {"a": "new", "b": "b", "c": "file"}


def debian(path: Path, name: str, files: dict[str, str], links: dict[str, str]) -> bytes:
    root = path / name
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN").chmod(0o755)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: d\n"
    )
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    for file, target in links.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).symlink_to(target)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", root, path / f"archive-{name}.deb"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return (path / f"archive-{name}.deb").read_bytes()


def test_the_links_of_debian_packages_lead_from_one_into_the_other(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("packages")
    one = debian(
        path,
        "app",
        {"usr/share/app/index.php": "<?php"},
        {
            "usr/share/app/theme": "../app-theme",
            "usr/share/app/conf": "/etc/app/conf",
            "usr/share/app/js": "/usr/share/js",
            "usr/share/app/far": "../../../../../../../../usr/share/js/j.js",
        },
    )
    two = debian(path, "theme", {"usr/share/app-theme/style.css": "css", "usr/share/js/j.js": "js"}, {})
    report = place.unpack(one, two, root="usr/share/app")
    assert place.tree() == {"index.php": "<?php", "theme/style.css": "css", "js/j.js": "js", "far": "js"}
    assert report.dangling == {("usr/share/app/conf", "/etc/app/conf")}


def test_links_that_the_packages_lack_are_made(place: Place) -> None:
    """Debian has libraries and pages elsewhere than the application's publisher; links say where they belong."""
    package = tar(("usr/share/app/public/index.php", b"<?php"), ("usr/share/php/Lib/a.php", b"a"), ("usr/b", b"b"))
    links = {"usr/share/app/vendor": "/usr/share/php", "usr/share/app/index.php": "public/index.php"}
    place.unpack(package, root="usr/share/app", links=links)
    assert place.tree() == {"index.php": "<?php", "public/index.php": "<?php", "vendor/Lib/a.php": "a"}


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "usr/share/app/public"])
def test_no_further_link_replaces_a_directory_or_lies_outside(place: Place, path: str) -> None:
    with pytest.raises(ArchiveError):
        place.unpack(tar(("usr/share/app/public/index.php", b"<?php")), root="usr/share/app", links={path: "index.php"})


# hostile ones: T62


HOSTILE = {
    "absolute path": tar(("/outside", b"x")),
    "climbing path": tar(("a/../../outside", b"x")),
    "climbing directory": tar(entry("../outside/", tarfile.DIRTYPE)),
    "absolute link": tar(link("a", "/etc/passwd")),
    "climbing link": tar(link("a", "../../outside")),
    "climbing link below": tar(entry("d", tarfile.DIRTYPE), link("d/a", "../../outside")),
    "climbing path behind a link": tar(link("a", "."), ("a/../outside", b"x")),
    "write through a link to a directory": tar(entry("d", tarfile.DIRTYPE), link("a", "d"), ("a/b", b"x")),
    "link made a directory": tar(link("a", "b"), entry("a", tarfile.DIRTYPE)),
    "file made a directory": tar(("a", b"x"), ("a/b", b"x")),
    "directory made a file": tar(entry("a", tarfile.DIRTYPE), ("a", b"x")),
    "hard link out": tar(entry("a", tarfile.LNKTYPE, "../outside")),
    "hard link to an absolute path": tar(entry("a", tarfile.LNKTYPE, "/etc/passwd")),
    "hard link to a link": tar(link("b", "c"), entry("a", tarfile.LNKTYPE, "b")),
    "character device": tar(entry("a", tarfile.CHRTYPE)),
    "block device": tar(entry("a", tarfile.BLKTYPE)),
    "fifo": tar(entry("a", tarfile.FIFOTYPE)),
    "newline in a name": tar(("a\nb", b"x")),
    "no root": tar(("b", b"x")),
    "cut off": tar(("a", os.urandom(5000)), mode="w")[:3000],
    "cut off, packed": tar(("a", os.urandom(5000)))[:3000],
    "no archive": b"#!/bin/sh\necho hello\n",
    "nothing": b"",
    "zip: absolute path": zipped(("/outside", b"x", 0o644)),
    "zip: climbing path": zipped(("../outside", b"x", 0o644)),
    "zip: climbing link": zipped(("a", b"../../outside", stat.S_IFLNK | 0o777)),
    "zip: write through a link": zipped(("a", b".", stat.S_IFLNK | 0o777), ("a/b", b"x", 0o644)),
    "zip: device": zipped(("a", b"", stat.S_IFBLK | 0o666)),
    "zip: cut off": zipped(("a", os.urandom(5000), 0o644))[:3000],
    "zip: a bomb": zipped(("a", b"\0" * (8 << 20), 0o644)),
    "tar: a bomb": tar(("a", b"\0" * (8 << 20))),
    "too many entries": tar(*(entry(str(n), tarfile.DIRTYPE) for n in range(2000))),
    "too deep": tar(("/".join(["d"] * 2000), b"x")),
    "name too long": tar(("x" * 300, b"x")),
    "links that double": tar(
        ("d0/x", b"x"),
        *(link(f"d{n}/{side}", f"../d{n - 1}") for n in range(1, 20) for side in "lr"),
    ),
}


WHY = {
    "absolute path": "absolute path",
    "climbing path": "climbs out",
    "climbing directory": "climbs out",
    "absolute link": "leads out",
    "climbing link": "leads out",
    "write through": "below a link",
    "hard link out": "climbs out",
    "hard link to a link": "hard link to what is not in it",
    "device": "something else",
    "fifo": "something else",
    "newline": "control characters",
    "no root": "no directory",
    "bomb": "bytes that are allowed",
    "too many": "entries that are allowed",
    "too deep": "of 2000 parts",
    "double": "entries that are allowed",
}
"""What must be said of an archive, by what stands in its name above."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_leaves_nothing_anywhere(place: Place, name: str) -> None:
    with pytest.raises((ArchiveError, OSError)) as caught:
        place.unpack(HOSTILE[name], root="no-such" if name == "no root" else "")
    assert place.seen() == place.before
    if isinstance(caught.value, ArchiveError):
        assert caught.value.message.startswith(("the archive", "the Debian package"))
        assert caught.value.hint
    assert all(words in str(caught.value) for part, words in WHY.items() if part in name), caught.value


def test_a_link_is_no_way_out_even_by_detours(place: Place) -> None:
    """Each link alone stays within; together they would climb out if they were followed by the kernel."""
    place.unpack(
        tar(
            entry("a/b/c", tarfile.DIRTYPE),
            ("secret", b"own"),
            link("a/b/up", ".."),
            link("x", "a/b/up/../../secret"),
            link("y", "a/b/up/../../../secret"),
        )
    )
    assert set(place.tree().values()) <= {"own"}
    assert place.seen()["outside"] == place.before["outside"]


def test_set_uid_and_foreign_owners_do_not_come_out(place: Place) -> None:
    info = tarfile.TarInfo("a")
    info.mode, info.uid, info.gid, info.size = 0o6755, 0, 42, 0
    place.unpack(tar(info))
    made = (place.into / "a").stat()
    assert (stat.S_IMODE(made.st_mode), made.st_uid, made.st_gid) == (0o750, os.geteuid(), os.getegid())


PARTS = st.sampled_from(["a", "..", ".", "", "...", "-", "\\", "a\0", "\n", "\u00e9", "\ud800"])
NAMES = st.lists(PARTS, max_size=5).map("/".join)


@given(NAMES)
def test_a_name_is_a_plain_path_or_refused(name: str) -> None:
    try:
        path = clean(name)
    except ArchiveError:
        return
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/")) or path == ""
    assert os.path.normpath(f"/top/{path}").startswith("/top")
    assert path == clean(path)


KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
PATHS = st.lists(st.sampled_from(["a", "b", "c", ".", ".."]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(PATHS, KINDS, PATHS), max_size=8))
def test_whatever_an_archive_holds_stays_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes, str]]
) -> None:
    place = Place(tmp_path_factory.mktemp("p"))
    data = tar(*(entry(name, kind, target) for name, kind, target in members), mode="w")
    try:
        place.unpack(data, limits=Limits(entries=200, bytes=1 << 16))
    except ArchiveError:
        assert place.seen() == place.before
    else:
        assert not any(p.is_symlink() for p in place.into.rglob("*"))
        inside = {k: v for k, v in place.seen().items() if not k.startswith("site/app.new")}
        assert inside == place.before


def test_what_an_archive_leaves_is_cleared_without_a_change_of_working_directory(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.path)
    place.unpack(tar(("a/b", b"x"), ("top", b"x")), root="a")
    assert Path.cwd() == place.path
