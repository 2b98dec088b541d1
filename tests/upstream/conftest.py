from __future__ import annotations

import pytest

from tests.upstream.makers import Key, certificate, serving


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    made = Key(tmp_path_factory.mktemp("k"), "makers")
    yield made
    made.close()


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    made = Key(tmp_path_factory.mktemp("k"), "stranger")
    yield made
    made.close()


@pytest.fixture
def makers(authority, monkeypatch):
    """The makers' web server, whose authority is known here."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority[0]))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with serving(authority[1]) as server:
        yield server


@pytest.fixture
def plain():
    with serving(None) as server:
        yield server
