"""What Apache has of a site: one file with its virtual hosts, made of typed values only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from wsh_core import resources as r
from wsh_core.agent import paths
from wsh_core.resources.text import Text

from . import php
from .scope import SiteScope
from .text import UID, render

SOURCE_TEXT = r"\.(?i:php[0-9]?|phtml|phar|inc|cgi)"
"""Files that nobody may read as text where nothing is executed."""


def resources(scope: SiteScope) -> Iterator[r.Resource]:
    """The site's virtual hosts."""
    yield r.Vhost(**scope.whose, name=scope.slug, content=content(scope))


def content(scope: SiteScope) -> Text:
    """The text of the site's file."""
    domains = scope.context.domains
    return render(
        "vhost.conf",
        site=scope.site.id,
        slug=scope.slug,
        canonical=domains[0],
        others=domains[1:],
        docroot=scope.docroot,
        index=("index.php", "index.html", "index.htm") if scope.app.php else ("index.html", "index.htm"),
        vhost=scope.vhost,
        redirects=[(re.escape(path), target) for path, target in scope.vhost.redirects.items()],
        denied=_urls(scope.vhost.deny),
        not_executed=_not_executed(scope),
        socket=php.socket(scope.context.php) if scope.app.php else None,
        uid=UID,
        fence=f"{paths.FENCES}/{scope.slug}",
        logs=f"{paths.logs(scope.context.account)}/{scope.context.key}",
        tls=f"{paths.TLS}/{scope.slug}",
        htaccess=paths.HTACCESS,
    )


def _not_executed(scope: SiteScope) -> str | None:
    """An expression for the URLs of programs that are neither executed nor shown."""
    if not scope.app.php:
        return f"{SOURCE_TEXT}(?:/|$)"
    places = _urls(scope.vhost.no_php)
    return f"{places.removesuffix('(?:/|$)')}/.*{SOURCE_TEXT}(?:/|$)" if places else None


def _urls(patterns: Iterable[str]) -> str | None:
    """An expression for the URLs that *patterns* mean; None for none. ``*`` is anything but a slash."""
    expressions = [
        "[^/]*".join(re.escape(part) for part in pattern.removesuffix("/").split("*")) for pattern in patterns
    ]
    return f"^/(?:{'|'.join(expressions)})(?:/|$)" if expressions else None
