from __future__ import annotations

import itertools

import pytest

from wsh_core.agent import versions

ORDERED = [
    "0",
    "1",
    "1.0-beta",
    "1.0-rc.1",
    "1.0-rc.2",
    "1.0",
    "1.0.1",
    "1.2",
    "1.10",
    "2.0~rc1",
    "2.0",
    "10.0",
    "31.0.11",
]


def test_versions_are_ordered_as_people_order_them() -> None:
    for older, newer in itertools.combinations(ORDERED[1:], 2):
        assert versions.key(older) < versions.key(newer), (older, newer)


@pytest.mark.parametrize(
    ("old", "low", "new", "leads"),
    [
        ("32.0.2", "32", "33.0.3", True),
        ("32", "32", "33", True),
        ("31.0.9", "32", "33.0.3", False),
        ("33.0.3", "32", "33.0.3", False),
        ("34.0", "32", "33.0.3", False),
        ("1.0", "0", "1.1", True),
    ],
)
def test_a_hop_leads_forward_and_from_no_older_than_it_says(old: str, low: str, new: str, leads: bool) -> None:
    assert versions.reaches(new, low, old) is leads
