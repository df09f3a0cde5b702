"""Every key and signature an issuer can have, checked by libraries where they know it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader.errors import UnreadableInputError
from card_reader.simulator import master_list
from card_reader.simulator.certificates import Authority, Signer
from card_reader.simulator.issuer import KEYS_FILE, LINK_FILE, Issuer, KeyKind
from card_reader.simulator.recipe import SignerRecipe
from card_reader.simulator.signature_schemes import HASH_NAMES, sign
from card_reader.simulator.signing_keys import (
    SigningKey,
    another_key,
    is_of_kind,
    load_private_key,
    new_key,
    private_key_der,
    public_key_info,
)
from card_reader.trust.certificates import parse_certificate, parse_certificates
from card_reader.trust.crl import parse_crl
from card_reader.trust.inventory import Kind, SignatureState, take_inventory
from card_reader.trust.keys import EcKey, parse_public_key
from card_reader.trust.master_list import ListSignature, parse_certificate_file
from card_reader.trust.signatures import HASHES, Scheme, SignatureAlgorithm, verify_signature
from card_reader.trust.store import Realm, TrustStore

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MESSAGE = b"the hashes of the data groups"
_LARGE = {KeyKind.RSA_4096, KeyKind.RSA_4096_E3, KeyKind.RSA_3072, KeyKind.RSA_3072_E3}
KINDS = [pytest.param(k, marks=pytest.mark.slow) if k in _LARGE else k for k in KeyKind]
CURVES = [kind for kind in KeyKind if kind.curve is not None]
_KEYS: dict[KeyKind, SigningKey] = {}


def key_of(kind: KeyKind) -> SigningKey:
    """One key of each kind for all tests."""
    if kind not in _KEYS:
        _KEYS[kind] = new_key(kind, os.urandom)
    return _KEYS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_keys_come_back_from_pkcs8(kind: KeyKind) -> None:
    key = key_of(kind)
    assert is_of_kind(key, kind)
    assert sum(is_of_kind(key, other) for other in KeyKind) == 1
    back = load_private_key(private_key_der(key))
    assert public_key_info(back) == public_key_info(key)


@pytest.mark.parametrize("kind", [KeyKind.RSA_1024, KeyKind.P256, KeyKind.BRAINPOOL_P224R1])
def test_another_key_is_of_the_same_kind(kind: KeyKind) -> None:
    other = another_key(key_of(kind), os.urandom)
    assert is_of_kind(other, kind)
    assert public_key_info(other) != public_key_info(key_of(kind))


@pytest.mark.parametrize("kind", CURVES)
def test_explicit_parameters_are_the_curve_spelled_out(kind: KeyKind) -> None:
    named, explicit = (
        parse_public_key(public_key_info(key_of(kind), explicit=e)) for e in (False, True)
    )
    assert isinstance(named, EcKey) and isinstance(explicit, EcKey)
    assert (named.curve, named.x, named.y) == (explicit.curve, explicit.x, explicit.y)
    assert (named.explicit, explicit.explicit) == (False, True)
    assert named.curve == kind.curve


@pytest.mark.parametrize("hash_name", HASH_NAMES)
@pytest.mark.parametrize("kind", CURVES)
def test_ecdsa_signatures_verify(kind: KeyKind, hash_name: str) -> None:
    key = key_of(kind)
    public = parse_public_key(public_key_info(key))
    for scheme in (Scheme.ECDSA, Scheme.PLAIN_ECDSA):
        algorithm = SignatureAlgorithm(scheme, hash_name)
        signature = sign(key, algorithm, MESSAGE, os.urandom)
        assert verify_signature(public, algorithm, MESSAGE, signature)
        assert not verify_signature(public, algorithm, MESSAGE + b"!", signature)
    assert isinstance(public, EcKey)
    size = public.curve.order_bytes
    assert len(signature) == 2 * size
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return
    pair = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    used = ec.ECDSA(HASHES[hash_name])
    key.public_key().verify(utils.encode_dss_signature(*pair), MESSAGE, used)


@pytest.mark.parametrize("kind", [KeyKind.RSA_2048, KeyKind.RSA_2048_E3])
@pytest.mark.parametrize("salt", [0, 20, 32, 62])
@pytest.mark.parametrize("mask", ["sha1", "sha512"])
def test_pss_with_any_salt_and_mask(kind: KeyKind, salt: int, mask: str) -> None:
    key = key_of(kind)
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = sign(key, SignatureAlgorithm(Scheme.PSS, "sha256", mask, salt), MESSAGE, os.urandom)
    scheme = padding.PSS(padding.MGF1(HASHES[mask]), salt)
    key.public_key().verify(signature, MESSAGE, scheme, hashes.SHA256())
    assert key.public_key().public_numbers().e == kind.exponent


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        (KeyKind.P256, SignatureAlgorithm(Scheme.RSA, "sha256")),
        (KeyKind.BRAINPOOL_P192R1, SignatureAlgorithm(Scheme.PSS, "sha256", "sha256", 32)),
        (KeyKind.RSA_1024, SignatureAlgorithm(Scheme.ECDSA, "sha256")),
        (KeyKind.RSA_1024, SignatureAlgorithm(Scheme.PSS, "sha512", "sha512", 128)),
    ],
)
def test_what_a_key_cannot_sign(kind: KeyKind, algorithm: SignatureAlgorithm) -> None:
    with pytest.raises(UnreadableInputError):
        sign(key_of(kind), algorithm, MESSAGE, os.urandom)


@pytest.mark.parametrize(
    ("authority", "signer"),
    [
        (
            SignerRecipe(
                KeyKind.BRAINPOOL_P320R1, SignatureAlgorithm(Scheme.ECDSA, "sha384"), True
            ),
            SignerRecipe(KeyKind.BRAINPOOL_P192R1, SignatureAlgorithm(Scheme.ECDSA, "sha1")),
        ),
        (
            SignerRecipe(KeyKind.RSA_2048_E3, SignatureAlgorithm(Scheme.PSS, "sha512", "sha1", 11)),
            SignerRecipe(KeyKind.P521, SignatureAlgorithm(Scheme.PLAIN_ECDSA, "sha512"), True),
        ),
        (
            SignerRecipe(KeyKind.P224, SignatureAlgorithm(Scheme.PLAIN_ECDSA, "sha224"), True),
            SignerRecipe(KeyKind.RSA_2048),
        ),
    ],
)
def test_an_issuer_of_any_algorithm_is_saved_and_trusted(
    authority: SignerRecipe, signer: SignerRecipe, tmp_path: Path
) -> None:
    Issuer.create(tmp_path, authority=authority, signer=signer, now=NOW)
    issuer = Issuer.load(tmp_path)
    csca = parse_certificate(issuer.csca.der)
    assert csca.signed_by(csca) and csca.is_ca and csca.is_test
    assert csca.has_explicit_parameters is authority.explicit_parameters
    assert csca.algorithm() == authority.signature == Authority.of(issuer.csca).algorithm
    for made in (issuer.signer, issuer.revoked):
        certificate = parse_certificate(made.der)
        assert certificate.signed_by(csca) and not certificate.is_ca
        assert certificate.has_explicit_parameters is signer.explicit_parameters
        assert is_of_kind(made.key, signer.key)
    assert parse_crl(issuer.crl.public_bytes(Encoding.PEM)).signed_by(csca)
    trust = TrustStore.load([tmp_path / "csca.pem"], crls=[tmp_path], realm=Realm.TEST)
    assert trust.candidates(parse_certificate(issuer.signer.der)) == (csca,)


def test_a_renewed_authority_is_linked_to_the_old_one(tmp_path: Path) -> None:
    old = Issuer.generate(kind=KeyKind.P256, now=NOW)
    choice = SignerRecipe(KeyKind.BRAINPOOL_P512R1, SignatureAlgorithm(Scheme.ECDSA, "sha512"))
    new = old.renew(authority=choice, now=NOW)
    assert new.link is not None
    assert new.link.subject == new.csca.certificate.subject == old.csca.certificate.subject
    link, root, former = map(
        parse_certificate,
        (new.link.public_bytes(Encoding.DER), new.csca.der, old.csca.der),
    )
    assert link.signed_by(former) and not link.signed_by(root)
    assert root.signed_by(root) and not root.signed_by(former)
    assert link.spki == root.spki
    entries = {e.certificate: e for e in take_inventory([link, root, former])}
    assert entries[link].kind is Kind.LINK
    assert entries[root].kind is entries[former].kind is Kind.SELF_SIGNED
    new.save(tmp_path)
    assert (tmp_path / LINK_FILE).exists()
    assert Issuer.load(tmp_path).link == new.link


def test_a_newer_list_names_more(issuer: Issuer) -> None:
    newer = issuer.revoking([4711], now=NOW + timedelta(days=1))
    serials = parse_crl(newer.crl.public_bytes(Encoding.DER)).serials
    assert serials == {issuer.revoked.certificate.serial_number, 4711}
    number = newer.crl.extensions.get_extension_for_class(x509.CRLNumber).value
    assert number.crl_number == 2


def test_every_certificate_is_marked_and_valid_long(issuer: Issuer) -> None:
    for signer in (issuer.csca, issuer.signer, issuer.revoked):
        parsed = parse_certificate(signer.der)
        assert parsed.is_test
        assert parsed.not_before < datetime.now(UTC) < parsed.not_after
    end = issuer.csca.certificate.not_valid_after_utc
    assert end.year >= 2050  # beyond UTCTime


@pytest.mark.parametrize("kind", [KeyKind.P256, KeyKind.BRAINPOOL_P224R1, KeyKind.RSA_2048])
def test_a_master_list_in_both_forms(kind: KeyKind, tmp_path: Path) -> None:
    issuer = Issuer.generate(kind=KeyKind.P256, now=NOW)
    foreign = Issuer.generate(country="UT", kind=KeyKind.BRAINPOOL_P320R1, now=NOW)
    renewed = issuer.renew(now=NOW)
    assert renewed.link is not None
    listed = [issuer.csca.certificate, foreign.csca.certificate, renewed.link]
    cms = master_list.build(listed, issuer, kind=kind, now=NOW)
    for name, data in (("list.ml", cms), ("list.ldif", master_list.ldif(cms, "VN"))):
        found = parse_certificate_file(data)
        assert found.signature is ListSignature.VALID
        assert {c.raw for c in found.certificates} == {c.public_bytes(Encoding.DER) for c in listed}
        (tmp_path / name).write_bytes(data)
    (tmp_path / "csca.pem").write_bytes(issuer.csca.certificate.public_bytes(Encoding.PEM))
    store = TrustStore.load([tmp_path], realm=Realm.TEST)
    assert len(store.anchors) == 3
    broken = bytearray(cms)
    broken[-1] ^= 1
    assert parse_certificate_file(bytes(broken)).signature is ListSignature.INVALID


def test_the_ldif_folds_long_lines(issuer: Issuer) -> None:
    text = master_list.ldif(master_list.build([issuer.csca.certificate], issuer), "VN").decode()
    assert max(len(line) for line in text.splitlines()) <= 76
    assert text.startswith("version: 1\n\ndn: cn=")


def test_keys_on_rare_curves_are_marked_test_too(tmp_path: Path) -> None:
    issuer = Issuer.create(tmp_path, kind=KeyKind.BRAINPOOL_P192R1, now=NOW)
    assert (tmp_path / KEYS_FILE).read_bytes().startswith(b"Realm: test\n")
    (certificate,) = parse_certificates((tmp_path / "csca.pem").read_bytes())
    assert certificate.raw == issuer.csca.der
    assert isinstance(Issuer.load(tmp_path).csca, Signer)


def test_take_inventory_finds_nothing_invalid(issuer: Issuer) -> None:
    certificates = [parse_certificate(s.der) for s in (issuer.csca, issuer.signer, issuer.revoked)]
    assert {e.signature for e in take_inventory(certificates)} == {SignatureState.VALID}
