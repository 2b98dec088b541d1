"""Everything that the author of a plugin imports.

A plugin is a distribution ``wsh-NAME`` with a module ``wsh_NAME`` that stands in the entry-point group
``wsh``. It says which of these words it speaks, ``WSH_API = 1``, and implements hooks (see
``wsh_core.hookspecs``)::

    from wsh_core.plugin import App, hookimpl

    WSH_API = 1

    @hookimpl
    def wsh_app() -> App: ...

What hooks return is data, checked when it is made (TypeError, ValueError); the core acts on it. Plugins
never run on a server, and nothing of theirs runs as root.
"""

from __future__ import annotations

import pluggy

from wsh_core.models.types import DomainName, Email, RelativePath
from wsh_core.models.types import Text as Line
from wsh_core.resources.text import Fact, Join, Secret, Text
from wsh_core.vocabulary.config import ConfigFile, Job, Vhost
from wsh_core.vocabulary.context import SiteContext
from wsh_core.vocabulary.facts import App, Database, Layout, Probe, VersionFile
from wsh_core.vocabulary.options import AppOptions, NeedsOption, OptionsModel
from wsh_core.vocabulary.php_text import php, php_constants
from wsh_core.vocabulary.sources import Archive, ComposerProject, DebianPackage, LocalFile, Release, releases
from wsh_core.vocabulary.steps import Php, Remove, Run, Script, Step, Write
from wsh_core.vocabulary.upstream import Upstream, upstream

API = 1
"""The version of these words. It grows when a plugin written for the one before would fail."""

hookimpl = pluggy.HookimplMarker("wsh")
"""Marks a function of a plugin as the implementation of the hook of its name."""

__all__ = [
    "API",
    "App",
    "AppOptions",
    "Archive",
    "ComposerProject",
    "ConfigFile",
    "Database",
    "DebianPackage",
    "DomainName",
    "Email",
    "Fact",
    "Job",
    "Join",
    "Layout",
    "Line",
    "LocalFile",
    "NeedsOption",
    "OptionsModel",
    "Php",
    "Probe",
    "RelativePath",
    "Release",
    "Remove",
    "Run",
    "Script",
    "Secret",
    "SiteContext",
    "Step",
    "Text",
    "Upstream",
    "VersionFile",
    "Vhost",
    "Write",
    "hookimpl",
    "php",
    "php_constants",
    "releases",
    "upstream",
]
