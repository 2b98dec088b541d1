"""Whatever is in a file there is an answer, no traceback, and soon."""

from __future__ import annotations

import json
import subprocess
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsh_core.models.load import load_description
from wsh_core.models.schema import FILES, keys

PATHS = ["wsh.yaml", "servers/web1/server.yaml", "servers/web1/accounts/alice.yaml"]


@given(st.sampled_from(PATHS), st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_bytes_in_any_file(tree, file, content):
    before = tree.files[file]
    tree.files[file] = content
    lines = tree.told()
    tree.files[file] = before
    assert all(line.isprintable() for line in lines)
    assert lines


_WORDS = ["alice", "small", "2G", "50%", "static", "a.example.org", "8.4", "../x", "root", "{{7*7}}", "\0"]
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(allow_nan=False),
    st.sampled_from([*_WORDS, "x" * 300]),
)
_KEYS = st.sampled_from(sorted({"blog", "X", ""}.union(*(key.path.split(".") for kind in FILES for key in keys(kind)))))
_ANY = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(st.sampled_from(PATHS), st.dictionaries(_KEYS, _ANY, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_values_in_any_file(tree, file, values):
    tree.write()
    overlay = {file: json.dumps(values, ensure_ascii=True)}
    lines = tree.told(write=False, overlay=overlay)
    assert all(line.isprintable() for line in lines)


def test_a_thousand_accounts_are_loaded(tree):
    del tree.files["servers/web1/accounts/alice.yaml"]
    for number in range(1000):
        name = f"a{number:04}"
        tree.account(name, ACCOUNT.replace("NAME", name))
    tree.write()
    description = load_description(tree.root, app_names={"wordpress"}, app_databases={"wordpress": 1})
    assert description.problems == ()
    assert sum(len(account.sites) for _, account in description.accounts()) == 3000


ACCOUNT = """\
name: Alice Example
email: alice@example.org
package: small
ssh:
  keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aRKy5k+TdH2TCpzTuTbojLdlAGA0FU1UuHZlf+U6q alice@laptop"]
  password: true
sites:
  blog:
    domains: [blog.NAME.example.org, www.blog.NAME.example.org]
    app: wordpress
    options: {title: Alice's blog, admin: alice, admin_email: alice@example.org}
  archive: {domains: [old.NAME.example.org], app: static}
  shop: {domains: [shop.NAME.example.org, www.shop.NAME.example.org], app: php}
"""


def test_ten_megabytes_are_refused_before_they_are_read(tree):
    tree.account("bob", "x: y\n" * 2_000_000)
    tree.write()
    program = """
import pathlib, re, sys
from wsh_core.models.load import load_description
from wsh_core.models.schema import FILES, keys
held = load_description(pathlib.Path(sys.argv[1])).held
peak = re.search(r"VmHWM:\\s*([0-9]+) kB", pathlib.Path("/proc/self/status").read_text())
print(peak[1], *(problem.code for each in held.values() for problem in each))
"""
    command = [sys.executable, "-c", program, str(tree.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kilobytes, code = done.stdout.split()
    assert code == "config.too-large"
    assert int(kilobytes) < 100_000
