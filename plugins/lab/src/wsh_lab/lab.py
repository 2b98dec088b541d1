"""The lab: make, find and remove servers, and prepare images to clone them from."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path

from wsh_lab import apt, boot, images, network, packages, requirements
from wsh_lab.errors import LabError
from wsh_lab.images import Image
from wsh_lab.server import Server
from wsh_lab.state import State, Store, condition
from wsh_lab.tools import Steps, locked, run, write_atomically


class Lab:
    """The servers of one lab directory (default: ``$WSH_LAB_DIR`` or /var/cache/wsh-lab).

    ``report`` is told of every step: with its text and ``None`` when it begins, with its text and its seconds
    when it ended. Raises `LabError` without root, or with the missing packages and the command that installs
    them.
    """

    def __init__(
        self, directory: str | Path | None = None, report: Callable[[str, float | None], None] | None = None
    ) -> None:
        requirements.check()
        self._store = Store.open(directory)
        self._network = network.Network(self._store.number)
        self._steps = Steps(report)
        self._make_keys()

    @property
    def directory(self) -> Path:
        """Where all of this lab lies."""
        return self._store.directory

    # ---- servers

    def up(self, name: str, image: Image | None = None, debian: int = 13) -> Server:
        """Boot a fresh server of that name from an image, by default the base of that Debian release.

        What a killed or stopped server of that name left is removed first. Ready means: systemd says
        ``running`` or ``degraded``, and sshd greets. Raises `LabError` ``lab.running`` if it runs.
        """
        directory = self._store.server(name)
        image = image or self.base(debian)
        with locked(self._store.lock(name)):
            if self._condition(name) == "running":
                raise LabError("running", f"{name} runs already", f"wsh lab down {name}, or use it as it is")
            if directory.exists():
                with self._steps.step(f"remove what was left of {name}"):
                    boot.remove(self._store, name)
            with self._steps.step(f"clone {image.id}"):
                state = self._clone(name, image)
            server = Server(self._store, state, self._steps)
            server.start_locked()
        return server

    def server(self, name: str) -> Server | None:
        """The server of that name, in whatever condition; ``None`` if there is none."""
        state = State.load(self._store.server(name))
        return None if state is None else Server(self._store, state, self._steps)

    def servers(self) -> list[Server]:
        """All servers, in whatever condition."""
        return [Server(self._store, state, self._steps) for state in self._store.states()]

    def names(self) -> list[str]:
        """The names of all servers, those included of which a killed run left too little to be a `Server`."""
        return self._store.names()

    def down(self, name: str) -> None:
        """Remove a server and all that it has on this machine. It is killed, not shut down."""
        if not self._store.server(name).exists():
            raise LabError("unknown", f"there is no server {name}", "wsh lab list")
        with locked(self._store.lock(name)), self._steps.step(f"remove {name}"):
            boot.remove(self._store, name)

    def clean(self) -> list[str]:
        """Remove what killed runs left of any server; returns the names. What someone works on stays."""
        cleaned = []
        for name in self._store.names():
            if self._condition(name) == "dead":
                with locked(self._store.lock(name), wait=False) as mine:
                    if mine and self._condition(name) == "dead":
                        boot.remove(self._store, name)
                        cleaned.append(name)
        return cleaned

    # ---- images

    def base(self, debian: int = 13) -> Image:
        """The base image of a Debian release: built by mmdebstrap the first time (half a minute to two)."""
        archive = apt.archive(debian)
        keys = [(self._store.directory / "ssh" / f"{key}.pub").read_text() for key in ("id_ed25519", "host_ed25519")]
        identifier = images.base_id(archive, debian, keys)
        with locked(self._store.lock(identifier)):
            image = Image.load(self._store, identifier)
            if image is None:
                with self._steps.step(f"build the base of Debian {debian}"):
                    image = images.build_base(self._store, identifier, archive, debian)
        return image

    def prepared(
        self, key: str, prepare: Callable[[Server], None], base: Image | None = None, debian: int = 13
    ) -> Image:
        """The image that ``prepare`` makes of a fresh server: made once per ``key`` and base, then found.

        ``key`` must change when what ``prepare`` does changes (a digest of its inputs). The server is powered
        off from inside before its disks are kept. If ``prepare`` raises, no image is made and the server is
        removed. Of two processes that ask for the same image, one makes it and the other waits.
        """
        base = base or self.base(debian)
        identifier = images.prepared_id(base, key)
        with locked(self._store.lock(identifier)):
            image = Image.load(self._store, identifier)
            return image or self._prepare(identifier, key, prepare, base)

    def _prepare(self, identifier: str, key: str, prepare: Callable[[Server], None], base: Image) -> Image:
        name = f"prepare-{identifier.rpartition('-')[2][:12]}"
        with locked(self._store.lock(name)):
            if self._store.server(name).exists():
                boot.remove(self._store, name)
            state = self._clone(name, base)
            packages.lend(self._store, base.debian, self._store.server(name) / "upper")
            server = Server(self._store, state, self._steps)
            server.start_locked()
        try:
            with self._steps.step(f"prepare {identifier}"):
                prepare(server)
            server.stop()
            return self._keep(server, identifier, key, base)
        finally:
            with locked(self._store.lock(name)):
                boot.remove(self._store, name)

    def _keep(self, server: Server, identifier: str, key: str, base: Image) -> Image:
        with self._steps.step(f"keep {identifier}"):
            packages.collect(self._store, base.debian, server.directory / "upper")
            unfinished = images.fresh_directory(self._store, identifier)
            for part in ("upper", "home.img", "mysql.img"):
                (server.directory / part).rename(unfinished / part)
            image = images.finish(self._store, unfinished, identifier, debian=base.debian, key=key, parent=base.id)
        images.forget(self._store)
        return image

    def remove_images(self) -> None:
        """Remove all images and packages; only when no server is left."""
        images.remove_all(self._store)

    # ---- helpers

    def _condition(self, name: str) -> str:
        directory = self._store.server(name)
        return condition(directory, State.load(directory))

    def _clone(self, name: str, image: Image) -> State:
        """Disks and identity of a new server. Hold its lock."""
        directory = self._store.server(name)
        with locked(self._store.lock(image.id)):  # it is not removed meanwhile
            if Image.load(self._store, image.id) is None:
                raise LabError("image", f"there is no image {image.id} any more", "ask for it again")
            with locked(self._store.lock("lab")):
                state = self._new_state(name, image)
                directory.mkdir()
                state.save(directory)
            images.clone_disks(image, directory)
        etc = directory / "upper/etc"
        for path in (directory / "upper", directory / "work", directory / "root", etc):
            path.mkdir()
            path.chmod(0o755)
        for file, text in (
            ("hostname", f"{name}\n"),
            ("machine-id", f"{state.machine_id}\n"),
            ("hosts", network.hosts(name, Path("/etc/hosts").read_text())),
            ("resolv.conf", network.resolver()),
        ):
            (etc / file).write_text(text)
            (etc / file).chmod(0o644)
        return state

    def _new_state(self, name: str, image: Image) -> State:
        return State(
            name=name,
            address=self._network.free_address(state.address for state in self._store.states()),
            debian=image.debian,
            image=image.id,
            layers=[str(layer) for layer in image.layers],
            machine_id=uuid.uuid4().hex,
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        )

    def _make_keys(self) -> None:
        """The client key that opens all servers, the host key that all of them show, and who may show it."""
        ssh = self._store.directory / "ssh"
        if (ssh / "known_hosts").exists():
            return
        with locked(self._store.lock("lab")):
            for key in ("id_ed25519", "host_ed25519"):
                if not (ssh / key).exists():
                    kind = ["-t", "ed25519", "-N", "", "-C", f"wsh-lab {key}"]
                    run(["ssh-keygen", "-q", *kind, "-f", ssh / key])
            host_key = " ".join((ssh / "host_ed25519.pub").read_text().split()[:2])
            write_atomically(ssh / "known_hosts", f"* {host_key}\n", 0o644)
