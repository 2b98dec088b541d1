"""An application in a site: what it is, where it comes from, and how it gets there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Resource

Data = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class App(Resource):
    """An installed application; what is ``Data`` is its plugin's.

    ``hops`` are the releases by which older versions come to this one, oldest first, this one last. An
    installed version that is not the wanted one is upgraded if it is ``pinned``, or when somebody tells.
    """

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
    up_to_date: Data | None
    layout: Data
    hops: tuple[Data, ...]
    pinned: bool
    php: str

    @property
    def identity(self) -> str:
        return self.object.partition(":")[2]
