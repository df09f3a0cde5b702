"""Was the chip opened as the signed files say it should be?

EF.CardAccess is read before any access, and nobody signed it: whoever changed it can push a
reader to a weaker protocol.  EF.DG14 (else EF.CardSecurity) repeats its PACE entries under the
issuer's signature; afterwards they are compared (ICAO 9303-11 §4.4, §9.2.8).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from card_reader.errors import CardError
from card_reader.evidence import Access, AccessPolicy, AccessProtocol, Downgrade
from card_reader.lds import card_access
from card_reader.lds.security_infos import ID_PACE, PaceInfo, SecurityInfo, offers_pace, pace_infos
from card_reader.trust.findings import Finding


@dataclass(frozen=True, slots=True)
class AccessFindings:
    """What refuses the chip, and what is only remarked."""

    refusals: tuple[Finding, ...] = ()
    remarks: tuple[Finding, ...] = ()


def inspect_card_access(
    content: bytes | None, signed: Sequence[SecurityInfo] | None
) -> AccessFindings:
    """EF.CardAccess as it was read against the PACE entries of a signed file, None for none."""
    if content is None:
        return AccessFindings()
    offered = _pace_entries(_parsed(content))
    if signed is None:
        return AccessFindings(remarks=(Finding.CARD_ACCESS_UNSIGNED,) if offered else ())
    if offered != _pace_entries(signed):
        return AccessFindings(refusals=(Finding.CARD_ACCESS_MISMATCH,))
    return AccessFindings()


def inspect_access(
    access: Access, signed: Sequence[SecurityInfo] | None, policy: AccessPolicy
) -> AccessFindings:
    """The way the chip was opened against the signed offer and the policy."""
    refusals, remarks = [], []
    if not policy.accepts(access.protocol, access.downgrade):
        refusals.append(Finding.ACCESS_NOT_ACCEPTED)
    if access.downgrade is Downgrade.PACE_FAILED:
        remarks.append(Finding.ACCESS_DOWNGRADED)
    if access.protocol is AccessProtocol.PACE:
        if not _runs_as_named(access) or (signed is not None and not _is_offered(access, signed)):
            refusals.append(Finding.CARD_ACCESS_MISMATCH)
    elif signed is not None and offers_pace(signed):
        remarks.append(Finding.PACE_NOT_USED)
    return AccessFindings(tuple(refusals), tuple(remarks))


def _parsed(content: bytes) -> tuple[SecurityInfo, ...]:
    """A file that cannot be read offers nothing; a signed offer then shows the difference."""
    try:
        return card_access.parse(content)
    except CardError:
        return ()


def _pace_entries(infos: Sequence[SecurityInfo]) -> frozenset[SecurityInfo]:
    return frozenset(info for info in infos if info.oid.startswith(f"{ID_PACE}."))


def _runs_as_named(access: Access) -> bool:
    try:
        return PaceInfo(access.oid or "", 2, access.parameter_id).mapping is access.mapping
    except CardError:
        return False


def _is_offered(access: Access, signed: Sequence[SecurityInfo]) -> bool:
    try:
        offers = {(info.oid, info.parameter_id) for info in pace_infos(signed)}
    except CardError:
        return False
    return (access.oid, access.parameter_id) in offers
