"""Ways to make an upgrade of any application fail for real: steps that are added to its migration.

The request is altered, not the plugin: the release, its migration and the engine are the real ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .stage import Request, Site


@dataclass(frozen=True)
class Sabotage:
    """A script that is run after the whole migration, ``{docroot}`` filled in, and the error that must come of it."""

    name: str
    text: str
    code: str

    def of(self, site: Site) -> Callable[[Request], None]:
        """Alter a request: the last hop of the site's way takes one step more."""
        text = self.text.replace("{docroot}", site.scope().vhost.docroot or ".")
        step: dict[str, Any] = {
            "step": "php", "entry": None, "argv": [], "input": None, "ini": {}, "files": {}, "ok": [0], "expect": None,
            "script": {"name": self.name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text},
            "timeout": 60, "memory": None, "network": False,
        }  # fmt: skip

        def change(request: Request) -> None:
            (app,) = (each for each in request["resources"] if each["id"] == f"app:{site.account}/{site.key}")
            app["want"]["hops"][-1]["steps"].append(step)

        return change


LAST_STEP_FAILS = Sabotage("fail.php", "<?php fwrite(STDERR, 'sabotage'); exit(7);", "app.step")
"""The migration is done, and then ends with an error."""

PAGES_BREAK_OFF = Sabotage(
    "spoil.php",
    "<?php foreach (glob('{docroot}/*.php') as $file) { file_put_contents($file, '<?php sabotage();'); }",
    "app.unhealthy",
)
"""Every program at the top of the document root breaks off."""
