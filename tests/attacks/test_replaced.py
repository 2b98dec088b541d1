"""T20 and T26: whatever an account puts in the place of its directories, root changes nothing elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.attacks.scene import MARK, REFUSED, Scene
from tests.lab.world import Event, troubles
from wsh_core import agent
from wsh_core.transport import package

pytestmark = pytest.mark.needs_machine("lab")

ELSEWHERE = ("/etc", "/home/bob", "/var/lib/wsh/jail")
FINGERPRINT = Path(__file__).with_name("fingerprint.py").read_text(encoding="utf-8")
HOME = "/home/alice"
ALICES_OWN = {f"{HOME}/home/.sessions"} | {
    f"{HOME}/sites/{path}" for path in ("www", "www/app", "two", "two/app", "st", "st/app")
}
"""What she can replace herself; the others are root's, and root replaces them for her here."""


def directories(scene: Scene) -> list[str]:
    """All that wsh makes in her home, as the request says."""
    resources = json.loads(scene.world.request())["resources"]
    paths = [r["want"]["path"] for r in resources if r["kind"] == "directory" and r["account"] == "alice"]
    return [path for path in paths if path.startswith(HOME)]


def fingerprint(scene: Scene, *places: str) -> list[str]:
    return scene.server.run(["python3", "-I", "-", *places], input=FINGERPRINT).stdout.splitlines()


@contextmanager
def replaced(scene: Scene, path: str, target: str) -> Iterator[None]:
    """A link where a directory of alice's was; made by her if she can."""
    exchange = 'mv "$1" "$1.away" && ln -s "$2" "$1"'
    if path in ALICES_OWN:
        done = scene.world.as_account("alice", "sh", "-c", exchange, "sh", path, target)
        assert done.returncode == 0, done.stderr
    else:
        scene.server.run(["sh", "-c", exchange, "sh", path, target])
    try:
        yield
    finally:
        scene.server.run(["sh", "-c", 'rm "$1" && mv "$1.away" "$1"', "sh", path])


def refusals(events: list[Event]) -> list[str]:
    return [e["error"]["message"] for e in events if e["type"] == "resource" and e.get("error")]


def test_the_account_cannot_replace_what_is_roots(scene: Scene) -> None:
    """On the server, and in her jail."""
    assert set(directories(scene)) > ALICES_OWN
    jailed = {f"{HOME}/home/{point}": f"{HOME}/{point}" for point in ("sites", "logs", "backups")} | {HOME: HOME}
    for path in sorted({*directories(scene)} - ALICES_OWN):
        assert scene.world.as_account("alice", "mv", path, f"{path}.away").returncode != 0
        assert scene.world.as_account("alice", "ln", "-sfnT", "/etc", path).returncode != 0
        assert scene.world.as_account("alice", "rmdir", path).returncode != 0
        if path in jailed:
            assert scene.value(f"@rename('{jailed[path]}', '{jailed[path]}.away')") is False
            assert scene.value(f"@rmdir('{jailed[path]}')") is False


@pytest.mark.parametrize("target", ["/etc", "/home/bob"])
def test_an_apply_refuses_the_account_and_changes_nothing_elsewhere(scene: Scene, target: str) -> None:
    before, request = fingerprint(scene, *ELSEWHERE), scene.world.request()
    for path in directories(scene):
        with replaced(scene, path, target):
            events = scene.world.verb("apply", request=request)
        assert events[-1]["accounts"] == {"alice": "failed", "bob": "ok"}, (path, troubles(events))
        assert any(message.startswith(path) and "link" in message for message in refusals(events)), (
            path,
            troubles(events),
        )
        assert events[-1]["counts"]["changed"] == 0
        assert fingerprint(scene, *ELSEWHERE) == before, path
    assert scene.world.apply()[-1]["counts"]["changed"] == 0


def test_apache_does_not_follow_either(scene: Scene) -> None:
    for path, asked in ((f"{HOME}/sites/www/app", "notes.txt"), (f"{HOME}/sites/www", "notes.txt")):
        with replaced(scene, path, "/home/bob/sites/www"):
            answer = scene.get(asked)
            assert answer.status in REFUSED
            assert MARK not in answer.body


@pytest.mark.parametrize(("link", "target"), [("new", "/etc"), ("new/app", "/home/bob"), ("new", "/etc/wsh/new")])
def test_a_place_that_is_taken_before_its_site_is_described_is_refused(scene: Scene, link: str, target: str) -> None:
    before, file = fingerprint(scene, *ELSEWHERE), scene.world.file("alice")
    description, path = file.read_text(encoding="utf-8"), f"{HOME}/sites/{link}"
    prepare = 'mkdir -p "$(dirname "$1")" && ln -s "$2" "$1"'
    assert scene.world.as_account("alice", "sh", "-c", prepare, "sh", path, target).returncode == 0
    file.write_text(description + "  new: {domains: [new.alice.test], app: static}\n", encoding="utf-8")
    try:
        events = scene.world.apply(check=False)
        assert events[-1]["accounts"] == {"alice": "failed", "bob": "ok"}, troubles(events)
        assert any(path in message for message in refusals(events)), troubles(events)
        assert fingerprint(scene, *ELSEWHERE) == before
    finally:
        file.write_text(description, encoding="utf-8")
        scene.world.as_account("alice", "rm", "-r", f"{HOME}/sites/new")
    assert scene.world.apply()[-1]["counts"]["changed"] == 0


# the control of T20, and of T26 on a server

DECOY = "/srv/decoy"


@pytest.fixture
def decoy(scene: Scene) -> Iterator[None]:
    """What a hole would cost, without costing it: a directory of root's that looks like a site's."""
    scene.server.run(["sh", "-c", f"mkdir -p {DECOY}/app && echo root > {DECOY}/app/file"])
    yield
    scene.server.run(["rm", "-r", DECOY])


def weak_agent(scene: Scene) -> str:
    """An agent whose safe_open follows links: that module without its resolve flags, all else the same."""
    root = Path(agent.__file__).parent
    sources = {
        f"agent/{path.relative_to(root)}": path.read_bytes()
        for path in root.rglob("*")
        if path.suffix in {".py", ".php"}
    }
    text = sources["agent/safefs.py"].decode()
    text, resolve = re.subn(r"^_RESOLVE = .*$", "_RESOLVE = 0", text, flags=re.MULTILINE)
    text, flags = re.subn(r"_OpenHow\(flags \|", "_OpenHow(flags & ~os.O_NOFOLLOW |", text)
    assert (resolve, flags) == (1, 1)
    packed = package.pack({**sources, "agent/safefs.py": text.encode(), "__main__.py": package.MAIN.encode()})
    scene.server.write(f"/usr/lib/wsh/{packed.name}", packed.data)
    return f"/usr/lib/wsh/{packed.name}"


@pytest.mark.usefixtures("decoy")
def test_control_without_safe_open_root_gives_the_target_away(scene: Scene) -> None:
    before = fingerprint(scene, DECOY)
    with replaced(scene, f"{HOME}/sites/www", DECOY):
        scene.world.apply(check=False)
        assert fingerprint(scene, DECOY) == before
        right, scene.world.agent = scene.world.agent, weak_agent(scene)
        try:
            scene.world.apply(check=False)
        finally:
            scene.server.run(["rm", scene.world.agent])
            scene.world.agent = right
        owners = scene.server.run(["stat", "--format=%U", DECOY, f"{DECOY}/app"]).stdout.split()
        assert owners == ["alice", "alice"]
