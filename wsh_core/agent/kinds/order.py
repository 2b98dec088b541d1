"""The one order in which kinds are made on a server."""

from __future__ import annotations

from .app import AppKind
from .base import Kind
from .certificate import CertificateKind
from .database import DatabaseKind, DatabaseUserKind
from .files import DirectoryKind, FileKind, LinkKind
from .jail import JailKind
from .secret import SecretKind
from .unit import SliceKind, UnitKind
from .user import UserKind
from .vhost import VhostKind

ORDER: tuple[type[Kind], ...] = (
    SecretKind,
    UserKind,
    DirectoryKind,
    LinkKind,
    FileKind,
    JailKind,
    SliceKind,
    UnitKind,
    DatabaseKind,
    DatabaseUserKind,
    CertificateKind,
    VhostKind,
    AppKind,
)
