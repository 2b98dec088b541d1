"""Matomo for wsh. It is installed by its own functions, so that no wizard is ever open to strangers."""

from __future__ import annotations

from collections.abc import Iterator
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
    hookimpl,
    releases,
    upstream,
)

WSH_API = 1

COLLATION = "utf8mb4_general_ci"


class MatomoOptions(AppOptions):
    """What a site's YAML may say of its Matomo; nothing of it is needed."""

    website: Line | None = Field(
        None, description="Name of the first website that is measured; else Matomo's own domain", examples=["Shop"]
    )
    website_url: Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?$")] | None = (
        Field(None, description="Its address; else Matomo's own", examples=["https://shop.example.org"])
    )
    admin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{1,59}$")] | None = Field(
        None, description="Name of the first superuser; else the account's name", examples=["alice"]
    )
    admin_email: Email | None = Field(
        None, description="The superuser's mail address; else the account's", examples=["alice@example.org"]
    )


@hookimpl
def wsh_app() -> App:
    """Matomo, as this plugin knows it."""
    return App(
        "matomo",
        "Matomo",
        options=MatomoOptions,
        releases=releases(__name__),
        upstream=upstream(__name__),
        version=VersionFile("core/Version.php", r"^\s*public const VERSION\s*=\s*'([^']+)'"),
        health=Probe("/index.php?module=Login", contains='name="form_nonce"'),
        up_to_date=Php(script=_script("up-to-date.php"), expect="^up to date$"),
        layout=Layout(("config/config.ini.php",), data=("misc/user",), cache=("tmp",), additions=("plugins", "misc")),
        database=Database(COLLATION),
        extensions=(
            "ctype", "curl", "dom", "fileinfo", "gd", "iconv", "intl", "mbstring", "pdo_mysql", "posix", "simplexml",
            "tokenizer", "xml", "xmlreader", "xmlwriter", "zip",
        ),
    )  # fmt: skip


@hookimpl
def wsh_config(site: SiteContext[MatomoOptions]) -> list[ConfigFile | Job]:
    """The settings that are the hosting's, and the making of reports, which visitors must not wait for."""
    archive = Php(entry="console", argv=("core:archive", f"--url={site.url}/"), timeout=3000, network=True)
    return [ConfigFile("config/common.config.ini.php", Join(*_settings(site))), Job("archive", archive, every="1h")]


@hookimpl
def wsh_install(site: SiteContext[MatomoOptions]) -> list[Step]:
    """What Matomo's wizard does, by the same functions."""
    options = site.options
    email = options.admin_email or site.email
    if email is None:
        raise NeedsOption("admin_email", f"the account {site.account} has no mail address")
    website = (options.website or site.domains[0], options.website_url or site.url)
    return [
        *_laid_out(),
        Php(
            script=_script("install.php"),
            argv=(options.admin or site.account, email, *website),
            input=site.secret("admin"),
            expect="^(already )?installed$",
        ),
    ]


@hookimpl
def wsh_upgrade() -> list[Step]:
    """Matomo's own migration of the database."""
    return [*_laid_out(), Php(entry="console", argv=("core:update", "--yes", "--no-interaction"), timeout=3600)]


@hookimpl
def wsh_vhost() -> Vhost:
    """Index, tracker and files for browsers are served, nothing else."""
    return Vhost(
        deny=(
            "config/", "core/", "lang/", "misc/composer/", "misc/cron/", "tests/", "tmp/", "vendor/", "autoload.php",
            "bootstrap.php", "composer.*", "console", "DIObject.php", "LegacyAutoloader.php", "vendor_config.php",
        ),
        no_php=("libs/", "misc/", "node_modules/", "plugins/"),
        php={"memory_limit": "256M"},
    )  # fmt: skip


def _laid_out() -> Iterator[Step]:
    """Debian's packages say where their parts lie in Debian's places; here these are in the tree."""
    yield Php(script=_script("lay-out.php"), expect="^laid out$")
    yield Remove("public")


def _settings(site: SiteContext[MatomoOptions]) -> Iterator[Text]:
    """In Matomo's own format; what stands here needs no quoting."""
    yield "; <?php exit; ?> DO NOT REMOVE THIS LINE\n[database]\n"
    yield f'host = ""\nport = "{site.database_socket}"\nusername = "{site.account}"\npassword = ""\n'
    yield f'dbname = "{site.database_name}"\ntables_prefix = "matomo_"\nadapter = "PDO\\MYSQL"\ntype = "InnoDB"\n'
    yield f'schema = "Mariadb"\ncharset = "utf8mb4"\ncollation = "{COLLATION}"\n\n[General]\n'
    yield from ('salt = "', site.secret("salt", 32), '"\n')
    yield from (f'trusted_hosts[] = "{domain}"\n' for domain in site.domains)
    yield "force_ssl = 1\nenable_auto_update = 0\nenable_browser_archiving_triggering = 0\n"
    yield "enable_load_data_infile = 0\n"  # no account may; Matomo would try it twice for each report
    if email := site.options.admin_email or site.email:
        yield f'noreply_email_address = "{email}"\n'


@cache
def _script(name: str) -> Script:
    return Script.read(__name__, f"scripts/{name}")
