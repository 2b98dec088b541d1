"""Nextcloud for wsh. Upgrades replace its code; what people keep in it lies beside the tree."""

from __future__ import annotations

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
    NeedsOption,
    Php,
    Probe,
    Run,
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

MEMORY = {"memory_limit": "512M"}
"""What Nextcloud asks for: a limit of one request or command, not what they use."""


class NextcloudOptions(AppOptions):
    """What a site's YAML may say of its Nextcloud; nothing of it is needed."""

    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,59}$")] | None = Field(
        None, description="Name of the first administrator; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="The administrator's mail address; else the account's", examples=["alice@example.org"]
    )
    phone_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        None, description="Country of phone numbers without a country code (ISO 3166-1)", examples=["DE"]
    )
    internet: bool = Field(
        True, description="Whether Nextcloud asks other servers: its app store, federation", examples=[False]
    )


@hookimpl
def wsh_app() -> App:
    """Nextcloud, as this plugin knows it."""
    return App(
        "nextcloud", "Nextcloud", options=NextcloudOptions, releases=releases(__name__), upstream=upstream(__name__),
        version=VersionFile("version.php", r"^\$OC_VersionString\s*=\s*'([^']+)'"),
        health=Probe("/index.php/login", contains="data-requesttoken="),
        up_to_date=_occ("status", "--exit-code"),
        layout=Layout(config=("config",), data=("custom_apps",), outside=("data",), additions=("themes",)),
        database=Database("utf8mb4_bin"),
        extensions=(
            "apcu", "bcmath", "ctype", "curl", "dom", "exif", "fileinfo", "gd", "gmp", "iconv", "intl", "mbstring",
            "pdo_mysql", "posix", "simplexml", "sysvsem", "xml", "xmlreader", "xmlwriter", "zip",
        ),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[NextcloudOptions]) -> list[ConfigFile | Job]:
    """The settings that are the hosting's, which Nextcloud merges into its own, and its background jobs."""
    settings = {
        "dbhost": f"localhost:{site.database_socket}",
        "dbname": site.database_name,
        "dbuser": site.account,
        "trusted_domains": site.domains,
        "overwrite.cli.url": site.url,
        "datadirectory": site.outside("data"),
        "apps_paths": [
            {"path": f"{site.tree}/apps", "url": "/apps", "writable": False},
            {"path": f"{site.tree}/custom_apps", "url": "/custom_apps", "writable": True},
        ],
        "default_phone_region": site.options.phone_region,
        "has_internet_connection": site.options.internet,
    }
    shared = Script.read(__name__, "scripts/wsh.config.php").text
    cron = Php(entry="cron.php", ini=MEMORY, timeout=3600, network=site.options.internet)
    return [
        ConfigFile("config/wsh.config.php", Join(shared, "$CONFIG += ", php(settings), ";\n")),
        Job("cron", cron, every="5min"),
    ]


@hookimpl
def wsh_install(site: SiteContext[NextcloudOptions]) -> list[Step]:
    """Nextcloud's own installation, and what it leaves to the administrator."""
    email = site.options.admin_email or site.email
    if email is None:
        raise NeedsOption("admin_email", f"the account {site.account} has no mail address")
    return [
        Run(("/usr/bin/chmod", "0700", f"{site.tree}/config")),  # its secrets are not for the web server
        Write("custom_apps/.keep", ""),
        _occ(
            "maintenance:install", "--database=mysql", f"--database-host=localhost:{site.database_socket}",
            f"--database-name={site.database_name}", f"--database-user={site.account}", "--database-pass=",
            f"--admin-user={site.options.admin or site.account}", Join("--admin-pass=", site.secret("admin")),
            f"--admin-email={email}", f"--data-dir={site.outside('data')}",
        ),
        _occ("background:cron"),
        _occ("maintenance:repair", "--include-expensive"),
        _SHORT_ADDRESSES,
    ]  # fmt: skip


@hookimpl
def wsh_upgrade(site: SiteContext[NextcloudOptions]) -> list[Step]:
    """The migration, and what Nextcloud leaves to the administrator after it."""
    return [
        _occ("upgrade", network=site.options.internet),
        *(_occ(f"db:add-missing-{what}") for what in ("columns", "indices", "primary-keys")),
        _SHORT_ADDRESSES,
    ]


@hookimpl
def wsh_vhost() -> Vhost:
    """The tree is served, but for what no browser has business with. Other headers are Nextcloud's own."""
    return Vhost(
        fallback="/index.php",
        deny=("3rdparty/", "config/", "console.php", "cron.php", "data/", "lib/", "occ", "updater/"),
        no_php=("apps/", "core/", "custom_apps/", "dist/", "resources/", "themes/"),
        redirects={f"/.well-known/{what}": "/remote.php/dav/" for what in ("caldav", "carddav")},
        headers={"Strict-Transport-Security": "max-age=15552000"},
        body_limit=0,  # files come whole by PUT
        timeout=3600,
        php={**MEMORY, "post_max_size": "1G", "upload_max_filesize": "1G"},
    )  # fmt: skip


def _occ(*argv: Text, network: bool = False, ok: tuple[int, ...] = (0,)) -> Php:
    return Php(entry="occ", argv=(*argv, "--no-interaction"), ini=MEMORY, timeout=3600, network=network, ok=ok)


_SHORT_ADDRESSES = _occ("maintenance:update:htaccess", ok=(0, 1))  # a tree without .htaccess does without them
