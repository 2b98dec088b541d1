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
    app: str
    options: Mapping[str, Any]
    rows: Sequence[Row]
    admin: str | None

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
    def done(self) -> str:
        """What is so once it runs."""
        return f"https://{self.domains[0]}/ runs {self.app}"

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


def wanted(
    session: Session, app: str | None, account: str | None, domains: Sequence[str], given: Mapping[str, Any]
) -> NewSite:
    """Work out a new site from the options, from answers to questions, and from what follows of both.

    Raises:
        UsageError: something is missing and there is nobody to ask, or is not there.
        PluginError: the application is not one that is loaded.
    """
    lacking = _lacking(session, app, account, domains)
    settings = list(given["settings"])
    if app:
        lacking |= _options_lacking(session.apps.get(app).app, settings)
    answers = questions.fill(
        session, lacking, "the rest has values: --key, --release and --set follow from those"
    )
    app = app or answers.pop("app")
    account = account or answers.pop("account")
    domains = domains or [answers.pop("domain")]
    if "app" in lacking:
        answers |= questions.fill(session, _options_lacking(session.apps.get(app).app, settings))
    settings += [f"{key}={value}" for key, value in answers.items()]
    return _new(session, app, account, domains, {**given, "settings": settings})


def _lacking(
    session: Session, app: str | None, account: str | None, domains: Sequence[str]
) -> dict[str, Want]:
    from wsh_core.models.types import DomainName

    apps = ", ".join(session.apps.names)
    accounts = [found.name for _, found in session.description.accounts()]
    domain = "such as blog.example.org; repeat it for more, the first is canonical"
    wants = {
        "app": Want("--app APP", f"what runs there: {apps}", f"App ({apps})", session.apps.get),
        "account": Want("--account NAME", "whose site it is: wsh account list", "Account", partial(
            adding.one_of, "account", known=accounts)),
        "domain": Want("--domain NAME", domain, "Domain", DomainName),
    }  # fmt: skip
    have = {"app": app, "account": account, "domain": domains}
    return {name: want for name, want in wants.items() if not have[name]}


def _options_lacking(app: App, settings: Sequence[str]) -> dict[str, Want]:
    """The options that an application cannot do without."""
    have = {text.partition("=")[0] for text in settings}
    fields = {
        field.alias or name: field for name, field in app.options.model_fields.items() if field.is_required()
    }
    return {
        key: Want(f"--set {key}=VALUE", field.description or "", field.description or key)
        for key, field in fields.items()
        if key not in have
    }


def _new(
    session: Session, app: str, account: str, domains: Sequence[str], given: Mapping[str, Any]
) -> NewSite:
    from wsh_core.models.types import DomainName

    found = session.description.account(account)
    if found is None:
        raise adding.not_there(session, "account", account)
    server, owner = found
    declared = session.apps.get(app).app
    for domain in domains:
        adding.is_a(DomainName, "--domain", domain)
    names = tuple(str(DomainName(domain)) for domain in domains)
    options = _settings(declared, given["settings"])
    key = given["key"] or _key(names[0], owner.sites)
    admin = str(options.get(ADMIN) or account) if ADMIN in declared.options.model_fields else None
    rows = _rows(session, server, owner, key, names, declared, given, admin)
    return NewSite(server, owner, key, names, app, options, list(rows), admin)


def _rows(
    session: Session, server: Server, owner: Account, key: str, domains: Sequence[str], app: App,
    given: Mapping[str, Any], admin: str | None,
) -> Iterator[Row]:  # fmt: skip
    package = session.description.package_of(owner)
    yield (
        "site",
        f"{owner.name}/{key} on {server.name}",
        "--key" if given["key"] else "from account and domain; --key",
    )
    yield "address", ", ".join(domains), "--domain"
    if app.installed:
        yield "release", given["release"] or "newest checked", "--release"
    if admin is not None:
        mail = f" <{owner.email}>" if owner.email else ""
        yield "admin", f"{admin}{mail}", f"{owner.where.short}; --set {ADMIN}"
    yield "uses", f"site {len(owner.sites) + 1} of {package.sites}", f"package `{owner.package}`"


def _key(domain: str, taken: Collection[str]) -> str:
    """The first part of a domain as a key that is free."""
    word = re.sub(r"[^a-z0-9]", "", domain.lower().partition(".")[0])[:14]
    word = word if re.match("[a-z]", word) else f"site{word}"[:14]
    return next(key for key in (word, *(f"{word}{n}" for n in range(2, 1000))) if key not in taken)


def _settings(app: App, given: Sequence[str]) -> dict[str, Any]:
    """The values of `--set`, each as what its option takes."""
    options: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
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
