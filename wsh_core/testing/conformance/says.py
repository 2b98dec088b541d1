"""What an author says of an application, so that the kit can use it as its people do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .browser import Browser
from .machine import Machine

if TYPE_CHECKING:
    from .stage import Site


class Says:
    """The declaration: what stands here without a value has to be said, the rest may be."""

    app: ClassVar[str]
    """The name of the application."""

    options: ClassVar[str] = ""
    """The options of the sites that are checked, as YAML: ``title: Words``."""

    cases: ClassVar[tuple[str, ...]] = ()
    """Further options, as YAML; for each a site is installed, and its front page and login are tried."""

    denied: ClassVar[tuple[str, ...]] = ()
    """Paths that visitors must not get, although there is a file: ``/config.php``."""

    release: str | None = None
    """The release of the sites that are checked; without it, the one that the plugin prefers."""

    upgrade: tuple[str, str] | None = None
    """Two releases, the older first, between which the upgrade is tried. `prepare` may set both."""

    public: ClassVar[bool] = True
    """Whether strangers may read what was written; if not, the kit sees to it that they cannot."""

    password: ClassVar[str] = "admin"  # noqa: S105 - the name of a secret
    """The secret that is the administrator's password."""

    volatile: ClassVar[tuple[str, ...]] = ()
    """Tables, and files below the site's directory, that change whenever a page is shown (``cache_*``,
    ``data/app.log``): they do not count in comparisons."""

    seconds: ClassVar[float] = 120
    """How long one installation may take."""

    memory: ClassVar[str] = "512M"
    """The memory of the package that is sold for it, which all processes of an account with two sites must respect."""

    def prepare(self, machine: Machine) -> str | None:
        """Put releases on the server that it cannot fetch; return the text of ``releases/APP.toml``, or None."""
        del machine
        return None

    def login(self, browser: Browser, password: str) -> bool:
        """Log in as the administrator; whether the application let one in."""
        raise NotImplementedError

    def write(self, browser: Browser, words: str) -> str:
        """Write content that holds *words*, as the administrator who has logged in; the path at which to read it."""
        raise NotImplementedError

    def read(self, browser: Browser, path: str) -> str:
        """What *path* shows, as text; of a stranger, or where content is not `public`, of who has logged in."""
        return browser.get(path).text

    def enter(self, site: Site) -> Browser:
        """A browser that has logged in; AssertionError if the application does not let it in."""
        browser = site.browser()
        known = site.secret(self.password)
        assert self.login(browser, known), f"the administrator's password does not open {site.url}"
        return browser
