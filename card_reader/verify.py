"""From evidence, trust and policy to a verified identity.

:func:`examine` describes what the files are worth, :func:`verify` decides: it returns a
:class:`VerifiedIdentity`, which nothing else can build, or it raises.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import NoReturn

from card_reader.chip.terminal_session import RemoteProof
from card_reader.errors import CardError, CardReason
from card_reader.evidence import ChipEvidence, Freshness
from card_reader.examination import (
    NOTHING,
    STORED_FILES,
    Examination,
    Policy,
    ProofRule,
    country_of,
    is_refused,
)
from card_reader.lds import card_security
from card_reader.lds.dates import Day
from card_reader.report import ChipProof, DataGroup, Report, Verdict
from card_reader.trust.findings import Finding
from card_reader.trust.passive_authentication import Chain, authenticate_signed_data
from card_reader.trust.store import TrustStore

__all__ = [
    "STORED_FILES",
    "ChipProof",
    "ClaimedIdentity",
    "DataGroup",
    "IdentityRefusedError",
    "IdentityUnprovenError",
    "Policy",
    "ProofRule",
    "RemoteProof",
    "Report",
    "Verdict",
    "VerifiedIdentity",
    "examine",
    "examine_card_security",
    "verify",
]


class IdentityRefusedError(CardError):
    """Something is wrong with the card; ``report`` says what."""

    reason = CardReason.IDENTITY_REFUSED

    def __init__(self, report: Report) -> None:
        super().__init__(report.summary or "the card was refused")
        self.report = report


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """What a card says whose SOD nobody vouches for: the SOD covers it, and that is all.

    For a person to compare, never to act upon.  Fields as in :class:`VerifiedIdentity`.
    """

    personal_number: str = field(repr=False)
    names: tuple[str, str] = field(repr=False)
    full_name: str | None = field(repr=False)
    date_of_birth: Day = field(repr=False)
    date_of_expiry: date = field(repr=False)
    portrait: bytes = field(repr=False)


class IdentityUnprovenError(CardError):
    """Nothing is wrong, but no anchor vouches; ``report`` has the details."""

    reason = CardReason.IDENTITY_UNPROVEN

    def __init__(self, report: Report, claimed: ClaimedIdentity) -> None:
        super().__init__(report.summary or "the card is not proven genuine")
        self.report = report
        self.claimed = claimed


_PROOF = object()  # held by verify alone


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """A person as a proven chip names him.  Built by :func:`verify` alone, never deserialised.

    ``names`` are those of the MRZ (family name, given names; without diacritics), ``full_name``
    the one with diacritics from EF.DG13, None where that was not read.  ``portrait`` is the
    image file from EF.DG2 and ``portrait_mime`` its kind.
    """

    proof: InitVar[object]
    document_number: str = field(repr=False)
    personal_number: str = field(repr=False)
    names: tuple[str, str] = field(repr=False)
    full_name: str | None = field(repr=False)
    date_of_birth: Day = field(repr=False)
    sex: str = field(repr=False)
    nationality: str = field(repr=False)
    date_of_expiry: date = field(repr=False)
    portrait: bytes = field(repr=False)
    portrait_mime: str
    freshness: Freshness | None
    report: Report

    def __post_init__(self, proof: object) -> None:
        if proof is not _PROOF:
            raise TypeError("a VerifiedIdentity comes from card_reader.verify.verify alone")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a VerifiedIdentity is never stored or copied: verify the evidence again")


def verify(
    evidence: ChipEvidence,
    trust: TrustStore,
    policy: Policy,
    *,
    at: datetime | date | None,
    expected_challenge: bytes | None = None,
    remote: RemoteProof | None = None,
    now: datetime | None = None,
) -> VerifiedIdentity:
    """The identity that ``evidence`` proves, or IdentityRefusedError / IdentityUnprovenError.

    ``expected_challenge`` is the challenge the caller issued; a server always gives it, and
    ``remote`` where it was itself the terminal of chip authentication.  ``at`` and ``now`` as in
    :func:`examine`.
    """
    examination = _examine(evidence, trust, policy, at, expected_challenge, remote, now)
    examination.require_identity()
    report = examination.report()
    if report.verdict is Verdict.REFUSED:
        raise IdentityRefusedError(report)
    zone, portrait = examination.zone(), examination.portrait()
    if zone is None or portrait is None:  # require_identity has refused this already
        raise IdentityRefusedError(report)
    if report.verdict is not Verdict.AUTHENTIC:
        claimed = ClaimedIdentity(
            personal_number=zone.personal_number,
            names=(zone.primary_identifier, zone.secondary_identifier),
            full_name=examination.citizen_name(),
            date_of_birth=zone.date_of_birth,
            date_of_expiry=zone.date_of_expiry,
            portrait=portrait.data,
        )
        raise IdentityUnprovenError(report, claimed)
    return VerifiedIdentity(
        proof=_PROOF,
        document_number=zone.document_number,
        personal_number=zone.personal_number,
        names=(zone.primary_identifier, zone.secondary_identifier),
        full_name=examination.citizen_name(),
        date_of_birth=zone.date_of_birth,
        sex=zone.sex,
        nationality=zone.nationality,
        date_of_expiry=zone.date_of_expiry,
        portrait=portrait.data,
        portrait_mime=portrait.mime,
        freshness=evidence.challenge.freshness if evidence.challenge else None,
        report=report,
    )


def examine(
    source: ChipEvidence | Mapping[str, bytes],
    trust: TrustStore,
    policy: Policy,
    *,
    at: datetime | date | None,
    expected_challenge: bytes | None = None,
    remote: RemoteProof | None = None,
    now: datetime | None = None,
) -> Report:
    """What evidence, or stored files by name ("EF.SOD", "EF.DG1", ...), are worth.

    Dates are compared with ``at`` (UTC), without it with the signing time that the signer
    claims, and then change no verdict.  Revocation lists are judged at ``at``, else ``now``.
    """
    return _examine(source, trust, policy, at, expected_challenge, remote, now).report()


def examine_card_security(
    content: bytes, trust: TrustStore, *, at: datetime | date | None, now: datetime | None = None
) -> Report:
    """What an EF.CardSecurity alone is worth: who signed it, and who vouches for him.

    ``at`` and ``now`` as in :func:`examine`.  The report speaks of no data group and no chip.
    """
    try:
        signed = card_security.parse(content).signed_data
    except CardError:
        passive = NOTHING
        findings: tuple[Finding, ...] = (Finding.CARD_SECURITY_INVALID,)
    else:
        moment = now or datetime.now(UTC)
        passive = authenticate_signed_data(
            card_security.CONTENT_TYPES, signed, trust, at=at, now=moment
        )
        findings = passive.findings
    verdict = Verdict.AUTHENTIC if passive.chain is Chain.TRUSTED else Verdict.UNPROVEN
    if is_refused(passive, dates_count=at is not None):
        verdict = Verdict.REFUSED
    return Report(
        verdict=verdict,
        signature=passive.signature,
        chain=passive.chain,
        revocation=passive.revocation,
        dates=passive.dates,
        issuer_match=None,
        data_groups=MappingProxyType({}),
        anchors=tuple(anchor.sha256 for anchor in passive.anchors),
        algorithm=passive.algorithm,
        issuer_country=country_of(passive),
        active_authentication=ChipProof.ABSENT,
        chip_authentication=ChipProof.ABSENT,
        reasons=findings,
    )


def _examine(
    source: ChipEvidence | Mapping[str, bytes],
    trust: TrustStore,
    policy: Policy,
    at: datetime | date | None,
    expected_challenge: bytes | None,
    remote: RemoteProof | None,
    now: datetime | None,
) -> Examination:
    evidence = source if isinstance(source, ChipEvidence) else None
    files = source.files if isinstance(source, ChipEvidence) else source
    examination = Examination(files, trust, policy, at, now or datetime.now(UTC))
    examination.check_realm()
    examination.check_form(files)
    examination.check_issuer()
    examination.check_access(evidence)
    examination.check_chip_keys()
    examination.check_active_authentication(evidence, expected_challenge)
    examination.check_chip_authentication(evidence, remote)
    return examination
