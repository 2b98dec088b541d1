"""A server: a Debian host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from wsh_core import releases
from wsh_core.models.account import Account
from wsh_core.models.base import Described, Model
from wsh_core.models.origin import BY_HAND, Origin
from wsh_core.models.types import AbsolutePath, Address, Name, PhpVersion


def _php_of(values: Mapping[str, Any]) -> PhpVersion:
    return PhpVersion(releases.load(values["debian"]).php.version)


class ServerSsh(Model):
    """How wsh itself enters a server; what is left out is left to the operator's own SSH configuration."""

    called: ClassVar[str] = "a key of a server's ssh"

    user: Name = Field(Name("root"), description="Who logs in; another than root needs sudo.", examples=["admin"])
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="The port of its SSH server.", examples=[2222]
    )
    key: AbsolutePath | None = Field(
        None, description="The file of the private key.", examples=["/etc/wsh/ssh/id_ed25519"]
    )
    known_hosts: AbsolutePath | None = Field(
        None, description="The file that knows its host key.", examples=["/etc/wsh/ssh/known_hosts"]
    )


class Server(Described):
    """A Debian host and the accounts on it. The name of its directory is its own name."""

    called: ClassVar[str] = "a key of a server"

    address: Address = Field(
        description="Where it is reached: a name, an IP address, a host of ~/.ssh/config, or "
        "`localhost`: this machine, without SSH.",
        examples=["web1.example.org"],
    )
    debian: Literal[12, 13] = Field(description="Its release of Debian.", examples=[13])
    php: PhpVersion = Field(
        default_factory=_php_of, description="The version of PHP; Debian's own where it is left out.",
        examples=["8.4"],
    )  # fmt: skip
    ssh: ServerSsh = Field(default_factory=ServerSsh, description="How wsh enters it.", examples=[{"port": 2222}])
    hold: bool = Field(False, description="Whether to leave this server alone for now.", examples=[True])

    _name: Name = PrivateAttr()
    _accounts: dict[str, Account] = PrivateAttr(default_factory=dict)

    @classmethod
    def make(cls, name: str, values: Mapping[str, Any], accounts: Mapping[str, Account] | None = None) -> Self:
        """Make a server by hand. Raises pydantic.ValidationError, or Refused for its name."""
        return cls.read(Name(name), dict(values), BY_HAND).having(accounts or {})

    @classmethod
    def read(cls, name: Name, values: Any, origin: Origin) -> Self:
        """Make the server of a file. Raises pydantic.ValidationError."""
        server = cls.model_validate(values)
        server.bind(name, origin)
        return server

    def bind(self, name: Name, origin: Origin) -> None:
        """Tell a fresh server its name and where it was read."""
        self._name = name
        self.bind_origin(origin)

    def having(self, accounts: Mapping[str, Account]) -> Self:
        """The same server with these accounts."""
        server = self.model_copy()
        server._accounts = dict(accounts)  # noqa: SLF001 - its own kind
        return server

    @property
    def name(self) -> Name:
        """Its name: the name of its directory."""
        return self._name

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Its accounts by name, in the order of their names, without those that are held."""
        return self._accounts
