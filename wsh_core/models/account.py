"""An account: a Unix user with a home, a jail, sites and databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr

from wsh_core.models.base import Described, Many, Model
from wsh_core.models.origin import BY_HAND, Origin
from wsh_core.models.site import Site
from wsh_core.models.types import AccountName, Email, Name, PhpVersion, SiteKey, SshKey, Text

EXAMPLE_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aRKy5k+TdH2TCpzTuTbojLdlAGA0FU1UuHZlf+U6q alice@laptop"


class Ssh(Model):
    """How the account's people log in."""

    called: ClassVar[str] = "a key of ssh"

    keys: Many[SshKey] = Field(
        (), description="Public keys that may log in, each as it stands in the .pub file.",
        examples=[[EXAMPLE_KEY]],
    )  # fmt: skip
    password: bool = Field(
        False, description="Whether a password may log in too; it is made on the server.", examples=[True]
    )


class Account(Described):
    """What one customer has on one server. The name of its file is its own name."""

    called: ClassVar[str] = "a key of an account"

    full_name: Text = Field(alias="name", description="Whose account it is.", examples=["Alice Example"])
    email: Email | None = Field(
        None,
        description="Where its mail goes: passwords, notices, what cron says.",
        examples=["alice@example.org"],
    )
    package: Name = Field(description="The package of wsh.yaml that it has.", examples=["small"])
    ssh: Ssh = Field(default_factory=Ssh, description="How its people log in.", examples=[{"password": True}])
    php: PhpVersion | None = Field(
        None, description="The version of PHP; the server's where it is left out.", examples=["8.4"]
    )
    sites: dict[SiteKey, Site] = Field(
        {}, description="Its sites, each under a key that never changes.",
        examples=[{"blog": {"domains": ["blog.example.org"], "app": "static"}}],
    )  # fmt: skip

    _name: AccountName = PrivateAttr()

    @classmethod
    def make(cls, name: str, values: Mapping[str, Any]) -> Self:
        """Make an account by hand. Raises pydantic.ValidationError, or Refused for its name."""
        return cls.read(AccountName(name), dict(values), BY_HAND)

    @classmethod
    def read(cls, name: AccountName, values: Any, origin: Origin) -> Self:
        """Make the account of a file. Raises pydantic.ValidationError."""
        account = cls.model_validate(values)
        account.bind(name, origin)
        return account

    def bind(self, name: AccountName, origin: Origin) -> None:
        """Tell a fresh account its name and where it was read, and its sites whose they are."""
        self._name = name
        self.bind_origin(origin)
        for key, site in self.sites.items():
            site.bind(name, key, origin.below("sites", key, object=f"site:{name}/{key}"))

    @property
    def name(self) -> AccountName:
        """Its name: the Unix user, the name of its file."""
        return self._name
