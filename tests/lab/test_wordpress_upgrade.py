"""WordPress from Debian 13's release to that of unstable, as the people of a site that is used live through it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .blog import Blog
from .newer import Newer, offer
from .world import World, changes

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]
MORE = ("libjs-jquery-ui", "libphp-phpmailer")
"""What only the newer release has links into."""
MISFIT = """<?php
/* Plugin Name: Misfit */
if (version_compare($GLOBALS['wp_version'], '{version}', '>')) {{
    no_such_function();
}}
"""
OWN = "<?php\n/* Plugin Name: Own */\nadd_action('wp_footer', static function () { echo 'a plugin of our own'; });\n"
STYLE = "/*\nTheme Name: Own\nTemplate: twentytwentyfive\n*/\n"


@pytest.fixture(scope="module")
def world(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(wsh_server, tmp_path_factory.mktemp("description"))


@pytest.fixture(scope="module")
def offered(world: World) -> Newer:
    return offer(world.server, "wordpress", MORE)


@pytest.fixture(scope="module")
def blog(world: World, offered: Newer) -> Blog:
    """A blog of the older release, with a post, an upload, a plugin and a theme of its own; a newer one is known."""
    blog = Blog(world, "alice")
    blog.describe()
    world.apply()
    assert version(blog) == offered.older
    blog.login(blog.secret())
    blog.write("First of all", "Written with the older release.")
    put(blog, "uploads/2026/01/note.txt", "An upload.")
    put(blog, "plugins/own/own.php", OWN)
    put(blog, "themes/own/style.css", STYLE)
    blog.rest("/wp/v2/plugins/own/own", data={"status": "active"})
    world.releases("wordpress", newest_first(offered.toml))
    return blog


def put(blog: Blog, path: str, text: str) -> None:
    """Write what the customer brings, in directories of its own."""
    place = f"{blog.tree}/wp-content/{path}".rpartition("/")[0]
    assert blog.world.as_account(blog.account, "mkdir", "-p", place).returncode == 0
    blog.world.put(blog.account, f"{blog.key}/app/wp-content/{path}", text)


def newest_first(toml: str) -> str:
    older, newer = (f"[[release]]{part}" for part in toml.split("[[release]]")[1:])
    return newer + older


def version(blog: Blog) -> str:
    line = blog.world.server.run(["grep", "^\\$wp_version ", f"{blog.tree}/wp-includes/version.php"]).stdout
    return line.split("'")[1]


def upgrade(blog: Blog, *, check: bool = True) -> list[dict[str, Any]]:
    return blog.world.apply(told={"site:alice/blog": "upgrade"}, check=check)


def is_as_it_was(blog: Blog) -> None:
    """Whatever release it is: the post, the upload, the plugin and the theme of its own are there, and it works."""
    blog.is_well()
    assert "Written with the older release." in blog.get("/first-of-all/").body
    assert blog.get("/wp-content/uploads/2026/01/note.txt").body == "An upload."
    assert "a plugin of our own" in blog.get().body
    assert "own" in {theme["stylesheet"] for theme in blog.rest("/wp/v2/themes")}


def test_a_newer_release_is_told_and_not_forced(blog: Blog, offered: Newer) -> None:
    events = blog.world.apply()
    assert changes(events) == {}
    (outdated,) = (event for event in events if event["type"] == "outdated")
    assert (outdated["installed"], outdated["wanted"]) == (offered.older, offered.newer)
    assert version(blog) == offered.older


def test_a_plugin_that_does_not_fit_puts_everything_back(blog: Blog, offered: Newer) -> None:
    """It breaks every page of the newer release; the site stays the older one, as it was, and is not tried again."""
    put(blog, "plugins/misfit/misfit.php", MISFIT.format(version=offered.older))
    blog.rest("/wp/v2/plugins/misfit/misfit", data={"status": "active"})
    events = upgrade(blog, check=False)
    (told,) = (event for event in events if event.get("id") == "app:alice/blog")
    assert told["outcome"] == "failed", told
    assert version(blog) == offered.older
    is_as_it_was(blog)
    blog.rest("/wp/v2/plugins/misfit/misfit", data={"status": "inactive"})


def test_an_upgrade_keeps_what_people_have_made(blog: Blog, offered: Newer) -> None:
    upgrade(blog)
    assert version(blog) == offered.newer
    is_as_it_was(blog)
    assert "No Update Required" in blog.get("/wp-admin/upgrade.php").body
    assert blog.get("/wp-config.php").status == 403
    assert changes(blog.world.apply()) == {}


def test_scheduled_tasks_run_in_the_jail(blog: Blog) -> None:
    """Visitors start none of them."""
    world = blog.world
    unit = f"wsh-job-{world.uid('alice')}-blog-cron"
    put(blog, "plugins/own/own.php", OWN + (
        "add_action('own_task', static function () { update_option('own_task', 'done'); });\n"
        "wp_next_scheduled('own_task') || wp_schedule_single_event(time() - 60, 'own_task');\n"
    ))  # fmt: skip
    blog.get()
    query = ["mariadb", "-NB", blog.database, "-e", "SELECT option_value FROM wp_options WHERE option_name='own_task'"]
    assert world.server.run(query).stdout == ""
    assert world.server.run(["systemctl", "is-active", f"{unit}.timer"]).stdout == "active\n"
    world.server.run(["systemctl", "start", f"{unit}.service"])
    assert world.server.run(query).stdout == "done\n", world.server.read("/var/log/wsh/alice/jobs.log").decode()


def test_the_older_release_can_be_had_back(blog: Blog, offered: Newer) -> None:
    """What was written since is kept aside with the newer one; what was uploaded is data, and stays."""
    events = blog.world.apply(told={"site:alice/blog": "rollback"})
    assert events[-1]["outcome"] == "ok", json.dumps(events[-1])
    assert version(blog) == offered.older
    is_as_it_was(blog)
