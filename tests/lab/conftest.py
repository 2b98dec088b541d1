from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.lab.prepare import wsh_image as prepared_image


@pytest.fixture(scope="session")
def lab():
    """The lab of this machine; without root or its tools what needs it is skipped, and in CI it fails."""
    from wsh_lab import Lab, LabError

    try:
        return Lab()
    except LabError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"needs_machine: {error}")


@pytest.fixture(scope="session")
def wsh_image(lab):
    """The image of a Debian 13 server on which `wsh server setup` has been run."""
    return prepared_image(lab)


@pytest.fixture(scope="module")
def wsh_server(lab, wsh_image, request: pytest.FixtureRequest) -> Iterator:
    """A server of this test module's own that is set up and nothing more."""
    name = server_name(request)
    server = lab.up(name, image=wsh_image)
    yield server
    lab.down(name)


@pytest.fixture(scope="module")
def wsh_machine(wsh_server):
    """Where the kit of conformance checks the applications of a module."""
    return wsh_server


def server_name(request: pytest.FixtureRequest, suffix: str = "") -> str:
    """A name that no other module and no other run uses."""
    module = re.sub(r"[^a-z0-9]", "", request.module.__name__.rpartition(".")[2].removeprefix("test_"))
    return f"{module[:12]}{suffix}-{os.getpid()}"
