"""What a new site will be: its key, its options, its release, and where each of them comes from."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from wsh_core.cli import adding, questions
from wsh_core.cli.adding import Row
from wsh_core.cli.questions import Want
from wsh_core.cli.session import Session
from wsh_core.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wsh_core.models.account import Account
    from wsh_core.models.server import Server
    from wsh_core.vocabulary.facts import App

ADMIN = "admin"
"""The option, and the secret, that plugins name the first administrator and the password by."""


@dataclass(frozen=True)
class NewSite:
    """A site that is about to be written."""

    server: Server
    owner: Account
    key: str
    domains: tuple[str, ...]
    app: App
    release: str | None
    options: Mapping[str, Any]
    admin: str | None
    """How the first administrator logs in, if the application has one."""
    limit: int
    """How many sites the account's package has."""

    @property
    def account(self) -> str:
        """Its account's name."""
        return self.owner.name

    @property
    def file(self) -> str:
        """The file that it is written into."""
        return self.owner.file

    @property
    def id(self) -> str:
        """`alice/blog`."""
        return f"{self.account}/{self.key}"

    @property
    def content(self) -> dict[str, Any]:
        """What its account's file will say of it."""
        release = {"release": self.release} if self.release else {}
        options = {"options": dict(self.options)} if self.options else {}
        return {"domains": list(self.domains), "app": self.app.name, **release, **options}

    @property
    def rows(self) -> list[Row]:
        """What it will be, where that comes from, and which option says so."""
        rows = [
            ("site", f"{self.id} on {self.server.name}", "from account and domain; --key"),
            ("address", ", ".join(self.domains), "--domain"),
        ]
        if self.app.installed:
            rows.append(("release", self.release or "the newest checked one", "--release"))
        if self.admin is not None:
            mail = f" <{self.owner.email}>" if self.owner.email else ""
            rows.append(("admin", f"{self.admin}{mail}", f"{self.owner.where.short}; --set {ADMIN}"))
        number = len(self.owner.sites) + 1
        return [*rows, ("uses", f"site {number} of {self.limit}", f"package `{self.owner.package}`")]

    @property
    def done(self) -> str:
        """What is so once it runs."""
        return f"https://{self.domains[0]}/ runs {self.app.name}"

    @property
    def next(self) -> list[str]:
        """How to get in, and where the password is kept."""
        if self.admin is None:
            return []
        from wsh_core.agent import paths

        return [
            f"Log in as {self.admin}. The password is kept for root in {paths.SECRETS}/{self.id}/{ADMIN}",
            f"on {self.server.name}; it is shown nowhere.",
        ]


def wanted(session: Session, given: Mapping[str, Any]) -> NewSite:
    """Work out a new site from the options, from answers to questions, and from what follows of both.

    Raises:
        UsageError: something is missing and there is nobody to ask, or is not there.
        PluginError: the application is not one that is loaded.
    """
    lacking = {name: want for name, want in _wants(session).items() if not given[name]}
    of_app = _options_lacking(session, given["app"], given["settings"]) if given["app"] else {}
    rest = "the rest has values: --key, --release and --set follow from those"
    answers = questions.fill(session, lacking | of_app, rest)
    values = {**given, **{name: answers.pop(name) for name in lacking}}
    if not given["app"]:
        answers |= questions.fill(session, _options_lacking(session, values["app"], given["settings"]))
    values["settings"] = [*given["settings"], *(f"{key}={value}" for key, value in answers.items())]
    values["domains"] = [values["domains"]] if "domains" in lacking else values["domains"]
    return _new(session, values)


def _wants(session: Session) -> dict[str, Want]:
    from wsh_core.models.types import DomainName

    apps = ", ".join(session.apps.names)
    accounts = [found.name for _, found in session.description.accounts()]
    is_there = partial(adding.one_of, "account", known=accounts)
    domain = "such as blog.example.org; repeat it for more, the first is canonical"
    return {
        "app": Want("--app APP", f"what runs there: {apps}", f"App ({apps})", session.apps.get),
        "account": Want("--account NAME", "whose site it is: wsh account list", "Account", is_there),
        "domains": Want("--domain NAME", domain, "Domain", DomainName),
    }


def _options_lacking(session: Session, app: str, settings: Sequence[str]) -> dict[str, Want]:
    """The options that an application cannot do without and that are not given."""
    model = session.apps.get(app).app.options
    have = {text.partition("=")[0] for text in settings}
    fields = {field.alias or name: field for name, field in model.model_fields.items() if field.is_required()}
    return {
        key: Want(f"--set {key}=VALUE", field.description or "", field.description or key)
        for key, field in fields.items()
        if key not in have
    }


def _new(session: Session, values: Mapping[str, Any]) -> NewSite:
    from wsh_core.models.types import DomainName

    found = session.description.account(values["account"])
    if found is None:
        raise adding.not_there(session, "account", values["account"])
    server, owner = found
    declared = session.apps.get(values["app"]).app
    for domain in values["domains"]:
        adding.is_a(DomainName, "--domain", domain)
    domains = tuple(str(DomainName(domain)) for domain in values["domains"])
    options = _settings(declared, values["settings"])
    return NewSite(
        server=server,
        owner=owner,
        key=values["key"] or _key(domains[0], owner.sites),
        domains=domains,
        app=declared,
        release=values["release"],
        options=options,
        admin=str(options.get(ADMIN) or owner.name) if ADMIN in declared.options.model_fields else None,
        limit=session.description.package_of(owner).sites,
    )


def _key(domain: str, taken: Collection[str]) -> str:
    """The first part of a domain as a key that is free."""
    word = re.sub(r"[^a-z0-9]", "", domain.lower().partition(".")[0])[:14]
    word = word if re.match("[a-z]", word) else f"site{word}"[:14]
    return next(key for key in (word, *(f"{word}{n}" for n in range(2, 1000))) if key not in taken)


def _settings(app: App, given: Sequence[str]) -> dict[str, Any]:
    """The values of `--set`, each as what its option takes."""
    from wsh_core.models.types import UNSEEN

    options: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if bad := UNSEEN.search(value):
            message = f"--set {key}: it holds the character U+{ord(bad[0]):04X}, which cannot be seen"
            raise UsageError("usage.value", message, "take it out; every text is one line")
        if not equals:
            raise UsageError("usage.value", f"--set {text}: a value is missing", "--set KEY=VALUE")
        options[key] = _value(app.options, key, value)
    return options


def _value(model: type[BaseModel], key: str, text: str) -> Any:
    """The text itself, or the number, truth or list that it is written as, whichever the option takes."""
    from pydantic import ValidationError

    for candidate in _readings(text):
        try:
            model.model_validate({key: candidate})
            return candidate
        except ValidationError as error:
            if not any(each["loc"][:1] == (key,) for each in error.errors()):
                return candidate
    return text


def _readings(text: str) -> Iterator[Any]:
    from wsh_core.models.scalars import Trap, plain

    yield text
    with suppress(Trap):
        yield plain(text)
    yield [part.strip() for part in text.split(",")]


def described(app: App) -> list[tuple[str, str]]:
    """The options of an application, for its help."""
    rows = []
    for name, field in app.options.model_fields.items():
        example = f" ({field.examples[0]})" if field.examples else ""
        needed = " Needed." if field.is_required() else ""
        rows.append((field.alias or name, f"{field.description}{example}{needed}"))
    return rows
