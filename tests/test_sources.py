from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests import sources
from wsh_core.vocabulary.sources import parse


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for version in ("9.0", "10.0.1", "10.0.1-rc2"):
        (tmp_path / f"wiki-{version}/vendor").mkdir(parents=True)
        archive = tmp_path / f"wiki-{version}.tar.gz"
        subprocess.run(["tar", "-C", tmp_path, "-czf", archive, f"wiki-{version}"], check=True)
    with zipfile.ZipFile(tmp_path / "shop-1.zip", "w") as packed:
        packed.writestr("Shop/index.php", "")
    (tmp_path / "wiki-notes.txt").write_text("")
    monkeypatch.setenv("WSH_SOURCES", str(tmp_path))
    return tmp_path


def test_releases_are_found_by_their_names_newest_first(place: Path) -> None:
    found = sources.find("wiki")
    assert [each.version for each in found] == ["10.0.1", "10.0.1-rc2", "9.0"]
    assert [each.root for each in found] == ["wiki-10.0.1", "wiki-10.0.1-rc2", "wiki-9.0"]
    assert found[0].sha256 == hashlib.sha256((place / "wiki-10.0.1.tar.gz").read_bytes()).hexdigest()
    assert [each.root for each in sources.find("shop")] == ["Shop"]
    assert sources.find("wik") == sources.find("notes") == []


@pytest.mark.usefixtures("place")
def test_where_there_is_none_the_test_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(sources.needs("wiki", 2)) == 3
    with pytest.raises(
        pytest.skip.Exception, match=r"not run: no source of shop here \(it needs 2 releases, there is 1"
    ):
        sources.needs("shop", 2)
    monkeypatch.delenv("WSH_SOURCES")
    with pytest.raises(pytest.skip.Exception, match=r"^not run: no source of wiki here$"):
        sources.needs("wiki")


def test_two_directories_at_the_top_are_refused(place: Path) -> None:
    with zipfile.ZipFile(place / "shop-2.zip", "w") as packed:
        packed.writestr("a/index.php", "")
        packed.writestr("b/index.php", "")
    with pytest.raises(ValueError, match="must hold one directory, and holds a, b"):
        sources.find("shop")


@pytest.mark.usefixtures("place")
def test_the_overlay_is_what_wsh_reads() -> None:
    found = sources.find("wiki")
    read = parse(sources.overlay(found, php=["8.4"], upgrades_from={"10.0.1": "9.0"}), "wiki.toml")
    assert [(each.version, each.upgrades_from) for each in read] == [
        ("10.0.1", "9.0"), ("10.0.1-rc2", "0"), ("9.0", "0"),
    ]  # fmt: skip
    (source,) = read[2].sources
    assert source.as_data() == {
        "type": "file", "path": "/srv/sources/wiki-9.0.tar.gz", "sha256": found[2].sha256, "root": "wiki-9.0",
    }  # fmt: skip
