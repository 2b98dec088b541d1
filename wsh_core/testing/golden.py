"""Golden plans: what an account's YAML becomes, kept as data and compared word for word.

A case is a directory with ``account.yaml`` and ``plan.json``. The plan is written anew when the environment
has ``WSH_GOLDEN=write``; read the difference before it is committed. References to secrets and facts stand in
it by name, and long text as a list of its lines.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import yaml

from wsh_core.features import account_resources
from wsh_core.models.account import Account
from wsh_core.models.package import Package
from wsh_core.models.server import Server
from wsh_core.plugins import Apps
from wsh_core.resources import Resource

PACKAGE = {
    "disk": "2G",
    "inodes": 200000,
    "memory": "512M",
    "cpu": "50%",
    "tasks": 100,
    "sites": 10,
    "databases": 10,
}


def resources_of(
    account: str, *, name: str = "alice", plugins: Collection[str] = (), debian: int = 13
) -> list[Resource]:
    """Return the resources of an account, given as the YAML of its file.

    Raises:
        ConfigError, PluginError: as `account_resources` does.
    """
    server = Server.make("web1", {"address": "localhost", "debian": debian})
    described = Account.make(name, yaml.safe_load(account))
    return account_resources(server, described, Package.model_validate(PACKAGE), Apps(plugins))


def assert_golden(case: Path, resources: Iterable[Resource]) -> None:
    """Compare *resources* with the plan of *case*; AssertionError names the resource that differs."""
    plan = case / "plan.json"
    found = {resource.id: shown(resource.want()) for resource in resources}
    if os.environ.get("WSH_GOLDEN") == "write":
        plan.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = json.loads(plan.read_text(encoding="utf-8"))
    assert list(found) == list(kept), f"{case.name}: other resources, or another order"
    for name, want in found.items():
        assert want == kept[name], f"{case.name}: {name}"


def shown(value: Any) -> Any:
    """Return a ``want`` for people: text with the names of its references, long text as lines."""
    if isinstance(value, dict):
        text = _reference(value)
        return {key: shown(item) for key, item in value.items()} if text is None else shown(text)
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, str) and "\n" in value:
        return value.split("\n")
    return value


def _reference(value: dict[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    ((kind, name),) = value.items()
    if kind == "join":
        return "".join(part if isinstance(part, str) else _reference(part) or "" for part in name)
    return f"{{{kind} {name}}}" if kind in {"secret", "fact"} else None
