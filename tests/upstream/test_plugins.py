"""What plugins say of their makers: it can be read, filled in, and verified with."""

from __future__ import annotations

import subprocess

import pytest

from wsh_core.plugins import Apps, installed
from wsh_core.upstream import verify
from wsh_core.vocabulary.sources import ComposerProject
from wsh_core.vocabulary.upstream import filled

LOADED = {p.name: Apps([p.name]).get(p.name) for p in installed() if p.module.startswith("wsh_")}
DECLARED = {name: loaded for name, loaded in LOADED.items() if loaded.app.upstream}


@pytest.mark.skipif(not DECLARED, reason="no plugin is installed that says where releases are announced")
@pytest.mark.parametrize("name", sorted(DECLARED))
def test_what_a_plugin_declares(name, tmp_path):
    app = DECLARED[name].app
    newest = app.releases[0].version
    for template in (app.upstream.archive, app.upstream.checksum, app.upstream.signature):
        if template:
            assert "{" not in filled(template, version=newest, line=app.upstream.line_of(newest))
    if not app.upstream.archive:
        assert any(isinstance(s, ComposerProject) for each in app.releases for s in each.sources)
    if app.upstream.keyring:
        ring = tmp_path / "keys.gpg"
        ring.write_bytes(verify._binary(app.upstream.keyring, name))
        shown = subprocess.run(
            ["gpg", "--homedir", tmp_path, "--with-colons", "--show-keys", ring], capture_output=True, check=True
        )
        assert shown.stdout.count(b"\npub:") + shown.stdout.startswith(b"pub:") >= 1
