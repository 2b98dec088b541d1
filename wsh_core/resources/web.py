"""What the web server has for a site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Resource
from .text import Text


@dataclass(frozen=True, kw_only=True)
class Certificate(Resource):
    """A certificate and key for the domains of a site: its alternative names; it has no subject."""

    kind: ClassVar[str] = "certificate"

    name: str
    domains: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Vhost(Resource):
    """The virtual hosts of a site: one file of Apache's configuration."""

    kind: ClassVar[str] = "vhost"

    name: str
    content: Text
