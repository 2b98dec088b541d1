"""What a hook is told about the site that it is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wsh_core.resources.text import Secret

from .options import OptionsModel

Options_co = TypeVar("Options_co", bound=OptionsModel, covariant=True)


@dataclass(frozen=True)
class SiteContext(Generic[Options_co]):
    """One site, as its plugin sees it. Paths hold inside the jail and outside.

    ``domains`` are A-labels, the first is canonical; ``email`` is the account's, if it has one; ``database``
    is the name of the site's, None if the app has none; ``version`` is that of the release to be installed.
    """

    account: str
    key: str
    domains: tuple[str, ...]
    email: str | None
    options: Options_co
    version: str
    php: str
    tree: str
    database: str | None
    database_socket: str

    @property
    def url(self) -> str:
        """The canonical URL, without a slash at its end."""
        return f"https://{self.domains[0]}"

    @property
    def database_name(self) -> str:
        """The database's name, for apps that have one; TypeError if the app declares none."""
        if self.database is None:
            raise TypeError(f"{self.account}/{self.key}: the app declares no database")
        return self.database

    def outside(self, name: str) -> str:
        """The path of a directory that the layout declares to lie beside the tree."""
        return f"{self.tree.rpartition('/')[0]}/{name}"

    def secret(self, name: str, length: int = 24) -> Secret:
        """A secret of this site: letters and digits, made on the server once for each name.

        Raises:
            ValueError: the name is not of the form ``auth-key``.
        """
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", name):
            raise ValueError(f"{name!r} is no name of a secret: give one such as 'auth-key'")
        return Secret(f"{self.account}/{self.key}/{name}", length)


AnySite = SiteContext[Any]
