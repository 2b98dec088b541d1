"""MediaWiki for wsh. What the hosting decides stands in one file; the database knows its user by the socket."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated

from pydantic import Field

from wsh_core.plugin import (
    App,
    AppOptions,
    ConfigFile,
    Database,
    Email,
    Job,
    Join,
    Layout,
    Line,
    Php,
    Probe,
    Script,
    SiteContext,
    Step,
    Text,
    VersionFile,
    Vhost,
    Write,
    hookimpl,
    php,
    releases,
    upstream,
)

WSH_API = 1

OURS = "LocalSettings.wsh.php"
RUN = "maintenance/run.php"


class MediaWikiOptions(AppOptions):
    """What a site's YAML may say of its wiki; nothing of it is needed."""

    title: Line | None = Field(None, description="Name of the wiki; else its domain", examples=["Alice's wiki"])
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z]{2,8})*$")] = Field(
        "en", description="Language of the wiki", examples=["en", "de", "zh-hant"]
    )
    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")] | None = Field(
        None, description="Name of the first administrator; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="Sender of the wiki's mail; else the account's address", examples=["alice@example.org"]
    )


@hookimpl
def wsh_app() -> App:
    """MediaWiki, as this plugin knows it."""
    return App(
        "mediawiki",
        "MediaWiki",
        options=MediaWikiOptions,
        releases=releases(__name__),
        upstream=upstream(__name__),
        version=VersionFile("includes/Defines.php", r"^define\( 'MW_VERSION', '([^']+)' \);"),
        health=Probe("/index.php?title=MediaWiki:Mainpage&uselang=en", contains='content="MediaWiki '),
        up_to_date=Php(script=_script("up-to-date.php"), expect="^up to date$"),
        layout=Layout(("LocalSettings.php",), data=("images",), cache=("cache",), additions=("extensions", "skins")),
        database=Database(),
        extensions=(
            "apcu", "calendar", "ctype", "curl", "dom", "exif", "fileinfo", "gd", "gmp", "iconv", "intl", "mbstring",
            "mysqli", "posix", "simplexml", "tokenizer", "xml", "xmlreader", "xmlwriter",
        ),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[MediaWikiOptions]) -> list[ConfigFile | Job]:
    """The settings that are the hosting's, and the wiki's own queue of work."""
    return [
        ConfigFile(OURS, _ours(site), after="install"),  # the installer refuses to run where there are settings
        Job("jobs", Php(entry=RUN, argv=("runJobs", "--maxjobs=1000", "--maxtime=50"), network=True), every="5min"),
    ]


@hookimpl
def wsh_install(site: SiteContext[MediaWikiOptions]) -> list[Step]:
    """MediaWiki's own installation; the settings that it writes are thrown away, with keys made elsewhere."""
    argv = (
        "install", f"--server={site.url}", "--scriptpath=", f"--lang={site.options.language}",
        "--dbtype=mysql", f"--dbserver=localhost:{site.database_socket}", f"--dbname={site.database_name}",
        f"--dbuser={site.account}", "--dbpass=", "--passfile=/tmp/wsh-step/password.txt", "--confpath=/tmp",
        "--", site.options.title or site.domains[0], site.options.admin or site.account,
    )  # fmt: skip
    said = f"<{re.escape(site.url)}>"  # in whatever language it invites to its first page
    return [
        Php(entry=RUN, argv=argv, files={"password.txt": site.secret("admin")}, expect=said),
        Write(OURS, _ours(site), mode="0600"),
        Write("LocalSettings.php", _script("LocalSettings.php").text, mode="0600"),
        *wsh_upgrade(),  # or MediaWiki has no record of what its tables are like
    ]


@hookimpl
def wsh_upgrade() -> list[Step]:
    """MediaWiki's own migration of the database."""
    return [Php(entry=RUN, argv=("update", "--quick"), expect="^Done in ", timeout=3600)]


@hookimpl
def wsh_vhost() -> Vhost:
    """Pages are below /wiki/; of the code only what a browser fetches is served."""
    return Vhost(
        fallback="/index.php",
        deny=(
            "LocalSettings.php", OURS, "cache/", "config/", "docs/", "includes/", "languages/", "maintenance/",
            "mw-config/", "tests/", "vendor/", "composer.*",
        ),
        no_php=("extensions/", "images/", "resources/", "skins/"),
        headers={"X-Content-Type-Options": "nosniff"},
        php={"memory_limit": "256M", "post_max_size": "64M", "upload_max_filesize": "64M"},
    )  # fmt: skip


def _ours(site: SiteContext[MediaWikiOptions]) -> Text:
    email = site.options.admin_email or site.email
    settings = {
        "wgSitename": site.options.title or site.domains[0],
        "wgServer": site.url,
        "wgLanguageCode": site.options.language,
        "wgDBserver": f"localhost:{site.database_socket}",
        "wgDBname": site.database_name,
        "wgDBuser": site.account,
        "wgSecretKey": site.secret("secret-key", 64),
        "wgUpgradeKey": site.secret("upgrade-key", 24),
        "wgEnableEmail": email is not None,
        "wgPasswordSender": email or "",
        "wgEmergencyContact": email or "",
    }
    lines = (part for name, value in settings.items() for part in (f"${name} = ", php(value), ";\n"))
    return Join(_script("settings.php").text, "\n", *lines)


@cache
def _script(name: str) -> Script:
    return Script.read(__name__, f"scripts/{name}")
