"""Each kind says what it wants as the protocol has it."""

from __future__ import annotations

from typing import Any

import pytest

from wsh_core import resources as r

ALICE: dict[str, Any] = {"account": "alice", "object": "account:alice", "why": "accounts/alice.yaml:1"}
BLOG: dict[str, Any] = {"account": "alice", "object": "site:alice/blog", "why": "accounts/alice.yaml:7"}

CASES: list[tuple[r.Resource, str, dict[str, Any]]] = [
    (
        r.User(**ALICE, name="alice", home="/home/alice", shell="/usr/sbin/nologin", groups=("wsh",)),
        "user:alice",
        {
            "name": "alice",
            "uid": {"fact": "uid"},
            "home": "/home/alice",
            "shell": "/usr/sbin/nologin",
            "groups": ["wsh"],
        },
    ),
    (
        r.Directory(**ALICE, path="/home/alice", owner="root", group="alice", mode="0750", acl=("user:www-data:--x",)),
        "directory:/home/alice",
        {
            "path": "/home/alice",
            "owner": "root",
            "group": "alice",
            "mode": "0750",
            "acl": ["user:www-data:--x"],
            "default_acl": [],
        },
    ),
    (
        r.File(**ALICE, path="/etc/wsh/x", owner="root", group="root", mode="0644", content=r.Secret("alice/x")),
        "file:/etc/wsh/x",
        {
            "path": "/etc/wsh/x",
            "owner": "root",
            "group": "root",
            "mode": "0644",
            "content": {"secret": "alice/x"},
        },
    ),
    (r.Link(**ALICE, path="/a/b", target="c"), "link:/a/b", {"path": "/a/b", "target": "c"}),
    (
        r.Jail(
            **ALICE,
            path=r.Join("/j/", r.UID),
            directories=("etc",),
            links={"bin": "usr/bin"},
            files={"etc/x": "y"},
            binds=(("/a", "/b", "rw"),),
            reload=(),
        ),
        "jail:/j/alice",
        {
            "path": {"join": ["/j/", {"fact": "uid"}]},
            "directories": ["etc"],
            "links": {"bin": "usr/bin"},
            "files": {"etc/x": "y"},
            "binds": [["/a", "/b", "rw"]],
            "reload": [],
        },
    ),
    (
        r.Unit(
            **ALICE,
            name=r.Join("wsh-php84-", r.UID, ".socket"),
            content="[Socket]\n",
            wanted_by="wsh.target",
            state="active",
        ),
        "unit:wsh-php84-alice.socket",
        {
            "name": {"join": ["wsh-php84-", {"fact": "uid"}, ".socket"]},
            "content": "[Socket]\n",
            "wanted_by": "wsh.target",
            "state": "active",
        },
    ),
    (
        r.Slice(**ALICE, name=r.Join("wsh-", r.UID, ".slice"), properties={"MemoryMax": 512, "CPUQuota": "50%"}),
        "slice:wsh-alice.slice",
        {
            "name": {"join": ["wsh-", {"fact": "uid"}, ".slice"]},
            "properties": {"MemoryMax": 512, "CPUQuota": "50%"},
        },
    ),
    (
        r.Database(**BLOG, name="alice_blog", charset="utf8mb4", collation="utf8mb4_unicode_ci"),
        "database:alice_blog",
        {"name": "alice_blog", "charset": "utf8mb4", "collation": "utf8mb4_unicode_ci"},
    ),
    (
        r.DatabaseUser(**ALICE, name="alice", max_connections=20, databases=("alice_blog",)),
        "database-user:alice",
        {"name": "alice", "max_connections": 20, "databases": ["alice_blog"]},
    ),
    (
        r.Certificate(**BLOG, name="alice-blog", domains=("blog.example.org",)),
        "certificate:alice-blog",
        {"name": "alice-blog", "domains": ["blog.example.org"]},
    ),
    (
        r.Vhost(**BLOG, name="alice-blog", content="x"),
        "vhost:alice-blog",
        {"name": "alice-blog", "content": "x"},
    ),
    (
        r.App(
            **BLOG,
            origin="wsh-toy",
            app="toy",
            version="1.0",
            source={"type": "file"},
            tree="/home/alice/sites/blog/app",
            database=None,
            version_file={"path": "v", "regex": "(.*)"},
            config=(),
            install=({"step": "write", "content": r.Secret("alice/blog/k")},),
            probe={"path": "/"},
            up_to_date=None,
            layout={"data": ("uploads",)},
            hops=({"version": "1.0", "steps": ({"step": "write", "content": r.Secret("alice/blog/k")},)},),
            pinned=False,
            php="8.4",
        ),
        "app:alice/blog",
        {
            "app": "toy",
            "version": "1.0",
            "source": {"type": "file"},
            "tree": "/home/alice/sites/blog/app",
            "database": None,
            "version_file": {"path": "v", "regex": "(.*)"},
            "config": [],
            "install": [{"step": "write", "content": {"secret": "alice/blog/k"}}],
            "probe": {"path": "/"},
            "up_to_date": None,
            "layout": {"data": ["uploads"]},
            "hops": [{"version": "1.0", "steps": [{"step": "write", "content": {"secret": "alice/blog/k"}}]}],
            "pinned": False,
            "php": "8.4",
        },
    ),
]


@pytest.mark.parametrize(("resource", "identity", "want"), CASES, ids=lambda value: getattr(value, "kind", None))
def test_want(resource: r.Resource, identity: str, want: dict[str, Any]) -> None:
    assert resource.want() == want
    assert resource.to_json() == {
        "id": identity,
        "kind": identity.partition(":")[0],
        "account": "alice",
        "object": resource.object,
        "why": resource.why,
        "origin": resource.origin,
        "want": want,
    }


def test_every_kind_has_a_case() -> None:
    assert {type(resource) for resource, _, _ in CASES} == set(r.KINDS)


def test_secrets_are_found_in_steps() -> None:
    assert [secret.name for resource, *_ in CASES for secret in resource.secrets()] == [
        "alice/x",
        "alice/blog/k",
        "alice/blog/k",
    ]


@pytest.mark.parametrize("path", ["", "a", "/", "/a/", "/a//b", "/a/../b", "/a/./b", "/a\n", "/a\0b"])
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no plain absolute path"):
        r.Link(**ALICE, path=path, target="x")


@pytest.mark.parametrize("mode", ["750", "0o750", "0790", "07500", ""])
def test_a_mode_is_four_octal_digits(mode: str) -> None:
    with pytest.raises(ValueError, match="is no mode"):
        r.Directory(**ALICE, path="/a", owner="root", group="root", mode=mode)
