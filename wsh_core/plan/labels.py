"""What is said of an account or a site beside its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A site's canonical domain and what runs there (`wordpress 7.1.4`); an account's package."""

    address: str = ""
    runs: str = ""
    package: str = ""


Labels = Mapping[str, Label]
"""By object: `account:alice`, `site:alice/blog`."""
