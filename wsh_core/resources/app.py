"""An application in a site: what it is, where it comes from, and how it gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Resource

Data = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class App(Resource):
    """An installed application; ``source``, ``config``, ``install`` and ``probe`` are its plugin's data."""

    kind: ClassVar[str] = "app"

    app: str
    version: str
    source: Data
    tree: str
    database: str | None
    version_file: Data
    config: tuple[Data, ...]
    install: tuple[Data, ...]
    probe: Data
    php: str

    @property
    def identity(self) -> str:
        return self.object.partition(":")[2]
