"""Resources: what can be wanted on a server. Pure data, one dataclass for each kind."""

from __future__ import annotations

from .app import App
from .base import Resource
from .database import Database, DatabaseUser
from .files import Directory, File, Link
from .system import Jail, Slice, Unit, User
from .text import UID, Fact, Join, Secret, Text
from .web import Certificate, Vhost

KINDS: tuple[type[Resource], ...] = (
    User,
    Directory,
    File,
    Link,
    Jail,
    Unit,
    Slice,
    Database,
    DatabaseUser,
    Certificate,
    Vhost,
    App,
)

__all__ = [
    "KINDS",
    "UID",
    "App",
    "Certificate",
    "Database",
    "DatabaseUser",
    "Directory",
    "Fact",
    "File",
    "Jail",
    "Join",
    "Link",
    "Resource",
    "Secret",
    "Slice",
    "Text",
    "Unit",
    "User",
    "Vhost",
]
