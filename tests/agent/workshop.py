"""A site in a scratch root whose application is upgraded by the agent's own transaction, file for file.

Files, journal, fence, snapshot and moves are real. What needs a running server is stood in for: the database is
one JSON file, a runtime that does not run, and a page that is well when code, configuration and database fit.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest import mock

from wsh_core.agent import database, ending, enter, moves, probe, tree
from wsh_core.agent.cases import Rollback, Upgrade
from wsh_core.agent.errors import AgentError
from wsh_core.agent.host import Host
from wsh_core.agent.ledger import Ledger
from wsh_core.agent.protocol import Resource
from wsh_core.agent.record import ROLLBACK, UPGRADE, Record
from wsh_core.agent.transaction import Transaction
from wsh_core.agent.worksite import Worksite

from .conftest import make_scratch

OBJECT = "site:alice/blog"
SITE = "/home/alice/sites/blog"
TREE = f"{SITE}/app"
JAIL = enter.Jail("alice", 6001, "/var/lib/wsh/jail/6001", ())
LAYOUT = {
    "config": ["config.php"],
    "data": ["uploads", "gone"],
    "cache": ["cache"],
    "outside": [],
    "additions": ["extras"],
}
BROUGHT = {"1.0": ["motto.php"], "1.1": ["motto.php"], "2.0": ["greeting.php"]}
_PATHS = frozenset({"path", "into", "one", "other", "source", "target", "tree", "new", "work", "snapshot"})


class Workshop:
    """The server of one site; ``trouble`` makes one verb fail."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.trouble: str | None = None

    @classmethod
    def furnished(cls, root: Path) -> Workshop:
        """Alice has toyapp 1.0, an upload, a directory of her own among its extras, and two rows."""
        make_scratch(root)
        shop = cls(root)
        (root / "var/lib/wsh/fence").mkdir()
        shop.release("1.0", shop.path(TREE))
        files = {
            "config.php": "config of 1.0",
            "uploads/own.txt": "an upload",
            "extras/mine/code.php": "mine",
            "cache/old": "stale",
        }
        for path, text in files.items():
            file = shop.path(f"{TREE}/{path}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        shop.database({"schema": "1.0", "rows": ["one", "two"]})
        with shop.host() as host:
            host.ledger.note(OBJECT, brought={"extras": BROUGHT["1.0"]})
        return shop

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def release(self, version: str, place: Path) -> None:
        """Unpack a release; each brings an empty place for uploads."""
        for path, text in {
            "VERSION": version,
            "index.php": f"code of {version}",
            "uploads/README": "",
            "cache/new": "",
        }.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        (place / "extras").mkdir()
        for name in BROUGHT[version]:
            (place / "extras" / name).write_text(f"of {version}")

    def database(self, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The database's content, or a new one for it."""
        file = self.path("/database.json")
        if content is not None:
            file.write_text(json.dumps(content))
        return dict(json.loads(file.read_text()))

    def snapshot(self) -> dict[str, str]:
        """All files of the site, caches left out, and the database."""
        files = {
            str(file.relative_to(self.path(SITE))): file.read_text()
            for file in sorted(self.path(SITE).rglob("*"))
            if file.is_file() and "cache" not in file.parts
        }
        return {**files, "database": json.dumps(self.database())}

    # what the agent sees

    @contextmanager
    def host(self) -> Iterator[Host]:
        host = Host(str(self.root), writable=True, emit=lambda _: None)
        host.uids = {"alice": 6001}
        try:
            yield host
        finally:
            host.close()

    @contextmanager
    def standing_in(self) -> Iterator[None]:
        """What needs a running server, stood in for."""
        stopped = CompletedProcess[bytes]([], 3, b"", b"")
        with (
            mock.patch.object(Host, "run", return_value=stopped),
            mock.patch.object(ending, "stop_steps", return_value=None),
            mock.patch.object(probe, "check", self._look),
            mock.patch.object(database, "marker", self._marker),
            mock.patch("wsh_core.agent.record.defaults", return_value=("utf8mb4", "utf8mb4_bin")),
            mock.patch.object(database, "empty", self._empty),
            mock.patch.object(Host, "mariadb", None),
        ):
            yield

    def _marker(self, *_: Any) -> dict[str, str]:
        return {"all": json.dumps(self.database())}

    def _empty(self, *_: Any) -> None:
        self.database({})

    def _look(self, *_: Any) -> probe.Answer:
        version = self.path(f"{TREE}/VERSION").read_text()
        seen = (self.database().get("schema"), self.path(f"{TREE}/config.php").is_file())
        if seen != (version, True):
            raise AgentError("app.unhealthy", f"the code is of {version}, the database of {seen[0]}")
        return probe.Answer(200, "", 0.0)

    # what is done

    def resource(self, version: str) -> Resource:
        want = {
            "app": "toyapp", "version": version, "tree": TREE, "database": "alice_blog", "php": "8.4", "config": [],
            "version_file": {"path": "VERSION", "regex": "(.*)"}, "layout": LAYOUT, "up_to_date": None,
            "probe": {"host": "blog.example.org", "path": "/", "status": 200, "contains": ""},
        }  # fmt: skip
        return Resource("app:alice/blog", "app", "alice", OBJECT, "", "", want)

    def upgrade(self, host: Host, *way: str) -> Transaction:
        resource = self.resource(way[-1])
        record = Record.of(host, resource, JAIL, UPGRADE, self.path(f"{TREE}/VERSION").read_text(), way[-1])
        hops = [
            {"version": each, "source": {"type": "file", "version": each}, "config": None, "steps": [step(each)]}
            for each in way
        ]
        return Upgrade(Worksite(host, OBJECT, record, Hands(self)), resource, hops, [[each] for each in way])  # type: ignore[arg-type]

    def rollback(self, host: Host) -> Transaction:
        kept = host.ledger.notes()[OBJECT]["snapshot"]
        resource = self.resource(kept["version"])
        before = self.path(f"{TREE}/VERSION").read_text()
        record = Record.of(host, resource, JAIL, ROLLBACK, before, kept["version"])
        return Rollback(Worksite(host, OBJECT, record, Hands(self)), resource, kept)  # type: ignore[arg-type]

    def unfinished(self, host: Host) -> Worksite:
        """The site by what the journal says of it alone."""
        record = Record.read(host.ledger.unfinished()[OBJECT].data)
        return Worksite(host, OBJECT, record, Hands(self))  # type: ignore[arg-type]

    def recover(self, host: Host) -> None:
        for left in host.ledger.unfinished().values():
            ending.recover(host, left, Hands(self))  # type: ignore[arg-type]


def step(version: str) -> dict[str, Any]:
    return {"step": "run", "argv": [f"migrate to {version}"], "network": False, "timeout": 1, "ok": [0]}


class Hands:
    """The account's helper, without a jail: the same functions, on paths below the scratch root."""

    def __init__(self, shop: Workshop) -> None:
        self.shop, self.jail = shop, JAIL

    def get(self, *, network: bool = False) -> Hands:
        assert not network
        return self

    def close(self) -> None:
        pass

    def ask(self, verb: str, **request: Any) -> Any:
        if verb == self.shop.trouble:
            raise AgentError("account.disk-full", f"{verb}: there is no room left")
        given = {
            key: str(self.shop.path(value)) if key in _PATHS and isinstance(value, str) else value
            for key, value in request.items()
            if key not in ("seconds", "database")
        }
        act: Callable[..., Any] = getattr(self, f"_{verb}", None) or getattr(moves, verb, None) or getattr(tree, verb)
        return json.loads(json.dumps(act(**given)))

    def _directory(self, path: str, mode: str) -> None:
        tree.directory(path, int(mode, 8))

    def _unpack(self, archives: list[str], into: str, **_: Any) -> dict[str, Any]:
        self.shop.release(archives[0], Path(into))
        return {"dangling": []}

    def _step(self, step: dict[str, Any], **_: Any) -> dict[str, Any]:
        """A migration that has come to half of it when it is cut."""
        target = step["argv"][0].rpartition(" ")[2]
        self.shop.database({**self.shop.database(), "schema": "half way"})
        if self.shop.trouble == f"migrate to {target}":
            return {"code": 3, "stdout": "", "stderr": "half way"}
        self.shop.database({**self.shop.database(), "schema": target})
        return {"code": 0, "stdout": "", "stderr": ""}

    def _dump(self, path: str) -> dict[str, Any]:
        shutil.copyfile(self.shop.path("/database.json"), path)
        return {"sha256": self._checksum(path), "bytes": 1}

    def _load(self, path: str) -> None:
        assert self.shop.database() == {}, "it is loaded into an empty database"
        shutil.copyfile(path, self.shop.path("/database.json"))

    def _checksum(self, path: str) -> str | None:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if Path(path).exists() else None


def cut_at(shop: Workshop, phase: str, act: Callable[[Host], None]) -> None:
    """Act in a process that kills itself when that phase has been written down."""
    real = Ledger.begin

    def begin(self: Ledger, object_: str, now: str, data: dict[str, Any]) -> None:
        real(self, object_, now, data)
        if now == phase:
            os.kill(os.getpid(), signal.SIGKILL)

    assert _killed(shop, act, mock.patch.object(Ledger, "begin", begin))


def cut(shop: Workshop, number: int, act: Callable[[Host], None]) -> bool:
    """Act in a process that kills itself at the given point; False when it got through without.

    Points are before and after each write of the ledger, before and after all that the helper does, and between
    the single renames of what it does.
    """
    left = number

    def point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            point()
            result = real(*arguments, **named)
            point()
            return result

        return wrapped

    patches = [
        mock.patch.object(owner, name, around(getattr(owner, name)))
        for owner, names in (
            (Ledger, ["_commit"]),
            (Hands, ["ask"]),
            (database, ["empty"]),
            (moves, ["rename_free", "rename_exchange", "write", "remove"]),
        )
        for name in names
    ]
    return _killed(shop, act, *patches)


def _killed(shop: Workshop, act: Callable[[Host], None], *patches: Any) -> bool:
    """Whether a process of its own that acts under these patches killed itself; it must not fail otherwise."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with ExitStack() as patched, shop.host() as host:
                for patch in patches:
                    patched.enter_context(patch)
                act(host)
            code = 0
        except BaseException:  # noqa: BLE001  # the parent sees that it failed, and pytest shows this
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"it failed by itself: {status}"
    return status != 0
