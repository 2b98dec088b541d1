"""Amounts are read with their unit, and written so that they can be read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.models.php import IniSize
from wsh_core.models.types import Memory, Percent, Refused, Size


@pytest.mark.parametrize(
    ("text", "bytes_", "again"),
    [
        ("2G", 2 << 30, "2G"),
        ("1.5G", 1536 << 20, "1536M"),
        ("1024M", 1 << 30, "1G"),
        ("1.2G", 1288490188 // 1024 * 1024, None),
        ("1K", 1024, "1K"),
        ("1024T", 1 << 50, "1024T"),
    ],
)
def test_sizes(text, bytes_, again):
    size = Size(text)
    assert size == bytes_
    assert again is None or str(size) == again
    assert Size(str(size)) == size


@pytest.mark.parametrize("text", ["2", "2g", "2GB", "-2G", "0G", "2 G", "1025T", "1e3K", "٢G", "0.0001K", "2G\n"])
def test_what_is_no_size(text):
    with pytest.raises(Refused):
        Size(text)


@given(st.integers(1, 1 << 40))
def test_every_size_is_written_exactly(kilobytes):
    size = Size(kilobytes << 10)
    assert int(Size(str(size))) == kilobytes << 10


def test_memory_and_php_sizes_have_their_own_bounds():
    with pytest.raises(Refused, match="128M are needed"):
        Memory("64M")
    with pytest.raises(Refused):
        IniSize("1T")  # php.ini would read it as one byte


@pytest.mark.parametrize("text", ["0%", "50", "50.5%", "-1%", "99999%", "%"])
def test_what_is_no_share(text):
    with pytest.raises(Refused):
        Percent(text)
