"""Milliseconds to verify an EF.SOD against a store of 900 issuers, and seconds to load the store.

Writes build/bench/passive_authentication.json: `value` is the median of one whole verification
(parsing, signature, chain, revocation, dates), `ceiling` what the signatures in it take when
`cryptography` verifies them and nothing else is done, measured in the same run.

The store is made of the German master list, where the shared vectors lie beside the checkout, and
of test issuers up to 900; the documents are the real ones of those vectors, else made here.
"""

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

from asn1crypto import algos, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from card_reader.distinguished_names import parse_name
from card_reader.lds import sod
from card_reader.trust import store as trust_store
from card_reader.trust.certificates import Certificate
from card_reader.trust.passive_authentication import Chain, PassiveResult, authenticate
from card_reader.trust.signatures import verify_signature
from card_reader.trust.signer import signature_algorithm, signer_certificate
from card_reader.trust.store import Realm, TrustStore

ROOT = Path(__file__).parents[1]
VECTORS = ROOT.parent / "shared" / "vectors"
MASTER_LIST = VECTORS / "masterlists" / "DE_ML_2024-08-07-07-38-24.ml"
CERTIFICATES = 900
MADE_DOCUMENTS = 6
RUNS = 15
VERIFY_BUDGET_MS = 20.0
LOAD_BUDGET_SECONDS = 1.5
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CURVES = (ec.SECP256R1(), ec.SECP384R1(), ec.BrainpoolP256R1(), ec.BrainpoolP384R1())


@dataclass(frozen=True)
class Issuer:
    """A test state's key and certificate; the same number gives the same issuer."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def make_issuer(number: int) -> Issuer:
    curve = CURVES[number % len(CURVES)]
    key = _key(f"issuer {number}", curve)
    name = _name(f"CSCA {number}")
    builder = _builder(name, name, key, number + 1).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return Issuer(key, _signed(builder.add_extension(identifier, critical=False), key))


def make_document(issuer: Issuer, number: int) -> bytes:
    """An EF.SOD of this issuer (bare CMS; the content type id-data, as one state has it)."""
    key = _key(f"signer {number}", CURVES[number % len(CURVES)])
    builder = _builder(issuer.certificate.subject, _name(f"DS {number}"), key, 10_000 + number)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    certificate = _signed(builder.add_extension(authority, critical=False), issuer.key)
    sealed = pkcs7.PKCS7SignatureBuilder().set_data(_security_object(number))
    return sealed.add_signer(certificate, key, hashes.SHA256()).sign(
        Encoding.DER, [pkcs7.PKCS7Options.Binary]
    )


def _key(label: str, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(sha256(label.encode()).digest()[:31], "big"), curve)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "UT"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(NOW + timedelta(days=3650))
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)


class _GroupHash(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("number", core.Integer), ("hash", core.OctetString)]  # noqa: RUF012 - asn1crypto's


class _GroupHashes(core.SequenceOf):  # type: ignore[misc]  # untyped
    _child_spec = _GroupHash


class _SecurityObject(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("version", core.Integer),
        ("hash_algorithm", algos.DigestAlgorithm),
        ("hashes", _GroupHashes),
    ]


def _security_object(number: int) -> bytes:
    groups = [
        {"number": group, "hash": sha256(f"{number} {group}".encode()).digest()}
        for group in (1, 2, 13, 14, 15)
    ]
    content = {"version": 0, "hash_algorithm": {"algorithm": "sha256"}, "hashes": groups}
    return bytes(_SecurityObject(content).dump())


def milliseconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median time of `work` after one run that is not counted."""
    work()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1000)
    return median(times)


def verify_document(document: bytes, trust: TrustStore) -> PassiveResult:
    return authenticate(sod.parse(document), trust, at=None, now=NOW)


def bare_signatures(document: bytes, anchor: Certificate) -> Callable[[], object]:
    """The two signatures of a document, everything around them prepared."""
    signed = sod.parse(document).signed_data
    signer = signed.signers[0]
    certificate = signer_certificate(signed, signer)
    message = signer.attributes[0] if signer.attributes else signed.content

    def work() -> None:
        verify_signature(
            certificate.public_key, signature_algorithm(signer), message, signer.signature
        )
        certificate.signed_by(anchor)

    return work


def measure(folder: Path) -> dict[str, object]:
    real = MASTER_LIST.exists()
    paths = [MASTER_LIST] if real else []
    listed = len(TrustStore.load(paths, realm=Realm.TEST).anchors)
    issuers = [make_issuer(number) for number in range(CERTIFICATES - listed)]
    bundle = folder / "issuers.pem"
    bundle.write_bytes(b"".join(item.certificate.public_bytes(Encoding.PEM) for item in issuers))
    paths.append(bundle)

    def load() -> TrustStore:
        return TrustStore.load(paths, realm=Realm.TEST)

    def load_anew() -> TrustStore:
        trust_store.forget()
        parse_name.cache_clear()
        return load()

    load_seconds = milliseconds(load_anew, 5) / 1000
    cached_ms = milliseconds(load)
    trust = load()
    documents = [make_document(issuers[number], number) for number in range(MADE_DOCUMENTS)]
    if real:
        documents += [file.read_bytes() for file in sorted((VECTORS / "sod" / "real").iterdir())]
    times, bare = [], []
    for document in documents:
        result = verify_document(document, trust)
        if result.chain is not Chain.TRUSTED or result.refused:
            raise SystemExit("passive_authentication: a document of the benchmark is not trusted")
        times.append(milliseconds(partial(verify_document, document, trust)))
        bare.append(milliseconds(bare_signatures(document, result.anchors[0])))
    return {
        "certificates": len(trust.anchors),
        "real_certificates": listed,
        "documents": len(documents),
        "verify_ms": median(times),
        "verify_worst_ms": max(times),
        "bare_signatures_ms": median(bare),
        "load_seconds": load_seconds,
        "load_cached_ms": cached_ms,
        "verify_budget_ms": VERIFY_BUDGET_MS,
        "load_budget_seconds": LOAD_BUDGET_SECONDS,
        "within_budget": max(times) < VERIFY_BUDGET_MS and load_seconds < LOAD_BUDGET_SECONDS,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        details = measure(Path(folder))
    value, ceiling = float(str(details["verify_ms"])), float(str(details["bare_signatures_ms"]))
    result = {
        "name": "passive_authentication",
        "value": round(value, 2),
        "unit": "ms per EF.SOD",
        "ceiling": round(ceiling, 2),
        "ratio": round(value / ceiling, 2),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "details": {
            key: round(item, 3) if isinstance(item, float) else item
            for key, item in details.items()
        },
    }
    target = ROOT / "build" / "bench" / "passive_authentication.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
