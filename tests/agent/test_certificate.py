"""Certificates of sites in a scratch tree, made by the real openssl and looked at by it."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsh_core.agent import x509
from wsh_core.agent.host import Host
from wsh_core.agent.kinds.certificate import CertificateKind
from wsh_core.agent.ledger import Ledger
from wsh_core.agent.protocol import Resource
from wsh_core.agent.safefs import Root
from wsh_core.agent.web import RELOAD_OWED

from .conftest import Agent, outcomes, request, resource

machine = pytest.mark.needs_machine("openssl")
DOMAINS = ("blog.example.org", "www.blog.example.org")
CA, TLS = "/var/lib/wsh/ca", "/var/lib/wsh/tls"


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True).stdout


def make_authority(directory: Path, days: int = 3650) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-noenc",
        "-keyout",
        directory / "ca.key",
        "-out",
        directory / "ca.pem",
        "-days",
        str(days),
        "-subj",
        "/CN=wsh local authority",
    )


def issue(authority: Path, place: Path, *more: str, days: int = 397, names: str = ",".join(DOMAINS)) -> None:
    """A pair made by hand: by another authority, for a short time, with another kind of key."""
    place.mkdir(parents=True, exist_ok=True)
    openssl(
        "req",
        "-x509",
        "-config",
        "/dev/null",
        "-subj",
        "/",
        "-noenc",
        "-days",
        str(days),
        "-keyout",
        place / "key.pem",
        "-out",
        place / "cert.pem",
        "-CA",
        authority / "ca.pem",
        "-CAkey",
        authority / "ca.key",
        "-addext",
        "subjectAltName=DNS:" + names.replace(",", ",DNS:"),
        *(more or ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")),
    )
    (place / "key.pem").chmod(0o600)


@pytest.fixture
def agent(agent: Agent) -> Agent:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl: apt-get install openssl")
    make_authority(agent.path(CA))
    return agent


def wanted(*domains: str, name: str = "alice-blog") -> dict[str, Any]:
    account = name.partition("-")[0]
    want = {"name": name, "domains": list(domains or DOMAINS)}
    return request(resources=[resource(f"certificate:{name}", account, **want)])


def load_pair(directory: Path) -> None:
    """As Apache does: raises ssl.SSLError if the two do not belong together."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(directory / "cert.pem", directory / "key.pem")


def place(agent: Agent, name: str = "alice-blog") -> Path:
    return agent.path(f"{TLS}/{name}")


