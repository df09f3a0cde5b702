"""EF.SOD as an issuer makes it: CMS SignedData over hashes (ICAO 9303-10 §4.6.2)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from asn1crypto import algos, core

from card_reader import tlv
from card_reader.simulator import signed_data
from card_reader.simulator.certificates import Random, Signer
from card_reader.simulator.signed_data import STANDARD_ENVELOPE, Envelope
from card_reader.trust.signatures import SignatureAlgorithm, digest

TAG = 0x77
LDS_SECURITY_OBJECT = "2.23.136.1.1.1"


class ContentType(StrEnum):
    """What the CMS object says its content is; the first is the standard's."""

    LDS_SECURITY_OBJECT = "lds_security_object"
    DRAFT = "draft"  # of documents issued before the standard
    ID_DATA = "id_data"  # as one state writes

    @property
    def oid(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    ContentType.LDS_SECURITY_OBJECT: LDS_SECURITY_OBJECT,
    ContentType.DRAFT: "1.3.27.1.1.1",
    ContentType.ID_DATA: signed_data.ID_DATA,
}


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
    signer: Signer,
    algorithm: SignatureAlgorithm,
    now: datetime,
    rng: Random,
    *,
    hash_name: str = "sha256",
    lds_version: int = 0,
    content_type: ContentType = ContentType.LDS_SECURITY_OBJECT,
    envelope: Envelope = STANDARD_ENVELOPE,
) -> bytes:
    """EF.SOD with its tag, over whole data group files by their number.

    `hash_name` is the hash over the data groups, which may differ from the signature's.
    `lds_version` is that of the LDS security object; 1 carries the LDS and Unicode versions.
    """
    content = _security_object(data_groups, hash_name, lds_version)
    message = signed_data.sign(
        content_type.oid, content, signer, algorithm, now, rng, envelope=envelope
    )
    return tlv.encode(TAG, message)


def with_broken_signature(sod: bytes) -> bytes:
    """The same EF.SOD with the last bit of its signature turned."""
    return tlv.encode(TAG, signed_data.with_broken_signature(tlv.parse(sod).value))


def _security_object(data_groups: Mapping[int, bytes], hash_name: str, lds_version: int) -> bytes:
    body: dict[str, object] = {
        "version": lds_version,
        "hash_algorithm": {"algorithm": hash_name},
        "hashes": [
            {"number": number, "hash": digest(hash_name, file)}
            for number, file in sorted(data_groups.items())
        ],
    }
    if lds_version == 1:
        body["lds_version_info"] = {"lds_version": "0108", "unicode_version": "040000"}
    return bytes(_LdsSecurityObject(body).dump())
