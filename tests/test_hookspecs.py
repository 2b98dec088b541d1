"""The example of each hook is a plugin that runs."""

from __future__ import annotations

import inspect
import textwrap
from types import ModuleType

import pytest

from wsh_core import hookspecs
from wsh_core import plugin as words
from wsh_core.plugins import Installed, LoadedApp
from wsh_core.vocabulary.config import ConfigFile, Job
from wsh_core.vocabulary.context import SiteContext

HOOKS = [name for name in vars(hookspecs) if name.startswith("wsh_")]


def example(hook: str) -> str:
    doc = inspect.getdoc(getattr(hookspecs, hook)) or ""
    return textwrap.dedent(doc.partition("Example::\n")[2])


@pytest.fixture
def guest_book() -> LoadedApp:
    module = ModuleType("wsh_guestbook")
    source = "\n".join(["WSH_API = 1", *map(example, HOOKS)])
    exec(compile(source, "wsh_guestbook", "exec", dont_inherit=True), vars(module))
    return LoadedApp(Installed("guestbook", "wsh-guestbook", "1.0", "wsh_guestbook"), module)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_an_example_that_is_marked(hook: str) -> None:
    assert "@hookimpl" in example(hook)
    assert f"def {hook}(" in example(hook)


def test_the_examples_together_are_a_plugin(guest_book: LoadedApp) -> None:
    options = guest_book.app.options.model_validate({"title": "Visitors"})
    site = SiteContext(
        "alice", "book", ("b.example.org",), None, options, "2.1", "8.4", "/home/alice/sites/book/app",
        "alice_book", "/run/mysqld/mysqld.sock",
    )  # fmt: skip
    config, job = guest_book.config(site)
    assert isinstance(config, ConfigFile)
    assert isinstance(job, Job)
    assert (job.name, job.run.entry, job.every) == ("tidy", "tidy.php", "1h")
    assert config.path == "config.php"
    assert "define('TITLE', 'Visitors');" in str(config.content)
    assert [step.as_data()["step"] for step in guest_book.install(site)] == ["write", "php"]
    assert [step.as_data()["argv"] for step in guest_book.upgrade(site)] == [("2.1",)]
    assert guest_book.vhost(site).docroot == "public"


def test_everything_an_author_imports_is_listed() -> None:
    assert sorted(words.__all__) == sorted(set(words.__all__))
    for name in words.__all__:
        assert getattr(words, name) is not None
