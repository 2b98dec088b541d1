"""WordPress for wsh. What is secret is made on the server; the database knows its user by the socket."""

from __future__ import annotations

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
    Layout,
    Line,
    NeedsOption,
    Php,
    Probe,
    Remove,
    Script,
    SiteContext,
    Step,
    VersionFile,
    Vhost,
    Write,
    hookimpl,
    php_constants,
    releases,
    upstream,
)

WSH_API = 1

KEYS = ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
"""WordPress has a key and a salt of each: they sign cookies and forms."""
ADDITIONS = tuple(f"wp-content/{name}" for name in ("languages", "mu-plugins", "plugins", "themes"))


class WordPressOptions(AppOptions):
    """What a site's YAML may say of its WordPress; nothing of it is needed."""

    title: Line | None = Field(None, description="Title of the site; else its domain", examples=["Alice's blog"])
    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,59}$")] | None = Field(
        None, description="Name of the first administrator; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="The administrator's mail address; else the account's", examples=["alice@example.org"]
    )


@hookimpl
def wsh_app() -> App:
    """WordPress, as this plugin knows it."""
    return App(
        "wordpress",
        "WordPress",
        options=WordPressOptions,
        releases=releases(__name__),
        upstream=upstream(__name__),
        version=VersionFile("wp-includes/version.php", r"^\$wp_version\s*=\s*'([^']+)'"),
        health=Probe("/wp-login.php", contains='name="log"'),
        up_to_date=Php(script=_script("up-to-date.php"), expect="^up to date$"),
        layout=Layout(
            config=("wp-config.php", ".htaccess"),
            data=("wp-content/uploads",),
            cache=("wp-content/cache",),
            additions=("wp-content", *ADDITIONS),
        ),
        database=Database(),
        extensions=(
            "ctype", "curl", "dom", "exif", "fileinfo", "gd", "iconv", "intl", "mbstring", "mysqli",
            "simplexml", "tokenizer", "xml", "xmlreader", "xmlwriter", "zip",
        ),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[WordPressOptions]) -> list[ConfigFile | Job]:
    """The constants that are the hosting's, a plugin that WordPress always loads, and its scheduled tasks."""
    constants = {
        "DB_NAME": site.database_name,
        "DB_USER": site.account,
        "DB_PASSWORD": "",  # the socket tells MariaDB who is there
        "DB_HOST": f"localhost:{site.database_socket}",
        "DB_CHARSET": "utf8mb4",
        "DB_COLLATE": "",
        **{f"{key}_{end}": site.secret(f"{key}-{end}".lower().replace("_", "-"), 64)
           for key in KEYS for end in ("KEY", "SALT")},
        "WP_HOME": site.url,
        "WP_SITEURL": site.url,
        "WP_AUTO_UPDATE_CORE": False,  # releases are wsh's, which can take them back
        "DISALLOW_FILE_EDIT": True,
        "DISABLE_WP_CRON": True,  # a timer does what visitors would wait for
        "FS_METHOD": "direct",
    }  # fmt: skip
    return [
        ConfigFile("wsh-config.php", php_constants(constants)),
        ConfigFile("wp-content/mu-plugins/wsh.php", _script("wsh.php").text),
        Job("cron", Php(entry="wp-cron.php", network=True), every="5min"),
    ]


@hookimpl
def wsh_install(site: SiteContext[WordPressOptions]) -> list[Step]:
    """WordPress's own installation, without its wizard."""
    options = site.options
    email = options.admin_email or site.email
    if email is None:
        raise NeedsOption("admin_email", f"the account {site.account} has no mail address")
    return [
        Remove("wp-config.php"),  # Debian's own reads /etc/wordpress
        Remove(".htaccess"),
        Write("wp-config.php", _script("wp-config.php").text, mode="0600"),
        Php(
            script=_script("install.php"),
            argv=(site.url, options.title or site.domains[0], options.admin or site.account, email),
            input=site.secret("admin"),
            expect=r"^(already )?installed$",
        ),
    ]


@hookimpl
def wsh_upgrade() -> list[Step]:
    """WordPress's own migration of the database."""
    return [Php(script=_script("upgrade.php"), expect="^upgraded$", timeout=3600)]


@hookimpl
def wsh_vhost() -> Vhost:
    """The whole tree is served, but for what no browser has business with."""
    return Vhost(
        fallback="/index.php",
        deny=(
            "wp-config.php", "wsh-config.php", "wp-config-sample.php", "wp-admin/install.php",
            "wp-admin/includes/", "wp-includes/*.php", "readme.html", "license.txt",
        ),
        no_php=("wp-content/uploads/",),
        php={"memory_limit": "256M", "post_max_size": "64M", "upload_max_filesize": "64M"},
    )  # fmt: skip


@cache
def _script(name: str) -> Script:
    return Script.read(__name__, f"scripts/{name}")
