"""The files of a description, each read and checked by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from wsh_core.errors import Problem, Where
from wsh_core.models.account import Account
from wsh_core.models.base import Described
from wsh_core.models.check import problems_of
from wsh_core.models.files import NotRead, read
from wsh_core.models.organisation import Organisation
from wsh_core.models.origin import Origin
from wsh_core.models.server import Server
from wsh_core.models.source import Source, parse
from wsh_core.models.types import AccountName, Name, Refused

GENERAL: Final = "wsh.yaml"
SERVERS: Final = "servers"

_Read = TypeVar("_Read", bound=Described)


@dataclass
class AccountFile:
    """The file of one account; `account` is None where it could not be made."""

    server: str
    name: str
    origin: Origin
    source: Source
    account: Account | None
    problems: list[Problem]


@dataclass
class ServerFiles:
    """The directory of one server; `server` is None where it could not be made."""

    name: str
    source: Source
    server: Server | None
    accounts: list[AccountFile] = field(default_factory=list)


class Reading:
    """Everything below `root`, `overlay` in place of some files; what concerns all accounts is `general`."""

    def __init__(self, root: Path, overlay: Mapping[str, str]) -> None:
        self.root = root
        self.overlay = overlay
        self.general: list[Problem] = []
        self.files = 0
        self.wsh_yaml, self.organisation = self._organisation()
        self.servers = [self._server(name) for name in self._server_names()]

    @property
    def accounts(self) -> list[AccountFile]:
        """The account files of all servers."""
        return [account for server in self.servers for account in server.accounts]

    def _organisation(self) -> tuple[Source, Organisation | None]:
        if not self.root.is_dir():
            self._miss(str(self.root), "wsh init makes a description; -C DIR says where one is")
        source = self._source(GENERAL)
        made, problems = _make(Organisation.read, Organisation, source, Origin(source))
        self.general += problems
        return source, made

    def _server_names(self) -> list[Name]:
        names = []
        for entry in self._list(SERVERS):
            if (self.root / SERVERS / entry).is_dir():
                names += self._named(Name, entry, f"{SERVERS}/{entry}")
            elif entry.endswith(".yaml"):
                hint = f"a server is a directory: {SERVERS}/{entry.removesuffix('.yaml')}/server.yaml"
                self._odd(f"{SERVERS}/{entry}", f"{SERVERS}/{entry} is a file", hint)
        if not names and not self.general:
            self._miss(f"{SERVERS}/NAME/server.yaml", "wsh init makes the first")
        return names

    def _server(self, name: Name) -> ServerFiles:
        source = self._source(f"{SERVERS}/{name}/server.yaml")
        origin = Origin(source, object=f"server:{name}")
        made, problems = _make(lambda values, at: Server.read(name, values, at), Server, source, origin)
        self.general += problems
        return ServerFiles(name, source, made, [self._account(name, each) for each in self._account_names(name)])

    def _account_names(self, server: Name) -> list[str]:
        directory = f"{SERVERS}/{server}/accounts"
        names: list[str] = []
        for entry in self._list(directory):
            file = f"{directory}/{entry}"
            if entry.endswith(".yml"):
                self._odd(file, f"{file} would not be read", "rename it, so that it ends in .yaml")
            elif entry.endswith(".yaml"):
                names += self._named(AccountName.of_file, entry.removesuffix(".yaml"), file)
        return names

    def _account(self, server: Name, name: str) -> AccountFile:
        source = self._source(f"{SERVERS}/{server}/accounts/{name}.yaml")
        origin = Origin(source, object=f"account:{name}")
        try:
            known = AccountName(name)
        except Refused as error:
            reserved = Problem("config.name-reserved", str(error), error.hint, origin.places(), origin.object)
            return AccountFile(server, name, origin, source, None, [reserved])
        made, problems = _make(lambda values, at: Account.read(known, values, at), Account, source, origin)
        return AccountFile(server, name, origin, source, made, problems)

    def _source(self, file: str) -> Source:
        self.files += 1
        try:
            return parse(self.overlay[file] if file in self.overlay else read(self.root / file, file), file)
        except NotRead as error:
            return Source(file, problems=[error.problem])

    def _list(self, directory: str) -> list[str]:
        """The names in a directory, hidden ones left out."""
        try:
            names = {entry.name for entry in (self.root / directory).iterdir()}
        except FileNotFoundError:
            names = set()
            self._miss(directory, f"mkdir {directory}; git keeps none that is empty: put a .gitkeep into it")
        except OSError as error:
            names = set()
            message = f"{directory} cannot be listed: {error.strerror}"
            self.general.append(Problem("config.unreadable", message, f"ls -ld {directory}", (Where(directory, 1),)))
        names.update(f.removeprefix(f"{directory}/") for f in self.overlay if f.startswith(f"{directory}/"))
        return sorted(name for name in names if not name.startswith(".") and "/" not in name)

    def _named(self, kind: Callable[[str], Any], name: str, file: str) -> list[Any]:
        """The name of a file or a directory, or nothing: what such a file would be about cannot be known."""
        try:
            return [kind(name)]
        except Refused as error:
            self._odd(file, str(error), "rename the file, or move it elsewhere")
            return []

    def _odd(self, file: str, message: str, hint: str | None) -> None:
        self.general.append(Problem("config.file-name", message, hint, (Where(file, 1),)))

    def _miss(self, file: str, hint: str) -> None:
        self.general.append(Problem("config.missing-file", f"{file} does not exist", hint, (Where(file, 1),)))


def _make(
    make: Callable[[Any, Origin], _Read], model: type[_Read], source: Source, origin: Origin
) -> tuple[_Read | None, list[Problem]]:
    """Make the object of a file if it can be made, and tell what is wrong with the file."""
    problems = [_about(problem, origin.object) for problem in source.problems]
    if source.value is None:
        return None, problems
    try:
        return make(source.value, origin), problems
    except ValidationError as error:
        return None, problems + problems_of(error, origin, model)


def _about(problem: Problem, object: str | None) -> Problem:
    return Problem(problem.code, problem.message, problem.hint, problem.where, object, problem.detail)
