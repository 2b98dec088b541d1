"""Descriptions for the tests of plans, made in a directory."""

from __future__ import annotations

from pathlib import Path

from wsh_core.models.description import Description
from wsh_core.models.load import load_description
from wsh_core.plan.collect import collect
from wsh_core.plan.desired import Desired
from wsh_core.plugins import Apps

WSH = """\
description: 7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f
packages:
  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 3, databases: 3}
"""
SERVER = "address: {address}\ndebian: 13\n"
ALICE = """\
name: Alice Example
package: small
sites:
  blog: {domains: [blog.example.org, www.blog.example.org], app: php}
  archive: {domains: [old.example.org], app: static}
"""
BOB = "name: Bob\npackage: small\n"
ERIN = "name: Erin\npackage: small\nsurname: Example\n"


def describe(root: Path, **accounts: str) -> Path:
    """Write a description of one server with these accounts, by name and YAML."""
    directory = root / "servers/web1/accounts"
    directory.mkdir(parents=True, exist_ok=True)
    (root / "wsh.yaml").write_text(WSH)
    (root / "servers/web1/server.yaml").write_text(SERVER.format(address="web1.example.org"))
    for name, text in accounts.items():
        (directory / f"{name}.yaml").write_text(text)
    return root


def collected(root: Path, apps: Apps | None = None) -> tuple[Description, Desired]:
    """What is wanted on web1."""
    description, desired = collect(load_description(root), apps or Apps())
    return description, desired["web1"]
