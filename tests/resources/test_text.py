"""What is text, what is a reference, and how both travel."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.resources.text import UID, Fact, Join, Secret, encode, join, pieces, readable, secrets_in

PIECE = st.one_of(st.text(), st.builds(Fact, st.sampled_from(["uid", "mariadb"])), st.builds(Secret, st.text()))


@given(st.lists(PIECE))
def test_a_join_keeps_every_piece_in_order(parts: list[str | Secret | Fact]) -> None:
    together = Join(*parts)
    assert [p for p in together.parts if not isinstance(p, str)] == [p for p in parts if not isinstance(p, str)]
    assert readable(together, "7") == "".join(readable(part, "7") for part in parts)
    assert all(a != "" for a in together.parts)
    assert not any(isinstance(a, str) and isinstance(b, str) for a, b in pairwise(together.parts))


@given(st.lists(PIECE))
def test_joins_in_joins_are_flat_and_the_simplest_text_is_chosen(parts: list[str | Secret | Fact]) -> None:
    assert Join(Join(*parts), Join()) == Join(*parts)
    simplest = join(tuple(parts))
    assert pieces(simplest) == (Join(*parts).parts or ("",))


def test_references_are_encoded_wherever_they_stand() -> None:
    value = {"a": [Secret("alice/blog/admin"), {"b": Join("x-", UID, ".slice")}], "c": ("t", 1, None, True)}
    assert encode(value) == {
        "a": [{"secret": "alice/blog/admin"}, {"b": {"join": ["x-", {"fact": "uid"}, ".slice"]}}],
        "c": ["t", 1, None, True],
    }
    assert [secret.name for secret in secrets_in(value)] == ["alice/blog/admin"]


@pytest.mark.parametrize("key", ["secret", "fact", "join"])
def test_a_mapping_that_looks_like_a_reference_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="read as a reference"):
        encode({key: "bob/blog/admin"})


@pytest.mark.parametrize("value", [1.5, object(), {1, 2}, b"x"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be sent"):
        encode(value)


@pytest.mark.parametrize("length", [0, 15, 129])
def test_a_short_secret_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 to 128"):
        Secret("alice/blog/admin", length)


def test_only_text_joins() -> None:
    with pytest.raises(TypeError, match="is no text"):
        Join("a", 5)  # type: ignore[arg-type]
