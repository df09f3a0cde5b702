"""What an examination of a card's files found, in the words of ``card-reader verify``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from card_reader.trust.findings import Finding
from card_reader.trust.passive_authentication import Chain, Dates, Revocation, Signature


class Verdict(StrEnum):
    AUTHENTIC = "authentic"
    UNPROVEN = "unproven"
    REFUSED = "refused"


class DataGroup(StrEnum):
    """State of one data group against EF.SOD."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NOT_IN_SOD = "not_in_sod"
    NOT_READ = "not_read"


class ChipProof(StrEnum):
    """Result of active or chip authentication; never more than passive authentication allows.

    ``station_observed``: it convinced the station that ran it, and proves nothing to others.
    """

    PASSED = "passed"
    FAILED = "failed"
    ABSENT = "absent"
    STATION_OBSERVED = "station_observed"


@dataclass(frozen=True, slots=True)
class Report:
    """What an examination found.  ``to_dict`` gives the keys of ``card-reader verify``."""

    verdict: Verdict
    signature: Signature
    chain: Chain
    revocation: Revocation
    dates: Dates
    issuer_match: bool | None
    data_groups: Mapping[int, DataGroup]
    anchors: tuple[str, ...]
    algorithm: str | None
    issuer_country: str | None
    active_authentication: ChipProof
    chip_authentication: ChipProof
    reasons: tuple[Finding, ...]

    @property
    def summary(self) -> str:
        """The reasons in one line of English."""
        return " ".join(finding.explanation for finding in self.reasons)

    def to_dict(self) -> dict[str, object]:
        return {
            "verdict": self.verdict.value,
            "signature": self.signature.value,
            "chain": self.chain.value,
            "revocation": self.revocation.value,
            "dates": self.dates.value,
            "issuer_match": self.issuer_match,
            "data_groups": {str(n): state.value for n, state in self.data_groups.items()},
            "anchors": list(self.anchors),
            "algorithm": self.algorithm,
            "issuer_country": self.issuer_country,
            "active_authentication": self.active_authentication.value,
            "chip_authentication": self.chip_authentication.value,
            "reasons": [finding.value for finding in self.reasons],
        }
