"""How real chips differ from one another while obeying, more or less, the standard.

A `Quirks` holds switches of behaviour and nothing else; its defaults are a chip that follows ICAO
9303 and ISO 7816-4.  Named combinations, with where each was seen, stand in `catalogue`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class OverlongRead(StrEnum):
    """What a READ BINARY gets that wants more than `longest_read`."""

    REFUSED = "refused"  # 6700
    CORRECTED = "corrected"  # 6Cxx: xx would do
    TRUNCATED = "truncated"  # what fits, and 9000
    EMPTY = "empty"  # nothing, and 9000
    ENDS_SESSION = "ends_session"  # an unprotected 6700, and the session is over


class EndOfFile(StrEnum):
    """What a READ BINARY gets that reaches over the end of the file."""

    WARNING = "warning"  # the rest, and 6282
    SILENT = "silent"  # the rest, and 9000
    CORRECTED = "corrected"  # 6Cxx: xx bytes are left
    REFUSED = "refused"  # 6B00 and nothing


@dataclass(frozen=True, slots=True)
class Quirks:
    """Every switch a chip asks; sizes are bytes, counters commands, times milliseconds."""

    # SELECT
    select_mf_refused: bool = False  # SELECT MF answers `select_mf_status`
    select_mf_by_identifier_refused: bool = False  # ... with 3F00, but not without data
    select_mf_without_data_ignored: bool = False  # ... answers 9000 and selects nothing
    select_mf_status: int = 0x6D00
    select_with_le_refused: bool = False  # SELECT with Le answers 6700
    select_answers_fci: bool = False  # SELECT of the application gives its FCI, asked or not
    card_access_needs_mf: bool = False  # EF.CardAccess opens only after SELECT MF
    card_access_lost_in_mf: bool = False  # EF.CardAccess opens only without SELECT MF
    application_needs_access: bool = False  # SELECT of the application answers 6982 before PACE
    directory_protected: bool = False  # EF.DIR answers 6982 before access control

    # READ BINARY
    short_file_identifiers: bool = True  # READ BINARY with a short file identifier
    short_read_selects: bool = True  # ... makes that file the current one
    odd_read_binary: bool = True  # READ BINARY B1
    longest_read: int = 65_536  # the longest Le that READ BINARY takes
    overlong_read: OverlongRead = OverlongRead.REFUSED
    end_of_file: EndOfFile = EndOfFile.WARNING

    # APDUs
    extended_length: bool = True  # extended commands, else 6700
    longest_extended: int = 65_536  # the longest Le of an extended command, else 6700
    command_chaining: bool = True  # data over several commands, else 6884
    longest_response: int = 256  # of a short command; more waits for GET RESPONSE
    command_delay_ms: int = 0  # before every answer
    commands_before_reset: int = 0  # the chip loses its power after so many commands; 0 never

    mse_with_le_refused: bool = False  # MANAGE SECURITY ENVIRONMENT with Le answers 6700

    # Passwords
    challenge_wants_le_zero: bool = False  # GET CHALLENGE with Le 08 answers 6700
    authenticate_with_le_refused: bool = False  # EXTERNAL AUTHENTICATE with Le 28 answers 6700
    wrong_password_sw: int = 0x6300
    wrong_password_delay_ms: int = 0  # for each wrong one since the last right one
    password_tries: int = 0  # 63Cx, then 6983; 0 is without end

    # PACE
    pace_refused: bool = False  # MSE:Set AT answers 6982
    pace_fails: bool = False  # the last step answers as to a wrong password
    pace_wants_mf: bool = False  # MSE:Set AT answers 6985 unless SELECT MF came before
    pace_wants_parameters: bool = False  # MSE:Set AT without data object 84 answers 6A80
    pace_refuses_parameters: bool = False  # MSE:Set AT with data object 84 answers 6A80
    pace_checks_late: bool = False  # MSE:Set AT takes everything, step 1 answers 6A88
    mapping_answer_absent: bool = False  # integrated mapping: no data object 82
    unasked_authority: str = ""  # a certification authority reference that nobody asked for

    # Chip authentication, active authentication
    set_kat_refused: bool = False  # chip authentication by MSE:Set AT alone; 6A86
    key_id_refused: bool = False  # MSE with data object 84 answers 6A80
    exact_signature_le: bool = False  # INTERNAL AUTHENTICATE with another Le answers 6Cxx
    empty_at_longest_le: bool = False  # INTERNAL AUTHENTICATE with Le 65536 answers nothing
    short_signature: bool = False  # ... with a short Le gives what fits of the signature
    smaller_signature: bool = False  # min(s, n - s) of ISO/IEC 9796-2 annex B.4

    # Secure messaging
    plain_errors: bool = False  # an error is a bare status word and ends the session
    protected_pieces: bool = False  # 61xx inside protection, GET RESPONSE protected too


DEFAULTS = Quirks()
_AT_LEAST_ONE = ("longest_read", "longest_extended", "longest_response")


def to_document(quirks: Quirks) -> dict[str, Any]:
    """The switches that differ from the standard's chip, ready for JSON."""
    return {
        item.name: value
        for item in fields(quirks)
        if (value := getattr(quirks, item.name)) != getattr(DEFAULTS, item.name)
    }


def from_document(document: Mapping[str, Any]) -> Quirks:
    """Strict: unknown names raise TypeError, values of another type or range ValueError."""
    quirks = Quirks(**{name: _value(name, value) for name, value in document.items()})
    if any(getattr(quirks, name) < 1 for name in _AT_LEAST_ONE):
        raise ValueError(f"{', '.join(_AT_LEAST_ONE)} are at least 1")
    if max(quirks.wrong_password_sw, quirks.select_mf_status) > 0xFFFF:
        raise ValueError("a status word has two bytes")
    return quirks


def _value(name: str, value: Any) -> Any:
    """The value as its switch wants it; a name that is none stays for the constructor."""
    kind = type(getattr(DEFAULTS, name, value))
    if issubclass(kind, StrEnum) and type(value) is str:
        return kind(value)
    if type(value) is not kind or (kind is int and value < 0):
        raise ValueError(f"quirk {name} cannot be {value!r}")
    return value
