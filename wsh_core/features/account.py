"""The account itself: its user, its directories, its limits, and the jail, the root of all it runs."""

from __future__ import annotations

from collections.abc import Iterator

from wsh_core import resources as r
from wsh_core.agent import paths
from wsh_core.resources.system import Bind
from wsh_core.resources.text import Text

from . import php
from .scope import AccountScope, SiteScope
from .text import UID, text

NO_SHELL = "/usr/sbin/nologin"
MOUNT_POINTS = ("sites", "logs", "backups")
"""What is mounted on the account's home in the jail; root's, so that the account cannot replace them."""

PASS = ("user:www-data:--x",)
READ = ("user:www-data:r-x",)
INHERITED = ("user::rwx", *READ, "group::r-x", "mask::r-x", "other::---")
"""What is made in a site's tree: the web server can read it unless the account says otherwise (chmod 600)."""

SKELETON = (
    "dev", "etc", "etc/alternatives", "etc/ssl", "etc/wsh", "etc/wsh/php", "home", "proc", "root", "run",
    "run/mysqld", "run/wsh", "run/wsh/mail", "sys", "tmp", "usr", "var", "var/tmp",
)  # fmt: skip
LINKS = {
    "bin": "usr/bin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "sbin": "usr/sbin",
    "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
    "var/run": "../run",
}


def resources(scope: AccountScope) -> Iterator[r.Resource]:
    """What the account has whatever its sites are."""
    name, whose = scope.name, scope.whose
    home = paths.home(name)
    yield r.User(**whose, name=name, home=home, shell=NO_SHELL, groups=(paths.GROUP,))
    yield r.Directory(**whose, path=home, owner="root", group=name, mode="0750", acl=PASS)
    yield r.Directory(**whose, path=f"{home}/home", owner="root", group=name, mode="1770")
    for point in MOUNT_POINTS:
        yield r.Directory(**whose, path=f"{home}/home/{point}", owner="root", group=name, mode="0750")
    yield r.Directory(**whose, path=f"{home}/sites", owner=name, group=name, mode="0750", acl=PASS)
    yield r.Directory(**whose, path=paths.logs(name), owner="root", group=name, mode="0750")
    yield _jail(scope)
    yield _slice(scope)


def site_directories(scope: SiteScope) -> Iterator[r.Resource]:
    """A site's own directory, which stays; in it its tree, which an upgrade replaces as a whole, and what it must not.

    What lies beside the tree is not for the web server.
    """
    name, whose = scope.context.account, scope.whose
    top = paths.site(name, scope.context.key)
    yield r.Directory(**whose, path=top, owner=name, group=name, mode="0750", acl=PASS, default_acl=INHERITED)
    yield r.Directory(
        **whose, path=scope.context.tree, owner=name, group=name, mode="0750", acl=READ, default_acl=INHERITED
    )
    for beside in scope.app.layout.outside:
        yield r.Directory(**whose, path=scope.context.outside(beside), owner=name, group=name, mode="0700")


def binds(name: str) -> tuple[Bind, ...]:
    """What of the account is mounted in its jail: (source, place, access)."""
    home = paths.home(name)
    return (
        (f"{home}/home", home, "rw"),
        (f"{home}/sites", f"{home}/sites", "rw"),
        (paths.logs(name), f"{home}/logs", "ro"),
    )


def _jail(scope: AccountScope) -> r.Jail:
    files: dict[str, Text] = {
        "etc/group": text(f"root:x:0:\n{paths.GROUP}:x:{paths.GROUP_GID}:{scope.name}\n{scope.name}:x:{UID}:\n"),
        "etc/hosts": _hosts(scope),
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "etc/passwd": text(
            f"root:x:0:0:root:/root:{NO_SHELL}\n{scope.name}:x:{UID}:{UID}::{paths.home(scope.name)}:/bin/bash\n"
        ),
        "etc/resolv.conf": "",
        **php.ini_files(scope),
    }
    return r.Jail(
        **scope.whose,
        path=text(f"{paths.JAILS}/{UID}"),
        directories=(*SKELETON, f"home/{scope.name}"),
        links=LINKS,
        files=files,
        binds=binds(scope.name),
        reload=php.reloaded(scope),
    )


def _hosts(scope: AccountScope) -> str:
    """The account's own sites are here: applications call themselves, and must not depend on DNS for that."""
    names = ["localhost", *(domain for site in scope.sites for domain in site.context.domains)]
    return "".join(f"127.0.0.1 {name}\n" for name in names) + "::1 localhost\n"


def _slice(scope: AccountScope) -> r.Slice:
    package = scope.package
    return r.Slice(
        **scope.whose,
        name=text(paths.slice_name(UID)),
        properties={
            "CPUQuota": str(package.cpu),
            "MemoryMax": int(package.memory),
            "TasksMax": package.tasks,
        },
    )
