"""A site: what is served under its domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, PrivateAttr

from wsh_core.models.base import Described, Many
from wsh_core.models.origin import BY_HAND, Origin
from wsh_core.models.php import PhpSettings
from wsh_core.models.types import AccountName, DomainName, Name, ReleaseName, SiteKey

BUILT_IN_APPS = ("php", "static")
"""Applications that need no plugin: files of the account's own, with PHP and without."""


class Site(Described):
    """What an account serves under some domains. Its identity is `account/key`; the domains may change."""

    called: ClassVar[str] = "a key of a site"

    domains: Many[DomainName] = Field(
        min_length=1,
        description="The names it is reached by; the first is canonical, the others lead to it.",
        examples=[["blog.example.org", "www.blog.example.org"]],
    )
    app: Name = Field(
        description="What it runs: `static` (files), `php` (files and PHP), or the application of a plugin.",
        examples=["wordpress"],
    )
    options: dict[str, Any] = Field(
        {}, description="The options of its application.", examples=[{"title": "Alice writes"}]
    )
    release: ReleaseName | None = Field(
        None, description="The application's release; the newest checked one where it is left out.",
        examples=["6.8.3"],
    )  # fmt: skip
    settings: PhpSettings = Field(
        default_factory=PhpSettings,
        alias="php",
        description="PHP settings of this site.",
        examples=[{"memory_limit": "256M"}],
    )

    _account: AccountName = PrivateAttr()
    _key: SiteKey = PrivateAttr()

    @classmethod
    def make(cls, account: str, key: str, values: Mapping[str, Any]) -> Self:
        """Make a site by hand. Raises pydantic.ValidationError, or Refused for its names."""
        site = cls.model_validate(dict(values))
        site.bind(AccountName(account), SiteKey(key), BY_HAND)
        return site

    def bind(self, account: AccountName, key: SiteKey, origin: Origin) -> None:
        """Tell a fresh site whose it is and where it was read; the account that holds it does so."""
        self._account, self._key = account, key
        self.bind_origin(origin)

    @property
    def account(self) -> AccountName:
        """The account it belongs to."""
        return self._account

    @property
    def key(self) -> SiteKey:
        """Its name within the account."""
        return self._key

    @property
    def id(self) -> str:
        """Its name everywhere: `alice/blog`."""
        return f"{self._account}/{self._key}"

    @property
    def slug(self) -> str:
        """Its name in file names: `alice-blog`."""
        return f"{self._account}-{self._key}"

    @property
    def php(self) -> Mapping[str, str]:
        """Its PHP settings by their names in php.ini, as php.ini takes them."""
        return self.settings.ini()
