"""Certificates: one for each site, for all its domains."""

from __future__ import annotations

from collections.abc import Iterator

from wsh_core import resources as r

from .scope import SiteScope


def resources(scope: SiteScope) -> Iterator[r.Resource]:
    """The site's certificate; the canonical domain is its subject."""
    yield r.Certificate(**scope.whose, name=scope.slug, domains=scope.context.domains)
