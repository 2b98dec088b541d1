"""Finding, loading and calling plugins: nothing is imported that is not listed, and no failure is anonymous.

One plugin's failure is kept until its app is asked for, so that it holds the accounts that need it and no
other.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pluggy

from wsh_core import hookspecs
from wsh_core.errors import PluginError
from wsh_core.plugin import API
from wsh_core.vocabulary.config import ConfigFile, Job, Vhost
from wsh_core.vocabulary.context import AnySite
from wsh_core.vocabulary.facts import App
from wsh_core.vocabulary.options import NeedsOption
from wsh_core.vocabulary.sources import Release, parse
from wsh_core.vocabulary.steps import Php, Remove, Run, Step, Write

GROUP = "wsh"
BUILTIN = {"php": "wsh_core.builtin.php", "static": "wsh_core.builtin.static"}
CORE = "wsh-core"


@dataclass(frozen=True, order=True)
class Installed:
    """A plugin that is installed, as its metadata says: nothing of it was imported."""

    name: str
    distribution: str
    version: str
    module: str


def installed() -> tuple[Installed, ...]:
    """Return the plugins that are installed, by name. Reads metadata only."""
    found = [
        Installed(point.name, dist.name, dist.version, point.module)
        for dist in distributions()
        for point in _points(dist)
    ]
    return tuple(sorted(set(found)))


def _points(dist: Distribution) -> Iterable[EntryPoint]:
    return dist.entry_points.select(group=GROUP)


class LoadedApp:
    """An app with the plugin that declares it. What a hook returns is taken at once, and checked."""

    def __init__(self, plugin: Installed, module: ModuleType) -> None:
        self.plugin = plugin
        self.distribution = plugin.distribution
        self._manager = pluggy.PluginManager("wsh")
        self._manager.add_hookspecs(hookspecs)
        self._register(module)
        self.app: App = self._call("wsh_app", f"app {plugin.name}", {}, App)
        if self.app.name != plugin.name:
            self.fail("plugin.app", f"declares an app {self.app.name!r}, but its entry point is {plugin.name!r}")

    def config(self, site: AnySite) -> tuple[ConfigFile | Job, ...]:
        """The files and jobs that follow from the YAML. This and the others raise PluginError, and NeedsOption."""
        return self._list("wsh_config", site, ConfigFile, Job)

    def install(self, site: AnySite) -> tuple[Step, ...]:
        """The steps that make a site of a fresh tree."""
        return self._list("wsh_install", site, Run, Php, Write, Remove)

    def upgrade(self, site: AnySite) -> tuple[Step, ...]:
        """The steps that migrate to the version of *site*."""
        return self._list("wsh_upgrade", site, Run, Php, Write, Remove)

    def vhost(self, site: AnySite) -> Vhost:
        """What the web server must know of the site."""
        if not self._implements("wsh_vhost"):
            return Vhost()
        vhost: Vhost = self._call("wsh_vhost", _name(site), {"site": site}, Vhost)
        return vhost

    def prefer(self, releases: tuple[Release, ...]) -> None:
        """Let *releases* come before those that the plugin knows."""
        if releases:
            self.app = replace(self.app, releases=(*releases, *self.app.releases))

    def fail(self, code: str, message: str) -> NoReturn:
        """Raise the PluginError that names this plugin's distribution and the remedy."""
        raise _error(self.plugin, code, message)

    def _register(self, module: ModuleType) -> None:
        if getattr(module, "WSH_API", None) != API:
            said = getattr(module, "WSH_API", "nothing")
            self.fail("plugin.api", f"speaks the plugin API {said}, this wsh speaks {API} (WSH_API = {API})")
        try:
            self._manager.register(module, self.plugin.name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            self.fail("plugin.hook", f"has a hook that does not exist or takes other arguments: {_lines(error)}")
        known = {name for name in vars(hookspecs) if name.startswith("wsh_")}
        marked = {name for name in known if self._implements(name)}
        stray = sorted(name for name in vars(module) if name.startswith("wsh_") and name not in marked)
        if stray:
            self.fail("plugin.hook", f"has {stray[0]}, which is no hook: unknown, or not marked @hookimpl")
        if "wsh_app" not in marked:
            self.fail("plugin.hook", "does not implement wsh_app")

    def _implements(self, hook: str) -> bool:
        return bool(getattr(self._manager.hook, hook).get_hookimpls())

    def _list(self, hook: str, site: AnySite, *types: type[Any]) -> tuple[Any, ...]:
        if not self._implements(hook):
            return ()
        found = self._call(hook, _name(site), {"site": site}, list)
        names = ", ".join(each.__name__ for each in types)
        for item in found:
            if not isinstance(item, types):
                self.fail("plugin.type", f"{hook} returned a {type(item).__name__} for {_name(site)}, not {names}")
        return tuple(found)

    def _call(self, hook: str, what: str, arguments: dict[str, Any], wanted: type[Any]) -> Any:
        try:
            found = getattr(self._manager.hook, hook)(**arguments)
        except NeedsOption:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does, only its own accounts wait
            self.fail("plugin.failed", f"{hook} failed for {what}: {_told(error)}")
        if not isinstance(found, wanted):
            self.fail("plugin.type", f"{hook} returned a {type(found).__name__} for {what}, not {wanted.__name__}")
        return found


class Apps:
    """The apps that sites can have: those of the core, and those of the plugins that are listed."""

    def __init__(self, plugins: Collection[str] = (), overlays: Path | None = None) -> None:
        """Load the plugins that *plugins* lists, and none other. A failure is kept for `get`.

        In *overlays*, a file ``NAME.toml`` holds releases of the operator's choice, which come before the plugin's.
        """
        self._overlays = overlays
        self._loaded: dict[str, LoadedApp | PluginError] = {}
        self._installed = installed()
        for name, module in BUILTIN.items():
            self._load(Installed(name, CORE, "", module))
        for name in sorted(set(plugins) - set(BUILTIN)):
            self._load_listed(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all apps that are listed or built in, those that failed too."""
        return tuple(sorted(self._loaded))

    @property
    def known(self) -> tuple[str, ...]:
        """These names, and those of plugins that are installed and not listed: `get` says how to list one."""
        return tuple(sorted({*self._loaded, *(plugin.name for plugin in self._installed)}))

    @property
    def failures(self) -> dict[str, PluginError]:
        """What kept listed plugins from being loaded."""
        return {name: error for name, error in sorted(self._loaded.items()) if isinstance(error, PluginError)}

    def get(self, name: str) -> LoadedApp:
        """Return the app called *name*.

        Raises:
            PluginError: its plugin could not be loaded, is not listed, or is not installed.
        """
        found = self._loaded.get(name)
        if isinstance(found, PluginError):
            raise found
        if found is None:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> PluginError:
        for plugin in self._named(name):
            return _error(
                plugin,
                "plugin.not-listed",
                f"has the app {name}, but wsh.yaml does not list it, so it was not loaded",
                f"wsh plugin enable {name}",
            )
        return _missing(name, f"no app is called {name}; there are {', '.join(self.names)}")

    def _load_listed(self, name: str) -> None:
        found = self._named(name)
        if not found:
            self._loaded[name] = _missing(name, f"wsh.yaml lists the plugin {name}, which is not installed")
        elif len(found) > 1:
            others = " and ".join(plugin.distribution for plugin in found)
            self._loaded[name] = _error(
                found[0],
                "plugin.duplicate",
                f"is not alone: {others} both bring {name}",
                "uninstall one of them",
            )
        else:
            self._load(found[0])

    def _named(self, name: str) -> list[Installed]:
        return [plugin for plugin in self._installed if plugin.name == name]

    def _load(self, plugin: Installed) -> None:
        try:
            loaded = self._loaded[plugin.name] = LoadedApp(plugin, _imported(plugin))
            if self._overlays is not None:
                loaded.prefer(_overlay(self._overlays / f"{plugin.name}.toml"))
        except PluginError as error:
            self._loaded[plugin.name] = error


def _overlay(file: Path) -> tuple[Release, ...]:
    """The releases in an operator's file; none without one."""
    place = f"{file.parent.name}/{file.name}"
    try:
        return parse(file.read_text(encoding="utf-8"), place)
    except FileNotFoundError:
        return ()
    except OSError as error:
        problem = f"{place}: {error.strerror}"
    except (TypeError, ValueError, KeyError) as error:
        problem = str(error) if str(error).startswith(place) else f"{place}: {error}"
    raise PluginError("config.releases", problem, f"mend {place}, or remove it: the plugin has releases of its own")


def _imported(plugin: Installed) -> ModuleType:
    try:
        return import_module(plugin.module)
    except (Exception, SystemExit) as error:
        raise _error(plugin, "plugin.load", f"cannot be imported: {_told(error)}") from error


def _error(plugin: Installed, code: str, message: str, hint: str | None = None) -> PluginError:
    name = f"{plugin.distribution} {plugin.version}".strip()
    remedy = f"pip install --upgrade {plugin.distribution}, or report it to its author"
    error = PluginError(code, f"{name} {message}", hint or remedy)
    error.distribution = plugin.distribution
    return error


def _missing(name: str, message: str) -> PluginError:
    error = PluginError("plugin.missing", message, f"pip install wsh-{name}, or mend the name in the YAML")
    error.distribution = f"wsh-{name}"
    return error


def _name(site: AnySite) -> str:
    return f"{site.account}/{site.key}"


def _lines(error: BaseException) -> str:
    return "; ".join(str(error).strip().splitlines())


def _first(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _told(error: BaseException) -> str:
    """The error in one line, with the place in the plugin where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = _told.__code__.co_filename
    place = next((f for f in reversed(frames) if f.filename != ours and "pluggy" not in f.filename), None)
    where = f" ({'/'.join(place.filename.split('/')[-2:])}:{place.lineno})" if place else ""
    return f"{type(error).__name__}: {_first(error)}{where}"
