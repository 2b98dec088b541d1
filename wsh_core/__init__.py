"""wsh: a plain Debian server as shared hosting that is safe between strangers."""

from __future__ import annotations

__version__ = "0.1.0"
