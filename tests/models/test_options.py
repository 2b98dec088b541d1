"""A plugin's options are checked with places, nearest names and examples, like all other keys."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from wsh_core.models.base import Many, Model
from wsh_core.models.options import Options, check
from wsh_core.models.site import Site
from wsh_core.models.types import DomainName, Email, Text


class Skin(Model):
    colour: Literal["light", "dark"] = Field(description="Its colour.", examples=["dark"])


class WordPress(Options):
    title: Text = Field(description="The title.", examples=["Alice writes"])
    admin_email: Email | None = Field(None, description="Whose it is.", examples=["alice@example.org"])
    languages: Many[Text] = Field((), description="Languages.", examples=[["de", "fr"]])
    skins: dict[str, Skin] = Field({}, description="Skins.")
    posts: int = Field(10, ge=1, description="Posts on a page.", examples=[10])
    source: DomainName | Literal[False] = Field(False, description="Where it comes from.")

    @field_validator("title")
    @classmethod
    def _no_shouting(cls, title):
        if title.isupper():
            raise ValueError("a title is not all in capitals")
        return title


def of(tree, options, model=WordPress):
    site = f"    domains: [a.org]\n    app: wordpress\n    options: {options}\n"
    tree.account("alice", f"name: A\npackage: small\nsites:\n  blog:\n{site}")
    return tree.told(app_options={"wordpress": model})


def test_right_options_become_an_object():
    site = Site.make(
        "alice",
        "blog",
        {"domains": ["a.org"], "app": "wordpress", "options": {"title": "Ab", "languages": ["de"]}},
    )
    value, problems = check(WordPress, site.options, site.origin.below("options"), app="wordpress")
    assert problems == ()
    assert (value.title, value.languages, value.posts) == ("Ab", ("de",), 10)


def test_options_made_by_hand_have_no_place():
    value, (problem,) = check(WordPress, {"titel": "A", "title": "Ab"}, app="wordpress")
    assert value is None
    assert (problem.message, problem.hint, problem.where) == (
        "`titel` is not an option of wordpress",
        "did you mean title?",
        (),
    )


def test_an_option_that_does_not_exist(tree):
    assert of(tree, "{title: Ab, admin_emial: alice@example.org}") == [
        "config.unknown-key: `admin_emial` is not an option of wordpress",
        "  --> accounts/alice.yaml:7:26+11 sites.blog.options.admin_emial",
        "  help: did you mean admin_email?",
    ]


def test_an_option_that_is_missing(tree):
    assert of(tree, "{}") == [
        "config.missing-key: title is missing",
        "  --> accounts/alice.yaml:7:5+7 sites.blog.options.title",
        "  help: such as title: Alice writes",
    ]
    assert of(tree, "") == of(tree, "{}")


def test_options_of_every_other_kind(tree):
    skins = "{a: {colour: blue}, b: 1}"
    given = f"{{title: LOUD, admin_email: x, languages: de, posts: 0, skins: {skins}, source: no-dot}}"
    assert of(tree, given) == [
        "config.value: a title is not all in capitals",
        "  --> accounts/alice.yaml:7:22+4 sites.blog.options.title",
        "  help: such as Alice writes",
        "config.value: `x` is not a mail address, which has one @",
        "  --> accounts/alice.yaml:7:41+1 sites.blog.options.admin_email",
        "  help: such as alice@example.org",
        "config.type: languages is a list, not the text `de`",
        "  --> accounts/alice.yaml:7:55+2 sites.blog.options.languages",
        "  help: such as [de, fr]",
        "config.value: posts is 0, at least 1 is needed",
        "  --> accounts/alice.yaml:7:66+1 sites.blog.options.posts",
        "  help: such as 10",
        "config.value: colour is `light` or `dark`, not the text `blue`",
        "  --> accounts/alice.yaml:7:89+4 sites.blog.options.skins.a.colour",
        "config.type: b is keys with values, not the number 1",
        "  --> accounts/alice.yaml:7:99+1 sites.blog.options.skins.b",
        "config.value: `no-dot` is a single word; a domain name has at least two parts",
        "  --> accounts/alice.yaml:7:111+6 sites.blog.options.source",
        "  help: such as blog.example.org",
        "config.value: source is False, not the text `no-dot`",
        "  --> accounts/alice.yaml:7:111+6 sites.blog.options.source",
    ]


def test_a_problem_is_the_site_s(tree):
    of(tree, "{}")
    (problem,) = tree.load(app_options={"wordpress": WordPress}).held["web1", "alice"]
    assert problem.object == "site:alice/blog"


def test_a_plugin_that_crashes_holds_its_account(tree):
    class Crashing(Options):
        @field_validator("*", mode="before")
        @classmethod
        def _crash(cls, _value):
            raise KeyError("missing")

        title: Text = Field(description="The title.")

    message, place, hint = of(tree, "{title: Ab}", Crashing)
    assert message == "plugin.failed: the options of wordpress cannot be checked: KeyError"
    assert place == "  --> accounts/alice.yaml:7:5+7 sites.blog.options"
    assert hint == "  help: this is a fault of the plugin wordpress; tell its makers"
