"""What servers are cloned from: a base made by mmdebstrap, and prepared images on top of it.

An image is made under another name and renamed when it is whole, so a half-made one is never used.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsh_lab import apt, packages
from wsh_lab.errors import CommandError, LabError
from wsh_lab.state import Store
from wsh_lab.tools import locked, run, write_atomically

_FORMAT = 1  # of what is built here; a change makes all images anew
_INCLUDE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "openssh-server",
    "python3",
    "iproute2",
    "ca-certificates",
    "curl",
    "openssl",
)
_DPKG = (
    "force-unsafe-io",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
)
_DISKS = {"home.img": "8G", "mysql.img": "4G"}
_OWN_CERTIFICATES = Path("/usr/local/share/ca-certificates")
# All processes of a build end with the one that asked for it, and their mounts with them.
_TOGETHER = [
    *("setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--kill-child"),
    *("--pid", "--mount-proc", "--mount", "--propagation=slave", "--"),
]
_KEPT = 8  # prepared images; beyond that the one that was not used for longest goes


@dataclass(frozen=True)
class Image:
    """A state of a server to clone from. ``key`` is what `Lab.prepared` was given, or ``base``."""

    id: str
    debian: int
    key: str
    directory: Path
    layers: tuple[Path, ...]  # lower directories for overlayfs, topmost first

    @classmethod
    def load(cls, store: Store, identifier: str) -> Image | None:
        """The finished image with that identifier, with all that it stands on; ``None`` if there is none."""
        directory = store.directory / "images" / identifier
        try:
            meta = json.loads((directory / "meta.json").read_text())
        except (OSError, ValueError):
            return None
        if meta["parent"] is None:
            return cls(identifier, meta["debian"], meta["key"], directory, (directory / "tree",))
        parent = cls.load(store, meta["parent"])
        if parent is None:
            return None
        return cls(identifier, meta["debian"], meta["key"], directory, (directory / "upper", *parent.layers))


def finish(store: Store, unfinished: Path, identifier: str, *, debian: int, key: str, parent: str | None) -> Image:
    """Give a directory that is whole its name, once all of it is on disk."""
    meta = {"debian": debian, "key": key, "parent": parent, "made": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    write_atomically(unfinished / "meta.json", json.dumps(meta, indent=1) + "\n")
    run(["sync", "--file-system", unfinished])
    final = store.directory / "images" / identifier
    shutil.rmtree(final, ignore_errors=True)
    unfinished.rename(final)
    image = Image.load(store, identifier)
    assert image is not None
    return image


def fresh_directory(store: Store, identifier: str) -> Path:
    """An empty directory to make an image in, whatever a killed builder left there. Hold the image's lock."""
    path = store.directory / "images" / f"{identifier}.unfinished"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def prepared_id(base: Image, key: str) -> str:
    """The identifier of what ``key`` makes of ``base``."""
    return f"debian{base.debian}-{_digest([base.id, key])}"


def base_id(archive: apt.Archive, debian: int, keys: list[str]) -> str:
    """The identifier of the base that these things make."""
    made_of = [
        _FORMAT,
        platform.machine(),
        archive.deb822(),
        archive.configuration(),
        _INCLUDE,
        _DPKG,
        _DISKS,
        keys,
        [path.read_bytes().hex() for path in _certificates()],
    ]
    return f"debian{debian}-base-{_digest(made_of)}"


def _digest(made_of: list[Any]) -> str:
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]


def build_base(store: Store, identifier: str, archive: apt.Archive, debian: int) -> Image:
    """Make the base with mmdebstrap. Hold the image's lock."""
    unfinished = fresh_directory(store, identifier)
    sources = unfinished / "debian.sources"
    sources.write_text(archive.deb822())
    _mmdebstrap(store, unfinished, archive, debian)
    sources.unlink()
    _settle(store, unfinished / "tree", archive)
    for name, size in _DISKS.items():
        run(["truncate", "--size", size, unfinished / name])
        run(["mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=16", unfinished / name])
    return finish(store, unfinished, identifier, debian=debian, key="base", parent=None)


