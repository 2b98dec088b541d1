from __future__ import annotations

from collections.abc import Iterator

import pytest
from wsh_lab import Server

from tests.attacks.scene import Scene
from tests.lab.conftest import lab, wsh_image, wsh_server
from tests.lab.world import World

__all__ = ["lab", "wsh_image", "wsh_server"]


@pytest.fixture(scope="module")
def furnished(wsh_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(World(wsh_server, tmp_path_factory.mktemp("description"), plugins=()))


@pytest.fixture
def scene(furnished: Scene) -> Iterator[Scene]:
    """Alice and bob; whatever the test does, bob's site answers as before when it is over."""
    yield furnished
    assert furnished.bob_is_well()
