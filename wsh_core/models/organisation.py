"""The organisation: what holds for all its servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from wsh_core.models.base import Described, Many, Model
from wsh_core.models.origin import Origin
from wsh_core.models.package import EXAMPLE, Package
from wsh_core.models.types import DescriptionId, Email, Name, Repository, Text


class Mail(Model):
    """What the organisation's mails say."""

    called: ClassVar[str] = "a key of mail"

    sender: Email = Field(alias="from", description="The sender of mails to customers.",
                          examples=["support@example.coop"])  # fmt: skip
    signature: Text | None = Field(None, description="The line that ends them.", examples=["Example Hosting Co-op"])


class Composer(Model):
    """Where Composer finds the packages of applications."""

    called: ClassVar[str] = "a key of composer"

    repositories: Many[Repository] = Field(
        (),
        description="Asked instead of Packagist and of what projects name: mirrors, in this order.",
        examples=[["https://packages.example.org"]],
    )


class Organisation(Described):
    """What stands in wsh.yaml."""

    called: ClassVar[str] = "a key of wsh.yaml"

    description: DescriptionId = Field(
        description="The id of this description, made by `wsh init`; a server knows by it whose it is.",
        examples=["7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f"],
    )
    plugins: Many[Name] = Field(
        (), description="The plugins that may be loaded; no other is imported.", examples=[["wordpress"]]
    )
    mail: Mail | None = Field(
        None, description="What mails to customers say.", examples=[{"from": "support@example.coop"}]
    )
    composer: Composer = Field(
        default_factory=Composer,
        description="Where Composer finds packages.",
        examples=[{"repositories": ["https://packages.example.org"]}],
    )
    packages: dict[Name, Package] = Field(
        min_length=1,
        description="The limits that are sold, each under a name.",
        examples=[{"small": EXAMPLE}],
    )

    @classmethod
    def read(cls, values: Mapping[str, Any], origin: Origin) -> Self:
        """Make the organisation of a file. Raises pydantic.ValidationError."""
        organisation = cls.model_validate(values)
        organisation.bind_origin(origin)
        return organisation
