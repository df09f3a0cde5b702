"""The checks over a card's files: hashes, issuer, policy, and the chip's own proof.

What a data group says is used only where its hash is in a SOD: :class:`Examination` hands out
nothing else.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from card_reader.access.inspection import AccessFindings, inspect_access, inspect_card_access
from card_reader.chip import proof
from card_reader.chip.terminal_session import RemoteProof
from card_reader.conformity import files_are_regular, signer_is_regular
from card_reader.errors import CardError
from card_reader.evidence import AccessPolicy, ChipEvidence
from card_reader.lds import (
    DATA_GROUP_BY_NAME,
    EF_CARD_ACCESS,
    EF_CARD_SECURITY,
    EF_SOD,
    card_security,
    dg1,
    dg2,
    dg13,
    dg14,
    dg15,
    sod,
)
from card_reader.lds.mrz import Mrz
from card_reader.lds.security_infos import SecurityInfo
from card_reader.lds.sod import Sod
from card_reader.report import ChipProof, DataGroup, Report, Verdict
from card_reader.trust.countries import issues_for
from card_reader.trust.findings import Finding
from card_reader.trust.passive_authentication import (
    Chain,
    Dates,
    PassiveResult,
    Revocation,
    Signature,
    authenticate,
    authenticate_signed_data,
)
from card_reader.trust.signatures import digest, hash_by_oid
from card_reader.trust.store import Realm, TrustStore

Parsed = TypeVar("Parsed")


class ProofRule(StrEnum):
    """When the chip must prove itself in one way."""

    WHEN_LISTED = "when_listed"  # the signed files name a key for it
    ALWAYS = "always"
    NEVER = "never"  # stored files alone


@dataclass(frozen=True, slots=True)
class Policy:
    """What is accepted.  ``None`` for states or codes accepts any.

    Chip authentication counts as listed where EF.DG14 offers it and active authentication is not
    demanded: one proof by the chip is enough, and active authentication convinces everybody.

    ``strict`` refuses what departs from the standards in form alone, too, and wants EF.COM among
    the files (:mod:`card_reader.conformity`).
    """

    realm: Realm
    accepted_states: frozenset[str] | None = frozenset({"VNM"})
    accepted_document_codes: frozenset[str] | None = frozenset({"I", "ID"})
    require_active_authentication: ProofRule = ProofRule.WHEN_LISTED
    require_chip_authentication: ProofRule = ProofRule.WHEN_LISTED
    access: AccessPolicy = AccessPolicy.BAC_IF_NOT_OFFERED
    strict: bool = False


STORED_FILES = {
    realm: Policy(realm, None, None, ProofRule.NEVER, ProofRule.NEVER) for realm in Realm
}


class Examination:
    """One set of files under examination.

    Creating it runs passive authentication and compares the data groups; the checks come on top,
    and one that fails adds a finding that refuses.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        trust: TrustStore,
        policy: Policy,
        at: datetime | date | None,
        now: datetime,
    ) -> None:
        self._trust = trust
        self._policy = policy
        self._refusals: list[Finding] = []
        self._remarks: list[Finding] = []
        self._issuer_match: bool | None = None
        self._active = ChipProof.ABSENT
        self._chip = ChipProof.ABSENT
        self._sod = self._parse_sod(files.get(EF_SOD.name))
        self._passive = self._authenticate(files.get(EF_SOD.name), at, now)
        self._dates_count = at is not None
        self._groups, self._matching = self._compare(files)
        self._card_access = files.get(EF_CARD_ACCESS.name)
        self._card_security = self._authenticated_card_security(
            files.get(EF_CARD_SECURITY.name), at, now
        )

    # --- the checks -----------------------------------------------------------------------------

    def check_realm(self) -> None:
        if self._trust.realm is not self._policy.realm:
            self._refuse(Finding.REALM_MISMATCH)

    def check_issuer(self) -> None:
        """Signer and anchors must be of DG1's state, state and kind of document accepted ones."""
        zone = self.zone()
        if zone is None:
            return
        countries = countries_of(self._passive)
        if None not in countries:
            self._issuer_match = all(
                issues_for(name or "", zone.issuing_state) for name in countries
            )
        if self._issuer_match is False:
            self._refuse(Finding.ISSUER_MISMATCH)
        states, codes = self._policy.accepted_states, self._policy.accepted_document_codes
        if states is not None and zone.issuing_state not in states:
            self._refuse(Finding.STATE_NOT_ACCEPTED)
        if codes is not None and zone.document_code not in codes:
            self._refuse(Finding.DOCUMENT_CODE_NOT_ACCEPTED)

    def check_access(self, evidence: ChipEvidence | None) -> None:
        """EF.CardAccess and the way of opening the chip, against what the issuer signed."""
        key_file, card_security_file = self._parsed(14, dg14.parse), self._card_security
        signed = card_security_file if key_file is None else key_file
        self._note(inspect_card_access(self._card_access, signed))
        if card_security_file is not None:  # it repeats EF.CardAccess too (ICAO 9303-11 §9.2.11)
            self._note(inspect_card_access(self._card_access, card_security_file))
        if evidence is not None:
            self._note(inspect_access(evidence.access, signed, self._policy.access))

    def check_chip_keys(self) -> None:
        """Where the chip has to prove itself, the keys that it lists must be there."""
        policy = self._policy
        rules = {policy.require_active_authentication, policy.require_chip_authentication}
        if rules != {ProofRule.NEVER}:
            self._require_chip_keys()

    def check_active_authentication(
        self, evidence: ChipEvidence | None, expected: bytes | None
    ) -> None:
        """Active authentication with the authenticated EF.DG15 (ICAO 9303-11 §6.1)."""
        key = self._matching.get(15)
        challenge = evidence.challenge if evidence else None
        response = evidence.active_authentication if evidence else None
        if challenge is not None and response is not None and key is not None:
            judged = proof.active_authentication(
                key, self._matching.get(14), challenge, response, expected
            )
            self._active = self._judged(judged)
        elif self._demands_active_authentication():
            self._refuse(
                Finding.CHALLENGE_MISSING
                if challenge is None
                else Finding.ACTIVE_AUTHENTICATION_MISSING
            )

    def check_chip_authentication(
        self, evidence: ChipEvidence | None, remote: RemoteProof | None
    ) -> None:
        """Chip authentication with the authenticated EF.DG14, or PACE's chip mapping with the
        authenticated EF.CardSecurity (ICAO 9303-11 §6.2, §4.4.3.5)."""
        infos = self._parsed(14, dg14.parse) or ()
        if evidence is not None:
            proofs = (
                self._judged(
                    proof.chip_authentication(evidence.chip_authentication, infos, remote)
                ),
                self._judged(proof.chip_mapping(evidence.chip_mapping, self._card_security or ())),
            )
            self._chip = next(worth for worth in _WEIGHT if worth in proofs)
        if self._chip is ChipProof.ABSENT and self._demands_chip_authentication(infos):
            self._refuse(Finding.CHIP_AUTHENTICATION_MISSING)

    def check_form(self, files: Mapping[str, bytes]) -> None:
        """What the standards demand of the files beyond what can be trusted, where it counts."""
        if not self._policy.strict:
            return
        if not files_are_regular(files, self._sod, self._parsed(2, dg2.parse) or ()):
            self._refuse(Finding.FILE_IRREGULAR)
        signer, anchors = self._passive.signer, self._passive.anchors
        if signer is not None and anchors and not signer_is_regular(signer, anchors):
            self._refuse(Finding.SIGNER_IRREGULAR)

    def require_identity(self) -> None:
        """What an identity needs beyond sound files: a name, a face, an issuer that fits."""
        for number, parsed in ((1, self.zone()), (2, self.portrait())):
            if parsed is None and self._groups.get(number) is not DataGroup.MISMATCH:
                read = number in self._matching
                self._refuse(Finding.DATA_GROUP_MALFORMED if read else Finding.DATA_GROUP_MISSING)
        self._require_chip_keys()
        for number, parse in ((14, dg14.parse), (15, dg15.parse)):
            if number in self._matching and self._parsed(number, parse) is None:
                self._refuse(Finding.DATA_GROUP_MALFORMED)
        if self.zone() is not None and self._issuer_match is None:
            self._refuse(Finding.ISSUER_MISMATCH)
        self._check_numbers()

    # --- what the authenticated files say -------------------------------------------------------

    def zone(self) -> Mrz | None:
        """DG1's machine readable zone, None where it is not proven or not readable."""
        return self._parsed(1, dg1.parse)

    def portrait(self) -> dg2.FaceImage | None:
        images = self._parsed(2, dg2.parse)
        return images[0] if images else None

    def citizen_name(self) -> str | None:
        details = self._parsed(13, dg13.parse)
        return details.name or None if details else None

    def report(self) -> Report:
        passive = self._passive
        reasons = (*passive.findings, *self._refusals, *self._remarks)
        return Report(
            verdict=self._verdict(),
            signature=passive.signature,
            chain=passive.chain,
            revocation=passive.revocation,
            dates=passive.dates,
            issuer_match=self._issuer_match,
            data_groups=MappingProxyType(self._groups),
            anchors=tuple(anchor.sha256 for anchor in passive.anchors),
            algorithm=passive.algorithm,
            issuer_country=country_of(passive),
            active_authentication=self._capped(self._active),
            chip_authentication=self._capped(self._chip),
            reasons=tuple(dict.fromkeys(reasons)),
        )

    # --- inside ---------------------------------------------------------------------------------

    def _verdict(self) -> Verdict:
        if self._refusals or self._passively_refused():
            return Verdict.REFUSED
        trusted = self._passive.chain is Chain.TRUSTED
        return Verdict.AUTHENTIC if trusted else Verdict.UNPROVEN

    def _passively_refused(self) -> bool:
        return is_refused(self._passive, dates_count=self._dates_count)

    def _capped(self, worth: ChipProof) -> ChipProof:
        """A forger signs his own keys: where the issuer's word is refused no proof counts."""
        refused = self._sod is None or self._passively_refused()
        return ChipProof.ABSENT if refused else worth

    def _judged(self, judged: proof.Judged) -> ChipProof:
        worth, finding = judged
        if finding is not None:
            self._refuse(finding)
        return worth

    def _require_chip_keys(self) -> None:
        """What proves the chip genuine is not to be left away by chip or reader."""
        for number in (14, 15):
            if self._groups.get(number) is DataGroup.NOT_READ:
                self._refuse(Finding.DATA_GROUP_MISSING)

    def _demands_active_authentication(self) -> bool:
        rule = self._policy.require_active_authentication
        if rule is ProofRule.WHEN_LISTED:
            return self._sod is not None and 15 in self._sod.data_group_hashes
        return rule is ProofRule.ALWAYS

    def _demands_chip_authentication(self, infos: Sequence[SecurityInfo]) -> bool:
        rule = self._policy.require_chip_authentication
        if rule is ProofRule.WHEN_LISTED:
            offered = proof.offers_chip_authentication(infos)
            return offered and not self._demands_active_authentication()
        return rule is ProofRule.ALWAYS

    def _authenticated_card_security(
        self, raw: bytes | None, at: datetime | date | None, now: datetime
    ) -> tuple[SecurityInfo, ...] | None:
        """What EF.CardSecurity says, None unless it is worth as much as EF.SOD."""
        if raw is None:
            return None
        try:
            file = card_security.parse(raw)
        except CardError:
            self._refuse(Finding.CARD_SECURITY_INVALID)
            return None
        result = authenticate_signed_data(
            card_security.CONTENT_TYPES, file.signed_data, self._trust, at=at, now=now
        )
        if is_refused(result, dates_count=self._dates_count):
            self._refuse(Finding.CARD_SECURITY_INVALID)
        elif countries_of(result) != countries_of(self._passive):
            self._refuse(Finding.ISSUER_MISMATCH)
        elif self._passive.chain is Chain.TRUSTED and result.chain is not Chain.TRUSTED:
            self._remark(Finding.CARD_SECURITY_UNPROVEN)
        else:
            return file.security_infos
        return None

    def _check_numbers(self) -> None:
        """EF.DG13 and the MRZ name the same citizen, where both do."""
        zone, details = self.zone(), self._parsed(13, dg13.parse)
        if zone and details and details.number and details.number != zone.personal_number:
            self._refuse(Finding.NUMBER_MISMATCH)

    def _authenticate(
        self, raw: bytes | None, at: datetime | date | None, now: datetime
    ) -> PassiveResult:
        """Who signed EF.SOD; a file that is refused for its content may still say who."""
        if self._sod is not None:
            return authenticate(self._sod, self._trust, at=at, now=now)
        try:
            signed = sod.envelope(raw or b"")
        except CardError:
            return NOTHING
        return authenticate_signed_data(sod.CONTENT_TYPES, signed, self._trust, at=at, now=now)

    def _parse_sod(self, raw: bytes | None) -> Sod | None:
        if raw is None:
            self._refuse(Finding.SOD_MISSING)
            return None
        try:
            return sod.parse(raw)
        except CardError:
            self._refuse(Finding.SOD_MALFORMED)
            return None

    def _compare(self, files: Mapping[str, bytes]) -> tuple[dict[int, DataGroup], dict[int, bytes]]:
        """State of every group listed or given, and the raw groups that are proven."""
        listed = self._sod.data_group_hashes if self._sod else {}
        hash_name = hash_by_oid(self._sod.hash_oid) if self._sod else None
        if self._sod and hash_name is None:
            self._refuse(Finding.UNSUPPORTED_ALGORITHM)
        given = {DATA_GROUP_BY_NAME[n]: raw for n, raw in files.items() if n in DATA_GROUP_BY_NAME}
        states: dict[int, DataGroup] = {}
        for number in sorted({*listed, *given}):
            states[number] = _state(given.get(number), listed.get(number), hash_name)
        if DataGroup.MISMATCH in states.values():
            self._refuse(Finding.DATA_GROUP_MISMATCH)
        if DataGroup.NOT_IN_SOD in states.values():
            self._remark(Finding.DATA_GROUP_NOT_IN_SOD)
        matching = {n: given[n] for n, state in states.items() if state is DataGroup.MATCH}
        return states, matching

    def _parsed(self, number: int, parse: Callable[[bytes], Parsed]) -> Parsed | None:
        raw = self._matching.get(number)
        if raw is None:
            return None
        try:
            return parse(raw)
        except CardError:
            self._remark(Finding.DATA_GROUP_MALFORMED)
            return None

    def _note(self, findings: AccessFindings) -> None:
        self._refusals.extend(findings.refusals)
        self._remarks.extend(findings.remarks)

    def _refuse(self, finding: Finding) -> None:
        self._refusals.append(finding)

    def _remark(self, finding: Finding) -> None:
        self._remarks.append(finding)


