from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property

from .. import paths, x509
from ..errors import AgentError
from ..host import Host
from ..protocol import Resource
from ..safefs import read_regular
from ..web import RELOAD_OWED, slug
from .base import Kind, State

_VALID = timedelta(days=397)
"""The longest that browsers take."""
_RENEW = timedelta(days=30)
_FILES = {"key.pem": 0o600, "cert.pem": 0o644}
_LIMIT = 1 << 16
_GOOD = {
    "issuer": "the local authority",
    "expires": "in more than 30 days",
    "key": "matches",
    "files": "root's",
}
_USE = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth",
)
_DOMAIN = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*")


def _domains(resource: Resource) -> list[str]:
    """The domains that a resource wants; AgentError for what would be more than a name to openssl."""
    for domain in resource.want["domains"]:
        if not _DOMAIN.fullmatch(domain):
            raise AgentError("request.certificate", f"{resource.id}: {domain!r} is no domain name")
    return list(resource.want["domains"])


class CertificateKind(Kind):
    """The key and the certificate of a site, issued by the authority that the set-up made on this server.

    Both files are read on every run: that they are root's alone, that the key is the certificate's, which
    domains it holds, who issued it, and that it lasts for another 30 days. The domains are alternative names
    and the subject is empty (RFC 5280, 4.2.1.6): a common name has at most 64 characters.
    """

    name = "certificate"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._reload_owed = False

    def desired(self, resource: Resource) -> State:
        return {"domains": resource.want["domains"], **_GOOD}

    # reading

    @cached_property
    def _authority(self) -> x509.Certificate:
        path = f"{paths.CA}/ca.pem"
        try:
            authority = x509.read_certificate(self.host.fs.read(path, _LIMIT))
        except (OSError, ValueError) as error:
            raise AgentError(
                "tls.authority",
                f"the local authority, which signs certificates, is missing: {path}",
                "wsh server setup NAME",
                str(error),
            ) from error
        if authority.not_after < datetime.now(UTC) + _RENEW:
            raise AgentError(
                "tls.authority",
                f"the local authority ends on {authority.not_after:%Y-%m-%d}: {path}",
                f"rm {path}; then: wsh server setup NAME",
            )
        return authority

    def read(self, resources: Sequence[Resource]) -> dict[str, State | None | AgentError]:
        authority, renew = self._authority, datetime.now(UTC) + _RENEW
        found: dict[str, State | None | AgentError] = dict.fromkeys(r.id for r in resources)
        with suppress(FileNotFoundError), self.host.fs.opened(paths.TLS, os.O_RDONLY | os.O_DIRECTORY) as fd:
            for resource in resources:
                try:
                    found[resource.id] = _state(fd, str(resource.want["name"]), authority, renew)
                except AgentError as error:
                    found[resource.id] = error
        return found

    # writing

    def write(self, resource: Resource, actual: State | None) -> None:
        """Make both files anew beside the old ones and exchange the two pairs: Apache ends on half a pair."""
        del actual
        name, domains = slug(resource), _domains(resource)
        fs, place, aside = self.host.fs, f"{paths.TLS}/{name}", f"{paths.TLS}/.{name}"
        fs.makedirs(paths.TLS, 0o700)
        self._clear(aside)
        fs.mkdir(aside, 0o700)
        for file, content in self._issue(domains).items():
            fs.write(f"{aside}/{file}", content, _FILES[file])
        if not self._reload_owed:
            self.host.ledger.raise_flag(RELOAD_OWED)
            self._reload_owed = True
        if fs.exists(place):
            fs.exchange(aside, place)
            self._clear(aside)
        else:
            fs.rename(aside, place, replace=False)

    def _clear(self, path: str) -> None:
        """Remove what an exchange, or a run cut short, left aside."""
        for file in _FILES:
            self.host.fs.unlink(f"{path}/{file}")
        with suppress(FileNotFoundError), self.host.fs.parent(path) as (directory, name):
            os.rmdir(name, dir_fd=directory)

    def _issue(self, domains: Sequence[str]) -> dict[str, bytes]:
        """A fresh key and its certificate, in PEM: one run of openssl-req(1)."""
        days = min(_VALID, self._authority.not_after - datetime.now(UTC)).days
        authority = os.path.join(self.host.fs.directory, paths.CA.lstrip("/"))
        names = "subjectAltName=critical," + ",".join(f"DNS:{domain}" for domain in domains)
        done = self.host.run(
            [
                "openssl",
                "req",
                "-x509",
                "-config",
                "/dev/null",
                "-subj",
                "/",
                "-days",
                str(days),
                "-sha256",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-noenc",
                "-keyout",
                "-",
                "-CA",
                f"{authority}/ca.pem",
                "-CAkey",
                f"{authority}/ca.key",
                *(part for extension in (*_USE, names) for part in ("-addext", extension)),
            ]
        )
        key, begin, certificate = done.stdout.partition(b"-----BEGIN CERTIFICATE-----")
        return {"key.pem": key, "cert.pem": begin + certificate}


def _state(directory: int, name: str, authority: x509.Certificate, renew: datetime) -> State | None:
    """What stands below the directory of certificates: it is root's alone, so names in it can be trusted."""
    texts, files = {}, _GOOD["files"]
    for file, mode in _FILES.items():
        try:
            fd = os.open(f"{name}/{file}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            info = os.fstat(fd)
            texts[file] = read_regular(fd, f"{paths.TLS}/{name}/{file}", _LIMIT)
        finally:
            os.close(fd)
        if (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) != (0, 0, mode):
            files = f"{file} is not root's alone"
    if not texts:
        return None
    try:
        certificate = x509.read_certificate(texts["cert.pem"])
        return _shown(texts["key.pem"], certificate, authority, renew) | {"files": files}
    except KeyError as missing:
        return {"files": f"no {missing.args[0]}"}
    except ValueError as error:
        return {"files": str(error)}


def _shown(key: bytes, certificate: x509.Certificate, authority: x509.Certificate, renew: datetime) -> State:
    ours = (certificate.issuer, certificate.authority_key_id) == (authority.subject, authority.key_id)
    return {
        "domains": certificate.domains,
        "issuer": _GOOD["issuer"] if ours else "another",
        "expires": _GOOD["expires"] if certificate.not_after > renew else f"{certificate.not_after:%Y-%m-%d}",
        "key": _GOOD["key"] if x509.is_key_of(key, certificate) else "does not match",
    }
