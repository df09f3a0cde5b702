"""Passive authentication (ICAO 9303-11 §5.1): who signed a file, and who vouches for him.

:func:`authenticate` speaks of EF.SOD, :func:`authenticate_signed_data` of any signed file
(EF.CardSecurity, for instance).  Comparing data groups is :mod:`card_reader.verify`'s part.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum

from card_reader.cms import SignedData, SignerInfo
from card_reader.errors import CardError, UnsupportedAlgorithmError
from card_reader.lds.sod import CONTENT_TYPES, Sod
from card_reader.trust.certificates import Certificate
from card_reader.trust.findings import Finding
from card_reader.trust.signer import (
    SignatureRefusedError,
    check_content_type,
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
    """What a signed file is worth.

    ``anchors`` are the CSCA certificates that vouch; ``pinned`` says that officers vouch for the
    signer itself.  A signature made for another kind of content is ``valid`` with the chain
    ``invalid``: nobody vouches for that use of it.
    """

    signature: Signature
    chain: Chain
    revocation: Revocation
    dates: Dates
    anchors: tuple[Certificate, ...] = ()
    signer: Certificate | None = None
    algorithm: str | None = None
    findings: tuple[Finding, ...] = field(default=())
    pinned: bool = False

    @property
    def refused(self) -> bool:
        """Whether the file must not be believed, whatever else is known."""
        return (
            self.signature is not Signature.VALID
            or self.chain is Chain.INVALID
            or self.revocation is Revocation.REVOKED
        )


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a file is judged by: the store, the kinds of content accepted, and the moments."""

    content_types: Container[str]
    trust: TrustStore
    at: datetime | None
    now: datetime


def authenticate(
    sod: Sod, trust: TrustStore, *, at: datetime | date | None, now: datetime
) -> PassiveResult:
    """Verify signature, chain, revocation and dates of a parsed SOD.

    ``at`` is the instant (or day, UTC) that dates are compared with; without it the signing time
    that the signer claims.  ``now`` tells whether a revocation list is stale.
    """
    return authenticate_signed_data(CONTENT_TYPES, sod.signed_data, trust, at=at, now=now)


def authenticate_signed_data(
    content_types: Container[str],
    signed: SignedData,
    trust: TrustStore,
    *,
    at: datetime | date | None,
    now: datetime,
) -> PassiveResult:
    """Verify any signed file of a chip: parse it with :func:`card_reader.cms.parse_signed_data`.

    ``content_types`` (dotted) are those accepted, ``("0.4.0.127.0.7.3.2.1",)`` for
    EF.CardSecurity; another one gives ``chain`` ``invalid``.  ``at`` and ``now`` as in
    :func:`authenticate`.  Raises nothing: read ``refused``, then ``chain``.  The content may be
    used where ``refused`` is false; it is proven where ``chain`` is ``trusted`` besides.

    Of several signers one that is refused refuses the file; one whose certificate is missing or
    whose algorithm is unknown here is set aside; of the others one that is trusted speaks.
    """
    judge = _Judge(content_types, trust, _instant(at), now)
    results = [_judge_signer(signed, signer, judge) for signer in signed.signers]
    usable = [item for item in results if not _set_aside(item)]
    refused = [item for item in usable or results if item.refused]
    trusted = [item for item in usable if item.chain is Chain.TRUSTED]
    return (refused or trusted or usable)[0]


def _set_aside(result: PassiveResult) -> bool:
    known = {Finding.NO_SIGNER_CERTIFICATE, Finding.UNSUPPORTED_ALGORITHM}
    return result.signature is Signature.INVALID and bool(known & set(result.findings))


def _judge_signer(signed: SignedData, signer: SignerInfo, judge: _Judge) -> PassiveResult:
    trust = judge.trust
    findings: list[Finding] = []
    try:
        certificate = signer_certificate(signed, signer, trust.signers_named(signer))
    except SignatureRefusedError as refused:
        return _unsigned(refused.finding)
    signature = _signature(signed, signer, certificate, findings)
    anchors, chain = _chain(certificate, trust, findings)
    if not _is_for(signed, signer, judge.content_types):
        findings.append(Finding.CONTENT_TYPE_MISMATCH)
        anchors, chain = (), Chain.INVALID
    return PassiveResult(
        signature,
        chain,
        _revocation(certificate, anchors, trust, judge.at or judge.now, findings),
        _dates(certificate, judge.at or signer.signing_time, findings),
        anchors,
        certificate,
        _algorithm(signer),
        tuple(findings),
        pinned=chain is Chain.TRUSTED and certificate in trust.pinned,
    )


def _unsigned(finding: Finding) -> PassiveResult:
    return PassiveResult(
        Signature.INVALID,
        Chain.NO_ANCHOR,
        Revocation.UNKNOWN,
        Dates.UNKNOWN,
        findings=(finding,),
    )


def _is_for(signed: SignedData, signer: SignerInfo, content_types: Container[str]) -> bool:
    try:
        check_content_type(signed, signer)
    except SignatureRefusedError:
        return False
    return signed.content_type in content_types


def _signature(
    signed: SignedData, signer: SignerInfo, certificate: Certificate, findings: list[Finding]
) -> Signature:
    try:
        check_signature(signed, signer, certificate)
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
    anchors = trust.vouching(signer)
    pinned = signer in trust.pinned
    if (anchors or pinned) and not signer.may_sign_documents:
        # ICAO 9303-12 §7.1.1: a document signer's key usage is digitalSignature.
        findings.append(Finding.SIGNER_MAY_NOT_SIGN)
        return (), Chain.INVALID
    if anchors:
        return anchors, Chain.TRUSTED
    if any(signer.names_key_of(item) for item in trust.candidates(signer)):
        findings.append(Finding.CHAIN_INVALID)
        return (), Chain.INVALID
    if pinned:
        findings.append(Finding.SIGNER_PINNED)
        return (), Chain.TRUSTED
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
    checks = [trust.verified_crls(name) for name in {anchor.subject for anchor in anchors}]
    lists = [item for verified, _ in checks for item in verified]
    if any(unverified for _, unverified in checks):
        findings.append(Finding.CRL_UNVERIFIED)
    if any(signer.serial in item.serials for item in lists):
        findings.append(Finding.SIGNER_REVOKED)
        return Revocation.REVOKED
    if any(_is_revoked(anchor, trust) for anchor in anchors):
        findings.append(Finding.ANCHOR_REVOKED)
        return Revocation.REVOKED
    whole = [item for item in lists if item.is_whole]
    if not whole:
        return Revocation.UNKNOWN
    if all(item.is_stale(now) for item in whole):
        findings.append(Finding.CRL_STALE)
        return Revocation.STALE
    return Revocation.GOOD


def _is_revoked(anchor: Certificate, trust: TrustStore) -> bool:
    """Serial numbers are an issuer's own, and a link certificate's may be an older CSCA."""
    verified, _ = trust.verified_crls(anchor.issuer)
    return any(anchor.serial in item.serials for item in verified)


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


def _algorithm(signer: SignerInfo) -> str | None:
    try:
        return signature_algorithm(signer).describe()
    except CardError:
        return None
