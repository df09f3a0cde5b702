"""The checks over a card's files: hashes, issuer, policy, and the chip's own proof.

What a data group says is used only where its hash is in a SOD: :class:`Examination` hands out
nothing else.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from card_reader.chip.active_authentication import verify_active_authentication
from card_reader.errors import CardError
from card_reader.evidence import ChipEvidence
from card_reader.lds import DATA_GROUP_BY_NAME, EF_SOD, dg1, dg2, dg13, dg14, dg15, sod
from card_reader.lds.mrz import Mrz
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
)
from card_reader.trust.signatures import digest, hash_by_oid
from card_reader.trust.store import Realm, TrustStore

Parsed = TypeVar("Parsed")


class ActiveAuthenticationRule(StrEnum):
    """When the chip must prove itself."""

    WHEN_LISTED = "when_listed"  # EF.SOD lists EF.DG15
    ALWAYS = "always"
    NEVER = "never"  # stored files alone


@dataclass(frozen=True, slots=True)
class Policy:
    """What is accepted.  ``None`` for states or codes accepts any."""

    realm: Realm
    accepted_states: frozenset[str] | None = frozenset({"VNM"})
    accepted_document_codes: frozenset[str] | None = frozenset({"I", "ID"})
    require_active_authentication: ActiveAuthenticationRule = ActiveAuthenticationRule.WHEN_LISTED


STORED_FILES = {realm: Policy(realm, None, None, ActiveAuthenticationRule.NEVER) for realm in Realm}


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
        self._proof = ChipProof.ABSENT
        self._sod = self._parse_sod(files.get(EF_SOD.name))
        self._passive = (
            _NOTHING if self._sod is None else authenticate(self._sod, trust, at=at, now=now)
        )
        self._dates_count = at is not None
        self._groups, self._matching = self._compare(files)

    # --- the checks -----------------------------------------------------------------------------

    def check_realm(self) -> None:
        if self._trust.realm is not self._policy.realm:
            self._refuse(Finding.REALM_MISMATCH)

    def check_issuer(self) -> None:
        """The signer must be of DG1's state, state and kind of document accepted ones."""
        zone = self.zone()
        country = self._issuer_country()
        if zone is None:
            return
        if country is not None:
            self._issuer_match = issues_for(country, zone.issuing_state)
        if self._issuer_match is False:
            self._refuse(Finding.ISSUER_MISMATCH)
        states, codes = self._policy.accepted_states, self._policy.accepted_document_codes
        if states is not None and zone.issuing_state not in states:
            self._refuse(Finding.STATE_NOT_ACCEPTED)
        if codes is not None and zone.document_code not in codes:
            self._refuse(Finding.DOCUMENT_CODE_NOT_ACCEPTED)

    def check_chip(self, evidence: ChipEvidence | None, expected: bytes | None) -> None:
        """Active authentication with the authenticated EF.DG15 (ICAO 9303-11 §6.1)."""
        required = self._chip_must_prove_itself()
        key = self._matching.get(15)
        challenge = evidence.challenge if evidence else None
        response = evidence.active_authentication if evidence else None
        if challenge is None or response is None or key is None:
            if required:
                self._refuse(
                    Finding.CHALLENGE_MISSING
                    if challenge is None
                    else Finding.ACTIVE_AUTHENTICATION_MISSING
                )
            return
        if expected is not None and not hmac.compare_digest(expected, challenge.value):
            self._proof = ChipProof.FAILED
            self._refuse(Finding.CHALLENGE_MISMATCH)
            return
        try:
            infos = dg14.parse(self._matching[14]) if 14 in self._matching else ()
            verify_active_authentication(dg15.parse(key), challenge.value, response, infos)
        except CardError:
            self._proof = ChipProof.FAILED
            self._refuse(Finding.ACTIVE_AUTHENTICATION_FAILED)
        else:
            self._proof = ChipProof.PASSED

    def require_identity(self) -> None:
        """What an identity needs beyond sound files: a name, a face, an issuer that fits."""
        for number, parsed in ((1, self.zone()), (2, self.portrait())):
            if parsed is None and self._groups.get(number) is not DataGroup.MISMATCH:
                read = number in self._matching
                self._refuse(Finding.DATA_GROUP_MALFORMED if read else Finding.DATA_GROUP_MISSING)
        for number in (14, 15):
            # What proves the chip genuine is not to be left away by whoever reads it.
            if self._groups.get(number) is DataGroup.NOT_READ:
                self._refuse(Finding.DATA_GROUP_MISSING)
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
            issuer_country=self._issuer_country(),
            active_authentication=self._capped_proof(),
            reasons=tuple(dict.fromkeys(reasons)),
        )

    # --- inside ---------------------------------------------------------------------------------

    def _verdict(self) -> Verdict:
        passive = self._passive
        if (
            self._refusals
            or passive.signature is not Signature.VALID
            or passive.chain is Chain.INVALID
            or passive.revocation is Revocation.REVOKED
            or (self._dates_count and passive.dates in (Dates.EXPIRED, Dates.NOT_YET_VALID))
        ):
            return Verdict.REFUSED
        return Verdict.AUTHENTIC if passive.chain is Chain.TRUSTED else Verdict.UNPROVEN

    def _capped_proof(self) -> ChipProof:
        """A forger signs his own DG15: without a valid signature its proof counts as absent."""
        if self._passive.signature is not Signature.VALID:
            return ChipProof.ABSENT
        return self._proof

    def _chip_must_prove_itself(self) -> bool:
        rule = self._policy.require_active_authentication
        if rule is ActiveAuthenticationRule.WHEN_LISTED:
            return self._sod is not None and 15 in self._sod.data_group_hashes
        return rule is ActiveAuthenticationRule.ALWAYS

    def _check_numbers(self) -> None:
        """EF.DG13 and the MRZ name the same citizen, where both do."""
        zone, details = self.zone(), self._parsed(13, dg13.parse)
        if zone and details and details.number and details.number != zone.personal_number:
            self._refuse(Finding.NUMBER_MISMATCH)

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

    def _issuer_country(self) -> str | None:
        signer = self._passive.signer
        return signer.issuer_country or signer.country if signer else None

    def _refuse(self, finding: Finding) -> None:
        self._refusals.append(finding)

    def _remark(self, finding: Finding) -> None:
        self._remarks.append(finding)


_NOTHING = PassiveResult(Signature.INVALID, Chain.NO_ANCHOR, Revocation.UNKNOWN, Dates.UNKNOWN)


def _state(raw: bytes | None, expected: bytes | None, hash_name: str | None) -> DataGroup:
    """Hashes run over the file's raw bytes, outer tag included (ICAO 9303-10 §4.6.2)."""
    if expected is None:
        return DataGroup.NOT_IN_SOD
    if raw is None:
        return DataGroup.NOT_READ
    if hash_name is None or not hmac.compare_digest(digest(hash_name, raw), expected):
        return DataGroup.MISMATCH
    return DataGroup.MATCH
