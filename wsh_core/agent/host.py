"""The server as the kinds see it: files, programs, names, facts, secrets, and where events go."""

from __future__ import annotations

import json
import secrets as random
import string
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import paths
from .errors import AgentError
from .ledger import Ledger
from .safefs import Root

if TYPE_CHECKING:
    from .mariadb import Client

_PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_ALPHABET = string.ascii_letters + string.digits


class Secrets:
    """Secrets made on the server: letters and digits, one root-only file each below /etc/wsh/secrets."""

    def __init__(self, fs: Root) -> None:
        self._fs = fs

    @staticmethod
    def path(name: str) -> str:
        return f"{paths.SECRETS}/{name}"

    def get(self, name: str) -> str | None:
        try:
            return self._fs.read(self.path(name), limit=4096).decode()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def make(self, name: str, length: int) -> None:
        self._fs.makedirs(self.path(name).rpartition("/")[0], mode=0o700)
        self._write(name, "".join(random.choice(_ALPHABET) for _ in range(length)))

    def close(self, name: str) -> None:
        """Make a secret that others may read root's alone again; it stays the same."""
        self._write(name, self.get(name) or "")

    def _write(self, name: str, value: str) -> None:
        self._fs.write(self.path(name), value.encode(), mode=0o600)


class Names:
    """Users and groups of the server, read from its files in one go."""

    def __init__(self, fs: Root) -> None:
        self._fs = fs
        self.refresh()

    def refresh(self) -> None:
        self.users = {row[0]: row for row in self._rows("/etc/passwd", 7)}
        self.groups = {row[0]: row for row in self._rows("/etc/group", 4)}
        self._uid_names = {int(row[2]): name for name, row in reversed(self.users.items())}
        self._gid_names = {int(row[2]): name for name, row in reversed(self.groups.items())}

    def _rows(self, path: str, fields: int) -> list[list[str]]:
        try:
            lines = self._fs.read(path).decode(errors="surrogateescape").splitlines()
        except FileNotFoundError:
            return []
        return [row for line in lines if len(row := line.split(":")) == fields]

    def uid(self, name: str) -> int:
        return self._number(self.users, "user", name)

    def gid(self, name: str) -> int:
        return self._number(self.groups, "group", name)

    @staticmethod
    def _number(rows: Mapping[str, list[str]], what: str, name: str) -> int:
        try:
            return int(rows[name][2])
        except KeyError:
            raise AgentError("server.no-name", f"the server has no {what} {name}") from None

    def user_name(self, uid: int) -> str:
        return self._uid_names.get(uid, str(uid))

    def group_name(self, gid: int) -> str:
        return self._gid_names.get(gid, str(gid))

    def members(self, group: str) -> set[str]:
        row = self.groups.get(group)
        return set() if row is None else {name for name in row[3].split(",") if name}


class Facts(Mapping[str, str]):
    """What a request names and the server knows; a fact is looked up when it is asked for."""

    def __init__(self, host: Host, account: str | None) -> None:
        self._host, self._uid = host, host.uids.get(account or "")

    def __getitem__(self, name: str) -> str:
        if name == "uid" and self._uid is not None:
            return str(self._uid)
        if name == "mariadb-version":
            return self._host.mariadb_version
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("uid", "mariadb-version"))

    def __len__(self) -> int:
        return 2


class Host:
    """One server, or a scratch tree that looks like one: then nothing is running in it and units are only files."""

    def __init__(self, root: str = "/", *, writable: bool, emit: Callable[[dict[str, Any]], None]) -> None:
        self.root = root
        self.fs = Root(root)
        self.ledger = Ledger(self.fs, writable=writable)
        self.secrets = Secrets(self.fs)
        self.emit = emit
        self.uids: dict[str, int] = {}
        """The accounts' uids, for this operation; those of new accounts are given on apply and only foreseen before."""
        self.jails: dict[str, dict[str, Any]] = {}
        """What this operation wants of the accounts' jails, resolved: who enters one needs to know it."""
        self.told: Mapping[str, str] = {}
        """What this operation is to do beyond the description, by object: ``upgrade`` or ``rollback``."""
        self.with_app: set[str] = set()
        """The sites (by object) that this operation wants an application in."""
        self.processes = 0
        """How many programs were started."""
        self.reload_units: set[str] = set()
        """Services to be reloaded, if they run, when all units are in place."""

    def facts(self, account: str | None) -> Facts:
        """What only the server knows, by the names that a request uses."""
        return Facts(self, account)

    @cached_property
    def names(self) -> Names:
        return Names(self.fs)

    @cached_property
    def booted(self) -> bool:
        """Whether systemd runs there, by its own sign (sd_booted(3))."""
        return self.fs.exists("/run/systemd/system")

    @cached_property
    def server(self) -> dict[str, Any]:
        """What the set-up wrote down of this server; AgentError where it was never set up."""
        try:
            data = json.loads(self.fs.read(paths.SERVER_FILE))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise AgentError(
                "server.not-ready",
                f"this is not a wsh server yet: {paths.SERVER_FILE} is missing or not readable",
                "wsh server setup NAME",
            ) from None
        return dict(data)

    @cached_property
    def mariadb_version(self) -> str:
        """As applications are told it: ``11.8.3-MariaDB``. Raises AgentError where MariaDB does not answer."""
        ((version, *_),) = self.mariadb.query("SELECT VERSION()")
        return "-".join(str(version).split("-")[:2])

    @cached_property
    def mariadb(self) -> Client:
        from .mariadb import Client

        return Client(self)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
        check: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one program to its end, without a shell and with a fixed environment.

        Raises AgentError with the program's own words when it is missing, does not end in time, or (``check``) fails.
        """
        self.processes += 1
        name = argv[0]
        try:
            done = subprocess.run(
                argv,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                env={**_PATH, **(env or {})},
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise AgentError("server.no-program", f"{name} is not installed", "wsh server setup NAME") from None
        except subprocess.TimeoutExpired:
            raise AgentError("server.timeout", f"{name} did not end within {timeout:g}s") from None
        if check and done.returncode:
            words = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise AgentError("server.program", f"{' '.join(argv[:3])} ended with {done.returncode}", detail=words)
        return done

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program that goes on beside this one; the caller ends it."""
        self.processes += 1
        return subprocess.Popen(argv, env=_PATH, **options)

    def close(self) -> None:
        if "mariadb" in self.__dict__:
            self.mariadb.close()
        self.ledger.close()
