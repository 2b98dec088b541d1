from __future__ import annotations

import hashlib

import pytest

from wsh_core.errors import WshError
from wsh_core.upstream import verify

DATA = b"an archive"
SHA = {name: hashlib.new(name, DATA).hexdigest() for name in ("sha1", "sha256", "sha512", "md5")}
OTHER = hashlib.sha256(b"x").hexdigest()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "archive"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (SHA["sha256"], "SHA256"),
        (f"{SHA['sha512']}  a.tar.gz\n{OTHER * 2}  b.tar.gz\n", "SHA512"),
        (f"{OTHER} *b.tar.gz\n{SHA['sha256'].upper()} *a.tar.gz\n", "SHA256"),
        (f"# sums\r\nSHA256 (a.tar.gz) = {SHA['sha256']}\r\nSHA256 (b.tar.gz) = {OTHER}\r\n", "SHA256"),
        (f"{SHA['sha256']}  ./dist/a.tar.gz", "SHA256"),
        (f"{SHA['sha1']}\n", "SHA1"),
    ],
)
def test_a_checksum_that_is_right(file, text, how):
    assert verify.checksum(file, "a.tar.gz", text.encode()) == f"{how} checksum"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OTHER, f"has the SHA256 checksum {SHA['sha256']}, published is {OTHER}"),
        (f"{SHA['sha256']}  b.tar.gz", "no checksum of a.tar.gz"),
        (f"{SHA['sha256']}  a.tar.gz\n{OTHER}  a.tar.gz", "no checksum of a.tar.gz"),
        (f"{SHA['sha256']}\n{OTHER}", "no checksum of a.tar.gz"),
        (SHA["md5"], "no checksum of a.tar.gz"),
        ("<html>404</html>", "no checksum of a.tar.gz"),
        ("", "no checksum of a.tar.gz"),
        ("\x00\xff", "no checksum of a.tar.gz"),
    ],
)
def test_a_checksum_that_is_not(file, text, words):
    with pytest.raises(WshError, match=words) as caught:
        verify.checksum(file, "a.tar.gz", text.encode("latin1"))
    assert caught.value.problems[0].code == "app.checksum"


def test_a_signature_that_is_right(file, key, stranger):
    for keyring in (key.public, f"Our keys\n{stranger.public}\n{key.public}"):
        how = verify.signature(file, "a.tar.gz", key.sign(DATA), keyring, "wsh-guestbook")
        assert how == f"signature by {key.fingerprint}"


def bad(file, signed, keyring):
    with pytest.raises(WshError) as caught:
        verify.signature(file, "a.tar.gz", signed, keyring, "wsh-guestbook")
    (problem,) = caught.value.problems
    assert problem.code == "app.signature"
    return problem.message


def test_signatures_that_are_not(file, key, stranger):
    assert bad(file, key.sign(b"another archive"), key.public) == "a.tar.gz: the signature is not of this file"
    unknown = bad(file, stranger.sign(DATA), key.public)
    assert unknown == (
        f"a.tar.gz: it is signed by the key {stranger.fingerprint[-16:]}, which is none of those that wsh-guestbook has"
    )
    for none in (b"", b"<html>404</html>", b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"):
        assert bad(file, none, key.public) == "a.tar.gz: what is published as its signature is none"


def test_a_signed_message_is_no_signature_of_the_file(file, key):
    """A message that carries its own content says nothing of another file."""
    whole = key.gpg("--armor", "--sign", "--output", "-", "-", input=DATA)
    clear = key.gpg("--clear-sign", "--output", "-", "-", input=b"anything")
    for signed in (whole, clear):
        bad(file, signed, key.public)


def test_two_signatures_one_of_them_bad(file, key):
    both = key.sign(DATA) + key.sign(b"other")
    bad(file, key.sign(b"other") + key.sign(DATA), key.public)
    bad(file, both, key.public)


def test_an_expired_key(file, tmp_path_factory):
    from tests.upstream.makers import Key

    old = Key(tmp_path_factory.mktemp("k"), "old")
    try:
        past = ("--faked-system-time", "20200101T000000")
        old.gpg(*past, "--quick-gen-key", "was <was@example.org>", "ed25519", "sign", "20200201T000000")
        keyring = old.gpg("--armor", "--export", "was@example.org").decode()
        signed = old.gpg(*past, "-u", "was@example.org", "--armor", "--detach-sign", "--output", "-", "-", input=DATA)
    finally:
        old.close()
    assert "has expired; a newer wsh-guestbook may have another" in bad(file, signed, keyring)


def test_no_gpgv(file, key, monkeypatch):
    monkeypatch.setattr(verify, "_PROGRAM", "no-such-gpgv")
    assert bad(file, key.sign(DATA), key.public) == "the signature cannot be verified: gpgv is not installed"


def test_keys_that_cannot_be_read(file, key):
    damaged = key.public.replace("\n\n", "\n\n!", 1)
    assert "the keys of wsh-guestbook cannot be read" in bad(file, key.sign(DATA), damaged)
