"""Reading apt's sources: whatever a machine uses, its servers use too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsh_lab.apt import Archive, Source, choose, inherited, parse_deb822, parse_one_line, read
from wsh_lab.errors import LabError

DEB822 = """\
# the mirror of this house
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
deb [arch=amd64 signed-by=/etc/apt/keyrings/vpn.gpg] https://vpn.example/debian bookworm main
deb http://old.example/debian/ bullseye main non-free # a comment
deb-src http://old.example/debian/ bullseye main
deb http://old.example/debian/ bullseye-updates main
deb http://security.example/ bullseye/updates main
#deb http://commented.example/debian bullseye main
"""


def test_deb822_becomes_entries_and_the_disabled_one_is_left_out():
    first, second = parse_deb822(DEB822)
    assert first.uris == ("http://mirror.example/debian",)
    assert first.suites == ("bookworm", "bookworm-updates")
    assert second.suites == ("bookworm-security",)
    assert first.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_another_release_comes_from_the_same_mirror_with_the_same_key():
    main, security = choose(parse_deb822(DEB822), "trixie")
    assert (main.uris, main.suites) == (("http://mirror.example/debian",), ("trixie", "trixie-updates"))
    assert (security.uris, security.suites) == (
        ("http://mirror.example/debian-security",),
        ("trixie-security",),
    )
    assert main.components == security.components == ("main",)
    assert main.types == ("deb",)


def test_one_line_entries_and_a_repository_that_borrows_debians_suite_names():
    main, security = choose(parse_one_line(ONE_LINE), "bookworm")
    assert main.uris == ("http://old.example/debian/",)
    assert security == Source(("http://security.example/",), ("bookworm-security",), ("main",))


def test_without_updates_and_security_none_are_made_up():
    (main,) = choose(parse_one_line("deb http://one.example/debian trixie main"), "trixie")
    assert main.suites == ("trixie",)


def test_a_machine_without_debian_sources_is_told_what_is_missing(tmp_path):
    with pytest.raises(LabError) as caught:
        choose(parse_one_line("deb https://vpn.example/debian nodistro main"), "trixie", tmp_path)
    assert caught.value.code == "lab.no-mirror"
    assert str(tmp_path) in caught.value.message


def test_all_files_are_read_and_others_are_not(tmp_path):
    (tmp_path / "sources.list").write_text("deb http://a.example/debian trixie main\n")
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "b.sources").write_text(DEB822)
    (parts / "c.list").write_text("deb http://c.example/debian trixie main\n")
    (parts / "d.list.disabled").write_text("deb http://d.example/debian trixie main\n")
    assert [entry.uris[0] for entry in read(tmp_path)] == [
        "http://a.example/debian",
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
        "http://c.example/debian",
    ]


def test_a_list_of_mirrors_gives_its_first(tmp_path):
    mirrors = tmp_path / "mirrors.list"
    mirrors.write_text("http://first.example/debian\nhttp://second.example/debian\n")
    (main,) = choose(parse_one_line(f"deb mirror+file:{mirrors} trixie main"), "trixie")
    assert main.uris == ("http://first.example/debian",)
    mirrors.write_text("")
    with pytest.raises(LabError, match="lists no mirror"):
        choose(parse_one_line(f"deb mirror+file:{mirrors} trixie main"), "trixie")


def test_a_key_that_stands_in_the_entry_stays_readable_to_apt():
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n.\nmQINBF\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----"
    source = Source(("http://a.example/debian",), ("trixie",), ("main",), signed_by=key)
    text = Archive("trixie", (source,)).deb822()
    assert "\n .\n mQINBF\n" in text
    assert next(parse_deb822(text)).signed_by == key


def test_settings_of_apt_that_reach_the_mirror_are_handed_down_and_no_others():
    dump = (
        'Acquire::http::Proxy "http://proxy.example:3142";\nAcquire::https::Proxy::a.example "DIRECT";\n'
        'Acquire::Check-Date "false";\nAcquire::Retries "";\nAPT::Install-Recommends "0";\n'
        'Acquire::https::CaInfo "/etc/own.pem";\n'
    )
    assert inherited(dump) == {
        "Acquire::http::Proxy": "http://proxy.example:3142",
        "Acquire::https::Proxy::a.example": "DIRECT",
        "Acquire::Check-Date": "false",
    }


words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
sources = st.builds(
    Source,
    uris=st.tuples(words.map("http://{}.example/debian".format)),
    suites=st.lists(words, min_size=1, max_size=3).map(tuple),
    components=st.lists(words, min_size=1, max_size=3).map(tuple),
    signed_by=st.one_of(st.just(""), words.map("/usr/share/keyrings/{}.gpg".format)),
    trusted=st.booleans(),
)


@given(st.lists(sources, min_size=1, max_size=4).map(tuple))
def test_what_is_written_is_read_back_as_it_was_meant(entries):
    assert tuple(parse_deb822(Archive("trixie", entries).deb822())) == entries


@given(st.text())
def test_no_text_breaks_the_readers(text):
    list(parse_deb822(text))
    list(parse_one_line(text))
