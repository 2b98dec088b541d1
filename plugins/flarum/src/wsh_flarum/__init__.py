"""Flarum for wsh. The database knows its user by the socket; the administrator's password is made on the server."""

from __future__ import annotations

import json
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
    NeedsOption,
    Php,
    Probe,
    Script,
    SiteContext,
    Step,
    Text,
    VersionFile,
    Vhost,
    hookimpl,
    php,
    releases,
)

WSH_API = 1

CLI = "flarum"
"""Flarum's own program, at the top of its tree."""
ANSWERS = "answers.json"
COLLATION = "utf8mb4_unicode_ci"
EXTENSIONS = (
    "approval", "bbcode", "emoji", "flags", "lang-english", "likes", "lock", "markdown", "mentions", "statistics",
    "sticky", "subscriptions", "suspend", "tags",
)  # fmt: skip
"""Flarum's own choice. Its installer enables none, not even a language, if the file does not list them."""


class FlarumOptions(AppOptions):
    """What a site's YAML may say of its Flarum; nothing of it is needed."""

    title: Line | None = Field(None, description="Title of the forum; else its domain", examples=["Alice's forum"])
    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{2,30}$")] | None = Field(
        None, description="Name of the first administrator; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="The administrator's mail address; else the account's", examples=["alice@example.org"]
    )


@hookimpl
def wsh_app() -> App:
    """Flarum, as this plugin knows it."""
    return App(
        "flarum",
        "Flarum",
        options=FlarumOptions,
        releases=releases(__name__),
        version=VersionFile("vendor/flarum/core/src/Foundation/Application.php", r"^\s*const VERSION\s*=\s*'([^']+)'"),
        # before a migration every page is "Update Flarum", with the status 200
        health=Probe("/", contains='id="flarum-json-payload"'),
        up_to_date=Php(script=Script.read(__name__, "scripts/up-to-date.php"), expect="^up to date$"),
        layout=Layout(
            config=("extend.php",),
            data=("storage", "public/assets"),
            cache=("storage/cache", "storage/formatter", "storage/locale", "storage/views"),
        ),
        database=Database(COLLATION),
        extensions=(
            "curl", "dom", "fileinfo", "gd", "intl", "mbstring", "pdo_mysql", "simplexml", "tokenizer", "xml", "zip",
        ),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[FlarumOptions]) -> list[ConfigFile | Job]:
    """The whole configuration, once the installer, which refuses to find it, has written its own."""
    config = {
        "debug": False,
        "database": {
            "driver": "mysql",
            "host": "localhost",
            "unix_socket": site.database_socket,
            "database": site.database_name,
            "username": site.account,
            "password": "",  # the socket tells MariaDB who is there
            "charset": "utf8mb4",
            "collation": COLLATION,
            "prefix": "",
            "strict": False,
        },
        "url": site.url,
        "paths": {"api": "api", "admin": "admin"},
        "headers": {"poweredByHeader": False, "referrerPolicy": "same-origin"},
    }
    return [
        ConfigFile("config.php", Join("<?php\nreturn ", php(config), ";\n"), after="install"),
        Job("schedule", Php(entry=CLI, argv=("schedule:run",)), every="1min"),
    ]


@hookimpl
def wsh_install(site: SiteContext[FlarumOptions]) -> list[Step]:
    """Flarum's own installation; its answers come in a file that is gone when it ends."""
    argv = ("install", f"--file=/tmp/wsh-step/{ANSWERS}", "-n")
    return [Php(entry=CLI, argv=argv, files={ANSWERS: _answers(site)}, expect=r"DONE\.$")]


@hookimpl
def wsh_upgrade() -> list[Step]:
    """Migrate the database, then make what is derived from the code anew."""
    return [Php(entry=CLI, argv=(name, "-n")) for name in ("migrate", "cache:clear", "assets:publish")]


@hookimpl
def wsh_vhost() -> Vhost:
    """Only ``public`` is served; members' pictures are in its ``assets``, which holds no programs."""
    return Vhost(
        docroot="public",
        fallback="/index.php",
        deny=("web.config", "assets/.gitkeep"),
        no_php=("assets/",),
        php={"memory_limit": "256M", "post_max_size": "32M", "upload_max_filesize": "32M"},
    )


def _answers(site: SiteContext[FlarumOptions]) -> Text:
    options = site.options
    email = options.admin_email or site.email
    if email is None:
        raise NeedsOption("admin_email", f"the account {site.account} has no mail address")
    database = {"database": site.database_name, "username": site.account, "password": ""}  # host: localhost, a socket
    told = {
        "baseUrl": site.url,
        "databaseConfiguration": database,
        "settings": {"forum_title": options.title or site.domains[0], "mail_driver": "mail"},
        "extensions": ",".join(f"flarum-{name}" for name in EXTENSIONS),
    }
    user = {"username": options.admin or site.account, "email": email}
    opened = f'{json.dumps(told)[:-1]}, "adminUser": {json.dumps(user)[:-1]}, "password": "'
    return Join(opened, site.secret("admin"), '"}}\n')
