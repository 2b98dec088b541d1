"""What is written as PHP is read back as the same value."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.plugin import Join, Secret, php, php_constants
from wsh_core.resources.text import readable

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


def read(code: str) -> Any:
    """Read one PHP expression of these forms (php.net, Strings, single quoted; Arrays)."""
    value, rest = _read(code)
    assert not rest
    return value


def _read(code: str) -> tuple[Any, str]:
    if code.startswith("'"):
        found = re.match(r"'((?:[^'\\]|\\.)*)'", code, re.DOTALL)
        assert found, code
        return re.sub(r"\\(['\\])", r"\1", found[1]), code[found.end() :]
    if code.startswith("["):
        return _read_array(code[1:])
    found = re.match(r"null|true|false|-?[0-9]+", code)
    assert found, code
    words = {"null": None, "true": True, "false": False}
    return words[found[0]] if found[0] in words else int(found[0]), code[found.end() :]


def _read_array(code: str) -> tuple[Any, str]:
    items: list[Any] = []
    keyed: dict[str, Any] = {}
    while not code.startswith("]"):
        value, code = _read(code)
        if code.startswith(" => "):
            keyed[value], code = _read(code[4:])
        else:
            items.append(value)
        assert code.startswith(", ")
        code = code[2:]
    return keyed or items, code[1:]


@given(VALUES)
def test_a_value_is_read_back(value: Any) -> None:
    assert read(readable(php(value), "6001")) == _as_php_has_it(value)


def _as_php_has_it(value: Any) -> Any:
    """PHP has one kind of array, so an empty mapping is an empty list."""
    if isinstance(value, dict):
        return {key: _as_php_has_it(item) for key, item in value.items()} or []
    return [_as_php_has_it(item) for item in value] if isinstance(value, list) else value


@given(st.dictionaries(st.from_regex("[A-Z_]+", fullmatch=True), st.one_of(st.text(), st.booleans())))
def test_constants_are_defined_one_a_line(constants: dict[str, Any]) -> None:
    text = readable(php_constants(constants), "6001").removeprefix("<?php\n")
    for name, value in constants.items():
        line = f"define('{name}', "
        assert text.startswith(line)
        found, rest = _read(text.removeprefix(line))
        assert found == value
        assert rest.startswith(");\n")
        text = rest[3:]
    assert not text


def test_a_secret_stays_a_reference() -> None:
    secret = Secret("alice/blog/key")
    assert php(Join("it's ", secret)) == Join("'it\\'s ", secret, "'")


@pytest.mark.parametrize("value", [1.5, object(), {1}, b"x"])
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no text"):
        php(value)
