"""What a new account will be: from options, from answers, and from there being only one server or package."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsh_core.cli import adding, questions
from wsh_core.cli.adding import Row
from wsh_core.cli.questions import Want
from wsh_core.cli.session import Session
from wsh_core.errors import UsageError


@dataclass(frozen=True)
class NewAccount:
    """An account that is about to be written."""

    server: str
    name: str
    full_name: str
    package: str
    email: str | None
    keys: Sequence[str]

    @property
    def content(self) -> dict[str, Any]:
        """What its file will hold."""
        keys = {"ssh": {"keys": list(self.keys)}} if self.keys else {}
        mail = {"email": self.email} if self.email else {}
        return {"name": self.full_name, **mail, "package": self.package, **keys}

    @property
    def rows(self) -> list[Row]:
        """What it will be, and which option says so."""
        return [
            ("account", f"{self.name} on {self.server}", "ACCOUNT; --server"),
            ("name", self.full_name, "--name"),
            ("mail", self.email or "none", "--email"),
            ("package", self.package, "--package"),
        ]


def wanted(session: Session, given: Mapping[str, Any]) -> NewAccount:
    """Work out a new account. Raises UsageError for what is missing, or cannot be."""
    from wsh_core.models.types import AccountName

    servers = sorted(session.description.servers)
    packages = sorted(session.description.organisation.packages)
    values = {
        **given,
        "server": given["server"] or _only(servers),
        "package": given["package"] or _only(packages),
    }
    wants = {
        "name": Want("ACCOUNT", "what it is called, such as alice", "Account", AccountName),
        "full_name": Want("--name TEXT", "whose it is, such as Alice Example", "Whose it is"),
        "package": Want("--package NAME", f"its limits: {', '.join(packages)}", "Package"),
        "server": Want("--server NAME", f"where it is to be: {', '.join(servers)}", "Server"),
    }
    lacking = {key: want for key, want in wants.items() if not values[key]}
    values |= questions.fill(session, lacking, "without --email it has no mail address")
    adding.one_of("server", values["server"], servers)
    adding.one_of("package", values["package"], packages)
    adding.is_a(AccountName, "ACCOUNT", values["name"])
    own = {key: values[key] for key in ("server", "name", "full_name", "package", "email")}
    return NewAccount(**own, keys=[_key(file) for file in given["keys"]])


def _only(names: Collection[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _key(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("usage.value", f"--ssh-key {file} cannot be read: {error}", "give a .pub file") from None
