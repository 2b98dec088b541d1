"""The conformance kit: proves that an application's plugin does what people who share a server rely on.

An author writes a test module beside the plugin::

    from wsh_core.testing.conformance import Browser, Conformance

    class TestGuestbook(Conformance):
        app = "guestbook"
        denied = ("/config.php",)
        upgrade = ("2.0", "2.1")

        def login(self, browser: Browser, password: str) -> bool:
            answer = browser.post("/login.php", {"user": "admin", "password": password})
            return "Log out" in answer.text

        def write(self, browser: Browser, words: str) -> str:
            browser.post("/sign.php", {"text": words})
            return "/"

and runs it with ``pytest --wsh-server root@SERVER``, a server that ``wsh server setup`` has set up and that may be
thrown away. A project that makes its servers itself overrides the fixture ``wsh_machine``.
"""

from __future__ import annotations

from .browser import Browser
from .checks import Conformance
from .machine import Machine, SshMachine
from .stage import Site

__all__ = ["Browser", "Conformance", "Machine", "Site", "SshMachine"]
