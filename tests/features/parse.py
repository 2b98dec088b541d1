"""Small parsers of the files that are rendered, written from the manuals and not from the templates."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]\S*)')


@dataclass
class Directive:
    """One directive of Apache's configuration, or a section with its directives."""

    name: str
    args: list[str]
    inside: list[Directive] = field(default_factory=list)

    def all(self, name: str) -> list[Directive]:
        return [each for each in self.inside if each.name == name]

    def one(self, name: str) -> Directive:
        (found,) = self.all(name)
        return found


def apache(text: str) -> list[Directive]:
    """Parse as Apache does (httpd, Configuration Files): continuation lines, quotes, sections."""
    top = Directive("", [])
    open_sections = [top]
    for line in map(str.strip, re.sub(r"\\\n", "", text).split("\n")):
        if not line or line.startswith("#"):
            continue
        if line.startswith("</"):
            assert line == f"</{open_sections.pop().name}>", line
            continue
        section = line.startswith("<")
        name, _, rest = (line[1:-1] if section else line).partition(" ")
        assert not section or line.endswith(">"), line
        directive = Directive(name, [_unquoted(rest)] if name == "If" else _words(rest))
        open_sections[-1].inside.append(directive)
        if section:
            open_sections.append(directive)
    assert open_sections == [top]
    return top.inside


def _words(rest: str) -> list[str]:
    words, at = [], 0
    while rest[at:].strip():
        found = _WORD.match(rest, at + len(rest[at:]) - len(rest[at:].lstrip()))
        assert found, rest
        words.append(re.sub(r'\\(["\\])', r"\1", found[1]) if found[1] is not None else found[2])
        at = found.end()
    return words


def _unquoted(rest: str) -> str:
    return rest.strip().removeprefix('"').removesuffix('"')


def ini(text: str) -> list[tuple[str, str, str]]:
    """Parse sections of ``key = value`` (systemd.syntax(7), php.ini): (section, key, value) in order."""
    section, found = "", []
    for line in text.split("\n"):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line.strip() and line[0] not in "#;":
            key, equals, value = line.partition("=")
            assert equals, line
            found.append((section, key.strip(), value.strip()))
    return found
