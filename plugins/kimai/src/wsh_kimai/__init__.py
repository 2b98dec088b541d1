"""Kimai for wsh. What is secret is made on the server; the database knows its user by the socket."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from wsh_core.plugin import (
    App,
    AppOptions,
    ConfigFile,
    Database,
    Email,
    Join,
    Layout,
    NeedsOption,
    Php,
    Probe,
    SiteContext,
    Step,
    VersionFile,
    Vhost,
    Write,
    hookimpl,
    releases,
)

WSH_API = 1

CLI = "bin/console"
"""Symfony's console, with Kimai's commands."""
MARIADB = "10.11.0-MariaDB"
"""What Kimai's database layer is told instead of asking at each request: the oldest MariaDB that a server has.

It knows no difference between this one and newer ones.
"""
MEMORY = 512 << 20
"""Bytes that the filling of Kimai's cache may take; it needs more than 256 MiB."""
OWN = """\
# Variables of your own. Those in .env.local are the hosting's and win; changes of that file are undone.
CORS_ALLOW_ORIGIN='^https?://localhost(:[0-9]+)?$'
"""


class KimaiOptions(AppOptions):
    """What a site's YAML may say of its Kimai; nothing of it is needed."""

    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,59}$")] | None = Field(
        None, description="Name of the first administrator; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="The administrator's mail address; else the account's", examples=["alice@example.org"]
    )
    mail_from: Email | None = Field(
        None, description="Sender of the mail that Kimai sends; else the account's address", examples=["t@example.org"]
    )


@hookimpl
def wsh_app() -> App:
    """Kimai, as this plugin knows it."""
    return App(
        "kimai",
        "Kimai",
        options=KimaiOptions,
        releases=releases(__name__),
        version=VersionFile("src/Constants.php", r"^\s*public const VERSION\s*=\s*'([^']+)'"),
        health=Probe("/en/login", contains='name="_csrf_token"'),
        # of migrations that the code does not know it says so, and returns 0
        up_to_date=Php(entry=CLI, argv=("doctrine:migrations:up-to-date", "-n"), expect="Up-to-date!"),
        layout=Layout(
            config=(".env", "config/packages/local.yaml"),
            data=("var/data", "var/invoices", "var/export", "var/log"),
            cache=("var/cache",),
            additions=("var/plugins", "var/packages"),
        ),
        database=Database(),
        extensions=(
            "ctype", "curl", "dom", "fileinfo", "gd", "iconv", "intl", "mbstring", "pdo_mysql", "simplexml",
            "tokenizer", "xml", "xmlreader", "xmlwriter", "xsl", "zip",
        ),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[KimaiOptions]) -> list[ConfigFile]:
    """All of Kimai's configuration outside its database, but for what the account adds in .env and local.yaml."""
    hosts = "|".join(re.escape(domain) for domain in site.domains)
    sender = site.options.mail_from or site.email or f"kimai@{site.domains[0]}"
    return [
        ConfigFile(
            ".env.local",
            Join(
                "APP_ENV='prod'\nAPP_SECRET='", site.secret("app-secret", 64), "'\n",
                f"DATABASE_URL='mysql://{site.account}@localhost/{site.database_name}"
                f"?unix_socket={site.database_socket}&charset=utf8mb4&serverVersion={MARIADB}'\n",
                f"DEFAULT_URI='{site.url}'\nTRUSTED_HOSTS='^({hosts})$'\n",
                f"MAILER_FROM='{sender}'\nMAILER_URL='native://default'\n",
            ),
        )
    ]  # fmt: skip


@hookimpl
def wsh_install(site: SiteContext[KimaiOptions]) -> list[Step]:
    """Kimai's own installation, and the first administrator."""
    options = site.options
    email = options.admin_email or site.email
    if email is None:
        raise NeedsOption("admin_email", f"the account {site.account} has no mail address")
    user = (options.admin or site.account, email, "ROLE_SUPER_ADMIN", site.secret("admin"))
    return [
        Write(".env", OWN, mode="0600"),
        *_migration(),
        Php(entry=CLI, argv=("kimai:user:create", *user, "-n"), expect="Created user"),
    ]


@hookimpl
def wsh_upgrade() -> list[Step]:
    """The same command installs and upgrades."""
    return _migration()


@hookimpl
def wsh_vhost() -> Vhost:
    """Only ``public`` is served, and of its programs the one that answers for everything."""
    return Vhost(
        docroot="public",
        fallback="/index.php",
        no_php=("build/", "bundles/"),
        php={"memory_limit": "256M", "post_max_size": "32M", "upload_max_filesize": "32M"},
    )


def _migration() -> list[Step]:
    return [
        Php(entry=CLI, argv=("kimai:install", "-n"), expect="Successfully installed", memory=MEMORY),
        Php(entry=CLI, argv=("assets:install", "-n")),
    ]
