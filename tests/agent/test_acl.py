from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.agent import acl
from wsh_core.agent.acl import Acl

numbers = {"www-data": 33, "alice": 6000}
LETTERS = ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"]


def wanted(mode: int, entries: list[str]) -> Acl:
    return Acl.wanted(mode, entries, numbers.__getitem__, numbers.__getitem__)


@given(mode=st.integers(0, 0o777), user=st.sampled_from(LETTERS), group=st.sampled_from(LETTERS))
def test_packing_loses_nothing(mode: int, user: str, group: str) -> None:
    made = wanted(mode, [f"user:www-data:{user}", f"group:alice:{group}"])
    assert Acl.parse(made.pack()) == made
    assert made.mode == mode


@pytest.mark.parametrize("entry", ["other:alice:r--", "nobody", "x::r--"])
def test_another_form_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"entr|values"):
        wanted(0o750, [entry])


def test_the_kernel_takes_what_setfacl_would_write(tmp_path: Path) -> None:
    if shutil.which("getfacl") is None:
        pytest.skip("needs the program getfacl (Debian package acl)")
    place = tmp_path / "place"
    place.mkdir(mode=0o750)
    fd = os.open(place, os.O_RDONLY)
    try:
        acl.put(fd, acl.ACCESS, wanted(0o750, ["user:www-data:--x"]))
        acl.put(fd, acl.DEFAULT, wanted(0o750, ["user:www-data:r-x"]))
        found = acl.get(fd, acl.ACCESS)
        assert found is not None
        assert found.entries(lambda _: "www-data", str) == ["user:www-data:--x"]
    finally:
        os.close(fd)
    shown = subprocess.run(["getfacl", "-cn", str(place)], capture_output=True, text=True, check=True).stdout.split()
    assert shown == [
        "user::rwx",
        "user:33:--x",
        "group::r-x",
        "mask::r-x",
        "other::---",
        "default:user::rwx",
        "default:user:33:r-x",
        "default:group::r-x",
        "default:mask::r-x",
        "default:other::---",
    ]


def test_a_mask_that_takes_something_away_is_seen(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        acl.put(fd, acl.ACCESS, wanted(0o750, ["user:www-data:r-x"]))
        os.fchmod(fd, 0o700)
        found = acl.get(fd, acl.ACCESS)
        assert found is not None
        assert found.entries(lambda _: "www-data", str) == ["mask::---", "user:www-data:r-x"]
        acl.put(fd, acl.ACCESS, None)
        assert acl.get(fd, acl.ACCESS) is None
    finally:
        os.close(fd)
