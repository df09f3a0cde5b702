"""Layer 7 of the plan, unit LDS_H, cases 48 to 68: the document signer's certificate.

A certificate that cannot be read is none.  One that departs from the profile of ICAO 9303-12 §7.1
in form alone still names a key that the authority signed; a strict inspection refuses it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from drafts import (
    AUTHORITY_KEY_ID,
    BITS,
    KEY_USAGE,
    MD5_WITH_RSA,
    RSA_ENCRYPTION,
    SEQUENCE,
    CertificateDraft,
    ObjectDraft,
    Pen,
    SodDraft,
    der,
    integer,
    issuer_and_serial,
    key,
    md5_pen,
    oid,
    pen,
)
from expectations import accepted, refused
from inspection import Inspect
from strictness import NO_SIGNER, irregular, strictly, with_file
from test_layer7_signatures import trusting
from workshop import BAC, Workshop

from card_reader import tlv
from card_reader.simulator.certificates import Authority, distinguished_name
from card_reader.simulator.profile import EF_SOD, CardProfile, data_group_id
from card_reader.simulator.signing_keys import KeyKind

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

Change = Callable[[CertificateDraft], CertificateDraft]
CERTIFICATE_SIGNING = bytes.fromhex("03020204")  # keyCertSign alone
OTHER_ALGORITHM = der(SEQUENCE, oid("1.2.840.10045.4.3.4"))  # ECDSA with SHA-512
NO_KEY_IDENTIFIER = der(SEQUENCE, der(0x82, b"\x01"))  # a serial number alone
GENERALISED_TIME = 0x18


def parts(**values: bytes) -> Change:
    return lambda draft: replace(draft, **values)


def extension(dotted: str, value: bytes) -> Change:
    return lambda draft: draft.with_extension(dotted, value)


def uncritical_usage(draft: CertificateDraft) -> CertificateDraft:
    (usage,) = (value for dotted, _, value in draft.extensions if dotted == KEY_USAGE)
    return draft.with_extension(KEY_USAGE, usage, critical=False)


def generalised(draft: CertificateDraft) -> CertificateDraft:
    """The years before 2050 in four digits."""
    times = [b"20" + time.value for time in tlv.parse(draft.validity).children()]
    return replace(draft, validity=der(SEQUENCE, *(der(GENERALISED_TIME, time) for time in times)))


def issued_by(country: str, name: str) -> Change:
    return parts(issuer=bytes(distinguished_name(country, name).dump()))


def certificate(workshop: Workshop, change: Change, envelope: Change | None = None) -> bytes:
    """The signer's certificate, changed and signed by the authority as it was."""
    authority = Authority.of(workshop.issuer.csca)
    draft = change(CertificateDraft.of(workshop.issuer.signer.der))
    own = pen(authority.key, authority.algorithm)
    return draft.signed(own) if envelope is None else draft.signed(own, envelope)


def card_with(
    workshop: Workshop, leaf: bytes, own: Pen | None = None, *, named: bytes = b""
) -> CardProfile:
    """A card whose EF.SOD holds this certificate and is signed with `own`, else the issuer's pen.

    It names the signer as `named`, else as the certificate does.
    """
    card, own = workshop.issue(BAC), own or pen(workshop.issuer.signer.key)
    groups = {number: card.files[data_group_id(number)] for number in (1, 2)}
    draft = SodDraft.of(ObjectDraft.of(groups), workshop.issuer.signer.der, own)
    name = named or issuer_and_serial(leaf)
    return with_file(card, EF_SOD, replace(draft, certificates=(leaf,), signer_id=name).file(own))


def test_an_unchanged_certificate_is_accepted(workshop: Workshop, inspect: Inspect) -> None:
    leaf = certificate(workshop, parts())
    accepted(strictly(inspect, card_with(workshop, leaf)), revocation="good")


UNREADABLE: dict[str, Change] = {
    "LDS_H_50": parts(serial=b""),
    "LDS_H_52": parts(inner=b""),
    "LDS_H_55": parts(issuer=b""),
    "LDS_H_57": parts(validity=b""),
    "LDS_H_59": parts(spki=b""),
    "LDS_H_66": parts(outer=b""),
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=list(UNREADABLE))
def test_unreadable_certificate(change: Change, workshop: Workshop, inspect: Inspect) -> None:
    named = issuer_and_serial(workshop.issuer.signer.der)
    card = card_with(workshop, certificate(workshop, change), named=named)
    refused(strictly(inspect, card), *NO_SIGNER)


