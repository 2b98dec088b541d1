"""Drupal for wsh. Drush installs and migrates it; what is secret is made on the server and travels by no list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

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
    NeedsOption,
    Php,
    Probe,
    Remove,
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

DRUSH = "vendor/bin/drush.php"
SETTINGS, FILES = "web/sites/default/settings.php", "web/sites/default/files"
RECIPES = {"standard": ("article_content_type", "page_content_type"), "minimal": ()}  # what profiles leave to them


class DrupalOptions(AppOptions):
    """What a site's YAML may say of its Drupal; nothing of it is needed."""

    title: Line | None = Field(None, description="Name of the site; else its domain", examples=["Alice's pages"])
    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,59}$")] | None = Field(
        None, description="Name of the first administrator; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="The administrator's mail address; else the account's", examples=["alice@example.org"]
    )
    profile: Literal["standard", "minimal"] = Field(
        "standard", description="What Drupal starts with: pages, articles and editors, or nothing"
    )


@hookimpl
def wsh_app() -> App:
    """Drupal, as this plugin knows it."""
    return App(
        "drupal",
        "Drupal",
        options=DrupalOptions,
        releases=releases(__name__),
        version=VersionFile("web/core/lib/Drupal.php", r"^\s*const VERSION = '([^']+)';"),
        health=Probe("/user/login", contains="user_login_form"),
        up_to_date=Php(entry=DRUSH, argv=("php:script", "-"), input=_script("up-to-date.php"), expect="^up to date$"),
        layout=Layout(
            (SETTINGS, "web/sites/default/services.yml"), (FILES,), (f"{FILES}/css", f"{FILES}/js", f"{FILES}/php"),
            outside=("private", "config"),
            additions=("web/modules", "web/themes", "web/profiles", "web/libraries", "recipes"),
        ),
        database=Database("utf8mb4_general_ci"),
        extensions=(
            "apcu", "ctype", "curl", "dom", "exif", "fileinfo", "gd", "iconv", "intl", "mbstring", "pdo_mysql",
            "posix", "simplexml", "tokenizer", "xml", "xmlreader", "xmlwriter", "zip",
        ),
        upstream=upstream(__name__),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[DrupalOptions]) -> list[ConfigFile | Job]:
    """The settings that are the hosting's, and Drupal's cron."""
    ours = ConfigFile("settings.wsh.php", Join(*_settings(site)))
    return [ours, Job("cron", _drush(site, "core:cron"), every="1h")]


@hookimpl
def wsh_install(site: SiteContext[DrupalOptions]) -> list[Step]:
    """Drupal's own installation, by Drush."""
    options = site.options
    email = options.admin_email or site.email
    if email is None:
        raise NeedsOption("admin_email", f"the account {site.account} has no mail address")
    names = (f"--site-name={options.title or site.domains[0]}", f"--account-name={options.admin or site.account}")
    mails = (f"--site-mail={email}", f"--account-mail={email}", Join("--account-pass=", site.secret("admin")))
    return [
        Remove(SETTINGS),
        Write(SETTINGS, "<?php\n" + _script("settings.php"), mode="0600"),
        _drush(site, "site:install", options.profile, "--yes", *names, *mails),
        *(_drush(site, "recipe", f"core/recipes/{name}") for name in RECIPES[options.profile]),
        _drush(site, "status", "--field=bootstrap", expect="^Successful$"),
    ]


@hookimpl
def wsh_upgrade(site: SiteContext[DrupalOptions]) -> list[Step]:
    """Drupal's own migration of the database."""
    return [_drush(site, "updatedb", "--yes"), _drush(site, "cache:rebuild")]


@hookimpl
def wsh_vhost() -> Vhost:
    """Only index.php is executed. Drupal's own .htaccess keeps visitors from the kinds of files that are code."""
    return Vhost(
        docroot="web",
        fallback="/index.php",
        deny=(
            "autoload*.php", "core/authorize.php", "core/install.php", "core/rebuild.php", "update.php", "core/*.yml",
            "sites/default/*.php", "sites/default/*.yml", "*.md", "INSTALL.txt", "example.gitignore", "web.config",
        ),
        no_php=("core/", "libraries/", "modules/", "profiles/", "sites/", "themes/"),
        headers={"X-Content-Type-Options": "nosniff"},
        php={"memory_limit": "256M", "post_max_size": "64M", "upload_max_filesize": "64M"},
    )  # fmt: skip


def _drush(site: SiteContext[DrupalOptions], *argv: Text, expect: str | None = None) -> Php:
    return Php(entry=DRUSH, argv=(*argv, f"--uri={site.url}"), expect=expect, timeout=3600)


def _settings(site: SiteContext[DrupalOptions]) -> Iterator[Text]:
    database = {"database": site.database_name, "username": site.account, "unix_socket": site.database_socket}
    yield from ("<?php\n$databases['default']['default'] = ", php(database), ";\n")
    settings = {
        "hash_salt": site.secret("hash-salt", 64),
        "trusted_host_patterns": [f"^{re.escape(domain)}$" for domain in site.domains],
        "config_sync_directory": site.outside("config"),
        "file_private_path": site.outside("private"),
    }
    yield from (part for name, value in settings.items() for part in (f"$settings['{name}'] = ", php(value), ";\n"))
    yield _script("settings.wsh.php")


def _script(name: str) -> str:
    return Script.read(__name__, f"scripts/{name}").text.removeprefix("<?php\n")
