"""Text with facts, from templates and plain strings: a fact stands in them as a mark.

Marks are of private-use characters, which no value that people or plugins write can hold.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from wsh_core.resources.text import Fact, Text, join

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([a-z-]+){_CLOSE}")

UID = f"{_OPEN}uid{_CLOSE}"
"""Stands in a string for the uid of the account."""


def text(marked: str) -> Text:
    """Return *marked* with its marks as facts."""
    parts = _MARK.split(marked)
    return join(tuple(Fact(part) if at % 2 else part for at, part in enumerate(parts)))


def render(template: str, **values: Any) -> Text:
    """Fill in a template of this package; a name that it does not know is an error."""
    return text(_template(template).render(**values))


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML; every value has a type that needs no escaping
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template(name)
    template.globals = {}  # no template uses any, and Jinja's own mapping is slow to copy
    return template
