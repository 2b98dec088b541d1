"""What the agent knows of a site from its resource, and reads of it without entering the jail."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import paths
from .errors import AgentError
from .host import Host
from .protocol import Resource, event


def say(host: Host, resource: Resource, text: str) -> None:
    """Tell, in words, what is being done for a resource."""
    host.emit(event("log", object=resource.object, text=text))


def site_slug(resource: Resource) -> str:
    """``alice-blog`` of ``site:alice/blog``."""
    return resource.object.partition(":")[2].replace("/", "-")


def app_tree(resource: Resource) -> str:
    """The tree that a resource wants; AgentError unless it is a site's of its own account."""
    tree, site = str(resource.want["tree"]), resource.object.partition(":")[2]
    account, _, key = site.partition("/")
    if (
        account != resource.account
        or not re.fullmatch("[a-z][a-z0-9]{0,15}", key)
        or tree != f"{paths.site(account, key)}/app"
    ):
        raise AgentError("request.path", f"{resource.id}: {tree} is not the tree of {site}")
    return tree


def app_database(resource: Resource) -> str | None:
    """The database that a resource wants, if any; AgentError unless it is one of its own account."""
    name = resource.want["database"]
    if name is not None and not re.fullmatch(f"{re.escape(resource.account or '')}_[a-z0-9_]{{1,47}}", str(name)):
        raise AgentError("request.database", f"{resource.id}: {name} is no database of {resource.account}")
    return None if name is None else str(name)


def inside(tree: str, path: str) -> str:
    """A path below a tree; AgentError for one that could be elsewhere."""
    if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise AgentError("request.path", f"{path!r} is no plain path below {tree}")
    return f"{tree}/{path}"


def disk_version(host: Host, tree: str, where: Mapping[str, str]) -> str | None:
    """The version that a tree's version file says, None without one.

    Raises UnsafePathError for a link on the way.
    """
    try:
        text = host.fs.read(inside(tree, where["path"])).decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    found = re.search(where["regex"], text, re.MULTILINE)
    return found[1][:64] if found else None


def account_secrets(host: Host, account: str) -> list[str]:
    """The values of all secrets of an account."""
    names, values = [account], []
    while names:
        name = names.pop()
        try:
            names += [f"{name}/{below}" for below in host.fs.listdir(host.secrets.path(name))]
        except NotADirectoryError:
            values.append(host.secrets.get(name) or "")
    return sorted(filter(None, values), key=len, reverse=True)
