"""Certificates, curves spelled out, master lists, inventories, revocation lists."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from card_reader.errors import (
    MalformedCertificateError,
    UnreadableInputError,
    UnsupportedAlgorithmError,
)
from card_reader.simulator.issuer import Issuer
from card_reader.trust.certificates import parse_certificate, parse_certificates
from card_reader.trust.countries import issues_for
from card_reader.trust.crl import parse_crl
from card_reader.trust.curves import CURVES, Curve, library_curve
from card_reader.trust.inventory import Kind, SignatureState, take_inventory
from card_reader.trust.keys import parse_public_key
from card_reader.trust.master_list import ListSignature, parse_certificate_file, parse_master_list
from card_reader.trust.store import Realm, TrustStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MASTER_LIST = "masterlists/DE_ML_2024-08-07-07-38-24.ml"
KINDS = {"self_signed_valid": "self_signed", "link_valid": "link", "no_parent": "orphan"}


@pytest.fixture(scope="module")
def master_list(vectors: Path) -> bytes:
    return (vectors / MASTER_LIST).read_bytes()


# --- curves -------------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_the_numbers_of_each_curve(curve: Curve) -> None:
    assert curve.contains(curve.gx, curve.gy)
    generator = (curve.gx, curve.gy)
    assert curve.add(curve.multiply(curve.n - 1, generator), generator) is None
    assert curve.equals(curve.a, curve.b, curve.gx, curve.gy, curve.n, 1)
    assert curve.equals(curve.a, curve.b, curve.gx, curve.gy, curve.n, None)
    for place in range(5):
        numbers = [curve.a, curve.b, curve.gx, curve.gy, curve.n]
        numbers[place] += 1
        assert not curve.equals(*numbers, 1)
    assert not curve.equals(curve.a, curve.b, curve.gx, curve.gy, curve.n, 2)


@pytest.mark.parametrize("curve", list(filter(library_curve, CURVES)), ids=lambda curve: curve.name)
def test_own_arithmetic_agrees_with_the_library(curve: Curve) -> None:
    known = library_curve(curve)
    assert known is not None
    key = ec.generate_private_key(known)
    numbers = key.public_key().public_numbers()
    for used in (hashes.SHA1(), hashes.SHA512()):
        pair = utils.decode_dss_signature(key.sign(b"message", ec.ECDSA(used)))
        context = hashes.Hash(used)
        context.update(b"message")
        digest = context.finalize()
        assert curve.verify((numbers.x, numbers.y), digest, *pair)
        assert not curve.verify((numbers.x, numbers.y), digest[::-1], *pair)
        assert not curve.verify((numbers.x, numbers.y), digest, 0, pair[1])
        assert not curve.verify((numbers.x, numbers.y ^ 1), digest, *pair)


def test_a_chosen_generator_is_refused(vectors: Path) -> None:
    """CVE-2020-0601: explicit parameters that differ from a known curve in the generator."""
    raw = (vectors / "masterlists/VN_CSCA_ePassport_6b5fa6fe.cer").read_bytes()
    certificate = parse_certificate(raw)
    assert certificate.has_explicit_parameters
    assert certificate.signed_by(certificate)
    spki = x509.Certificate.load(raw)["tbs_certificate"]["subject_public_key_info"]
    specified = spki["algorithm"]["parameters"].chosen
    generator = bytes(specified["base"])
    negated = next(curve for curve in CURVES if curve.name == "brainpoolP512r1")
    other = generator[:65] + (negated.p - negated.gy).to_bytes(64, "big")
    assert generator in certificate.spki
    with pytest.raises(UnsupportedAlgorithmError):
        parse_public_key(certificate.spki.replace(generator, other))


# --- certificates -------------------------------------------------------------------------------


def test_mock_issuers_of_every_algorithm(vectors: Path) -> None:
    folder = vectors / "certs/self_mock"
    for row in json.loads((folder / "expected.json").read_text()):
        certificate = parse_certificates((folder / row["file"]).read_bytes())[0]
        if row["role"] == "csca":
            assert certificate.signed_by(certificate), row["file"]
        elif row["issuer_in_this_set"]:
            issuer = parse_certificates((folder / row["issuer"]).read_bytes())[0]
            assert certificate.signed_by(issuer), row["file"]
            assert not certificate.signed_by(certificate)


@given(st.binary(max_size=200))
def test_hostile_certificates(data: bytes) -> None:
    for parse in (parse_certificate, parse_certificate_file, parse_crl):
        with pytest.raises(MalformedCertificateError):
            parse(data)


@given(data=st.data())
def test_a_damaged_certificate_gives_no_foreign_error(data: st.DataObject, issuer: Issuer) -> None:
    raw = bytearray(issuer.csca.certificate.public_bytes(Encoding.DER))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        certificate = parse_certificate(bytes(raw))
        assert not certificate.signed_by(certificate)
        assert take_inventory([certificate])[0].signature is not SignatureState.VALID
    except MalformedCertificateError:
        return


# --- lists --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_german_master_list(vectors: Path, master_list: bytes) -> None:
    expected = json.loads((vectors / "masterlists/expected.json").read_text())
    wanted = expected[Path(MASTER_LIST).name]
    parsed = parse_master_list(master_list)
    assert parsed.signature is ListSignature.VALID
    assert parsed.vouched()
    assert len(parsed.certificates) == wanted["certificates"]
    entries = {entry.certificate.sha256: entry for entry in take_inventory(parsed.certificates)}
    assert len(entries) == wanted["distinct"]
    for row in wanted["certificate_rows"]:
        entry = entries[row["sha256"]]
        assert entry.kind == KINDS[row["result"]]
        assert entry.certificate.key_text == row["key"]
        assert entry.certificate.country == row["country"]
        assert entry.certificate.algorithm().describe().startswith(row["signature"].split()[0])
        assert entry.certificate.not_after.date().isoformat() == row["not_after"]


@pytest.mark.slow
def test_a_master_list_is_refused_with_a_broken_signature(
    master_list: bytes, tmp_path: Path
) -> None:
    broken = bytearray(master_list)
    broken[-10] ^= 1
    assert parse_master_list(bytes(broken)).signature is ListSignature.INVALID
    path = tmp_path / "list.ml"
    path.write_bytes(broken)
    with pytest.raises(MalformedCertificateError, match="signature of the master list"):
        TrustStore.load([path], realm=Realm.LIVE)


def test_an_ldif_export(master_list: bytes) -> None:
    encoded = base64.b64encode(master_list).decode()
    folded = "\n ".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))
    text = f"version: 1\ndn: c=DE,dc=data\npkdMasterListContent:: {folded}\ncn: list\n"
    parsed = parse_certificate_file(text.encode())
    assert (len(parsed.certificates), parsed.signature) == (541, ListSignature.VALID)


def test_an_issuer_and_its_signers(issuer: Issuer, tmp_path: Path) -> None:
    issuer.save(tmp_path)
    store = TrustStore.load([tmp_path / "csca.pem"], realm=Realm.TEST)
    assert len(store.anchors) == 1
    signer = parse_certificates(issuer.signer.certificate.public_bytes(Encoding.PEM))[0]
    assert store.candidates(signer) == store.anchors
    kinds = [entry.kind for entry in take_inventory([*store.anchors, signer])]
    assert kinds == [Kind.SELF_SIGNED, Kind.DOCUMENT_SIGNER]
    assert TrustStore([signer], realm=Realm.TEST).anchors == ()


def test_a_folder_may_hold_anchors_lists_and_more(issuer: Issuer, tmp_path: Path) -> None:
    issuer.save(tmp_path)  # certificates, a CRL, private keys
    (tmp_path / "README.md").write_text("notes")
    store = TrustStore.load([tmp_path], crls=[tmp_path], realm=Realm.TEST)
    assert (len(store.anchors), len(store.crls)) == (1, 1)


def test_unreadable_paths(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInputError, match="No such file"):
        TrustStore.load([tmp_path / "absent.pem"], realm=Realm.TEST)
    (tmp_path / "bad.cer").write_text("nothing")
    with pytest.raises(MalformedCertificateError, match=r"bad\.cer"):
        TrustStore.load([tmp_path], realm=Realm.TEST)


# --- revocation ---------------------------------------------------------------------------------


def test_revocation_lists(issuer: Issuer) -> None:
    crl = parse_crl(issuer.crl.public_bytes(Encoding.PEM))
    csca = parse_certificates(issuer.csca.certificate.public_bytes(Encoding.PEM))[0]
    assert crl.serials == {issuer.revoked.certificate.serial_number}
    assert crl.signed_by(csca)
    other = Issuer.generate(now=NOW)
    foreign = parse_crl(other.crl.public_bytes(Encoding.DER))
    assert not foreign.signed_by(csca)
    store = TrustStore([csca], crls=[crl, foreign], realm=Realm.TEST)
    assert store.verified_crls(csca.subject) == ([crl], True)
    assert crl.next_update is not None
    assert not crl.is_stale(crl.this_update)
    assert crl.is_stale(crl.next_update.replace(year=crl.next_update.year + 1))


# --- states -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "state", "match"),
    [
        ("VN", "VNM", True),
        ("vn", "VNM", True),
        ("DE", "D", True),
        ("GB", "GBR", True),
        ("GB", "GBD", True),
        ("UN", "UNO", True),
        ("VN", "D", False),
        ("UT", "VNM", False),
        ("", "", False),
    ],
)
def test_who_signs_for_whom(country: str, state: str, match: bool) -> None:
    assert issues_for(country, state) is match


def test_a_test_issuer_is_no_anchor_of_realm_live() -> None:
    issuer = Issuer.generate(name="Bộ Công an", now=NOW)
    anchors = parse_certificates(issuer.csca.certificate.public_bytes(Encoding.PEM))
    assert anchors[0].is_test
    assert len(TrustStore(anchors, realm=Realm.TEST).anchors) == 1
    with pytest.raises(UnreadableInputError, match="test issuer"):
        TrustStore(anchors, realm=Realm.LIVE)
