"""What Composer says, as one sentence; and the bundle that its two halves hand over. Composer itself: tests/lab."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from wsh_core.agent import assemble, compose, composer
from wsh_core.agent.errors import AgentError

PROBLEM = """\
Loading composer repositories with package information
Updating dependencies
Your requirements could not be resolved to an installable set of packages.

  Problem 1
    - {}
"""
EXCEPTION = """\
Loading composer repositories with package information

In {}.php line 390:

  {}

update [--with WITH] [--prefer-source] [--prefer-dist] [--dry-run] [--] [<packages>...]

"""
SOURCE = {
    "type": "composer", "package": "acme/site", "version": "1.0", "require": {}, "repositories": [], "php": "8.4",
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        (
            PROBLEM.format("Root composer.json requires no/such, it could not be found in any version, there may be a"
                           " typo in the package name."),
            "app.package", "there is no package no/such",
        ),
        (
            PROBLEM.format("Root composer.json requires drush/drush ^99, found drush/drush[13.7.6] but it does not"
                           " match the constraint."),
            "app.package", "there is no package drush/drush ^99",
        ),
        (
            EXCEPTION.format("CreateProjectCommand", "Could not find package drupal/recommended-project with version"
                             " 99.0."),
            "app.package", "there is no package drupal/recommended-project 99.0",
        ),
        (
            PROBLEM.format("Root composer.json requires php >=8.5 but your php version (8.4.28) does not satisfy that"
                           " requirement."),
            "app.php-version", "the project requires PHP >=8.5, this server has 8.4.28",
        ),
        (
            PROBLEM.format("Root composer.json requires acme/new ^1 -> satisfiable by acme/new[1.0.0].\n    - acme/new"
                           " 1.0.0 requires php >=9.0 -> your php version (8.4.28) does not satisfy that requirement."),
            "app.php-version", "acme/new requires PHP >=9.0, this server has 8.4.28",
        ),
        (
            PROBLEM.format("Root composer.json requires PHP extension ext-nosuch * but it is missing from your"
                           " system."),
            "app.extension", "the PHP extension nosuch is missing",
        ),
        (
            "PHP Fatal error:  Allowed memory size of 1073741824 bytes exhausted (tried to allocate 9 bytes) in x",
            "app.memory", "Composer needs more memory than the 1024 MiB that it may have",
        ),
        (
            EXCEPTION.format("CurlDownloader", "curl error 6 while downloading"
                             " https://repo.packagist.org/packages.json: Could not resolve host: repo.packagist.org"),
            "app.source",
            "https://repo.packagist.org/packages.json could not be fetched: Could not resolve host: repo.packagist.org",
        ),
        (
            EXCEPTION.format("RemoteFilesystem", 'The "file:///srv/repo/packages.json" file could not be downloaded:'
                             " Failed to open stream: No such file or directory"),
            "app.source",
            "file:///srv/repo/packages.json could not be fetched: Failed to open stream: No such file or directory",
        ),
        (
            '- Required package "other/x" is not present in the lock file.\nThis usually happens when',
            "app.lock",
            'composer.json and composer.lock do not fit together: Required package "other/x" is not present',
        ),
        (
            EXCEPTION.format("Config", "Your configuration does not allow connections to http://localhost/x/packages.json."
                             " See https://getcomposer.org/doc/06-config.md#secure-http for details."),
            "app.source", "http://localhost/x/packages.json is not https, so nobody knows who answers",
        ),
        ("file_put_contents(): No space left on device", "account.disk-full", "there is no room left"),
        ("something of next year", "app.composer", "Composer ended with 2"),
    ],
)  # fmt: skip
def test_each_failure_is_one_sentence_with_a_remedy(said: str, code: str, message: str) -> None:
    error = composer.failure(2, said)
    assert error.code == code
    assert error.message.startswith(message), error.message
    assert error.hint
    assert "[--dry-run]" not in (error.detail or "")


def test_a_killed_composer_had_no_memory_and_one_without_an_end_no_time() -> None:
    assert composer.failure(-9, "").code == composer.failure(137, "Installing").code == "app.memory"
    assert "did not end within" in composer.failure(None, "").message


def project(place: Path, packages: list[dict[str, Any]] | None = None) -> compose._Project:
    (place / "project/src").mkdir(parents=True)
    (place / "project/src/a.php").write_text("<?php\n")
    (place / "project/composer.lock").write_text(json.dumps({"packages": packages or []}))
    (place / "project/passwd").symlink_to("/etc/passwd")
    (place / "cache/files/acme").mkdir(parents=True)
    (place / "cache/files/acme/x.zip").write_bytes(b"zip")
    return compose._Project(SOURCE, str(place))


def test_a_bundle_is_the_project_and_its_packages_and_always_the_same(tmp_path: Path) -> None:
    """Links stay out: they would lead elsewhere on another machine."""
    for name in ("one", "two"):
        project(tmp_path / name).pack(str(tmp_path / f"{name}.tar"))
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames() == ["composer.lock", "src/a.php", ".wsh-composer/files/acme/x.zip"]
        assert {(member.uid, member.mtime, member.uname) for member in tar} == {(0, 0, "")}
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_the_bundle_of_an_archive_lies_where_the_archive_is_unpacked(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.source = {"type": "archive", "root": "kimai-2.0", "composer": True}
    made.pack(str(tmp_path / "bundle.tar"))
    with tarfile.open(tmp_path / "bundle.tar") as tar:
        assert tar.getnames() == ["kimai-2.0/.wsh-composer/files/acme/x.zip"]


@pytest.mark.parametrize("package", [{"dist": {"type": "path", "url": "/etc"}}, {"source": {"type": "git"}}])
def test_only_archives_are_taken(tmp_path: Path, package: dict[str, Any]) -> None:
    with pytest.raises(AgentError, match="the package acme/x does not come as an archive"):
        project(tmp_path, [{"name": "acme/x", **package}]).download()


def test_mirrors_are_asked_instead_of_all_others() -> None:
    assert compose._repositories([]) == []
    assert compose._repositories(["https://m.example.org", "/srv/p"]) == [
        {"type": "composer", "url": "https://m.example.org"},
        {"type": "composer", "url": "file:///srv/p"},
        {"packagist.org": False},
    ]


def test_composer_is_given_what_it_lacks_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "extensions.ini").write_text("extension=mbstring.so\nextension=gd.so\n")
    assert assemble._extensions(f"{tmp_path}:") == "extension=intl.so\n"
    (tmp_path / "extensions.ini").write_text("")
    assert assemble._extensions(str(tmp_path)) == "extension=intl.so\nextension=mbstring.so\n"


@pytest.mark.parametrize(
    ("source", "needed"),
    [({"type": "composer"}, True), ({"type": "archive", "composer": True}, True), ({"type": "archive"}, False)],
)
def test_composer_runs_where_it_is_needed(source: dict[str, Any], needed: bool) -> None:
    assert composer.is_needed(source) is needed
