"""What the chip's proofs in evidence are worth, over files that are authenticated already.

Every function gives a :class:`ChipProof` and, where the proof is wrong, the finding that refuses.
A proof that is missing is ``absent``; whether it was demanded is a policy's question.
"""

import hmac
from collections.abc import Sequence

from card_reader.access.pace import ChipMapping
from card_reader.chip.active_authentication import verify_active_authentication
from card_reader.chip.terminal_session import RemoteProof
from card_reader.domain_parameters import group_of_key
from card_reader.errors import CardError
from card_reader.evidence import Challenge, ChipAuthenticationRecord
from card_reader.lds import dg14, dg15
from card_reader.lds.security_infos import (
    ID_CA,
    ID_PACE,
    ID_PK,
    ID_PK_DH,
    ID_PK_ECDH,
    SecurityInfo,
    chip_authentication_choices,
    chip_keys,
)
from card_reader.report import ChipProof
from card_reader.trust.findings import Finding

Judged = tuple[ChipProof, Finding | None]
ABSENT: Judged = (ChipProof.ABSENT, None)


def lists_chip_key(infos: Sequence[SecurityInfo]) -> bool:
    """Whether the chip has a key for chip authentication, a malformed one included."""
    return any(info.oid in (ID_PK_DH, ID_PK_ECDH) for info in infos)


def offers_chip_authentication(infos: Sequence[SecurityInfo]) -> bool:
    """Whether a signed EF.DG14 names chip authentication, or PACE's mapping by it.

    A key or a protocol of a kind that is unknown here counts too: it would have to be run.
    """
    families = tuple(f"{arc}." for arc in (ID_PK, ID_CA, f"{ID_PACE}.6"))
    return any(info.oid.startswith(families) for info in infos)


def active_authentication(
    key_file: bytes,
    security_infos_file: bytes | None,
    challenge: Challenge,
    response: bytes,
    expected: bytes | None,
) -> Judged:
    """The chip's answer to the challenge under EF.DG15; EF.DG14 may name the hash (§6.1).

    ``expected`` is the challenge that the verifier issued.
    """
    if expected is not None and not hmac.compare_digest(expected, challenge.value):
        return ChipProof.FAILED, Finding.CHALLENGE_MISMATCH
    try:
        infos = () if security_infos_file is None else dg14.parse(security_infos_file)
        verify_active_authentication(dg15.parse(key_file), challenge.value, response, infos)
    except CardError:
        return ChipProof.FAILED, Finding.ACTIVE_AUTHENTICATION_FAILED
    return ChipProof.PASSED, None


def chip_authentication(
    record: ChipAuthenticationRecord | None,
    infos: Sequence[SecurityInfo],
    remote: RemoteProof | None,
) -> Judged:
    """A run of chip authentication against the signed EF.DG14's ``infos`` (§6.2).

    The session's MAC convinced only who held the ephemeral key: the station, or the server whose
    own run ``remote`` is.  Then its key must be the one in EF.DG14.
    """
    if record is None or not lists_chip_key(infos):
        return ABSENT
    keys = _signed_keys(record, infos)
    if not keys or not record.response:
        return ChipProof.FAILED, Finding.CHIP_AUTHENTICATION_FAILED
    if remote is None:
        return ChipProof.STATION_OBSERVED, None
    claimed = (record.session, record.oid, record.key_id, record.terminal_public_key)
    proven = (remote.session, remote.oid, remote.key_id, remote.terminal_public_key)
    if claimed != proven or remote.spki not in keys:
        return ChipProof.FAILED, Finding.CHIP_KEY_MISMATCH
    return ChipProof.PASSED, None


def chip_mapping(mapping: ChipMapping | None, infos: Sequence[SecurityInfo]) -> Judged:
    """PACE's chip authentication mapping against the signed EF.CardSecurity's ``infos``.

    CA_IC × PK_IC = PK_Map,IC (§4.4.3.5.2), with PK_IC any of the file's keys.
    """
    if mapping is None or not lists_chip_key(infos):
        return ABSENT
    if not any(_maps(mapping, spki) for spki in _mapping_keys(infos)):
        return ChipProof.FAILED, Finding.CHIP_MAPPING_FAILED
    return ChipProof.STATION_OBSERVED, None


def _signed_keys(
    record: ChipAuthenticationRecord, infos: Sequence[SecurityInfo]
) -> tuple[bytes, ...]:
    """The SubjectPublicKeyInfos in the signed file that the run may have been with."""
    try:
        choices = chip_authentication_choices(infos)
    except CardError:
        return ()
    run = record.oid, record.key_id
    named = {key.spki for info, key in choices if (info.oid, info.key_id) == run}
    return tuple(spki for spki in named if _is_public_key(record.terminal_public_key, spki))


def _is_public_key(encoded: bytes, spki: bytes) -> bool:
    """Whether a terminal's key is one on the group of the chip's."""
    try:
        group, _ = group_of_key(spki)
        group.decode(encoded)
    except CardError:
        return False
    return True


def _mapping_keys(infos: Sequence[SecurityInfo]) -> tuple[bytes, ...]:
    try:
        return tuple(key.spki for key in chip_keys(infos))
    except CardError:
        return ()


def _maps(mapping: ChipMapping, spki: bytes) -> bool:
    scalar = int.from_bytes(mapping.data, "big")
    try:
        group, key = group_of_key(spki)
        if not 0 < scalar < group.order:
            return False
        return group.encode(group.multiply(scalar, key)) == mapping.mapping_public_key
    except CardError:
        return False