NOTHING = PassiveResult(Signature.INVALID, Chain.NO_ANCHOR, Revocation.UNKNOWN, Dates.UNKNOWN)


# The worst and the best proof speak first: one that is wrong refuses whatever else was shown.
_WEIGHT = (
    ChipProof.FAILED,
    ChipProof.PASSED,
    ChipProof.STATION_OBSERVED,
    ChipProof.ABSENT,
)


def is_refused(result: PassiveResult, *, dates_count: bool) -> bool:
    """Whether a signed file is refused; its dates count only where a day was given for them."""
    outside = (Dates.EXPIRED, Dates.NOT_YET_VALID)
    return result.refused or (dates_count and result.dates in outside)


def country_of(result: PassiveResult) -> str | None:
    """The country that the signer's certificate names as its issuer's."""
    signer = result.signer
    return signer.issuer_country or signer.country if signer else None


def countries_of(result: PassiveResult) -> frozenset[str | None]:
    """Every country of the chain, None for a certificate that names none.

    An authority may write any name into what it signs: its own country speaks too.
    """
    return frozenset({country_of(result), *(anchor.country for anchor in result.anchors)})


def _state(raw: bytes | None, expected: bytes | None, hash_name: str | None) -> DataGroup:
    """Hashes run over the file's raw bytes, outer tag included (ICAO 9303-10 §4.6.2)."""
    if expected is None:
        return DataGroup.NOT_IN_SOD
    if raw is None:
        return DataGroup.NOT_READ
    if hash_name is None or not hmac.compare_digest(digest(hash_name, raw), expected):
        return DataGroup.MISMATCH
    return DataGroup.MATCH
