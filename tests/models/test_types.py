"""Every type of value makes itself again from its own text, or refuses what it is given in words."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsh_core.models import types
from wsh_core.models.php import IniSize, TimeZone
from wsh_core.models.types import (
    AbsolutePath,
    AccountName,
    Address,
    DescriptionId,
    DomainName,
    Email,
    Memory,
    Mode,
    Name,
    Percent,
    PhpVersion,
    Refused,
    RelativePath,
    ReleaseName,
    SiteKey,
    Size,
    SshKey,
    Text,
)

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO3aRKy5k+TdH2TCpzTuTbojLdlAGA0FU1UuHZlf+U6q"

WORDS = [AbsolutePath, AccountName, Address, DescriptionId, DomainName, Email, Mode, Name]
WORDS += [PhpVersion, RelativePath, ReleaseName, SiteKey, TimeZone]
AMOUNTS = [Size, Memory, IniSize, Percent]
ALL = [*WORDS, *AMOUNTS, Text, SshKey]

HOSTILE = [
    "\n",
    "\r",
    "\0",
    "\t",
    '"',
    "'",
    "\\",
    "${run{id}}",
    "%i",
    "%{file:/etc/shadow}",
    "<VirtualHost",
    ";",
    "`",
    "$()",
    "-oProxyCommand=id",
    "\u2028",
    "\u202e",
    "\x1b[2J",
    "\ue000",
    "\ud800",
    "xn--",
    "a" * 300,
    "",
    " ",
    "..",
    "/",
    "|",
    "{{ lookup('pipe','id') }}",
    "*",
    "#",
    "=",
    "'; DROP DATABASE mysql",
    "\N{KELVIN SIGN}",
    "\N{FULLWIDTH FULL STOP}",
    "\N{ZERO WIDTH SPACE}",
    "\N{SOFT HYPHEN}",
    "\N{RIGHT-TO-LEFT MARK}",
    "\N{BYTE ORDER MARK}",
]
"""What is tried on every type, alone and within a value that is right."""

RIGHT = {
    AbsolutePath: "/etc/wsh/ssh/id_ed25519",
    AccountName: "alice",
    Address: "web1.example.org",
    DomainName: "blog.example.org",
    Email: "alice@example.org",
    Mode: "0640",
    Name: "small",
    PhpVersion: "8.4",
    RelativePath: "wp-content/uploads",
    ReleaseName: "6.8.3",
    SiteKey: "blog",
    TimeZone: "Europe/London",
    Size: "2G",
    Memory: "512M",
    IniSize: "256M",
    Percent: "50%",
    Text: "Alice Example",
    SshKey: f"{ED25519} alice@laptop",
    DescriptionId: "7f0c2a4e-9d1b-4c53-8f6e-2b1a0d9c8e7f",
}

SAFE = set(string.ascii_letters + string.digits + "._+@=-/%:")
"""What may stand in a word: none of it means anything to Apache, systemd, PHP or SQL where words go."""


def made_or_refused(kind, text):
    """The value, having been made again from itself; None if it was refused in words."""
    try:
        value = kind(text)
    except Refused as error:
        _speaks_plainly(str(error))
        return None
    assert type(value) is kind
    assert kind(str(value)) == value
    assert str(kind(str(value))) == str(value)
    return value


def _speaks_plainly(message):
    assert 0 < len(message) < 500
    assert message.isprintable(), "an error must not drive a terminal"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_what_is_right_is_taken_as_it_stands(kind):
    assert str(made_or_refused(kind, RIGHT[kind])) == RIGHT[kind]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_the_example_of_a_type_is_of_the_type(kind):
    text = kind.example.strip('"').replace("AAAA…", ED25519.split()[1])
    assert made_or_refused(kind, text) is not None


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_a_word_lets_nothing_hostile_in(kind, hostile):
    right = RIGHT[kind]
    for text in (hostile, right + hostile, hostile + right, right[:2] + hostile + right[2:]):
        value = made_or_refused(kind, text)
        if value is not None:
            assert set(value) <= SAFE
            assert not value.startswith("-")
            assert ".." not in value.split("/")


@pytest.mark.parametrize("kind", AMOUNTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("hostile", [word for word in HOSTILE if word], ids=ascii)
def test_an_amount_is_a_number_and_a_unit(kind, hostile):
    for text in (hostile, RIGHT[kind] + hostile, hostile + RIGHT[kind]):
        assert made_or_refused(kind, text) is None


@pytest.mark.parametrize("kind", [Text, SshKey], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "unseen",
    [
        "\n",
        "\r",
        "\0",
        "\t",
        "\x1b",
        "\x7f",
        "\x85",
        "\u2028",
        "\u202e",
        "\ue000",
        "\ud800",
        "\ufeff",
        "\U000e0001",
        "\U0010ffff",
    ],
    ids=ascii,
)
def test_free_text_can_be_seen(kind, unseen):
    with pytest.raises(Refused, match="which cannot be seen"):
        kind(f"{RIGHT[kind]}{unseen}x")


@given(st.sampled_from(ALL), st.text(max_size=80))
@example(Text, "O'Brien & Söhne \N{EN DASH} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}")
@example(Email, "a..b@example.org")
@example(Email, ".a@example.org")
@example(DomainName, "bücher.example.org")
@example(DomainName, "faß.de")
@example(DomainName, "xn--bcher-kva.example.org")
@example(Address, "fe80::1%;reboot")
@example(Address, "2001:DB8::1")
def test_any_text_is_made_again_or_refused(kind, text):
    value = made_or_refused(kind, text)
    if value is not None and kind in WORDS:
        assert set(value) <= SAFE


@given(st.sampled_from([kind for kind in ALL if getattr(kind, "pattern", None)]), st.data())
def test_what_fits_the_published_pattern_is_taken_or_refused_for_a_reason(kind, data):
    text = data.draw(st.from_regex(kind.pattern, fullmatch=True))
    value = made_or_refused(kind, text)
    if value is not None and isinstance(value, str):
        assert value == text


@pytest.mark.parametrize(
    "name",
    [
        "root",
        "www-data",
        "u1_",
        "-x",
        "a" * 33,
        "a",
        "Alice",
        "1a",
        "mysql",
        "wsh",
        "test",
        "adm",
        "admin",
        "postgres",
    ],
)
def test_names_that_no_account_has(name):
    with pytest.raises(Refused):
        AccountName(name)


def test_a_reserved_name_says_so():
    with pytest.raises(Refused, match="name of the system's own"):
        AccountName("root")


@pytest.mark.parametrize(
    "address",
    [
        "|/bin/sh",
        ":include:/etc/shadow",
        "/path/file",
        "a@b@example.org",
        "a",
        "@b.org",
        "a@localhost",
        "a b@example.org",
        '"a b"@example.org',
        "-oX@example.org",
        "${run{id}}@example.org",
        "a@[10.0.0.1]",
    ],
)
def test_mail_addresses_that_do_more_than_name_a_mailbox(address):
    with pytest.raises(Refused):
        Email(address)


def test_the_domain_of_a_mail_address_has_one_form():
    assert Email("Alice.B+x@BÜCHER.example.org") == "Alice.B+x@xn--bcher-kva.example.org"


@pytest.mark.parametrize("value", [True, 2.5, None, b"2G", ["2G"]])
@pytest.mark.parametrize("kind", [Size, Percent, Text, AccountName])
def test_what_is_neither_text_nor_number_is_refused(kind, value):
    with pytest.raises(Refused):
        kind(value)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", "a/", "-rf", "a/-rf", "a b", "~"]
)
def test_paths_that_could_lead_elsewhere(path):
    with pytest.raises(Refused):
        RelativePath(path)


@pytest.mark.parametrize(
    "path", ["a", ".htaccess", ".well-known/x", "wp-content/uploads", "a.b/c_d", "..a", "a..b/..c"]
)
def test_paths_that_stay_within(path):
    assert RelativePath(path) == path


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ('command="id" ' + ED25519, "does not begin as"),
        (f"restrict,pty {ED25519}", "does not begin as"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "does not begin as"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "does not begin as"),
        (ED25519[:-4], "damaged"),
        (ED25519.replace("ssh-ed25519", "ssh-rsa"), "damaged"),
        ("ssh-ed25519", "damaged"),
        ("ssh-ed25519 !!!", "damaged"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7", "damaged"),
    ],
)
def test_keys_that_are_none_or_do_more(key, reason):
    with pytest.raises(Refused, match=reason):
        SshKey(key)


def test_a_short_rsa_key_is_refused():
    import base64
    import struct

    def string(data):
        return struct.pack(">I", len(data)) + data

    def key(bits):
        blob = string(b"ssh-rsa") + string(b"\1\0\1") + string(b"\0" + b"\xff" * (bits // 8))
        return f"ssh-rsa {base64.b64encode(blob).decode()} x"

    assert SshKey(key(2048)) == key(2048)
    with pytest.raises(Refused, match="too weak"):
        SshKey(key(1024))


def test_a_key_keeps_its_comment_and_loses_doubled_spaces():
    assert SshKey(f"  {ED25519.replace(' ', '  ')}   alice at home ") == f"{ED25519} alice at home"


def test_every_public_type_is_tried_here():
    public = {getattr(types, name) for name in types.__all__} - {types.UNSEEN, Refused}
    assert public <= set(ALL)