@machine
def test_a_browser_that_trusts_the_authority_takes_the_certificate(agent: Agent) -> None:
    assert outcomes(agent.apply(wanted())) == {"certificate:alice-blog": "changed"}
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(place(agent) / "cert.pem", place(agent) / "key.pem")
    client = ssl.create_default_context(cafile=str(agent.path(f"{CA}/ca.pem")))
    for domain in DOMAINS:
        shown = handshake(server, client, domain)
    assert shown["subjectAltName"] == tuple(("DNS", domain) for domain in DOMAINS)
    left = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC) - datetime.now(UTC)
    assert 395 <= left.days <= 397
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, client, "bob.example.org")


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> dict[str, Any]:
    """TLS between two ends in memory; what the client sees of the certificate that it verified."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].getpeercert() or {}


@machine
def test_the_certificate_is_for_servers_alone_and_its_key_for_root_alone(agent: Agent) -> None:
    agent.apply(wanted())
    text = openssl("x509", "-in", place(agent) / "cert.pem", "-noout", "-text")
    for line in ("CA:FALSE", "Digital Signature\n", "TLS Web Server Authentication\n", "prime256v1"):
        assert line in text
    assert (place(agent) / "key.pem").stat().st_mode & 0o777 == 0o600
    assert place(agent).stat().st_mode & 0o777 == 0o700
    assert [path.name for path in agent.path(TLS).iterdir()] == ["alice-blog"]
    assert "PRIVATE" not in json.dumps(agent.plan(wanted("other.example.org")))


@machine
def test_a_second_apply_changes_nothing_and_starts_nothing(agent: Agent) -> None:
    agent.apply(wanted())
    before = (place(agent) / "cert.pem").read_bytes()
    again = agent.apply(wanted())
    assert outcomes(again) == {}
    assert again[-1]["processes"] == 0
    assert (place(agent) / "cert.pem").read_bytes() == before


def spoil_key(agent: Agent) -> None:
    issue(agent.path(CA), agent.path("/tmp/other"))
    shutil.copy2(agent.path("/tmp/other/key.pem"), place(agent) / "key.pem")


def spoil_issuer(agent: Agent) -> None:
    make_authority(agent.path("/tmp/other"))
    issue(agent.path("/tmp/other"), place(agent))


def spoil_time(agent: Agent) -> None:
    issue(agent.path(CA), place(agent), days=30)


def spoil_names(agent: Agent) -> None:
    issue(agent.path(CA), place(agent), names=f"{DOMAINS[0]},evil.example.org")


def spoil_kind(agent: Agent) -> None:
    issue(agent.path(CA), place(agent), "-newkey", "rsa:2048")


def spoil_mode(agent: Agent) -> None:
    (place(agent) / "key.pem").chmod(0o644)


def spoil_base64(agent: Agent) -> None:
    text = (place(agent) / "cert.pem").read_text()
    (place(agent) / "cert.pem").write_text(text[:200] + text[300:])


def spoil_missing(agent: Agent) -> None:
    (place(agent) / "key.pem").unlink()


def spoil_everything(agent: Agent) -> None:
    shutil.rmtree(place(agent))


SPOILS = [
    spoil_key,
    spoil_issuer,
    spoil_time,
    spoil_names,
    spoil_kind,
    spoil_mode,
    spoil_base64,
    spoil_missing,
    spoil_everything,
]


@machine
@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_what_is_not_right_is_seen_and_made_anew(agent: Agent, spoil: Any) -> None:
    agent.apply(wanted())
    spoil(agent)
    assert outcomes(agent.plan(wanted())) == {"certificate:alice-blog": "planned"}
    assert outcomes(agent.apply(wanted())) == {"certificate:alice-blog": "changed"}
    load_pair(place(agent))
    assert outcomes(agent.plan(wanted())) == {}


@machine
def test_another_authority_makes_all_certificates_anew(agent: Agent) -> None:
    agent.apply(wanted())
    make_authority(agent.path(CA))  # of the same name
    assert outcomes(agent.apply(wanted())) == {"certificate:alice-blog": "changed"}
    openssl("verify", "-CAfile", agent.path(f"{CA}/ca.pem"), place(agent) / "cert.pem")


@machine
def test_a_run_cut_short_leaves_a_pair_that_matches(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before each single change of a file; the next apply clears up."""
    agent.apply(wanted())
    for step in range(1, 30):
        with monkeypatch.context() as patch:
            die_before(step, patch)
            try:
                agent.apply(wanted(f"step{step}.example.org"))
            except KeyboardInterrupt:
                load_pair(place(agent))
            else:
                break
    assert 5 < step < 29
    agent.apply(wanted())
    assert [path.name for path in agent.path(TLS).iterdir()] == ["alice-blog"]


