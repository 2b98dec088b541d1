"""T10: the attacks by .htaccess over one HTTP/2 connection, among what bob's visitors ask for."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from tests.attacks import defences, multiplex
from tests.attacks.htaccess import ATTACKS
from tests.attacks.scene import MARK, TAKEN, Scene, is_refused
from tests.lab.world import Answer
from wsh_core.agent import paths

pytestmark = pytest.mark.needs_machine("lab")

ALICE, BOB = "www.alice.test", "www.bob.test"
SHARED = f"{paths.TLS}/shared"
Request = tuple[str, str]


@pytest.fixture
def one_connection(furnished: Scene) -> Iterator[None]:
    """Both sites have one certificate: only then does Apache serve both over one connection."""
    server = furnished.server
    server.run(["mkdir", SHARED])
    subject = ["-subj", f"/CN={ALICE}", "-addext", f"subjectAltName=DNS:{ALICE},DNS:{BOB}"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", f"{SHARED}/key.pem"]
    server.run(["openssl", "req", *key, "-out", f"{SHARED}/request.pem", *subject])
    ca = ["-CA", f"{paths.CA}/ca.pem", "-CAkey", f"{paths.CA}/ca.key", "-copy_extensions", "copyall"]
    signed = ["-in", f"{SHARED}/request.pem", "-days", "1", "-out", f"{SHARED}/cert.pem"]
    server.run(["openssl", "x509", "-req", *ca, *signed])
    with defences.certificate(furnished, SHARED):
        yield
    server.run(["rm", "-r", SHARED])


@pytest.fixture(autouse=True, scope="module")
def prepared(furnished: Scene) -> None:
    for attack in ATTACKS:
        attack.prepare(furnished)
    furnished.put("own.php", "<?php echo 'own uid ', posix_getuid();")


def mixed(rounds: int) -> list[Request]:
    """Each attack once a round, among requests of bob's visitors and of alice's own, in a random order."""
    each = [(ALICE, attack.url) for attack in ATTACKS] + [(BOB, "")] * 3 + [(ALICE, "own.php")]
    return random.Random(0).sample(each * rounds, len(each) * rounds)


def ask(scene: Scene, wanted: Sequence[Request]) -> list[tuple[Request, Answer]]:
    answers = multiplex.ask(scene.server.address, ALICE, scene.world.ca(), wanted)
    return list(zip(wanted, answers, strict=True))


def is_right(scene: Scene, request: Request, answer: Answer) -> bool:
    if request == (BOB, ""):
        return (answer.status, answer.body) == (200, f"bob's page, uid {scene.uids['bob']}")
    if request == (ALICE, "own.php"):
        return (answer.status, answer.body) == (200, f"own uid {scene.uids['alice']}")
    return is_refused(answer)


def test_a_connection_for_one_site_is_not_for_another(scene: Scene) -> None:
    """As it is on a server, where each site has a certificate of its own."""
    for (host, _), answer in ask(scene, mixed(2)):
        assert (answer.status == 421) == (host == BOB)
        assert MARK not in answer.body


@pytest.mark.usefixtures("one_connection")
def test_a_thousand_requests_over_one_connection_are_never_mixed_up(scene: Scene) -> None:
    wrong = [(asked, answer) for asked, answer in ask(scene, mixed(100)) if not is_right(scene, asked, answer)]
    assert not wrong, f"{len(wrong)} of 1000, the first: {wrong[0]}"


@pytest.mark.usefixtures("one_connection")
def test_control_without_guard_or_pin_they_are(scene: Scene) -> None:
    with defences.guard(scene):
        assert any(MARK in answer.body for (host, _), answer in ask(scene, mixed(10)) if host == ALICE)
    with defences.pin(scene):
        assert any(TAKEN in answer.body for (host, _), answer in ask(scene, mixed(10)) if host == BOB)
