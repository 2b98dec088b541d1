"""`wsh app refresh`: from what is announced to releases that are verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wsh_core.errors import WshError
from wsh_core.plugins import LoadedApp
from wsh_core.upstream import verify
from wsh_core.upstream.announced import Announced, announced
from wsh_core.upstream.web import Web
from wsh_core.vocabulary.sources import Archive, ComposerProject, Release, Source
from wsh_core.vocabulary.upstream import Upstream, filled

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Verified:
    """A release that was fetched and is what its makers published, and how that is known."""

    release: Release
    how: str
    like: str
    """The known version whose PHP and source it takes."""

    @property
    def remark(self) -> str:
        """What the operator's file says above it."""
        return f"{self.how}. PHP and what it upgrades from are those of {self.like}: correct them if they differ."


def newer(loaded: LoadedApp, web: Web, tell: Tell) -> Iterator[Verified]:
    """The releases of an application that upstream has and nothing here knows, the newest first; fetched, verified.

    Raises:
        WshError: upstream cannot be reached, or what it has cannot be verified.
    """
    declared = loaded.app.upstream
    if declared is None:
        message = f"{loaded.distribution} does not say where {loaded.app.name} announces its releases"
        raise WshError("app.upstream", message, f"write releases/{loaded.app.name}.toml by hand")
    for each in announced(declared, loaded.app.releases, web):
        yield _Fetch(loaded, declared, each, web, tell).verified()


@dataclass(frozen=True)
class _Fetch:
    """One release on its way here."""

    loaded: LoadedApp
    upstream: Upstream
    wanted: Announced
    web: Web
    tell: Tell

    def verified(self) -> Verified:
        source, how = self._archive() if self.upstream.archive else self._composer()
        follows = self.wanted.follows
        release = Release(self.wanted.version, follows.php, (source,), self.wanted.upgrades_from)
        return Verified(release, how, follows.version)

    def _composer(self) -> tuple[Source, str]:
        """The same project in another version; Composer's lock will hold the checksums of what it takes."""
        known = [each for each in self.wanted.follows.sources if isinstance(each, ComposerProject)]
        if not known:
            self.loaded.fail("plugin.upstream", "has neither an archive nor a Composer project of its upstream")
        free = replace(known[0], lock=None, sha256=None)  # a lock is of one version
        return free, f"Announced by {', '.join(self.upstream.index)}; Composer verifies what it takes"

    def _archive(self) -> tuple[Source, str]:
        assert self.upstream.archive
        url = self._filled(self.upstream.archive)
        name = url.rpartition("/")[2]
        with TemporaryDirectory(prefix="wsh-") as place:
            file = Path(place, "archive")
            self.tell(f"{self.loaded.app.name} {self.wanted.version}: fetching {url}")
            self.web.save(url, file)
            how = " and ".join(self._proofs(file, name)) or "no checksum and no signature published, trusted by https"
            sha256 = verify.digest(file)
        root = self._filled(self.upstream.root)
        return self._like_the_known(url=url, sha256=sha256, root=root), f"Verified: {how}"

    def _like_the_known(self, **values: Any) -> Archive:
        """An archive that is treated as those of the known release are (that is, whether Composer completes it)."""
        known = next((each for each in self.wanted.follows.sources if isinstance(each, Archive)), None)
        data = {key: value for key, value in known.as_data().items() if key != "type"} if known else {}
        return Archive(**{**data, **values})

    def _proofs(self, file: Path, name: str) -> Iterator[str]:
        if self.upstream.checksum:
            yield verify.checksum(file, name, self.web.read(self._filled(self.upstream.checksum)))
        if self.upstream.signature and self.upstream.keyring:
            signed = self.web.read(self._filled(self.upstream.signature))
            yield verify.signature(file, name, signed, self.upstream.keyring, self.loaded.distribution)

    def _filled(self, template: str) -> str:
        return filled(template, version=self.wanted.version, line=self.wanted.line)