def die_before(step: int, patch: pytest.MonkeyPatch) -> None:
    left = [step]

    def dying(original: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return original(*arguments, **options)

        return call

    for name in ("mkdir", "write", "exchange", "rename", "unlink"):
        patch.setattr(Root, name, dying(getattr(Root, name)))


@machine
def test_a_reload_of_apache_is_owed(agent: Agent) -> None:
    """The scratch tree has no Apache: the flag is lowered by the kind that brings it into service."""
    raised: list[str] = []
    original = Ledger.raise_flag

    def spy(self: Ledger, name: str) -> None:
        raised.append(name)
        original(self, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "raise_flag", spy)
        agent.apply(wanted())
        assert raised[0] == RELOAD_OWED
        raised.clear()
        agent.apply(wanted())
        assert raised == []


@machine
@pytest.mark.parametrize("broken", ["missing", "no certificate", "nearly over"])
def test_without_an_authority_the_setup_is_named(agent: Agent, broken: str) -> None:
    if broken == "missing":
        agent.path(f"{CA}/ca.pem").unlink()
    elif broken == "no certificate":
        agent.path(f"{CA}/ca.pem").write_text("nothing")
    else:
        make_authority(agent.path(CA), days=20)
    (failed,) = [e for e in agent.apply(wanted()) if e["type"] == "resource"]
    assert failed["error"]["code"] == "tls.authority"
    assert "wsh server setup" in failed["error"]["hint"]


@machine
@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("bob-blog", "a.test"),
        ("default", "a.test"),
        ("alice-../ca", "a.test"),
        ("alice-blog", ""),
        ("alice-blog", "a.test,IP:127.0.0.1"),
        ("alice-blog", "@section"),
        ("alice-blog", "a.test\nx=y"),
    ],
)
def test_names_that_are_none_of_the_accounts_are_refused(agent: Agent, name: str, domain: str) -> None:
    asked = request(resources=[resource(f"certificate:{name}", "alice", name=name, domains=[domain])])
    (failed,) = [e for e in agent.apply(asked) if e["type"] == "resource"]
    wrong = "certificate" if name == "alice-blog" else "site"
    assert failed["error"]["code"] == f"request.{wrong}"
    assert not agent.path(TLS).exists()


@machine
def test_three_thousand_are_read_without_a_program(agent: Agent) -> None:
    agent.apply(wanted(name="a0-blog"))
    names = [f"a{n}-blog" for n in range(3000)]
    for name in names[1:]:
        place(agent, name).mkdir(0o700)
        for file in ("key.pem", "cert.pem"):
            (place(agent, name) / file).hardlink_to(place(agent, "a0-blog") / file)
    host = Host(str(agent.root), writable=False, emit=print)
    kind = CertificateKind(host)
    resources = [
        Resource(n, "certificate", n.partition("-")[0], "", "", "", {"name": n, "domains": list(DOMAINS)})
        for n in names
    ]
    found = kind.read(resources)
    assert all(found[r.id] == kind.desired(r) for r in resources)
    assert host.processes == 0


# reading DER

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
domains_ = st.lists(labels, min_size=1, max_size=4).map(".".join)


@machine
@settings(max_examples=15, deadline=None)
@given(st.lists(domains_, min_size=1, max_size=60, unique=True), st.integers(1, 20000))
def test_openssl_and_wsh_read_the_same(domains: list[str], days: int) -> None:
    pem = openssl(
        "req",
        "-x509",
        "-config",
        "/dev/null",
        "-subj",
        "/CN=x",
        "-noenc",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
        "-keyout",
        "-",
        "-days",
        str(days),
        "-addext",
        "subjectAltName=" + ",".join(f"DNS:{name}" for name in domains),
    ).encode()
    read = x509.read_certificate(pem)
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate", "-ext", "subjectAltName", "-pubkey"],
        input=pem,
        check=True,
        capture_output=True,
    ).stdout.decode()
    assert read.domains == domains
    end = next(line for line in shown.splitlines() if line.startswith("notAfter=")).partition("=")[2]
    assert read.not_after == datetime.strptime(end, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    assert read.subject == read.issuer
    assert x509.is_key_of(pem, read)


@given(st.binary(max_size=200), st.booleans())
def test_what_is_no_certificate_is_refused_in_one_way(data: bytes, armour: bool) -> None:
    pem = data if not armour else ssl.DER_cert_to_PEM_cert(data).encode()
    with pytest.raises(ValueError):  # noqa: PT011  # any, and nothing else
        x509.read_certificate(pem)
