from __future__ import annotations

import pytest

from tests.plan.worlds import ALICE, BOB, ERIN, collected, describe
from wsh_core import plugins
from wsh_core.errors import PluginError
from wsh_core.models.load import load_description
from wsh_core.plan.collect import collect
from wsh_core.plan.labels import Label
from wsh_core.plugins import Apps


def test_everything_of_every_account(tmp_path):
    _, desired = collected(describe(tmp_path, alice=ALICE, bob=BOB))
    assert desired.accounts == ("alice", "bob")
    assert {"user:alice", "user:bob", "vhost:alice-blog", "vhost:alice-archive"} <= {r.id for r in desired.resources}
    assert {resource.account for resource in desired.resources} == {"alice", "bob"}


def test_every_resource_says_which_line_it_follows_from(tmp_path):
    _, desired = collected(describe(tmp_path, alice=ALICE))
    reasons = {resource.object: resource.why for resource in desired.resources}
    assert reasons == {
        "account:alice": "accounts/alice.yaml:1",
        "site:alice/blog": "accounts/alice.yaml:4",
        "site:alice/archive": "accounts/alice.yaml:5",
    }


def test_labels_say_what_runs_where(tmp_path):
    _, desired = collected(describe(tmp_path, alice=ALICE))
    assert desired.labels == {
        "account:alice": Label(package="small"),
        "site:alice/blog": Label("blog.example.org", "php"),
        "site:alice/archive": Label("old.example.org", "static"),
    }


def test_a_wrong_file_holds_its_account_alone(tmp_path):
    description, desired = collected(describe(tmp_path, alice=ALICE, erin=ERIN))
    assert desired.accounts == ("alice",)
    assert desired.held == {"erin": "accounts/erin.yaml:3: `surname` is not a key of an account"}
    assert ("web1", "erin") in description.held


@pytest.mark.parametrize("error", [PluginError("plugin.failed", "wsh-php 1.0 wsh_vhost failed")])
def test_a_plugin_that_fails_holds_the_accounts_that_need_it(tmp_path, monkeypatch, error):
    apps = Apps()
    real = plugins.Apps.get

    def get(self: Apps, name: str):
        if name == "php":
            raise error
        return real(self, name)

    monkeypatch.setattr(plugins.Apps, "get", get)
    description, desired = collected(describe(tmp_path, alice=ALICE, bob=BOB), apps)
    assert desired.accounts == ("bob",)
    assert desired.held == {"alice": "accounts/alice.yaml:1: wsh-php 1.0 wsh_vhost failed"}
    (problem,) = description.held["web1", "alice"]
    assert (problem.code, problem.object) == ("plugin.failed", "account:alice")


def test_only_the_accounts_that_are_asked_for(tmp_path):
    root = describe(tmp_path, alice=ALICE, bob=BOB, erin=ERIN)
    description, desired = collect(load_description(root), Apps(), ["bob"])
    assert desired["web1"].accounts == ("bob",)
    assert {resource.account for resource in desired["web1"].resources} == {"bob"}
    assert list(description.servers["web1"].accounts) == ["alice", "bob"]


def test_several_reasons_are_counted(tmp_path):
    _, desired = collected(describe(tmp_path, erin=ERIN + "age: 7\n"))
    assert desired.held["erin"].endswith("is not a key of an account (and 1 more: wsh check)")
