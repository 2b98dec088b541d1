"""Real Composer on a server, with a repository of the tests' own: what it makes, what it may, and what it says."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import sources

from . import composed
from .packages import Repository
from .toy import install_plugin
from .world import Event, World, troubles

pytestmark = [pytest.mark.needs_machine("root", "namespaces"), pytest.mark.timeout(900)]
PAGE = "<?php require __DIR__ . '/../vendor/autoload.php'; echo 'made of ', Acme\\Words\\WORDS;"
HOSTILE = """<?php
namespace Acme\\Hostile;

use Composer\\Composer;
use Composer\\IO\\IOInterface;

class Plugin implements \\Composer\\Plugin\\PluginInterface
{
    public static function look(): void
    {
        $report = dirname(__DIR__, 4) . '/report.json';
        $found = is_file($report) ? json_decode(file_get_contents($report), true) : [];
        $found[] = [
            'uid' => (int) shell_exec('id -u'),
            'neighbour' => @file_get_contents('/home/bob/sites/pages/app/VERSION'),
            'secrets' => @scandir('/etc/wsh/secrets'),
            'shadow' => @file_get_contents('/etc/shadow'),
            'packages' => @scandir('/srv/packages'),
            'server' => (bool) @stream_socket_client('tcp://ADDRESS:443', timeout: 3),
            'loopback' => (bool) @stream_socket_client('tcp://127.0.0.1:443', timeout: 3),
            'incoming' => @file_put_contents('/var/cache/wsh/incoming/ran', 'x'),
            'bundle' => @file_put_contents('/tmp/wsh-source/0', 'x'),
        ];
        file_put_contents($report, json_encode($found));
    }

    public function activate(Composer $composer, IOInterface $io): void
    {
        self::look();
    }

    public function deactivate(Composer $composer, IOInterface $io): void
    {
    }

