"""One test issuer, one citizen, one card for the tests of reading and verifying."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader.access.citizen_card import cccd_passwords
from card_reader.access.passwords import MrzPassword
from card_reader.evidence import Challenge, Freshness
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile
from card_reader.trust.certificates import parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.store import Realm, TrustStore

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="session")
def vectors() -> Path:
    path = ROOT / "../shared/vectors"
    if not path.is_dir():
        pytest.skip("shared vectors are absent")
    return path


@pytest.fixture(scope="session")
def portrait() -> bytes:
    return (ROOT / "fixtures/portrait/portrait.jpg").read_bytes()


@pytest.fixture(scope="session")
def holder() -> Holder:
    return Holder("001206012345", "Nguyễn Văn An", date(2006, 5, 17), "M")


@pytest.fixture(scope="session")
def passwords(holder: Holder) -> tuple[MrzPassword, ...]:
    return cccd_passwords(holder.number, holder.date_of_birth, today=NOW.date())


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer.generate(now=NOW)


@pytest.fixture(scope="session")
def card(issuer: Issuer, holder: Holder, portrait: bytes) -> CardProfile:
    return issuer.issue(holder, portrait, key_bits=1024, now=NOW)


@pytest.fixture(scope="session")
def trust(issuer: Issuer) -> TrustStore:
    csca = parse_certificates(issuer.csca.certificate.public_bytes(Encoding.PEM))
    crl = parse_crl(issuer.crl.public_bytes(Encoding.DER))
    return TrustStore(csca, crls=[crl], realm=Realm.TEST)


@pytest.fixture(scope="session")
def challenge() -> Challenge:
    return Challenge("challenge-1", bytes.fromhex("0011223344556677"), Freshness.SERVER)
