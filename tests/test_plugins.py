"""What is listed is loaded, nothing else is imported, and whatever a plugin does wrong has its name on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wsh_core.errors import ExitStatus, PluginError
from wsh_core.plugin import SiteContext, Vhost
from wsh_core.plugins import Apps, Installed, installed

GOOD = """
from wsh_core.plugin import App, AppOptions, ConfigFile, Probe, Remove, VersionFile, Vhost, hookimpl
WSH_API = 1
@hookimpl
def wsh_app():
    return App("toy", "Toy")
"""
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install distributions as pip leaves them: a module, and a dist-info that names it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def make(source: str, app: str = "toy", distribution: str = "wsh-toy", module: str = "wsh_toy") -> Path:
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[wsh]\n{app} = {module}\n")
        return tmp_path

    yield make
    for name in set(sys.modules) - before:
        if name.startswith("wsh_toy"):
            del sys.modules[name]


def site() -> SiteContext:
    options = Apps().get("php").app.options()
    return SiteContext(
        "alice", "blog", ("a.example.org",), None, options, "1", "8.4", "/home/alice/sites/blog/app", None,
        "/run/mysqld/mysqld.sock",
    )  # fmt: skip


SIDE_EFFECT = "from pathlib import Path\nPath(__file__).with_name('imported').touch()\n"


def test_what_is_not_listed_is_not_imported(install: Install) -> None:
    place = install(SIDE_EFFECT + GOOD)
    assert Installed("toy", "wsh-toy", "1.2", "wsh_toy") in installed()
    apps = Apps([])
    with pytest.raises(PluginError, match=r"wsh-toy 1\.2 has the app toy, but wsh\.yaml does not list it") as caught:
        apps.get("toy")
    assert caught.value.problems[0].hint == "wsh plugin enable toy"
    assert "wsh_toy" not in sys.modules
    assert not (place / "imported").exists()


def test_what_is_listed_is_imported(install: Install) -> None:
    place = install(SIDE_EFFECT + GOOD)
    assert Apps(["toy"]).get("toy").app.title == "Toy"
    assert (place / "imported").exists()


INSTALLED = GOOD.replace('"Toy"', '"Toy", options=AppOptions, version=VersionFile("V", "(.*)"), health=Probe("/")')
RELEASE = """
[[release]]
version = "9.1"
php = ["8.4"]
sources = [{ type = "file", path = "/srv/toy-9.1.tar", sha256 = "%s" }]
"""


def test_releases_of_the_operator_come_before_the_plugins(install: Install, tmp_path: Path) -> None:
    install(INSTALLED)
    (tmp_path / "toy.toml").write_text(RELEASE % ("0" * 64))
    assert [each.version for each in Apps(["toy"], tmp_path).get("toy").app.releases] == ["9.1"]
    assert Apps(["toy"], tmp_path / "nowhere").get("toy").app.releases == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RELEASE % "0", r"toy\.toml, release 1: .*SHA-256"),
        ("[[release", r"toy\.toml: "),
        ("x = 1", r"toy\.toml: .*release"),
        (RELEASE.replace("version", "versoin") % ("0" * 64), r"toy\.toml, release 1: .*versoin"),
    ],
)
def test_a_bad_file_of_releases_is_named(install: Install, tmp_path: Path, text: str, words: str) -> None:
    install(GOOD)
    (tmp_path / "toy.toml").write_text(text)
    with pytest.raises(PluginError, match=words) as caught:
        Apps(["toy"], tmp_path).get("toy")
    assert caught.value.problems[0].code == "config.releases"


BAD = {
    "raises": ("plugin.load", "ZeroDivisionError.*wsh_toy.py:1", "1 / 0"),
    "exits": ("plugin.load", "SystemExit", "raise SystemExit(0)"),
    "imports nothing": ("plugin.load", "ModuleNotFoundError", "import no_such_module"),
    "no api": ("plugin.api", "speaks the plugin API nothing", GOOD.replace("WSH_API = 1", "")),
    "other api": (
        "plugin.api",
        "speaks the plugin API 2, this wsh speaks 1",
        GOOD.replace("API = 1", "API = 2"),
    ),
    "misspelt": ("plugin.hook", "wsh_instal", GOOD + "@hookimpl\ndef wsh_instal(site): return []"),
    "argument": ("plugin.hook", "site, hop", GOOD + "@hookimpl\ndef wsh_install(site, hop): return []"),
    "unmarked": ("plugin.hook", "wsh_vhost, which is no hook", GOOD + "def wsh_vhost(site): return Vhost()"),
    "no app": (
        "plugin.hook",
        "does not implement wsh_app",
        GOOD.replace("@hookimpl\ndef wsh_app", "def app"),
    ),
    "app raises": (
        "plugin.failed",
        "wsh_app failed for app toy: KeyError",
        GOOD.replace("App(", "{}['x'] or App("),
    ),
    "app of no type": (
        "plugin.type",
        "returned a str for app toy, not App",
        GOOD.replace('App("toy", "Toy")', '"x"'),
    ),
    "app of other name": ("plugin.app", "declares an app 'other'", GOOD.replace('"toy"', '"other"')),
    "bad data": ("plugin.failed", "App.name", GOOD.replace('"toy"', '"To y"')),
}


@pytest.mark.parametrize("case", BAD)
def test_a_plugin_that_is_none_is_named_and_holds_only_its_app(install: Install, case: str) -> None:
    code, words, source = BAD[case]
    install(source)
    apps = Apps(["toy"])
    assert list(apps.failures) == ["toy"]
    assert apps.get("static").app.php is False
    with pytest.raises(PluginError, match=words) as caught:
        apps.get("toy")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert problem.message.startswith("wsh-toy 1.2 ")
    assert problem.hint == "pip install --upgrade wsh-toy, or report it to its author"
    assert caught.value.distribution == "wsh-toy"
    assert caught.value.exit == ExitStatus.CONFIG


BAD_HOOKS = {
    "raises": ("plugin.failed", r"failed for alice/blog: KeyError: 'x' \(.*wsh_toy.py:10\)", "{}['x']"),
    "exits": ("plugin.failed", "failed for alice/blog: SystemExit", "exit(0)"),
    "generator": ("plugin.type", "returned a generator for alice/blog, not list", "(yield)"),
    "lazy": ("plugin.type", "returned a generator for alice/blog, not list", "(x for x in ())"),
    "nothing": ("plugin.type", "returned a NoneType for alice/blog, not list", "None"),
    "other things": ("plugin.type", "returned a Remove for alice/blog, not ConfigFile", "[Remove('x')]"),
    "hostile": ("plugin.failed", r"leaves the site's tree by '\.\.'", "[ConfigFile('../x', '')]"),
}


@pytest.mark.parametrize("case", BAD_HOOKS)
def test_a_hook_that_fails_is_named(install: Install, case: str) -> None:
    code, words, returned = BAD_HOOKS[case]
    install(GOOD + f"@hookimpl\ndef wsh_config(site):\n    x = site.key\n    return {returned}")
    app = Apps(["toy"]).get("toy")
    with pytest.raises(PluginError, match=words) as caught:
        app.config(site())
    assert caught.value.problems[0].code == code
    assert caught.value.distribution == "wsh-toy"


def test_hooks_that_are_left_out_have_plain_answers(install: Install) -> None:
    install(GOOD)
    app = Apps(["toy"]).get("toy")
    assert (app.config(site()), app.install(site()), app.vhost(site())) == ((), (), Vhost())


def test_two_distributions_with_one_app(install: Install) -> None:
    install(GOOD)
    install(GOOD, distribution="wsh-other", module="wsh_toy_other")
    with pytest.raises(PluginError, match="wsh-other and wsh-toy both bring toy") as caught:
        Apps(["toy"]).get("toy")
    assert caught.value.problems[0].code == "plugin.duplicate"
    assert "wsh_toy" not in sys.modules


def test_what_is_listed_and_not_installed() -> None:
    apps = Apps(["nowhere"])
    assert apps.names == ("nowhere", "php", "static")
    with pytest.raises(PluginError, match="lists the plugin nowhere, which is not installed") as caught:
        apps.get("nowhere")
    assert "pip install wsh-nowhere" in str(caught.value.problems[0].hint)


def test_an_app_that_nobody_knows() -> None:
    with pytest.raises(PluginError, match="no app is called wordpres; there are php, static"):
        Apps().get("wordpres")


@pytest.mark.parametrize("name", ["static", "php"])
def test_a_plugin_cannot_take_the_place_of_the_cores_own_apps(install: Install, name: str) -> None:
    install(SIDE_EFFECT + GOOD, app=name)
    assert Apps([name]).get(name).distribution == "wsh-core"
    assert "wsh_toy" not in sys.modules
