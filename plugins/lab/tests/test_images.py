"""Which images are taken, and which are forgotten. No server is booted here."""

from __future__ import annotations

import os

import pytest
from wsh_lab import images, packages
from wsh_lab.errors import LabError
from wsh_lab.images import Image
from wsh_lab.state import State, Store


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "lab")


def make(store, identifier, parent=None, *, age=0):
    unfinished = images.fresh_directory(store, identifier)
    (unfinished / ("upper" if parent else "tree")).mkdir()
    key = "base" if parent is None else identifier
    image = images.finish(store, unfinished, identifier, debian=13, key=key, parent=parent)
    os.utime(image.directory, (10**9 - age, 10**9 - age))
    return image


def names(store):
    return sorted(path.name for path in (store.directory / "images").iterdir())


def test_layers_are_the_image_and_all_that_it_stands_on(store):
    base, first, second = make(store, "base"), make(store, "first", "base"), make(store, "second", "first")
    assert second.layers == (
        second.directory / "upper",
        first.directory / "upper",
        base.directory / "tree",
    )


def test_an_unfinished_image_is_never_taken_and_the_next_builder_starts_afresh(store):
    left = images.fresh_directory(store, "one")
    (left / "tree").mkdir()
    assert Image.load(store, "one") is None
    assert list(images.fresh_directory(store, "one").iterdir()) == []


def test_an_image_without_what_it_stands_on_is_none(store):
    base = make(store, "base")
    make(store, "first", "base")
    (base.directory / "meta.json").unlink()
    assert Image.load(store, "first") is None


def test_the_identifier_follows_from_key_and_base(store):
    one, two = make(store, "one"), make(store, "two")
    assert images.prepared_id(one, "a") == images.prepared_id(one, "a")
    assert len({images.prepared_id(base, key) for base in (one, two) for key in ("a", "b", "../a\0")}) == 6


def test_the_longest_unused_images_go_but_none_that_is_stood_on(store):
    make(store, "base")
    for age, name in enumerate(["newest", "middle", "old", "older", "oldest"]):
        make(store, name, "base", age=age)
    make(store, "child", "oldest", age=-1)
    state = State("web", "10.0.0.2", 13, "older", [str(store.directory / "images/older/upper")], "0", "now")
    store.server("web").mkdir()
    state.save(store.server("web"))
    images.forget(store, keep=2)
    assert names(store) == ["base", "child", "newest", "older", "oldest"]


def test_images_are_not_removed_below_a_server(store):
    make(store, "base")
    store.server("web").mkdir()
    with pytest.raises(LabError, match="web"):
        images.remove_all(store)
    store.server("web").rmdir()
    images.remove_all(store)
    assert names(store) == []


def test_packages_go_in_before_boot_and_come_out_afterwards(store):
    cache = packages.directory(store, 13)
    (cache / "a_1_all.deb").write_text("a")
    upper = store.directory / "upper"
    packages.lend(store, 13, upper)
    inside = upper / "var/cache/apt/archives"
    assert [path.name for path in inside.iterdir()] == ["a_1_all.deb"]
    assert {path.stat().st_mode & 0o777 for path in (upper / "var", upper / "var/cache", inside)} == {0o755}
    (inside / "b_1_all.deb").write_text("b")
    (inside / "lock").write_text("")
    packages.collect(store, 13, upper)
    assert sorted(path.name for path in cache.iterdir()) == ["a_1_all.deb", "b_1_all.deb"]
    assert [path.name for path in inside.iterdir()] == ["lock"]


def test_a_store_that_outgrew_its_size_starts_anew(store, monkeypatch):
    monkeypatch.setattr(packages, "_MOST", 5)
    cache = packages.directory(store, 13)
    (cache / "old_1_all.deb").write_text("123456")
    inside = store.directory / "upper/var/cache/apt/archives"
    inside.mkdir(parents=True)
    (inside / "new_1_all.deb").write_text("new")
    packages.collect(store, 13, store.directory / "upper")
    assert [path.name for path in cache.iterdir()] == ["new_1_all.deb"]
