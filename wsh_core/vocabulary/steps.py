"""What happens once, in a fresh site: as the account, in its jail, with its limits, paths below its tree."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, ClassVar

from pydantic import ValidationError

from wsh_core.models.php import PhpSettings
from wsh_core.resources.text import Text

from . import checks
from .base import Declaration, checked

LONGEST_SCRIPT = 64 * 1024
_NAME = checks.matching(r"[A-Za-z0-9][A-Za-z0-9._-]*\.[a-z]+", "name of a file such as 'install.json'")
_VARIABLE = checks.matching(r"[A-Z_][A-Z0-9_]*", "name of a variable: capital letters, digits and _")
_TEXTS = checks.table(_VARIABLE, checks.text)
_FILES = checks.table(_NAME, checks.text)
_STATUS = checks.each(checks.whole(0, 255), least=1)
_SECONDS = checks.whole(1, 24 * 3600)
_BYTES = checks.optional(checks.whole(1 << 20, 1 << 40))


def ini(value: Any) -> Mapping[str, str]:
    """PHP settings that a site may have, by their names in php.ini, as php.ini writes them."""
    try:
        return PhpSettings.model_validate(dict(value)).ini()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


class Script(Declaration):
    """A PHP script that the plugin ships; it is given read-only to the step that runs it."""

    name: str = checked(_NAME)
    text: str = checked(checks.text)

    def check(self) -> None:
        if len(self.text.encode()) > LONGEST_SCRIPT:
            raise ValueError(f"Script {self.name}: longer than {LONGEST_SCRIPT} bytes")
        if not self.text.startswith("<?php"):
            raise ValueError(f"Script {self.name}: does not begin with <?php")

    @classmethod
    def read(cls, package: str, path: str) -> Script:
        """Read a script that a package ships: ``Script.read(__name__, "scripts/install.php")``."""
        file = files(package).joinpath(checks.relative(path))
        return cls(path.rpartition("/")[2], file.read_text(encoding="utf-8"))

    def as_data(self) -> dict[str, Any]:
        return {**super().as_data(), "sha256": hashlib.sha256(self.text.encode()).hexdigest()}


class Run(Declaration):
    """Run a program in the site's tree.

    ``argv[0]`` is the program's path; what is secret goes in by ``stdin`` or ``files``. These lie in
    ``/tmp/wsh-step`` as long as the step runs, readable by the account alone. ``timeout`` is in seconds,
    ``memory`` in bytes; ``network`` opens what is closed otherwise.
    """

    tag: ClassVar[Mapping[str, str]] = {"step": "run"}

    argv: tuple[Text, ...] = checked(checks.each(checks.argument, least=1))
    stdin: Text | None = checked(checks.optional(checks.text), default=None, kw_only=True)
    env: Mapping[str, Text] = checked(_TEXTS, default={}, kw_only=True)
    files: Mapping[str, Text] = checked(_FILES, default={}, kw_only=True)
    ok: tuple[int, ...] = checked(_STATUS, default=(0,), kw_only=True)
    timeout: int = checked(_SECONDS, default=300, kw_only=True)
    memory: int | None = checked(_BYTES, default=None, kw_only=True)
    network: bool = checked(checks.boolean, default=False, kw_only=True)

    def check(self) -> None:
        checks.absolute(self.argv[0])


class Php(Declaration):
    """Run PHP, an ``entry`` of the application or a ``script`` of the plugin, by the core's shim.

    Arguments and ``input`` travel on stdin, so both may hold secrets. ``expect`` is an expression that the
    output must match: some entries fail and return 0.
    """

    tag: ClassVar[Mapping[str, str]] = {"step": "php"}

    entry: str | None = checked(checks.optional(checks.relative), default=None, kw_only=True)
    script: Script | None = checked(checks.optional(checks.instance(Script)), default=None, kw_only=True)
    argv: tuple[Text, ...] = checked(checks.each(checks.frame_argument), default=(), kw_only=True)
    input: Text | None = checked(checks.optional(checks.text), default=None, kw_only=True)
    ini: Mapping[str, str] = checked(ini, default={}, kw_only=True)
    files: Mapping[str, Text] = checked(_FILES, default={}, kw_only=True)
    ok: tuple[int, ...] = checked(_STATUS, default=(0,), kw_only=True)
    expect: str | None = checked(checks.optional(checks.expression), default=None, kw_only=True)
    timeout: int = checked(_SECONDS, default=300, kw_only=True)
    memory: int | None = checked(_BYTES, default=None, kw_only=True)
    network: bool = checked(checks.boolean, default=False, kw_only=True)

    def check(self) -> None:
        if (self.entry is None) == (self.script is None):
            raise ValueError("Php: give either entry or script")


class Write(Declaration):
    """Write a file if there is none: from then on it is the customer's."""

    tag: ClassVar[Mapping[str, str]] = {"step": "write"}

    path: str = checked(checks.relative)
    content: Text = checked(checks.text)
    mode: str = checked(checks.mode, default="0640")


class Remove(Declaration):
    """Remove a file or a directory with all in it, if it is there."""

    tag: ClassVar[Mapping[str, str]] = {"step": "remove"}

    path: str = checked(checks.relative)


Step = Run | Php | Write | Remove
STEPS = (Run, Php, Write, Remove)
