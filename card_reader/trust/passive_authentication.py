"""Passive authentication (ICAO 9303-11 §5.1): who signed the SOD, and who vouches for him.

This file speaks of the SOD alone; comparing data groups with it is
:mod:`card_reader.verify`'s part.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum

from card_reader.errors import CardError, MalformedCertificateError, UnsupportedAlgorithmError
from card_reader.lds.sod import Sod
from card_reader.trust.certificates import Certificate
from card_reader.trust.findings import Finding
from card_reader.trust.signer import (
    SignatureRefusedError,
    check_signature,
    signature_algorithm,
    signer_certificate,
)
from card_reader.trust.store import TrustStore


class Signature(StrEnum):
    VALID = "valid"
    INVALID = "invalid"


class Chain(StrEnum):
    TRUSTED = "trusted"
    NO_ANCHOR = "no_anchor"
    INVALID = "invalid"


class Revocation(StrEnum):
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    STALE = "stale"


class Dates(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PassiveResult:
    """What the SOD is worth.  ``anchors`` are the CSCA certificates that vouch."""

    signature: Signature
    chain: Chain
    revocation: Revocation
    dates: Dates
    anchors: tuple[Certificate, ...] = ()
    signer: Certificate | None = None
    algorithm: str | None = None
    findings: tuple[Finding, ...] = field(default=())


def authenticate(
    sod: Sod, trust: TrustStore, *, at: datetime | date | None, now: datetime
) -> PassiveResult:
    """Verify signature, chain, revocation and dates of a parsed SOD.

    ``at`` is the instant (or day, UTC) that dates are compared with; without it the signing time
    that the signer claims.  ``now`` tells whether a revocation list is stale.
    """
    findings: list[Finding] = []
    try:
        signer = signer_certificate(sod.signed_data)
    except SignatureRefusedError as refused:
        return _unsigned(refused.finding)
    signature = _signature(sod, signer, findings)
    anchors, chain = _chain(signer, trust, findings)
    revocation = _revocation(signer, anchors, trust, _instant(at) or now, findings)
    return PassiveResult(
        signature,
        chain,
        revocation,
        _dates(signer, _instant(at) or sod.signed_data.signers[0].signing_time, findings),
        anchors,
        signer,
        _algorithm(sod),
        tuple(findings),
    )


def _unsigned(finding: Finding) -> PassiveResult:
    return PassiveResult(
        Signature.INVALID,
        Chain.NO_ANCHOR,
        Revocation.UNKNOWN,
        Dates.UNKNOWN,
        findings=(finding,),
    )


def _signature(sod: Sod, signer: Certificate, findings: list[Finding]) -> Signature:
    try:
        check_signature(sod.signed_data, signer)
    except SignatureRefusedError as refused:
        findings.append(refused.finding)
    except UnsupportedAlgorithmError:
        findings.append(Finding.UNSUPPORTED_ALGORITHM)
    except CardError:
        findings.append(Finding.SIGNATURE_INVALID)
    else:
        return Signature.VALID
    return Signature.INVALID


def _chain(
    signer: Certificate, trust: TrustStore, findings: list[Finding]
) -> tuple[tuple[Certificate, ...], Chain]:
    """Every anchor whose key signed the signer's certificate (ICAO 9303-12 §5)."""
    candidates = trust.candidates(signer)
    anchors = tuple(item for item in candidates if signer.signed_by(item))
    if anchors and not signer.may_sign_documents:
        # ICAO 9303-12 §7.1.1: a document signer's key usage is digitalSignature.
        findings.append(Finding.SIGNER_MAY_NOT_SIGN)
        return (), Chain.INVALID
    if anchors:
        return anchors, Chain.TRUSTED
    if any(signer.names_as_parent(item) for item in candidates):
        findings.append(Finding.CHAIN_INVALID)
        return (), Chain.INVALID
    findings.append(Finding.NO_ANCHOR)
    return (), Chain.NO_ANCHOR


def _revocation(
    signer: Certificate,
    anchors: tuple[Certificate, ...],
    trust: TrustStore,
    now: datetime,
    findings: list[Finding],
) -> Revocation:
    """State of the signer under its issuers' lists; the signing time rescues nobody."""
    lists = {id(item): item for anchor in anchors for item in trust.verified_crls(anchor)[0]}
    if any(trust.verified_crls(anchor)[1] for anchor in anchors):
        findings.append(Finding.CRL_UNVERIFIED)
    revoked = {serial for item in lists.values() for serial in item.serials}
    if signer.serial in revoked:
        findings.append(Finding.SIGNER_REVOKED)
        return Revocation.REVOKED
    if any(anchor.serial in revoked for anchor in anchors):
        findings.append(Finding.ANCHOR_REVOKED)
        return Revocation.REVOKED
    if not lists:
        return Revocation.UNKNOWN
    if all(item.is_stale(now) for item in lists.values()):
        findings.append(Finding.CRL_STALE)
        return Revocation.STALE
    return Revocation.GOOD


def _dates(signer: Certificate, instant: datetime | None, findings: list[Finding]) -> Dates:
    if instant is None:
        return Dates.UNKNOWN
    if instant < signer.not_before:
        findings.append(Finding.SIGNER_NOT_YET_VALID)
        return Dates.NOT_YET_VALID
    if instant > signer.not_after:
        findings.append(Finding.SIGNER_EXPIRED)
        return Dates.EXPIRED
    return Dates.VALID


def _instant(at: datetime | date | None) -> datetime | None:
    """A day counts from its noon in UTC."""
    if at is None:
        return None
    if isinstance(at, datetime):
        return at.astimezone(UTC)
    return datetime.combine(at, time(12), UTC)


def _algorithm(sod: Sod) -> str | None:
    try:
        return signature_algorithm(sod.signed_data).describe()
    except (UnsupportedAlgorithmError, MalformedCertificateError, SignatureRefusedError):
        return None
