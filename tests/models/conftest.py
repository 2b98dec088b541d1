"""A description on the disk, made of a few lines."""

from __future__ import annotations

import pytest
from hypothesis import settings

from wsh_core.errors import ConfigError
from wsh_core.models.load import load_description

# How long an example takes depends on what else the machine does; the speed of the loader has its own test.
settings.register_profile("models", deadline=None)
settings.load_profile("models")

WSH = """\
description: 7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f
plugins: [wordpress]
packages:
  small: {disk: 2G, inodes: 200000, memory: 512M, cpu: 50%, tasks: 100, sites: 3, databases: 1}
"""
SERVER = "address: web1.example.coop\ndebian: 13\n"
ALICE = """\
name: Alice Example
package: small
sites:
  blog: {domains: [blog.example.org, www.blog.example.org], app: wordpress}
"""


class Tree:
    """The files of a description; what is not given is right."""

    def __init__(self, root):
        self.root = root
        self.files = {"wsh.yaml": WSH, "servers/web1/server.yaml": SERVER}
        self.account("alice", ALICE)

    def account(self, name, text, server="web1"):
        self.files[f"servers/{server}/accounts/{name}.yaml"] = text

    def write(self):
        for file, content in self.files.items():
            path = self.root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def load(self, **options):
        self.write()
        return load_description(self.root, **{"app_names": {"wordpress"}, **options})

    def told(self, *, write=True, **options):
        """Everything that is wrong: what is so, its places, the remedy; each on a line of its own."""
        if write:
            self.write()
        try:
            problems = load_description(self.root, **{"app_names": {"wordpress"}, **options}).problems
        except ConfigError as error:
            problems = error.problems
        return [line for problem in problems for line in _lines(problem)]


def _lines(problem):
    yield f"{problem.code}: {problem.message}"
    for place in problem.where:
        yield f"  --> {place}+{place.width} {place.path}".rstrip().replace("servers/web1/", "")
    if problem.hint:
        yield f"  help: {problem.hint}"


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
