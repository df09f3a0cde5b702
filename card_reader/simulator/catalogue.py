"""Named quirks of real chips: what each does differently, and where it was seen.

A quirk changes how the chip behaves (switches of `Quirks`), how it is made (`recipe`), or what
lies on it after it was signed (`contents`). A card may have several. Numbers behind a project's
name are those of its public issues.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from card_reader.simulator import quirk_changes
from card_reader.simulator.personalisation import CannotIssueError
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.quirks import EndOfFile, OverlongRead
from card_reader.simulator.recipe import Recipe


def _as_it_is(recipe: Recipe) -> Recipe:
    return recipe


def _untouched(profile: CardProfile) -> CardProfile:
    return profile


@dataclass(frozen=True, slots=True)
class KnownQuirk:
    """What a quirk is. `behaviour` holds switches of `Quirks` by their names."""

    summary: str
    seen: str
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    recipe: Callable[[Recipe], Recipe] = _as_it_is
    contents: Callable[[CardProfile], CardProfile] = _untouched

    @property
    def needs_recipe(self) -> bool:
        """Whether only a card that is newly made can have it."""
        return self.recipe is not _as_it_is


def named(name: str) -> KnownQuirk:
    """Raises CannotIssueError for a name that is none."""
    if name not in CATALOGUE:
        raise CannotIssueError(f"quirk {name!r} is none of: {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def recipe_with(recipe: Recipe, *names: str) -> Recipe:
    """How a card with these quirks is made."""
    for name in names:
        recipe = named(name).recipe(recipe)
    return recipe


def profile_with(profile: CardProfile, *names: str) -> CardProfile:
    """The card with these quirks; one that `recipe_with` must have made where it needs that."""
    for name in names:
        known = named(name)
        profile = known.contents(profile)
        profile = replace(profile, quirks=replace(profile.quirks, **known.behaviour))
    return profile


# --- the catalogue ---

_REPORTED = "reported by users of readers, the document unnamed"
_POSSIBLE = "not reported; the standards leave it open"


def _reads_of(size: int, seen: str, **more: Any) -> KnownQuirk:
    summary = f"READ BINARY takes a length of at most {size}, else 6700"
    return KnownQuirk(summary, seen, {"longest_read": size, **more})


CATALOGUE: dict[str, KnownQuirk] = {
    "select_mf_6d00": KnownQuirk(
        "SELECT MF answers 6D00",
        "Vietnamese citizen card (NFCPassportReader 219)",
        {"select_mf_refused": True},
        quirk_changes.with_pace,
    ),
    "select_mf_6985": KnownQuirk(
        "SELECT MF answers 6985",
        "residence permits and passports of several states (NFCPassportReader 164)",
        {"select_mf_refused": True, "select_mf_status": 0x6985},
        quirk_changes.with_pace,
    ),
    "select_mf_6a86": KnownQuirk(
        "SELECT MF answers 6A86",
        "Australian passport; New Zealand 6982, China 6A81, Ukraine 6A87 (gmrtd 414)",
        {"select_mf_refused": True, "select_mf_status": 0x6A86},
        quirk_changes.with_pace,
    ),
    "select_mf_by_identifier_refused": KnownQuirk(
        "SELECT MF works without data only, not with 3F00",
        "passports of several makers (gmrtd 460)",
        {"select_mf_by_identifier_refused": True, "card_access_needs_mf": True},
        quirk_changes.with_pace,
    ),
    "select_mf_without_data_ignored": KnownQuirk(
        "SELECT MF without data answers 9000 and selects nothing; 3F00 works",
        "European passports (NFCPassportReader 106)",
        {"select_mf_without_data_ignored": True, "card_access_needs_mf": True},
        quirk_changes.with_pace,
    ),
    "select_with_le_refused": KnownQuirk(
        "SELECT and MANAGE SECURITY ENVIRONMENT with Le answer 6700",
        "German passports and identity cards (NFCPassportReader 153)",
        {"select_with_le_refused": True, "mse_with_le_refused": True},
        quirk_changes.with_pace,
    ),
    "select_answers_fci": KnownQuirk(
        "SELECT of the application gives its FCI though P2 forbids",
        "cards with a general operating system (ISO 7816-4 §7.4 lets them)",
        {"select_answers_fci": True},
    ),
    "card_access_needs_mf": KnownQuirk(
        "EF.CardAccess opens only after SELECT MF",
        "cards whose application is selected at power-on (NFCPassportReader 106)",
        {"card_access_needs_mf": True},
        quirk_changes.with_pace,
    ),
    "card_access_lost_in_mf": KnownQuirk(
        "EF.CardAccess opens only without SELECT MF",
        "Latvian identity card (NFCPassportReader 219)",
        {"card_access_lost_in_mf": True},
        quirk_changes.with_pace,
    ),
    "directory_protected": KnownQuirk(
        "EF.DIR answers 6982 before access control",
        "US passport of 2025, New Zealand passport (gmrtd 226)",
        {"directory_protected": True},
        quirk_changes.with_directory,
    ),
    "no_short_file_identifiers": KnownQuirk(
        "READ BINARY with a short file identifier answers 6A81",
        "older passports, which only knew SELECT (ICAO 9303-10 §3.6)",
        {"short_file_identifiers": False},
    ),
    "short_read_selects_not": KnownQuirk(
        "READ BINARY with a short file identifier leaves no file selected",
        _POSSIBLE,
        {"short_read_selects": False},
    ),
    "no_odd_read_binary": KnownQuirk(
        "READ BINARY B1 answers 6D00",
        "chips without files beyond 32,767 bytes (ICAO 9303-10 §3.6.3.2)",
        {"odd_read_binary": False},
    ),
    "reads_of_160": _reads_of(160, "older Dutch passports (NFCPassportReader 24)"),
    "reads_of_192": _reads_of(192, "Ukrainian passport (gmrtd 410)"),
    "reads_of_223": _reads_of(223, _REPORTED),
    "reads_of_224": _reads_of(224, _REPORTED),
    "reads_of_231": _reads_of(231, _REPORTED),
    "reads_of_256": _reads_of(256, "US passports (gmrtd 457)"),
    "overlong_read_ends_session": KnownQuirk(
        "a read that is too long gets an unprotected 6700, and the session is over",
        "older passports (NFCPassportReader 24)",
        {"longest_read": 160, "overlong_read": OverlongRead.ENDS_SESSION},
    ),
    "overlong_read_corrected": KnownQuirk(
        "a read that is too long gets 6Cxx",
        "ISO 7816-4 table 6; " + _REPORTED,
        {"longest_read": 192, "overlong_read": OverlongRead.CORRECTED},
    ),
    "overlong_read_truncated": KnownQuirk(
        "a read that is too long gets fewer bytes, and 9000",
        "Spanish identity card and others (NFCPassportReader 91)",
        {"longest_read": 100, "overlong_read": OverlongRead.TRUNCATED},
    ),
    "overlong_read_empty": KnownQuirk(
        "a read that is too long gets nothing, and 9000",
        _POSSIBLE,
        {"longest_read": 223, "overlong_read": OverlongRead.EMPTY},
    ),
    "end_of_file_silent": KnownQuirk(
        "a read over the end of a file gets the rest and 9000, not 6282",
        _POSSIBLE,
        {"end_of_file": EndOfFile.SILENT},
    ),
    "end_of_file_corrected": KnownQuirk(
        "a read over the end of a file gets 6Cxx",
        "ISO 7816-4 table 6; " + _REPORTED,
        {"end_of_file": EndOfFile.CORRECTED},
    ),
    "end_of_file_refused": KnownQuirk(
        "a read over the end of a file gets 6B00",
        "Russian passport (NFCPassportReader 89)",
        {"end_of_file": EndOfFile.REFUSED},
    ),
    "no_extended_length": KnownQuirk(
        "an extended command gets an unprotected 6700, which no counter counts",
        "Chinese passport (gmrtd 457)",
        {"extended_length": False},
    ),
    "extended_length_announced_only": KnownQuirk(
        "EF.ATR/INFO announces extended length, and the chip refuses it",
        _REPORTED,
        {"extended_length": False},
        quirk_changes.with_stated_lengths,
    ),
    "extended_length_limited": KnownQuirk(
        "extended commands with a longer Le than 4,096 get 6700, whatever EF.ATR/INFO says",
        _POSSIBLE,
        {"longest_extended": 4_096},
        quirk_changes.with_stated_lengths,
    ),
    "responses_in_pieces": KnownQuirk(
        "every short response longer than 128 bytes comes in pieces, with 61xx",
        "Finnish passport (NFCPassportReader 174), readers with T=0",
        {"longest_response": 128, "extended_length": False},
    ),
    "protected_pieces": KnownQuirk(
        "61xx stands inside secure messaging; GET RESPONSE must be protected",
        "ISO 7816-4 §10.10 lets chips choose; " + _REPORTED,
        {"protected_pieces": True, "extended_length": False},
        quirk_changes.with_long_signature,
    ),
    "plain_errors": KnownQuirk(
        "an error is a bare status word without data object 99, and ends the session",
        "Chinese passport (gmrtd 457)",
        {"plain_errors": True},
    ),
    "reset_after_60_commands": KnownQuirk(
        "the chip loses its power after every 60 commands",
        "cards at the edge of the field (NFCPassportReader 101)",
        {"commands_before_reset": 60},
    ),
    "slow": KnownQuirk(
        "every answer takes 5 milliseconds longer", _REPORTED, {"command_delay_ms": 5}
    ),
    "challenge_wants_le_zero": KnownQuirk(
        "GET CHALLENGE wants Le 00; with 08 it answers 6700",
        _POSSIBLE,
        {"challenge_wants_le_zero": True},
    ),
    "authenticate_with_le_refused": KnownQuirk(
        "EXTERNAL AUTHENTICATE wants Le 00 or none; with 28 it answers 6700",
        "JMRTD asks again with 00 since its R2-p1_v2_sIII_0035 tests",
        {"authenticate_with_le_refused": True},
    ),
    "passwords_counted": KnownQuirk(
        "wrong passwords are counted: 63Cx, then 6983",
        "Chinese and Argentinian passports answer 63CF (NFCPassportReader 60)",
        {"password_tries": 5},
    ),
    "wrong_passwords_slow": KnownQuirk(
        "each wrong password takes longer than the one before",
        "ICAO 9303-11 §4.4 and BSI TR-03110 let chips slow down",
        {"wrong_password_delay_ms": 5},
    ),
    "plain_card": KnownQuirk(
        "no access control at all",
        "older Nigerian passports (passport-reader 7)",
        recipe=quirk_changes.without_access_control,
    ),
    "pace_alone": KnownQuirk(
        "PACE without BAC: GET CHALLENGE answers 6D00",
        "passports and cards since 2018 (ICAO 9303-11 §4.1)",
        recipe=quirk_changes.with_pace_alone,
    ),
    "pace_wants_mf": KnownQuirk(
        "MSE:Set AT answers 6985 unless SELECT MF came before",
        _POSSIBLE,
        {"pace_wants_mf": True},
        quirk_changes.with_pace,
    ),
    "pace_wants_parameters": KnownQuirk(
        "MSE:Set AT wants data object 84 though there is one set of parameters",
        "Ukrainian passports before July 2022 (gmrtd 108)",
        {"pace_wants_parameters": True},
        quirk_changes.with_pace,
    ),
    "pace_refuses_parameters": KnownQuirk(
        "MSE:Set AT with data object 84 answers 6A80",
        _POSSIBLE,
        {"pace_refuses_parameters": True},
        quirk_changes.with_pace,
    ),
    "pace_wrong_password_6a80": KnownQuirk(
        "a wrong password shows as 6A80 in the last step of PACE",
        "Slovak passport (dmrtd 36)",
        {"wrong_password_sw": 0x6A80},
        quirk_changes.with_pace,
    ),
    "pace_fails": KnownQuirk(
        "the last step of PACE always answers 6300; BAC works",
        "Greek passport and others in several readers (dmrtd 33)",
        {"pace_fails": True},
        quirk_changes.with_pace,
    ),
    "pace_refused": KnownQuirk(
        "MSE:Set AT for PACE answers 6982; BAC works",
        "Vietnamese citizen card, and others that then open with BAC",
        {"pace_refused": True},
        quirk_changes.with_pace,
    ),
    "pace_names_authority": KnownQuirk(
        "PACE answers with a certification authority reference that nobody asked for",
        "ICAO 9303-11 appendix G.2; cards with terminal authentication",
        {"unasked_authority": "XXTESTCVCA00001"},
        quirk_changes.with_pace,
    ),
    "pace_mapping_answer_absent": KnownQuirk(
        "integrated mapping answers without data object 82, not with an empty one",
        "a reading of ICAO 9303-11 §4.4.5.2.2",
        {"mapping_answer_absent": True},
        quirk_changes.with_integrated_mapping,
    ),
    "pace_checks_late": KnownQuirk(
        "MSE:Set AT takes anything; the first GENERAL AUTHENTICATE answers 6A88",
        "ICAO 9303-11 §4.4.4.1 note 1; German and Polish cards (NFCPassportReader 269)",
        {"pace_checks_late": True},
        quirk_changes.with_two_curves,
    ),
    "chip_authentication_unannounced": KnownQuirk(
        "EF.DG14 holds a key without ChipAuthenticationInfo: 3DES is meant",
        "passports of several states (NFCPassportReader 100)",
        recipe=quirk_changes.with_unannounced_key,
    ),
    "chip_authentication_key_id_refused": KnownQuirk(
        "the only key has an id, and MSE with data object 84 answers 6A80",
        "Maltese specimen (NFCPassportReader 128)",
        {"key_id_refused": True},
        quirk_changes.with_key_id,
    ),
    "chip_authentication_without_set_kat": KnownQuirk(
        "3DES by MSE:Set AT and GENERAL AUTHENTICATE alone; MSE:Set KAT answers 6A86",
        "passports of Malaysia",
        {"set_kat_refused": True},
        quirk_changes.with_triple_des_key,
    ),
    "signature_wants_exact_le": KnownQuirk(
        "INTERNAL AUTHENTICATE with another Le than the signature's answers 6Cxx",
        "Norwegian passport (NFCPassportReader 113)",
        {"exact_signature_le": True},
    ),
    "signature_empty_at_longest_le": KnownQuirk(
        "INTERNAL AUTHENTICATE with Le 65,536 answers nothing and 9000",
        "Chinese passport (NFCPassportReader 223)",
        {"empty_at_longest_le": True},
    ),
    "signature_truncated": KnownQuirk(
        "without extended length a long signature is cut off, with 9000",
        "Australian passport (NFCPassportReader 194)",
        {"short_signature": True},
        quirk_changes.with_long_signature,
    ),
    "signature_smaller": KnownQuirk(
        "the RSA signature is the smaller of s and n - s",
        "ICAO 9303-11 §6.1.2.2: ISO/IEC 9796-2 annex B.4",
        {"smaller_signature": True},
    ),
    "raw_codestream": KnownQuirk(
        "the portrait is a JPEG 2000 codestream without JP2 boxes",
        "Chinese, Portuguese and Spanish passports (proxmark3 2752, NFCPassportReader 218)",
        recipe=quirk_changes.with_codestream,
    ),
    "image_padded": KnownQuirk(
        "zero bytes follow the portrait inside its record",
        _REPORTED,
        recipe=quirk_changes.with_padded_image,
    ),
    "several_images": KnownQuirk(
        "EF.DG2 holds two portraits",
        "ICAO 9303-10 §4.7.2 lets them",
        recipe=quirk_changes.with_images,
    ),
    "security_object_indefinite": KnownQuirk(
        "EF.SOD is BER with indefinite lengths",
        "US and New Zealand passports (proxmark3 1145)",
        recipe=quirk_changes.with_indefinite_length,
    ),
    "security_object_id_data": KnownQuirk(
        "the content type of EF.SOD is id-data",
        "Chinese passport (gmrtd 425)",
        recipe=quirk_changes.with_id_data,
    ),
    "security_object_draft": KnownQuirk(
        "the content type of EF.SOD is that of the draft, 1.3.27.1.1.1",
        "Belgian and French documents (gmrtd 424, pymrtd 8)",
        recipe=quirk_changes.with_draft_content_type,
    ),
    "com_missing": KnownQuirk(
        "there is no EF.COM",
        "German identity cards (NFCPassportReader 205)",
        contents=quirk_changes.without_com,
    ),
    "com_lists_absent_groups": KnownQuirk(
        "EF.COM lists DG11 and DG12, which are not there",
        "German passports in older readers (NFCPassportReader 21)",
        contents=quirk_changes.listing(0x6B, 0x6C),
    ),
    "com_lists_unknown_tags": KnownQuirk(
        "EF.COM lists tags of no data group",
        "Chinese passport (NFCPassportReader 202)",
        contents=quirk_changes.listing(0x71, 0x72, 0x73),
    ),
    "com_length_too_long": KnownQuirk(
        "EF.COM's length promises more than the file holds",
        _POSSIBLE,
        contents=quirk_changes.longer_com,
    ),
    "files_padded": KnownQuirk(
        "zero bytes fill each file up to a whole block",
        _POSSIBLE,
        contents=quirk_changes.padded_files,
    ),
}
