"""Issuers whose certificates are no test's, and three officers at a server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from exam_server import cli, keys

NAMES = ("Nguyễn Thị An", "Trần Văn Bình", "Lê Châu")
AN, BINH, CHAU = NAMES
PASSPHRASE = "passphrase of an officer"
SERVER_PASSPHRASE = "correct horse battery"
NOW = datetime.now(UTC)


@contextmanager
def at_the_desk() -> Iterator[None]:
    """The passphrases at hand; what is locked meanwhile opens quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXAM_SERVER_PASSPHRASE", SERVER_PASSPHRASE)
        patch.setenv("EXAM_OFFICER_PASSPHRASE", PASSPHRASE)
        patch.setitem(keys.KDF, "memory_cost", 4 * 1024)
        yield


@dataclass
class Authority:
    """A state's issuer with one document signer."""

    name: str = "CSCA Việt Nam"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def certificate(self) -> x509.Certificate:
        return self._issue(self._name(self.name), self.key.public_key(), is_ca=True)

    def signer(self) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        return self._issue(self._name(f"{self.name}, nơi ký"), key, is_ca=False)

    def crl(self, age: timedelta = timedelta(days=1)) -> x509.CertificateRevocationList:
        """A list of one number, good for thirty days from its making."""
        made = NOW - age
        revoked = x509.RevokedCertificateBuilder().serial_number(77).revocation_date(made).build()
        return (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name(self.name))
            .last_update(made)
            .next_update(made + timedelta(days=30))
            .add_revoked_certificate(revoked)
            .sign(self.key, SHA256())
        )

    def save(self, folder: Path) -> Path:
        """csca.pem, signer.pem and list.crl in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, made in (
            ("csca.pem", self.certificate()),
            ("signer.pem", self.signer()),
            ("list.crl", self.crl()),
        ):
            (folder / name).write_bytes(made.public_bytes(Encoding.PEM))
        return folder

    @staticmethod
    def _name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "VN"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
            ]
        )

    def _issue(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, *, is_ca: bool
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name(self.name))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=30))
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), True)
            .sign(self.key, SHA256())
        )


@dataclass(frozen=True)
class Office:
    """A server and its officers, worked by commands alone."""

    server: Path
    keys: Path

    def run(self, capsys, *arguments: object) -> tuple[int, dict, str]:
        """Exit code, the JSON object, and stderr."""
        capsys.readouterr()
        code = cli.main([*map(str, arguments), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out), captured.err

    def key(self, name: str) -> tuple[str, Path]:
        return "--key", self.keys / f"{NAMES.index(name)}.key"

    def propose(self, capsys, out: Path, *arguments: object, by: str = AN) -> tuple[int, dict, str]:
        words = ("--reason", "chứng thư mới của nơi cấp", "--out", out, *self.key(by))
        return self.run(capsys, "trust", "propose", self.server, *words, *arguments)

    def countersign(self, capsys, change: Path, by: str = BINH) -> tuple[int, dict, str]:
        words = ("trust", "countersign", self.server, change, "--yes", *self.key(by))
        return self.run(capsys, *words)

    def apply(self, capsys, change: Path) -> tuple[int, dict, str]:
        return self.run(capsys, "trust", "apply", self.server, change)

    def change(self, capsys, out: Path, *arguments: object) -> Path:
        """A change that is proposed, countersigned and in force."""
        assert self.propose(capsys, out, *arguments)[0] == 0
        assert self.countersign(capsys, out)[0] == 0
        code, fields, _ = self.apply(capsys, out)
        assert code == 0, fields
        return out
