"""YAML is read with its places; what people misread is refused; nothing makes the reader fall over."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from wsh_core.models.emit import flow
from wsh_core.models.source import DEEPEST, MOST_PROBLEMS, parse


def told(text):
    """What is wrong with a text, one line each: `code line:column+width path: message -> hint`."""
    lines = []
    for problem in parse(text, "f.yaml").problems:
        place = problem.where[-1]
        at = f"{place.line}:{place.column}+{place.width} {place.path}".strip()
        lines.append(f"{problem.code} {at}: {problem.message}" + (f" -> {problem.hint}" if problem.hint else ""))
    return lines


TEXT = """\
# a comment
name: Älice   # and another
sites:
  blog:
    domains: [blog.example.org, "www.blog.example.org"]
    options: {title: 'It''s', empty: }
  last:
    - x
"""


def test_values_are_what_is_written():
    source = parse(TEXT, "f.yaml")
    assert source.problems == []
    assert source.value == {
        "name": "Älice",
        "sites": {
            "blog": {
                "domains": ["blog.example.org", "www.blog.example.org"],
                "options": {"title": "It's", "empty": None},
            },
            "last": ["x"],
        },
    }


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        ((), False, "2:1+1"),
        (("name",), False, "2:7+5"),
        (("name",), True, "2:1+4"),
        (("sites", "blog"), True, "4:3+4"),
        (("sites", "blog"), False, "5:5+1"),
        (("sites", "blog", "domains", 1), False, "5:33+22"),
        (("sites", "blog", "options", "title"), False, "6:22+7"),
        (("sites", "blog", "options", "empty"), False, "6:31+5"),  # there is only a key to show
        (("sites", "blog", "app"), False, "4:3+4"),  # missing: the group it is missing in
        (("sites", "last", 0), False, "8:7+1"),
        (("sites", "last", 7), False, "7:3+4"),
        (("nowhere", "at", "all"), False, "2:1+1"),
    ],
)
def test_places(path, key, place):
    where = parse(TEXT, "f.yaml").where(path, key=key)
    assert f"{where.line}:{where.column}+{where.width}" == place
    assert where.path == ".".join(map(str, path))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-7", -7), ("0", 0), ("8.4", 8.4), ("-0.5", -0.5), ("true", True), ("False", False),
        ("~", None), ("null", None), ("", None), ("8.4.1", "8.4.1"), ("10.0.0.1", "10.0.0.1"), ("50%", "50%"),
        ("2G", "2G"), ("'0750'", "0750"), ('"NO"', "NO"), ("nope", "nope"), ("north", "north"), ("1a", "1a"),
        ("-x", "-x"), ("2001:db8::1", "2001:db8::1"), ("a#b", "a#b"), ("[]", []), ("{}", {}),
        (">-\n  folded\n  text", "folded text"),
    ],
)  # fmt: skip
def test_scalars_that_all_readers_take_alike(text, value):
    source = parse(f"key: {text}", "f.yaml")
    assert source.problems == []
    assert source.value == {"key": value}
    assert type(source.value["key"]) is type(value)


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("NO", "the value false (YAML 1.1)", 'write false, or "NO" for the word'),
        ("yes", "the value true (YAML 1.1)", 'write true, or "yes" for the word'),
        ("On", "the value true (YAML 1.1)", 'write true, or "On" for the word'),
        ("y", "the value true (YAML 1.1)", 'write true, or "y" for the word'),
        ("0750", "the number 488 (YAML 1.1, base 8)", 'write "0750"'),
        ("22:30", "the number 1350 (YAML 1.1, base 60)", 'write "22:30"'),
        ("1:2:3", "the number 3723 (YAML 1.1, base 60)", 'write "1:2:3"'),
        ("8.30", "the number 8.3", 'write "8.30"'),
        ("8.0", None, None),
        ("2026-11-24", "a date (YAML 1.1)", 'write "2026-11-24"'),
        ("2026-13-45", "a date (YAML 1.1)", 'write "2026-13-45"'),
        ("2026-11-24 10:00:00", "a date (YAML 1.1)", 'write "2026-11-24 10:00:00"'),
        ("0x1F", "the number 31 (base 16)", 'write "0x1F"'),
        ("0b11", "the number 3", 'write "0b11"'),
        ("0o17", "a number to some readers of YAML, and text to others", 'write "0o17"'),
        ("1_000", "the number 1000", 'write "1_000"'),
        ("1e3", "a number to some readers of YAML, and text to others", 'write "1e3"'),
        ("1.5e+3", "the number 1500.0", 'write "1.5e+3"'),
        ("+1", "the number 1", 'write "+1"'),
        (".5", "the number 0.5", 'write ".5"'),
        ("5.", "the number 5.0", 'write "5."'),
        ("-0", "the number 0", 'write "-0"'),
        (".inf", "the number inf", 'write ".inf"'),
        (".NaN", "the number nan", 'write ".NaN"'),
        ("08", "a number to some readers of YAML, and text to others", 'write "08"'),
        ("<<", "an instruction to the reader (YAML 1.1)", 'write "<<"'),
        ("=", "an instruction to the reader (YAML 1.1)", 'write "="'),
    ],
)
def test_traps(text, reason, hint):
    expected = [f"config.yaml-trap 1:6+{len(text)} key: {text} without quotes is {reason} -> {hint}"]
    assert told(f"key: {text}") == (expected if reason else [])


def test_a_number_of_many_digits_is_told_in_few():
    (line,) = told(f"key: {'9' * 5000}")
    assert line.startswith("config.yaml-trap 1:6+5000 key: 9999")
    assert len(line) < 200


# Every plain scalar that PyYAML, which is YAML 1.1, takes for something else than its own text.
_SCALARS = st.one_of(
    st.from_regex(r"[-+]?[0-9._:eExoba-fA-F-]{1,12}", fullmatch=True),
    st.sampled_from(["yes", "No", "ON", "off", "TRUE", "Null", "~", "<<", "=", ".inf", "-.INF", ".nan"]),
)


@given(_SCALARS)
@example("1__0.")
@example("-1:0.5")
def test_nothing_is_read_otherwise_than_by_yaml_1_1_in_silence(text):
    source = parse(f"key: {text}", "f.yaml")
    if source.problems:
        return
    value = source.value["key"]
    assert yaml.safe_load(f"key: {text}")["key"] == value
    assert value is None or str(value).lower() == text.lower()


CASES = [
    tuple(case.split("\n--- "))
    for case in (Path(__file__).parent / "cases" / "mistakes.txt").read_text().split("\n=== ")[1:]
]


@pytest.mark.parametrize(("written", "expected"), CASES, ids=lambda part: part.split("\n")[0])
def test_each_mistake_has_its_place_and_its_remedy(written, expected):
    text = written.partition("\n")[2] + "\n"
    (line,) = told(text)
    assert line.replace(" -> ", "\n    help: ") == expected.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "place", "character"),
    [
        ("a: x\n# \u202e\n", "2:3", "U+202E"),
        ("a: \x1b[2J\n", "1:4", "U+001B"),
        ("a: \ud800\n", "1:4", "U+D800"),
        ("a: \ufeffx\n", "1:4", "U+FEFF"),
        ("ä: x\r\nb: \x00", "2:4", "U+0000"),
    ],
)
def test_a_character_that_cannot_be_seen_is_shown(text, place, character):
    message = f"the file holds the character {character}, which cannot be seen"
    assert told(text) == [f"config.character {place}+1: {message} -> take it out"]


def test_a_file_that_is_no_description_is_given_up():
    problems = parse("x: 1\n" * 1000, "f.yaml").problems
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1].code == "config.too-many"


def test_the_parser_s_own_words_are_the_detail():
    (problem,) = parse("a: [1\nb: 2\n", "f.yaml").problems
    assert problem.detail == "did not find expected ',' or ']'"


def test_all_that_is_wrong_is_told_at_once():
    lines = told("a: NO\nb: 0750\nb: 1\nc: {d: 22:30}\n")
    assert [line.split()[0] for line in lines] == [
        "config.yaml-trap",
        "config.yaml-trap",
        "config.duplicate-key",
        "config.yaml-trap",
    ]


def test_the_first_of_two_keys_counts():
    assert parse("a: 1\na: 2\n", "f.yaml").value == {"a": 1}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 1_000_000,
        "{" * 1_000_000,
        "- " * 500_000,
        "? " * 500_000,
        "a: " + "[" * (DEEPEST + 1),
        "a: [" + "{a: " * 300_000,
        '"' * 1_000_000,
        "'" * 999_999,
        "a: " + "x" * 999_000,
        ("k" * 500 + "\n") * 2000,
        "a: [" + "x, " * 300_000 + "]",
        "".join(f"k{n}: \n" for n in range(90_000)),
        "x: 1\n" * 150_000,
        "a:\n" + "".join(f"{' ' * n}- b:\n" for n in range(1, 1000)),
        "!" * 100_000,
        "&a " * 300_000,
        "# \u202e" * 200_000,
    ],
    ids=lambda text: f"{text[:8]!a}x{len(text)}",
)
def test_nothing_takes_long(text):
    start = time.process_time()
    source = parse(text, "f.yaml")
    assert time.process_time() - start < 5  # a megabyte of the worst, on a slow machine
    assert source.value is None or len(source.value) > 0


def test_values_are_nested_as_deep_as_allowed():
    assert parse("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1), "f.yaml").problems == []
    assert told("a: " + "[" * DEEPEST + "]" * DEEPEST)[0].startswith("config.depth")


_ALPHABET = st.one_of(st.sampled_from("abc01:-?[]{},&*!|>'\"%@`#\\ \n\t~<=."), st.characters())


@given(st.text(_ALPHABET, max_size=200))
def test_any_text_is_values_or_problems(text):
    source = parse(text, "f.yaml")
    assert isinstance(source.value, dict) or source.problems
    lines = max(len(text.splitlines()), 1)
    for problem in source.problems:
        assert problem.message.isprintable()
        for place in problem.where:
            assert 1 <= place.line <= lines
            assert place.column >= 1
            assert place.width >= 1


@given(st.text(_ALPHABET, max_size=200))
def test_what_is_taken_is_what_yaml_1_1_says(text):
    source = parse(text, "f.yaml")
    if not source.problems:
        assert yaml.safe_load(text) == source.value


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp")), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcnoyNO~- :#,", max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_VALUES)
@example({"n": "NO", "y": "8.30", "-": "- a", "": " x ", "a": "a: b", "b": "x #y", "c": "[", "d": "?", "e": "\\"})
def test_what_is_written_is_read_again(value):
    source = parse(f"key: {flow(value)}\n", "f.yaml")
    assert source.problems == []
    assert source.value == {"key": value}