def _mmdebstrap(store: Store, unfinished: Path, archive: apt.Archive, debian: int) -> None:
    cache = packages.directory(store, debian)
    options = ["--quiet", "--mode=root", "--variant=minbase", "--format=directory"]
    options += [f"--include={','.join(_INCLUDE)}"]
    options += [f"--aptopt={line}" for line in archive.configuration().splitlines()]
    options += [f"--dpkgopt={line}" for line in _DPKG]
    options += [  # mmdebstrap(1): a directory of packages that outlives the build
        '--setup-hook=mkdir -p "$1"/var/cache/apt/archives',
        "--skip=download/empty,essential/unlink",
        f"--setup-hook=sync-in {cache} /var/cache/apt/archives",
        f"--customize-hook=sync-out /var/cache/apt/archives {cache}",
    ]
    places: list[str | Path] = [archive.codename, unfinished / "tree", unfinished / "debian.sources"]
    with locked(cache.with_suffix(".lock")):
        try:
            run([*_TOGETHER, "mmdebstrap", *options, *places])
        except CommandError as error:
            hint = "see that `apt-get update` works on this machine, and that its mirror has that release"
            raise LabError("base", f"mmdebstrap failed: {error.message}", hint) from None
        shutil.rmtree(cache / "partial", ignore_errors=True)
        (cache / "lock").unlink(missing_ok=True)


def _settle(store: Store, tree: Path, archive: apt.Archive) -> None:
    """What every server of this lab shares: keys, the source of packages, no timers that take apt's lock."""
    for path in archive.keyrings():
        if not (tree / path.relative_to("/")).exists():
            (tree / path.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tree / path.relative_to("/"))
    ssh = store.directory / "ssh"
    for path in (tree / "etc/ssh").glob("ssh_host_*"):
        path.unlink()
    for suffix, mode in (("", 0o600), (".pub", 0o644)):
        _copy(ssh / f"host_ed25519{suffix}", tree / f"etc/ssh/ssh_host_ed25519_key{suffix}", mode)
    (tree / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    _copy(ssh / "id_ed25519.pub", tree / "root/.ssh/authorized_keys", 0o600)
    for timer in ("apt-daily", "apt-daily-upgrade", "dpkg-db-backup"):
        (tree / f"etc/systemd/system/timers.target.wants/{timer}.timer").unlink(missing_ok=True)
    for path in _certificates():
        _copy(path, tree / _OWN_CERTIFICATES.relative_to("/") / path.name, 0o644)
    if _certificates():
        run(["chroot", tree, "update-ca-certificates"])


def _certificates() -> list[Path]:
    """Authorities that this machine trusts beyond Debian's: its mirror may need them."""
    return sorted(_OWN_CERTIFICATES.glob("*.crt"))


def _copy(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def clone_disks(image: Image, directory: Path) -> None:
    """Copy an image's file systems: shared blocks where the host's file system can, holes where they are."""
    for name in _DISKS:
        run(["cp", "--reflink=auto", "--sparse=always", image.directory / name, directory / name])
    os.utime(image.directory)  # "last used", for `forget`


def forget(store: Store, keep: int = _KEPT) -> None:
    """Remove the prepared images that were not used for longest, but none that anything stands on."""
    used = {layer for state in store.states() for layer in state.layers}
    found = [image for path in (store.directory / "images").iterdir() if (image := Image.load(store, path.name))]
    prepared = sorted((image for image in found if image.key != "base"), key=lambda one: -one.directory.stat().st_mtime)
    for image in prepared[keep:]:
        top = image.layers[0]
        if str(top) not in used and not any(top in other.layers[1:] for other in found):
            with locked(store.lock(image.id), wait=False) as mine:
                if mine:
                    (image.directory / "meta.json").unlink()
                    shutil.rmtree(image.directory, ignore_errors=True)


def remove_all(store: Store) -> None:
    """Remove all images and packages. Raises `LabError` while a server stands on them."""
    if names := store.names():
        raise LabError("in-use", f"servers stand on the images: {', '.join(names)}", "wsh lab down --all --images")
    for part in ("images", "packages"):
        shutil.rmtree(store.directory / part)
        (store.directory / part).mkdir()
