"""EF.SOD as an issuer makes it: CMS SignedData over hashes (ICAO 9303-10 §4.6.2)."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from card_reader import tlv

TAG = 0x77
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
SignerKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class _DataGroupHash(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [("number", core.Integer), ("hash", core.OctetString)]  # noqa: RUF012 - asn1crypto's


class _DataGroupHashes(core.SequenceOf):  # type: ignore[misc]  # untyped
    _child_spec = _DataGroupHash


class _LdsVersionInfo(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("lds_version", core.PrintableString),
        ("unicode_version", core.PrintableString),
    ]


class _LdsSecurityObject(core.Sequence):  # type: ignore[misc]  # untyped
    _fields = [  # noqa: RUF012 - asn1crypto's
        ("version", core.Integer),
        ("hash_algorithm", algos.DigestAlgorithm),
        ("hashes", _DataGroupHashes),
        ("lds_version_info", _LdsVersionInfo, {"optional": True}),
    ]


def build(
    data_groups: Mapping[int, bytes],
    signer: x509.Certificate,
    key: SignerKey,
    signing_time: datetime,
    version: int = 0,
) -> bytes:
    """EF.SOD with its tag, over whole data group files by their number. SHA-256 throughout.

    `version` is that of the LDS security object; 1 carries the LDS and Unicode versions.
    """
    content = _security_object(data_groups, version)
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", LDS_SECURITY_OBJECT),
            _attribute("message_digest", hashlib.sha256(content).digest()),
            _attribute("signing_time", cms.Time({"utc_time": signing_time})),
        ]
    )
    certificate = asn1_x509.Certificate.load(signer.public_bytes(Encoding.DER))
    signature, algorithm = _sign(key, attributes.dump())
    information = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                ),
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": algorithm},
            "signature": signature,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": LDS_SECURITY_OBJECT,
                "content": core.ParsableOctetString(content),
            },
            "certificates": [certificate],
            "signer_infos": [information],
        }
    )
    message = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    return tlv.encode(TAG, bytes(message.dump()))


def with_broken_signature(sod: bytes) -> bytes:
    """The same EF.SOD with the last bit of its signature turned."""
    message = cms.ContentInfo.load(tlv.parse(sod).value)
    signer = message["content"]["signer_infos"][0]
    signature = bytearray(signer["signature"].native)
    signature[-1] ^= 1
    signer["signature"] = bytes(signature)
    return tlv.encode(TAG, bytes(message.dump(force=True)))


def _security_object(data_groups: Mapping[int, bytes], version: int) -> bytes:
    body: dict[str, object] = {
        "version": version,
        "hash_algorithm": {"algorithm": "sha256"},
        "hashes": [
            {"number": number, "hash": hashlib.sha256(file).digest()}
            for number, file in sorted(data_groups.items())
        ],
    }
    if version == 1:
        body["lds_version_info"] = {"lds_version": "0108", "unicode_version": "040000"}
    return bytes(_LdsSecurityObject(body).dump())


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _sign(key: SignerKey, data: bytes) -> tuple[bytes, str]:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256()), "sha256_rsa"
    return key.sign(data, ec.ECDSA(hashes.SHA256())), "sha256_ecdsa"
