"""From the description to resources: what an account and its sites need on a server. Pure.

Each feature is a function from a scope to resources. They run in one order, so the same description always
gives the same resources.
"""

from __future__ import annotations

from wsh_core.models.account import Account
from wsh_core.models.package import Package
from wsh_core.models.server import Server
from wsh_core.plugins import Apps
from wsh_core.resources import Resource

from . import account as accounts
from . import app, database, job, php, tls, web
from .scope import AccountScope


def account_resources(
    server: Server, account: Account, package: Package, apps: Apps, repositories: tuple[str, ...] = ()
) -> list[Resource]:
    """Return all that must exist on *server* for *account*, in a stable order.

    ``repositories`` are where Composer looks for packages, instead of where it always does.

    Raises:
        ConfigError: a site's options, or what it asks of this server, is wrong; all such problems together.
        PluginError: the plugin of one of its sites is missing or fails.
    """
    scope = AccountScope.of(server, account, package, apps, repositories)
    found = [*accounts.resources(scope), *php.resources(scope), *database.resources(scope)]
    for site in scope.sites:
        found += [*accounts.site_directories(site), *database.of_site(site), *tls.resources(site)]
        found += [*web.resources(site), *job.resources(site, scope.release.php), *app.resources(site)]
    return found
