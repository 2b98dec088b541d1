"""PHP sites: whatever the account puts there, with the extensions that most of it expects."""

from __future__ import annotations

from wsh_core.plugin import App, Database, hookimpl

WSH_API = 1

EXTENSIONS = (
    "ctype",
    "curl",
    "dom",
    "exif",
    "fileinfo",
    "gd",
    "iconv",
    "intl",
    "mbstring",
    "mysqli",
    "pdo_mysql",
    "phar",
    "simplexml",
    "tokenizer",
    "xml",
    "xmlreader",
    "xmlwriter",
    "zip",
)


@hookimpl
def wsh_app() -> App:
    """A site of the account's own PHP, with a database beside it."""
    return App("php", "PHP", database=Database(), extensions=EXTENSIONS)
