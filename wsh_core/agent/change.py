"""A difference between what is and what is wanted, and how it is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .kinds.base import State
from .protocol import SECRET_SHOWN, Resource


@dataclass
class Change:
    resource: Resource
    actual: State | None
    desired: State
    secret_fields: frozenset[str] = frozenset()
    plain_fields: frozenset[str] = frozenset()

    @property
    def action(self) -> str:
        return "add" if self.actual is None else "change"

    def fields(self) -> list[dict[str, Any]]:
        """Field by field what differs; long text as a count of lines, secrets as a word."""
        before = self.actual or {}
        return [
            {"field": name, **self._shown(name, before.get(name), value)}
            for name, value in self.desired.items()
            if before.get(name) != value
        ]

    def _shown(self, name: str, before: Any, after: Any) -> dict[str, Any]:
        if name in self.secret_fields or (self.resource.sensitive and name not in self.plain_fields):
            return {"before": None if before is None else SECRET_SHOWN, "after": SECRET_SHOWN}
        if isinstance(after, str) and ("\n" in after or len(after) > 200):
            old, new = str(before or "").splitlines(), after.splitlines()
            differ = sum((Counter(old) - Counter(new)).values()) + sum((Counter(new) - Counter(old)).values())
            return {"before": None if before is None else f"{len(old)} lines", "after": f"{differ} lines differ"}
        return {"before": before, "after": after}
