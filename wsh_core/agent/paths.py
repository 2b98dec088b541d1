"""Every path, name and number of a server that more than one part of wsh knows."""

from __future__ import annotations

LIB = "/usr/lib/wsh"
GUARD = f"{LIB}/guard.php"
SHIM = f"{LIB}/shim.php"
FPM_CONF = f"{LIB}/php-fpm.conf"
AGENT = f"{LIB}/agent.pyz"
"""A link to the agent that was used last: what units start."""

ETC = "/etc/wsh"
SERVER_FILE = f"{ETC}/server.json"
UID_FLOOR = f"{ETC}/uid-floor"
SECRETS = f"{ETC}/secrets"

STATE = "/var/lib/wsh"
LEDGER = f"{STATE}/ledger.db"
OPERATIONS = f"{STATE}/operations"
JAILS = f"{STATE}/jail"
FENCES = f"{STATE}/fence"
JOBS = f"{STATE}/jobs"
"""What each job is given on its standard input; systemd opens it."""
CA = f"{STATE}/ca"
TLS = f"{STATE}/tls"

CACHE = "/var/cache/wsh"
CACHED = f"{CACHE}/sha256"
"""Releases by their checksum, checked by root before they get this name."""
PACKAGES = f"{CACHE}/debian"
"""The checksum of each Debian package that was fetched, by name and version."""
COMPOSED = f"{CACHE}/composer"
"""What was made of each Composer project: the checksum of its bundle, and its lock, by the digest of its source."""
INCOMING = f"{CACHE}/incoming"
"""Where the user that fetches may write, and what nobody trusts."""
LOGS = "/var/log/wsh"
OPERATION_LOGS = f"{LOGS}/operations"
LOCK = "/run/wsh.lock"

STEP_FILES = "/tmp/wsh-step"
"""In the jail: where the files and the script of the step that runs lie (a /tmp of the step's own)."""
JAIL_SOURCES = "/tmp/wsh-source"
"""In the jail: where the releases that are unpacked are shown, read-only, as 0, 1, …"""

SNAPSHOT_TREE, SNAPSHOT_DUMP, SNAPSHOT_ABOUT = "tree", "database.sql.gz", "about.json"
"""What a snapshot of a site consists of."""

HOMES = "/home"
FPM_SOCKETS = "/run/wsh/fpm"
VHOSTS = "/etc/apache2/wsh/sites"
HTACCESS = "/etc/apache2/wsh/htaccess.conf"
"""What a site's .htaccess may say; each virtual host includes it."""
UNITS = "/etc/systemd/system"
UNIT_PROPERTIES = "/etc/systemd/system.control"
MARIADB_SOCKET = "/run/mysqld/mysqld.sock"

TARGET = "wsh.target"
GROUP = "wsh"
GROUP_GID = 5999
FIRST_UID = 6000
LAST_UID = 59999
"""Accounts' uids lie in FIRST_UID..LAST_UID; those of Debian's own dynamic and human users lie outside."""


def home(account: str) -> str:
    return f"{HOMES}/{account}"


def logs(account: str) -> str:
    return f"{LOGS}/{account}"


def site(account: str, key: str) -> str:
    return f"{HOMES}/{account}/sites/{key}"


def slice_name(uid: str) -> str:
    return f"wsh-{uid}.slice"


def runtime(php: str) -> str:
    """The stem of the units and the socket of one PHP version: ``php84`` for ``8.4``."""
    return "php" + php.replace(".", "")
