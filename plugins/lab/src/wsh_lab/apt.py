"""The package source of the lab's servers: the one that this machine itself uses.

Reads apt's two formats (sources.list(5)): one-line and deb822. Nothing here knows the name of a mirror.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from wsh_lab.errors import LabError
from wsh_lab.tools import run

CODENAMES = {12: "bookworm", 13: "trixie"}
# Suites by which a machine may name Debian's own archive, whatever it runs itself.
_SUITES = {
    "stretch",
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
}
# Settings of apt without which the mirror may be out of reach; they go into the servers too.
_INHERITED = re.compile(
    r"Acquire::(?:https?::Proxy(?:::[^:]+)?|Check-Valid-Until|Check-Date|Max-FutureTime"
    r"|Retries|ForceIPv4)"
)


@dataclass(frozen=True)
class Source:
    """One entry of apt's sources."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    types: tuple[str, ...] = ("deb",)
    signed_by: str = ""  # paths, or a key block
    trusted: bool = False


@dataclass(frozen=True)
class Archive:
    """Where a Debian release comes from: entries for apt, and the settings of apt that go with them."""

    codename: str
    sources: tuple[Source, ...]
    options: dict[str, str] = field(default_factory=dict)

    def deb822(self) -> str:
        """The entries as the text of a ``.sources`` file."""
        return "\n".join(_paragraph(source) for source in self.sources)

    def configuration(self) -> str:
        """The settings as the text of a file for ``apt.conf.d``."""
        return "".join(f'{name} "{value}";\n' for name, value in sorted(self.options.items()))

    def keyrings(self) -> list[Path]:
        """The key files that the entries name."""
        names = {word for source in self.sources for word in source.signed_by.split() if word.startswith("/")}
        return [Path(name) for name in sorted(names)]


def archive(debian: int, etc: Path = Path("/etc/apt")) -> Archive:
    """Where this machine would get that Debian release. Raises `LabError` if its sources do not tell."""
    if debian not in CODENAMES:
        raise LabError("debian", f"Debian {debian} is not known here", f"use one of {sorted(CODENAMES)}", status=2)
    return Archive(CODENAMES[debian], choose(read(etc), CODENAMES[debian], etc), inherited(run(["apt-config", "dump"])))


def read(etc: Path) -> list[Source]:
    """All entries of ``sources.list`` and ``sources.list.d``, in apt's order."""
    found: list[Source] = []
    parts = etc / "sources.list.d"
    files = [etc / "sources.list", *(sorted(parts.iterdir()) if parts.is_dir() else [])]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.suffix == ".sources":
            found += parse_deb822(text)
        elif path.suffix == ".list":
            found += parse_one_line(text)
    return found


def parse_one_line(text: str) -> Iterator[Source]:
    """``deb [options] URI suite component…``; lines of another shape are passed over."""
    for line in text.splitlines():
        match = re.match(r"\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            kind, bracket, uri, suite, components = match.groups()
            options = dict(word.split("=", 1) for word in (bracket or "").split() if "=" in word)
            yield Source(
                (uri,),
                (suite,),
                tuple(components.split()),
                (kind,),
                options.get("signed-by", "").replace(",", " "),
                options.get("trusted") == "yes",
            )


def parse_deb822(text: str) -> Iterator[Source]:
    """Paragraphs of fields; an entry with ``Enabled: no`` is passed over."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n[ \t]*(?:\n[ \t]*)*\n", "\n".join(lines).strip("\n")):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("uris") and fields.get("enabled", "yes").lower() not in ("no", "false", "0"):
            words = {key: tuple(value.split()) for key, value in fields.items()}
            yield Source(
                words["uris"],
                words.get("suites", ()),
                words.get("components", ()),
                words.get("types", ()),
                fields.get("signed-by", "").strip(),
                fields.get("trusted", "no").lower() == "yes",
            )


def choose(entries: Iterable[Source], codename: str, etc: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """The entries of Debian's own archive among ``entries``, turned to the release ``codename``."""
    usable = [entry for entry in entries if "deb" in entry.types and "main" in entry.components]
    main = _best(usable, _SUITES.__contains__)
    if main is None:
        raise LabError(
            "no-mirror",
            f"no entry for Debian's own archive below {etc}",
            "add one (man 5 sources.list), then `apt-get update`",
        )
    chosen = [_for_release(main, [codename])]
    if any(main.uris == entry.uris and _is_updates(suite) for entry in usable for suite in entry.suites):
        chosen = [_for_release(main, [codename, f"{codename}-updates"])]
    security = _best(usable, _is_security)
    if security is not None:
        chosen.append(_for_release(security, [f"{codename}-security"]))
    return tuple(chosen)


def inherited(dump: str) -> dict[str, str]:
    """Of the output of ``apt-config dump``, the settings that the servers need too."""
    pairs = re.findall(r'^(\S+) "(.*)";$', dump, re.MULTILINE)
    return {name: value for name, value in pairs if value and _INHERITED.fullmatch(name)}


def _is_updates(suite: str) -> bool:
    return suite.removesuffix("-updates") in _SUITES and suite.endswith("-updates")


def _is_security(suite: str) -> bool:
    return re.sub(r"(-security|/updates)$", "", suite) in _SUITES and suite not in _SUITES


def _best(usable: list[Source], wanted: Callable[[str], bool]) -> Source | None:
    """Other repositories use Debian's suite names too: keys and sibling suites tell Debian's own."""

    def score(entry: Source) -> int:
        siblings = {suite for other in usable if other.uris == entry.uris for suite in other.suites}
        return 2 * ("debian-archive" in entry.signed_by) + 2 * any(map(_is_updates, siblings)) + (not entry.signed_by)

    candidates = [entry for entry in usable if any(map(wanted, entry.suites))]
    return max(candidates, key=score, default=None)


def _for_release(entry: Source, suites: list[str]) -> Source:
    return replace(entry, uris=(_resolve(entry.uris[0]),), suites=tuple(suites), components=("main",), types=("deb",))


def _resolve(uri: str) -> str:
    """``mirror+file:/path`` (apt-transport-mirror(1)) names a list of mirrors: take its first."""
    if not uri.startswith("mirror+file:"):
        return uri
    path = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = path.read_text().split() if path.is_file() else []
    if not lines:
        raise LabError("no-mirror", f"apt's sources name {path}, which lists no mirror", "put a mirror's URL there")
    return lines[0]


def _paragraph(source: Source) -> str:
    lines = [
        f"Types: {' '.join(source.types)}",
        f"URIs: {' '.join(source.uris)}",
        f"Suites: {' '.join(source.suites)}",
        f"Components: {' '.join(source.components)}",
    ]
    if source.signed_by:
        lines.append(
            "Signed-By: "
            + "\n".join(
                line if number == 0 else f" {line or '.'}" for number, line in enumerate(_signed_by_lines(source))
            )
        )
    if source.trusted:
        lines.append("Trusted: yes")
    return "\n".join(lines) + "\n"


def _signed_by_lines(source: Source) -> list[str]:
    if "BEGIN PGP" not in source.signed_by:
        return [" ".join(source.signed_by.split())]
    return ["", *(line if line != "." else "" for line in source.signed_by.splitlines())]