    public function uninstall(Composer $composer, IOInterface $io): void
    {
    }
}
"""
GREEDY = HOSTILE.replace("Hostile", "Greedy").replace("self::look();", "str_repeat('x', 2 << 30);")


def site(repository: Repository, version: str, require: dict[str, str], **about: Any) -> None:
    files = {"VERSION": f"{version}\n", "public/index.php": PAGE}
    repository.add("acme/site", version, files, type="project", require={"acme/words": "^1", **require}, **about)


def plugin(repository: Repository, name: str, text: str) -> None:
    space = name.capitalize()
    about: dict[str, Any] = {
        "type": "composer-plugin",
        "require": {"composer-plugin-api": "^2"},
        "autoload": {"psr-4": {f"Acme\\{space}\\": "src/"}},
        "extra": {"class": f"Acme\\{space}\\Plugin"},
    }
    repository.add(f"acme/{name}", "1.0.0", {"src/Plugin.php": text}, **about)


def words(repository: Repository, version: str) -> None:
    text = f"<?php namespace Acme\\Words; const WORDS = 'words {version}';"
    repository.add("acme/words", version, {"words.php": text}, autoload={"files": ["words.php"]})


def allowing(name: str) -> dict[str, Any]:
    return {"config": {"allow-plugins": {name: True}}}


def fill(repository: Repository, address: str) -> None:
    """One release of the site for each thing that can be so or otherwise."""
    words(repository, "1.0.0")
    plugin(repository, "hostile", HOSTILE.replace("ADDRESS", address))
    plugin(repository, "greedy", GREEDY)
    repository.add("acme/new", "1.0.0", require={"php": ">=9.0"})
    repository.add("acme/exotic", "1.0.0", require={"ext-nosuch": "*"})
    repository.add("acme/spoilt", "1.0.0")
    repository.spoil("acme/spoilt", "1.0.0")
    repository.add_elsewhere("acme/path", "1.0.0", "path", "/etc")
    site(repository, "1.0", {})
    scripts = {"post-install-cmd": ["Acme\\Hostile\\Plugin::look"]}
    site(repository, "2.0", {"acme/hostile": "^1"}, scripts=scripts, **allowing("acme/hostile"))
    site(repository, "3.0", {"acme/hostile": "^1"})
    site(repository, "4.0", {"acme/greedy": "^1"}, **allowing("acme/greedy"))
    for number, (name, version) in enumerate(
        [("new", "^1"), ("exotic", "^1"), ("spoilt", "^1"), ("path", "^1"), ("missing", "^1"), ("words", "^7")], 5
    ):
        site(repository, f"{number}.0", {f"acme/{name}": version})


def release(version: str, source: str) -> str:
    return f"[[release]]\nversion = '{version}'\nphp = ['8.4']\nsources = [{{{source}}}]\n"


@pytest.fixture(scope="module")
def repository(wsh_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("packages") / "packages")
    fill(repository, wsh_server.address)
    repository.put(wsh_server)
    return repository


@pytest.fixture(scope="module")
def world(wsh_server: Any, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> World:
    install_plugin(tmp_path_factory.mktemp("plugin"), "composed", composed.__name__)
    world = World(wsh_server, tmp_path_factory.mktemp("description"), plugins=["composed", "drupal"])
    look_at(world, repository.shown)
    project = "type = 'composer', package = 'acme/site'"
    known = [release(f"{number}.0", project) for number in range(1, 11)]
    world.releases("composed", "\n".join([*known, *locked(world, repository), release("99.0", project)]))
    return world


def look_at(world: World, place: str) -> None:
    """Have the description name one repository."""
    file = world.root / "wsh.yaml"
    kept = re.sub(r"^composer:.*\n", "", file.read_text(), flags=re.MULTILINE)
    file.write_text(f"{kept}composer: {{repositories: [{place}]}}\n")


def locked(world: World, repository: Repository) -> Iterator[str]:
    """Releases that come as archives: 20.0 with the lock that it needs, 21.0 with another one, 22.0 with none."""
    good, other = repository.lock(("acme/words", "1.0.0")), repository.lock(("acme/exotic", "1.0.0"))
    for version, lock in (("20.0", good), ("21.0", other), ("22.0", None)):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("site/VERSION", f"{version}\n")
            archive.writestr("site/public/index.php", PAGE)
            archive.writestr("site/composer.json", json.dumps({"require": {"acme/words": "^1"}}))
            if lock:
                archive.writestr("site/composer.lock", lock)
        world.server.write(f"/srv/site-{version}.zip", content.getvalue())
        sum_ = hashlib.sha256(content.getvalue()).hexdigest()
        yield release(
            version,
            f"type = 'file', path = '/srv/site-{version}.zip', sha256 = '{sum_}', root = 'site', composer = true",
        )


def describe(world: World, account: str, version: str) -> str:
    domain = f"{account}.example.org"
    world.account(account, {"pages": f"domains: [{domain}], app: composed, release: '{version}'"})
    return f"https://{domain}/"


def said(events: list[Event]) -> list[str]:
    return [each["text"] for each in events if each["type"] == "log"]


@pytest.fixture(scope="module")
def bobs(world: World) -> list[Event]:
    """The first who has the application on this server."""
    describe(world, "bob", "1.0")
    return world.apply(accounts=["bob"])


def test_a_project_is_created_and_works(world: World, bobs: list[Event]) -> None:
    assert world.get("https://bob.example.org/").body == "made of words 1.0.0"
    assert "fetching acme/site 1.0 with Composer" in said(bobs)
    assert "acme/site 1.0: 1 packages, as its composer.lock says" in said(bobs)
    tree = "/home/bob/sites/pages/app"
    names = world.server.run(["ls", "-A", tree]).stdout.split()
    assert sorted(names) == ["VERSION", "composer.json", "composer.lock", "public", "vendor"]
    strangers = ["find", tree, "!", "-user", "bob", "-o", "-perm", "/o=rwx"]
    assert world.server.run(strangers).stdout == ""
    assert world.server.run(["ls", "-A", "/var/cache/wsh/incoming"]).stdout == ""


@pytest.mark.usefixtures("bobs")
def test_the_next_account_takes_it_from_the_shared_cache(world: World) -> None:
    url = describe(world, "carol", "1.0")
    events = world.apply(accounts=["carol"])
    assert world.get(url).body == "made of words 1.0.0"
    assert not [text for text in said(events) if "fetching" in text]
    files = world.server.run(
        ["find", "/var/cache/wsh/sha256", "/var/cache/wsh/composer", "-type", "f", "-printf", "%u %m\n"]
    )
    assert set(files.stdout.splitlines()) == {"root 644"}


@pytest.mark.usefixtures("bobs")
def test_what_was_resolved_stays_resolved(world: World, repository: Repository) -> None:
    """The cache is gone and a newer package is out: who gets this release now gets the same as the others."""
    words(repository, "1.5.0")
    repository.put(world.server)
    world.server.run(["sh", "-c", "rm /var/cache/wsh/sha256/*"])
    url = describe(world, "dave", "1.0")
    events = world.apply(accounts=["dave"])
    assert "fetching acme/site 1.0 with Composer" in said(events)
    assert world.get(url).body == "made of words 1.0.0"


def test_a_release_that_brings_its_lock(world: World) -> None:
    url = describe(world, "erin", "20.0")
    world.apply(accounts=["erin"])
    assert world.get(url).body == "made of words 1.0.0"


@pytest.mark.usefixtures("bobs")
def test_what_packages_run_is_the_accounts_own_and_alone(world: World) -> None:
    """A plugin and a script, both of one package: in the jail, without network; and nowhere before that."""
    url = describe(world, "mallory", "2.0")
    world.apply(accounts=["mallory"])
    assert world.get(url).body.startswith("made of words")
    report = json.loads(world.server.read("/home/mallory/sites/pages/app/report.json"))
    assert len(report) >= 2, "plugin and script did not both run"
    nothing = dict.fromkeys(
        ("neighbour", "secrets", "shadow", "packages", "server", "loopback", "incoming", "bundle"), False
    )
    assert [each for each in report if each != {"uid": world.uid("mallory"), **nothing}] == []
    assert world.server.run(["ls", "-A", "/var/cache/wsh/incoming"]).stdout == ""


@pytest.mark.usefixtures("bobs")
@pytest.mark.parametrize(
    ("version", "code", "message"),
    [
        ("3.0", "app.composer", "acme/hostile has a plugin for Composer that the project does not allow"),
        ("4.0", "app.memory", "Composer needs more memory than the 1024 MiB that it may have"),
        ("5.0", "app.php-version", r"acme/new requires PHP >=9\.0, this server has 8\.4\."),
        ("6.0", "app.extension", "the PHP extension nosuch is missing"),
        ("7.0", "app.checksum", r"file:///srv/packages/acme-spoilt-1\.0\.0\.zip is not what the lock promises"),
        ("8.0", "app.package", "the package acme/path does not come as an archive, but as path"),
        ("9.0", "app.package", r"there is no package acme/missing"),
        ("10.0", "app.package", r"there is no package acme/words \^7"),
        ("21.0", "app.lock", 'do not fit together: Required package "acme/words" is not present in the lock file'),
        ("22.0", "app.lock", "the release has no composer.lock"),
        ("99.0", "app.package", r"there is no package acme/site 99\.0"),
    ],
)
def test_what_goes_wrong_is_said_in_one_sentence(world: World, version: str, code: str, message: str) -> None:
    describe(world, "frank", version)
    error = refused(world, "frank")
    assert error["code"] == code, json.dumps(error, indent=1)
    assert re.search(message, error["message"]), json.dumps(error, indent=1)
    assert error["hint"]
    assert world.get("https://bob.example.org/").status == 200


def refused(world: World, account: str) -> dict[str, Any]:
    """Apply, which fails; nothing is left. What is said of it."""
    events = world.apply(accounts=[account], check=False)
    (app,) = [each for each in events if each.get("id") == f"app:{account}/pages"] or [events[-1]]
    assert app["outcome"] == "failed", troubles(events)
    assert world.server.run(["ls", "-A", f"/home/{account}/sites/pages"]).stdout == "app\n"
    assert world.server.run(["ls", "-A", f"/home/{account}/sites/pages/app"]).stdout == ""
    assert world.get(f"https://{account}.example.org/", "--insecure").status == 503
    return dict(app["error"])


def test_a_repository_that_cannot_be_reached(world: World, repository: Repository) -> None:
    for place, why in (("https://packages.invalid", "packages.invalid"), ("/srv/nothing", "/srv/nothing")):
        look_at(world, place)
        try:
            describe(world, "grace", "1.0")
            error = refused(world, "grace")
        finally:
            look_at(world, repository.shown)
        assert error["code"] == "app.source", error
        assert why in error["message"]
        assert "could not be fetched" in error["message"]


def test_drupal_is_created_by_composer(world: World, tmp_path: Path) -> None:
    """From the packages of an installed tree: the real project, its plugins and its scripts."""
    newest = sources.needs("drupal")[0]
    packages = Repository(tmp_path / "drupal", "/srv/drupal")
    packages.add_tree(newest.path, "drupal/recommended-project", newest.version)
    look_at(world, packages.put(world.server))
    world.account("heidi", {"pages": f"domains: [heidi.example.org], app: drupal, release: '{newest.version}'"})
    events = world.apply(accounts=["heidi"])
    assert f"fetching drupal/recommended-project {newest.version} with Composer" in said(events)
    answer = world.get("https://heidi.example.org/user/login")
    assert (answer.status, "user_login_form" in answer.body) == (200, True)
    tree = "/home/heidi/sites/pages/app"
    lock = json.loads(world.server.read(f"{tree}/composer.lock"))
    versions = {each["name"]: each["version"] for each in lock["packages"]}
    assert versions["drupal/core"] == newest.version
    assert versions["drush/drush"].startswith("13.")
    assert world.server.run(["test", "-f", f"{tree}/vendor/autoload_runtime.php"], check=False).returncode == 0
