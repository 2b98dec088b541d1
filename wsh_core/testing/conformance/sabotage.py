"""Ways to make an upgrade of any application fail for real: steps that are added to its migration.

The request is altered, not the plugin: the release, its migration and the engine are the real ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from .stage import Request, Site

Sabotage = Callable[[Site], Callable[[Request], None]]


def last_step_fails(site: Site) -> Callable[[Request], None]:
    """After the whole migration, one step more ends with 7."""
    return _with(site, "fail.php", "<?php fwrite(STDERR, 'sabotage'); exit(7);")


def pages_break_off(site: Site) -> Callable[[Request], None]:
    """After the whole migration, every program in the document root breaks off."""
    root = site.scope().vhost.docroot or "."
    text = f"<?php foreach (glob('{root}/*.php') as $file) {{ file_put_contents($file, '<?php sabotage();'); }}"
    return _with(site, "spoil.php", text)


def _with(site: Site, name: str, text: str) -> Callable[[Request], None]:
    """Alter a request: the last hop of the site's way takes one more step."""
    step: dict[str, Any] = {
        "step": "php", "entry": None, "argv": [], "input": None, "ini": {}, "files": {}, "ok": [0], "expect": None,
        "script": {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text},
        "timeout": 60, "memory": None, "network": False,
    }  # fmt: skip

    def change(request: Request) -> None:
        (app,) = (each for each in request["resources"] if each["id"] == f"app:{site.account}/{site.key}")
        app["want"]["hops"][-1]["steps"].append(step)

    return change
