"""Errors of the contract, shared by both sides."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why the server refused a station's request. A closed list; screens translate it."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_STATION = "unknown_station"
    STATION_REVOKED = "station_revoked"
    BAD_SIGNATURE = "bad_signature"
    STALE_REQUEST = "stale_request"
    REPLAYED_REQUEST = "replayed_request"
    TOKEN_INVALID = "token_invalid"  # noqa: S105 - a code, no secret
    TOKEN_USED = "token_used"  # noqa: S105 - a code, no secret
    NO_SEAT = "no_seat"
    WRONG_REALM = "wrong_realm"
    WRONG_PROGRAM = "wrong_program"
    PLACEMENT_ELSEWHERE = "placement_elsewhere"
    CHALLENGE_INVALID = "challenge_invalid"
    EVIDENCE_MALFORMED = "evidence_malformed"
    CHIP_NOT_GENUINE = "chip_not_genuine"
    NOT_ADMITTED = "not_admitted"
    TAP_NEEDED = "tap_needed"
    TOO_LATE = "too_late"
    NOT_STARTED = "not_started"
    SHIFT_CLOSED = "shift_closed"
    LEASE_SUPERSEDED = "lease_superseded"
    LEASE_CONFLICT = "lease_conflict"
    ATTEMPT_CLOSED = "attempt_closed"
    RECORD_REJECTED = "record_rejected"
    RECORD_GAP = "record_gap"
    NOT_FOUND = "not_found"
    TOO_BUSY = "too_busy"
    INTERNAL = "internal"


#: Refusals that say nothing of what was asked: the server could not do its work at the moment.
UNABLE = frozenset({ErrorCode.TOO_BUSY, ErrorCode.INTERNAL})


class ContractError(Exception):
    """Bytes that are not what the contract says, or whose proof does not hold."""