def test_lds_h_68(workshop: Workshop, inspect: Inspect) -> None:
    leaf = certificate(workshop, parts(), lambda _: b"")
    card = card_with(workshop, leaf, named=issuer_and_serial(workshop.issuer.signer.der))
    refused(strictly(inspect, card), *NO_SIGNER)


IRREGULAR: dict[str, Change] = {
    "LDS_H_48": parts(version=der(0xA0, integer(1))),
    "LDS_H_49": parts(version=b""),
    "LDS_H_53": issued_by("vn", "CSCA TEST"),
    "LDS_H_54": issued_by("VN", "CSCA TEST of another name"),
    "LDS_H_56": generalised,
    "LDS_H_60": extension(AUTHORITY_KEY_ID, NO_KEY_IDENTIFIER),
    "LDS_H_61": extension(AUTHORITY_KEY_ID, b""),
    "LDS_H_62": uncritical_usage,
    "LDS_H_64": extension(KEY_USAGE, b""),
}


@pytest.mark.parametrize("change", IRREGULAR.values(), ids=list(IRREGULAR))
def test_irregular_certificate(change: Change, workshop: Workshop, inspect: Inspect) -> None:
    card = card_with(workshop, certificate(workshop, change))
    irregular(inspect, card, "signer_irregular")


def test_lds_h_51(workshop: Workshop, inspect: Inspect) -> None:
    """The signed part names another algorithm than the one that signed."""
    leaf = certificate(workshop, parts(inner=OTHER_ALGORITHM))
    refused(strictly(inspect, card_with(workshop, leaf)), "chain_invalid")


def test_lds_h_63(workshop: Workshop, inspect: Inspect) -> None:
    leaf = certificate(workshop, extension(KEY_USAGE, CERTIFICATE_SIGNING))
    refused(strictly(inspect, card_with(workshop, leaf)), "signer_may_not_sign")


def test_lds_h_67(workshop: Workshop, inspect: Inspect) -> None:
    def broken(signature: bytes) -> bytes:
        value = tlv.parse(signature).value
        return der(BITS, value[:-1] + bytes([value[-1] ^ 1]))

    leaf = certificate(workshop, parts(), broken)
    refused(strictly(inspect, card_with(workshop, leaf)), "chain_invalid")


def test_lds_h_58(workshop: Workshop, inspect: Inspect) -> None:
    """An RSA key under the identifier of a signature with MD5: no key, whoever signs with it."""
    own = pen(key(KeyKind.RSA_2048, "signer"))
    _, bits = tlv.parse(own.spki).children()
    for algorithm, finding in ((RSA_ENCRYPTION, ""), (MD5_WITH_RSA, "signature_invalid")):
        spki = der(SEQUENCE, der(SEQUENCE, oid(algorithm), b"\x05\x00"), bits.raw)
        outcome = strictly(
            inspect, card_with(workshop, certificate(workshop, parts(spki=spki)), own)
        )
        refused(outcome, finding) if finding else accepted(outcome)


def test_lds_h_65(tmp_path: Path, workshop: Workshop, inspect: Inspect) -> None:
    """MD5 in the whole chain, then in the certificate's signature alone."""
    authority = md5_pen(key(KeyKind.RSA_3072, "authority"))
    root = CertificateDraft.of(workshop.issuer.csca.der).with_pens(authority, authority)
    trust = trusting(tmp_path, root.signed(authority))
    signer = CertificateDraft.of(workshop.issuer.signer.der)
    own = pen(workshop.issuer.signer.key)
    leaf = signer.with_pens(authority, own).signed(authority)
    outcome = strictly(inspect, card_with(workshop, leaf), trust=trust)
    refused(outcome, "chain_invalid")

    whole = md5_pen(key(KeyKind.RSA_2048, "signer"))
    leaf = signer.with_pens(authority, whole).signed(authority)
    outcome = strictly(inspect, card_with(workshop, leaf, whole), trust=trust)
    refused(outcome, "unsupported_algorithm", "chain_invalid")
