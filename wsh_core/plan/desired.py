"""What is wanted on one server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wsh_core.plan.labels import Label
from wsh_core.resources import Resource


@dataclass(frozen=True)
class Desired:
    """All resources of a server, by account, and the accounts whose resources cannot be known whole."""

    description: str
    """The id of the description that it follows from."""
    server: str
    accounts: tuple[str, ...]
    """Those that are not held."""
    resources: tuple[Resource, ...]
    held: Mapping[str, str] = field(default_factory=dict)
    """By account, the reason in words: `accounts/erin.yaml:14: unknown key`."""
    labels: Mapping[str, Label] = field(default_factory=dict)
