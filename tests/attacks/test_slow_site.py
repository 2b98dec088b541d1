"""A site that never answers, asked by many, holds the web server for nobody but itself."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.attacks import defences
from tests.attacks.scene import Scene

pytestmark = pytest.mark.needs_machine("lab")

VISITORS = 450
"""More than Apache has workers."""


@contextmanager
def crowd(scene: Scene) -> Iterator[list[bytes]]:
    """Visitors who all wait for a page of alice's that sleeps; the list gets what those were told who need not wait."""
    scene.put("slow.php", "<?php sleep(100);")
    context = ssl.create_default_context(cafile=str(scene.world.ca()))
    with ExitStack() as stack:
        waiting = []
        for _ in range(VISITORS):
            plain = socket.create_connection((scene.server.address, 443), timeout=10)
            stack.callback(plain.close)
            try:
                line = stack.enter_context(context.wrap_socket(plain, server_hostname="www.alice.test"))
            except OSError:
                break  # nobody is there any more to greet
            line.sendall(b"GET /slow.php HTTP/1.1\r\nHost: www.alice.test\r\nConnection: close\r\n\r\n")
            waiting.append(line)
        told = []
        for line in waiting[::10]:
            line.settimeout(0.5)
            try:
                told.append(line.recv(64))
            except TimeoutError:
                continue
        yield told
    socket_unit = scene.unit("alice").replace(".service", ".socket")
    scene.server.run(["systemctl", "kill", "--signal=SIGKILL", scene.unit("alice")])
    scene.server.run(["systemctl", "stop", socket_unit, scene.unit("alice")])
    scene.server.run(["systemctl", "start", socket_unit])


def served(scene: Scene) -> bool:
    """Whether bob's page comes while curl waits for it."""
    try:
        return scene.world.get("https://www.bob.test/", "--max-time", "20").status == 200
    except AssertionError:
        return False


def test_others_are_served_meanwhile(scene: Scene) -> None:
    with crowd(scene) as told:
        assert served(scene)
        assert told
        assert all(line.startswith(b"HTTP/1.1 503") for line in told)


def test_control_without_its_share_it_holds_all(scene: Scene) -> None:
    with defences.share_of_workers(scene), crowd(scene):
        assert not served(scene)
