"""What a plugin says is checked when it is said, in words that tell what would be right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import Field

from wsh_core.plugin import (
    App,
    AppOptions,
    Archive,
    ComposerProject,
    ConfigFile,
    Database,
    DebianPackage,
    Join,
    Layout,
    LocalFile,
    OptionsModel,
    Php,
    Probe,
    Release,
    Remove,
    Run,
    Script,
    Secret,
    VersionFile,
    Vhost,
    Write,
)

SUM = "0" * 64
SECRET = Secret("alice/blog/admin")
PACKAGE = DebianPackage(["wordpress"], "6.8.12+dfsg1-0+deb13u1", "usr/share/wordpress", 13)

WRONG: list[tuple[type[Exception], str, Callable[[], Any]]] = [
    (TypeError, "Run.argv: the secret 'alice/blog/admin' would be seen", lambda: Run(["/bin/x", SECRET])),
    (TypeError, "Run.argv: the secret", lambda: Run(["/bin/x", Join("--password=", SECRET)])),
    (ValueError, "Run.argv: at least 1 needed", lambda: Run([])),
    (ValueError, "'php' is relative: give the whole path", lambda: Run(["php"])),
    (TypeError, "Run.argv: 'ls -l' is no list", lambda: Run("ls -l")),
    (ValueError, "Run.argv: .*cannot be seen", lambda: Run(["/bin/x", "a\nb"])),
    (ValueError, "Run.env: 'path' is no name of a variable", lambda: Run(["/bin/x"], env={"path": "x"})),
    (ValueError, "Run.files: '../x' is no name of a file", lambda: Run(["/bin/x"], files={"../x": ""})),
    (ValueError, "Run.timeout: 0 is not between", lambda: Run(["/bin/x"], timeout=0)),
    (TypeError, "Run.network: 'yes' is neither", lambda: Run(["/bin/x"], network="yes")),
    (ValueError, "Run.ok: at least 1", lambda: Run(["/bin/x"], ok=())),
    (ValueError, "Php: give either entry or script", Php),
    (ValueError, "Php: give either", lambda: Php(entry="x.php", script=Script("x.php", "<?php "))),
    (ValueError, "Php.entry: '/x.php' is absolute", lambda: Php(entry="/x.php")),
    (ValueError, "Php.ini: auto_prepend_file", lambda: Php(entry="x.php", ini={"auto_prepend_file": "x"})),
    (ValueError, r"Php.expect: '\(' is no regular expression", lambda: Php(entry="x.php", expect="(")),
    (ValueError, "Script x.php: does not begin", lambda: Script("x.php", "#!/bin/sh")),
    (ValueError, "Script x.php: longer than 65536", lambda: Script("x.php", "<?php " + "x" * 65536)),
    (ValueError, r"Write.path: 'a/\.\./\.\./b' leaves", lambda: Write("a/../../b", "")),
    (ValueError, "Write.mode: '0666' is no mode", lambda: Write("a", "", mode="0666")),
    (ValueError, "Write.mode: '4750' is no mode", lambda: Write("a", "", mode="4750")),
    (ValueError, "Write.content: .*cannot be seen", lambda: Write("a", "\0")),
    (TypeError, "Write.content: 5 is no text", lambda: Write("a", 5)),
    (ValueError, "Remove.path: '/' is absolute", lambda: Remove("/")),
    (ValueError, "Remove.path: .* is empty", lambda: Remove("")),
    (ValueError, "ConfigFile.path: '/etc/passwd' is absolute", lambda: ConfigFile("/etc/passwd", "")),
    (ValueError, "ConfigFile.mode", lambda: ConfigFile("a", "", mode="0644")),
    (ValueError, "ConfigFile.after: 'upgrade' is none of", lambda: ConfigFile("a", "", after="upgrade")),
    (ValueError, "Vhost.php: memory_limt", lambda: Vhost(php={"memory_limt": "1G"})),
    (ValueError, "Vhost.php: memory_limit", lambda: Vhost(php={"memory_limit": "1G\nextension=x.so"})),
    (ValueError, "Vhost.docroot", lambda: Vhost(docroot="..")),
    (ValueError, "Vhost.fallback: 'index.php' is no path of a URL", lambda: Vhost(fallback="index.php")),
    (ValueError, "Vhost.headers", lambda: Vhost(headers={"X-A": 'a"b'})),
    (ValueError, "Vhost.body_limit", lambda: Vhost(body_limit=-1)),
    (
        ValueError,
        "Archive.url: 'http://x.org/a.tar' is no plain https",
        lambda: Archive("http://x.org/a.tar", SUM),
    ),
    (ValueError, "Archive.url", lambda: Archive("https://user@x.org/a.tar", SUM)),
    (ValueError, "Archive.sha256: 'abc' is no SHA-256", lambda: Archive("https://x.org/a.tar", "abc")),
    (ValueError, "LocalFile.path: 'a.tar' is relative", lambda: LocalFile("a.tar", SUM)),
    (ValueError, "ComposerProject.package: 'acme' is no name of a Comp", lambda: ComposerProject("acme")),
    (ValueError, "ComposerProject.package", lambda: ComposerProject("acme/site --dev")),
    (ValueError, "ComposerProject.require", lambda: ComposerProject("acme/site", {"acme/x": "^1; id"})),
    (ValueError, "ComposerProject.require", lambda: ComposerProject("acme/site", {"php": "^8"})),
    (ValueError, "lock and sha256 come together", lambda: ComposerProject("acme/site", lock="/srv/l.lock")),
    (ValueError, "DebianPackage.packages", lambda: DebianPackage(["-x"], "1", "usr", 13)),
    (ValueError, "DebianPackage.packages", lambda: DebianPackage(["wordpress", "php-x="], "1", "usr", 13)),
    (ValueError, "DebianPackage.packages: at least 1", lambda: DebianPackage([], "1", "usr", 13)),
    (ValueError, "VersionFile.regex: '.*' has 0 groups", lambda: VersionFile("v", ".*")),
    (ValueError, "VersionFile.regex: .* has 2 groups", lambda: VersionFile("v", "(a)(b)")),
    (ValueError, "Database.collation: 'latin1_bin' is no collation", lambda: Database("latin1_bin")),
    (ValueError, "Probe.status: 99", lambda: Probe("/", 99)),
    (ValueError, "Layout.data: '../x' leaves", lambda: Layout(data=["../x"])),
    (ValueError, "Release.php", lambda: Release("1", ["8"], [PACKAGE])),
    (ValueError, "Release.sources: at least 1", lambda: Release("1", ["8.4"], [])),
    (ValueError, "App.name: 'Word Press' is no name", lambda: App("Word Press", "x")),
    (ValueError, "App a1: what is installed needs version", lambda: App("a1", "x", options=AppOptions)),
    (ValueError, "App a1: has releases", lambda: App("a1", "x", releases=[Release("1", ["8.4"], [PACKAGE])])),
    (TypeError, "App.options: .* is no subclass of OptionsModel", lambda: App("a1", "x", options=dict)),
    (ValueError, "16 to 128", lambda: Secret("a", 8)),
]


@pytest.mark.parametrize(("error", "words", "make"), WRONG, ids=[words for _, words, _ in WRONG])
def test_wrong_data_is_refused_in_words(error: type[Exception], words: str, make: Callable[[], Any]) -> None:
    with pytest.raises(error, match=words):
        make()


def test_options_need_descriptions() -> None:
    with pytest.raises(TypeError, match=r"Undescribed\.title: needs a description"):

        class Undescribed(OptionsModel):
            title: str = Field("x")


def test_declarations_cannot_be_changed() -> None:
    vhost = Vhost(headers={"X-A": "b"}, deny=["a"])
    with pytest.raises(AttributeError):
        vhost.docroot = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        vhost.headers["X-B"] = "c"  # type: ignore[index]
    assert vhost.deny == ("a",)


DATA = [
    (
        Run(["/usr/bin/true"], stdin=SECRET),
        {
            "step": "run", "argv": ("/usr/bin/true",), "stdin": SECRET, "env": {}, "files": {}, "ok": (0,),
            "timeout": 300, "memory": None, "network": False,
        },
    ),
    (
        Php(entry="occ", argv=["status", SECRET], ini={"memory_limit": "512M"}, expect="ok"),
        {
            "step": "php", "entry": "occ", "script": None, "argv": ("status", SECRET), "input": None,
            "ini": {"memory_limit": "512M"}, "files": {}, "ok": (0,), "expect": "ok", "timeout": 300,
            "memory": None, "network": False,
        },
    ),
    (Write("a/b", "x"), {"step": "write", "path": "a/b", "content": "x", "mode": "0640"}),
    (Remove("a"), {"step": "remove", "path": "a"}),
    (ConfigFile("a", "x"), {"path": "a", "content": "x", "mode": "0600", "after": None}),
    (
        PACKAGE,
        {
            "type": "debian", "packages": ("wordpress",), "version": "6.8.12+dfsg1-0+deb13u1",
            "root": "usr/share/wordpress",
        },
    ),
    (
        Archive("https://x.org/a.tar", SUM, "a"),
        {"type": "archive", "url": "https://x.org/a.tar", "sha256": SUM, "root": "a"},
    ),
    (
        Archive("https://x.org/a.tar", SUM, composer=True),
        {"type": "archive", "url": "https://x.org/a.tar", "sha256": SUM, "root": "", "composer": True},
    ),
    (
        ComposerProject("acme/site", {"acme/x": "self.version"}),
        {
            "type": "composer",
            "package": "acme/site",
            "require": {"acme/x": "self.version"},
            "lock": None,
            "sha256": None,
        },
    ),
    (LocalFile("/a.tar", SUM), {"type": "file", "path": "/a.tar", "sha256": SUM, "root": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("declaration", "data"), DATA, ids=lambda value: type(value).__name__)
def test_data_is_as_the_protocol_has_it(declaration: Any, data: dict[str, Any]) -> None:
    assert declaration.as_data() == data


def test_a_script_travels_with_its_checksum() -> None:
    text = "<?php\necho 'é';\n"
    checksum = hashlib.sha256(text.encode()).hexdigest()
    data = Php(script=Script("x.php", text)).as_data()["script"]
    assert data == {"name": "x.php", "text": text, "sha256": checksum}


def test_the_first_source_that_fits_is_taken() -> None:
    archive = Archive("https://x.org/a.tar", SUM)
    release = Release("1", ["8.4"], [PACKAGE, archive])
    assert release.source(13) is PACKAGE
    assert release.source(12) is archive
    assert Release("1", ["8.4"], [PACKAGE]).source(12) is None
