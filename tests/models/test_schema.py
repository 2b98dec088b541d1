"""The schema and the page of the reference say what the models take: every key, and a whole example."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from wsh_core import releases
from wsh_core.models.load import load_description
from wsh_core.models.schema import FILES, keys, schema, table
from wsh_core.models.server import Server
from wsh_core.models.template import template

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "description.md").read_text()
EXAMPLE = dict(re.findall(r"\*\*`([^`]+)`\*\*\n\n```yaml\n(.*?)```", PAGE, re.DOTALL))


def kind_of(file):
    return "account.yaml" if "/accounts/" in file else file.rpartition("/")[2]


@pytest.mark.parametrize("kind", FILES)
def test_every_key_has_a_description_a_type_and_an_example(kind):
    for key in keys(kind):
        assert key.description.endswith("."), key
        assert key.type, key
        assert key.example, key


@pytest.mark.parametrize("kind", FILES)
def test_every_example_is_right(kind):
    whole = schema(kind)
    validator = jsonschema.Draft202012Validator
    validator.check_schema(whole)
    definitions = whole.get("$defs", {})
    parts = [part for group in (whole, *definitions.values()) for part in group.get("properties", {}).values()]
    assert len(parts) >= 4
    for part in parts:
        for example in part["examples"]:
            jsonschema.validate(example, {"$defs": definitions, **part}, validator)


@pytest.mark.parametrize(("file", "text"), [*EXAMPLE.items(), *template("web1", "localhost", ["wordpress"]).items()])
def test_what_is_right_fits_the_schema(file, text):
    jsonschema.validate(yaml.safe_load(text), schema(kind_of(file)), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("wsh.yaml", "{description: x, packages: {}}"),
        ("server.yaml", "{address: a, debian: 11}"),
        ("server.yaml", "{address: a, debian: 13, php: 8.4}"),
        ("account.yaml", "{name: A, package: small, site: {}}"),
        ("account.yaml", "{name: A, package: small, sites: {Blog: {domains: [a.org], app: php}}}"),
        ("account.yaml", "{name: A, package: small, sites: {blog: {domains: [], app: php}}}"),
        (
            "account.yaml",
            "{name: A, package: small, sites: {blog: {domains: [a.org], app: php, php: {x: 1}}}}",
        ),
    ],
)
def test_what_is_wrong_does_not(kind, text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), schema(kind), jsonschema.Draft202012Validator)


def test_the_example_of_the_page_is_a_right_description(tmp_path):
    assert list(EXAMPLE) == ["wsh.yaml", "servers/web1/server.yaml", "servers/web1/accounts/alice.yaml"]
    for file, text in EXAMPLE.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    description = load_description(tmp_path, app_names={"wordpress"}, app_databases={"wordpress": 1}, strict=True)
    assert len(description.servers["web1"].accounts["alice"].sites) == 2


def test_the_example_of_the_page_has_every_key():
    written = {place for file, text in EXAMPLE.items() for place in _places(yaml.safe_load(text), kind_of(file))}
    missing = {(kind, key.path) for kind in FILES for key in keys(kind)} - written
    assert missing == set()


def _places(values, kind, model_path=""):
    """The places of a file's keys, names of its own making written as KEY."""
    known = {key.path for key in keys(kind)}
    for name, value in values.items():
        path = f"{model_path}{name}" if f"{model_path}{name}" in known else f"{model_path}KEY"
        yield kind, path
        if isinstance(value, dict):
            yield from _places(value, kind, f"{path}.")


@pytest.mark.parametrize("kind", FILES)
def test_the_tables_of_the_page_are_those_of_the_models(kind):
    (found,) = re.findall(rf"<!-- keys: {re.escape(kind)} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found == table(kind), "docs/reference/description.md is older than the models: put table() there"


def test_the_releases_of_debian_are_those_that_have_data():
    assert tuple(Server.model_json_schema()["properties"]["debian"]["enum"]) == releases.DEBIAN


def test_the_traps_of_the_page_are_traps(tree):
    rows = re.search(r"\| you write .*?\n\n", PAGE, re.DOTALL)[0].strip().splitlines()[2:]
    for row in rows:
        for word in re.findall(r"`([^`]+)`", row.split("|")[1]):
            tree.account("alice", f"name: {word}\npackage: small\n")
            assert tree.told()[0].startswith(f"config.yaml-trap: {word} without quotes is ")
            tree.account("alice", f'name: "{word}"\npackage: small\n')
            assert tree.told() == []
