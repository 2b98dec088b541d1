"""What travels between controller and agent: one request (JSON), answered by events (one JSON object a line).

The major version is refused when it is unknown; unknown keys of a known major are ignored.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import AgentError

VERSION = "1.0"
SECRET_SHOWN = "(secret)"


def canonical(value: Any) -> str:
    """The one JSON text of a value: the same input gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """Sixteen hex digits that stand for a state; None, for what is absent, has one too."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def now() -> str:
    """RFC 3339, UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(slots=True)
class Resource:
    """One thing that must exist on the server; ``want`` still holds facts and secrets by name until it is resolved."""

    id: str
    kind: str
    account: str | None
    object: str
    why: str
    origin: str
    want: dict[str, Any]
    sensitive: bool = False
    asked: dict[str, Any] | None = None
    """``want`` as it came, with the names of facts and secrets: what may be written down."""

    @property
    def name(self) -> str:
        return self.id.partition(":")[2]


@dataclass(frozen=True)
class Request:
    description: str
    server: str
    by: Mapping[str, str]
    accounts: frozenset[str] | None
    """The scope; None is the whole server."""
    held: Mapping[str, str]
    expect: Mapping[str, str] | None
    secrets: Mapping[str, Mapping[str, Any]]
    resources: list[Resource] = field(default_factory=list)
    stop_on_failure: bool = False
    """Whether the accounts that come after a failed one are left pending."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What is to be done that no apply does by itself: ``upgrade`` or ``rollback``, by object (``site:alice/blog``)."""


def parse_request(text: str) -> Request:
    """Read a request.

    Raises AgentError when it is not JSON, of another major version, or lacks a part.
    """
    try:
        data = json.loads(text)
        major = str(data["protocol"]).partition(".")[0]
        if major != VERSION.partition(".")[0]:
            raise AgentError(
                "protocol.version",
                f"the request speaks protocol {data['protocol']}, this agent {VERSION}",
                "use the wsh that belongs to this agent",
            )
        scope = data["scope"]["accounts"]
        resources = [
            Resource(r["id"], r["kind"], r["account"], r["object"], r["why"], r["origin"], r["want"])
            for r in data["resources"]
        ]
        return Request(
            data["description"],
            data["server"],
            data["by"],
            None if scope is None else frozenset(scope),
            data["held"],
            data["expect"],
            data["secrets"],
            resources,
            data.get("on_failure", "continue") == "stop",
            _told(data.get("told", {})),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AgentError("protocol.request", f"the request cannot be read: {error!r}") from error


def _told(told: Mapping[str, str]) -> Mapping[str, str]:
    for object_, word in told.items():
        if word not in ("upgrade", "rollback"):
            raise ValueError(f"nobody can be told to {word!r} {object_}")
    return dict(told)


def shim_frame(
    *, entry: str, argv: Sequence[str], cwd: str, env: Mapping[str, str], ini: Mapping[str, str],
    memory: int | None = None, input: str = "",
) -> str:  # fmt: skip
    """What shim.php reads: the length in nine characters with the end of the line, as many bytes of JSON, the input.

    ``memory``: bytes that PHP may have (memory_limit).
    """
    settings = ({} if memory is None else {"memory_limit": str(memory)}) | dict(ini)
    head = json.dumps({"entry": entry, "argv": [*argv], "cwd": cwd, "env": dict(env), "ini": settings})
    return f"{len(head):08d}\n{head}{input}"


def resolve(value: Any, facts: Mapping[str, str], secrets: Mapping[str, str]) -> Any:
    """Put facts and secrets in the place of their names, anywhere in a JSON value.

    Raises KeyError for a name that nobody knows.
    """
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, inner),) = value.items()
            if key == "fact":
                return facts[inner]
            if key == "secret":
                return secrets[inner]
            if key == "join":
                return "".join([part if isinstance(part, str) else resolve(part, facts, secrets) for part in inner])
        return {k: v if isinstance(v, str) else resolve(v, facts, secrets) for k, v in value.items()}
    if isinstance(value, list):
        return [v if isinstance(v, str) else resolve(v, facts, secrets) for v in value]
    return value


def secret_names(value: Any) -> set[str]:
    """The names of all secrets that a JSON value refers to."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("secret"), str):
            return {value["secret"]}
        return set().union(*(secret_names(v) for v in value.values() if not isinstance(v, str)))
    if isinstance(value, list):
        return set().union(*(secret_names(v) for v in value if not isinstance(v, str)))
    return set()


def event(type_: str, **values: Any) -> dict[str, Any]:
    return {"type": type_, "version": VERSION, "time": now(), **values}
