"""Recordings that belong to nobody: nothing of the person stays, and they replay the same."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_sessions import NOW, contact, reading_with, record

from card_reader import tlv
from card_reader.access.passwords import CanPassword, MrzPassword
from card_reader.apdu import CommandApdu
from card_reader.domain_parameters import public_key_info, standardised
from card_reader.errors import CardError
from card_reader.evidence import AccessPolicy
from card_reader.lds import (
    DATA_GROUPS,
    MASTER_FILES_BY_NAME,
    card_security,
    dg1,
    dg2,
    dg13,
    dg14,
    dg15,
    sod,
)
from card_reader.lds.dg2 import FaceFormat
from card_reader.masking.ber_tree import parse_tree
from card_reader.masking.file_cursor import FileCursor, FileKey
from card_reader.masking.invention import Inventor
from card_reader.masking.mask import MaskingFailedError, mask, mask_atr
from card_reader.masking.masked_card import files_read
from card_reader.masking.masked_files import mask_file
from card_reader.sessions.replay import replay
from card_reader.sessions.session_file import Procedure, Session
from card_reader.simulator.chip import Chip
from card_reader.simulator.faults import TornTransport, WrongMacChip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.passport import Traveller
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import CardProfile, SignatureFormat
from card_reader.simulator.quirks import EndOfFile, OverlongRead, Quirks
from card_reader.simulator.recipe import (
    AccessRecipe,
    ActiveAuthenticationRecipe,
    ChipAuthenticationRecipe,
    ImageKind,
    PaceRecipe,
    ParameterEncoding,
    PortraitRecipe,
    Recipe,
    Shape,
)
from card_reader.simulator.signing_keys import KeyKind
from card_reader.simulator.transport import SimulatedTransport
from card_reader.transport import Transport

pytestmark = pytest.mark.slow

CAN = CanPassword("240815")
WINDOW = 6
BIRTH = b"17/05/2006"
PRINTED_DAY = re.compile(rb"../../....")  # six of its characters come back by chance
HOLDER = Holder(
    "001306012345",
    "Nguyễn Thị Phương Thảo",
    date(2006, 5, 17),
    "F",
    residence="Số 12 ngõ Văn Chương, Đống Đa, Hà Nội",
    father="Nguyễn Quang Vinh",
    mother="Trần Bích Ngọc",
)
PASSWORD = MrzPassword("306012345", "060517", "310517")
TRAVELLER = Traveller(
    "X4711C081", "Berghoff-Lindqvist", "Marielouise", date(1984, 3, 9), "F", date(2031, 4, 7)
)
TRAVELLER_S = MrzPassword("X4711C081", "840309", "310407")
Make = Callable[..., CardProfile]


@pytest.fixture(scope="module")
def make(issuer: Issuer, portrait: bytes) -> Make:
    cards: dict[Recipe, CardProfile] = {}

    def card(recipe: Recipe, quirks: Quirks | None = None) -> CardProfile:
        if recipe not in cards:
            holder = TRAVELLER if recipe.shape is Shape.TD3 else HOLDER
            cards[recipe] = issuer.issue(holder, portrait, recipe=recipe, now=NOW)
        return replace(cards[recipe], quirks=quirks or Quirks())

    return card


def chip_key(protocol: str, parameter_id: int = 13, **choices: Any) -> ChipAuthenticationRecipe:
    return ChipAuthenticationRecipe((protocol,), parameter_id, **choices)


def with_pace(protocol: str, parameter_id: int = 13, **further: Any) -> Recipe:
    access = AccessRecipe(pace=(PaceRecipe(protocol, parameter_id),), can=CAN.can)
    mapping = parameter_id if "CAM" in protocol else None
    return Recipe(access=access, chip_mapping=mapping, **further)


# --- nothing of the person remains ----------------------------------------------------------------


def windows(value: bytes) -> set[bytes]:
    """The runs of six bytes."""
    return {value[at : at + WINDOW] for at in range(len(value) - WINDOW + 1)}


def common(left: set[bytes], right: set[bytes]) -> list[bytes]:
    """What is in both, but for mere filling."""
    return sorted(run for run in left & right if len(set(run)) > 3)


def contents(value: object) -> Iterator[bytes]:
    """Every byte string of a session's document, whether it is hex or a text."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name.encode()
            yield from contents(item)
    elif isinstance(value, list):
        for item in value:
            yield from contents(item)
    elif isinstance(value, str):
        try:
            yield bytes.fromhex(value)
        except ValueError:
            yield value.encode()


def strings(raw: bytes) -> Iterator[bytes]:
    """The leaves of a file that hold texts or numbers about the person."""
    for node in parse_tree(raw):
        for leaf in node.leaves():
            value = raw[leaf.start : leaf.end]
            if leaf.tag not in (0x02, 0x06, 0x5C) and not PRINTED_DAY.fullmatch(value):
                yield value


def secrets(session: Session) -> set[bytes]:
    """All that is the person's, the chip's or this session's alone."""
    files = files_read(session.exchanges)
    found: set[bytes] = set()

    def add(*values: bytes) -> None:
        for value in values:
            found.update(windows(value))

    group = {number: files.get(FileKey(True, 0x0100 + number), b"") for number in range(1, 17)}
    line = group[1][5:]
    add(line[5:30].rstrip(b"<"), line[30:48], line[60:90].rstrip(b"<"))
    for number in (11, 12, 13):
        add(*strings(group[number]))
    if group[2]:
        try:
            add(*(image.data[16:-2] for image in dg2.parse(group[2])))
        except CardError:
            add(group[2][128:])
    add(group[15][-60:-8])
    signed = files.get(FileKey(True, 0x011D), b"")
    try:
        security_object = sod.parse(signed)
        # EF.DG14 may stay as it is, where no key is in it.
        add(*(value for n, value in security_object.data_group_hashes.items() if n != 14))
        for signer in security_object.signed_data.signers:
            add(signer.signature, signer.message_digest or b"")
    except CardError:
        pass
    add(*session.randomness, *(word.pace_secret for word in session.passwords))
    challenge = session.parameters.get("challenge", dict)
    add(bytes.fromhex(challenge["value"]))
    for item in session.exchanges:
        raw, data = (item.response or b"")[:-2], CommandApdu.from_bytes(item.command).data
        protected = bool(item.command[0] & 0x0C)
        if protected or item.command[1] == 0x86:
            add(*strings(raw), *strings(data))
        elif item.command[1] in (0x82, 0x84, 0x88):
            add(raw, data)
    return found


def shape(session: Session) -> list[tuple[object, ...]]:
    return [
        (
            item.command[:4],
            len(item.command),
            item.response and (len(item.response), item.response[-2:]),
            item.plain_command and (len(item.plain_command), item.plain_command[:4]),
            item.plain_response and (len(item.plain_response), item.plain_response[-2:]),
            item.continues,
            item.lost,
        )
        for item in session.exchanges
    ]


def drawing(seed: int) -> Callable[[int], bytes]:
    """Every draw has a seed of its own. The chip's signature is now longer, now shorter; in one
    stream that would move what is invented after it, in one session of 200 to the original."""
    numbers = count()
    return lambda length: Random(f"{seed} {next(numbers)}").randbytes(length)


def check(session: Session, seed: int = 7) -> Session:
    """Mask a session; it must keep its shape, replay, and tell nothing."""
    assert replay(session).identical
    masked = mask(session, original={"verdict": "authentic"}, rng=drawing(seed))
    masked = Session.parse(json.loads(json.dumps(masked.to_document())))
    result = replay(masked)
    assert result.identical, result.to_dict()
    assert shape(masked) == shape(session)
    assert masked.result["outcome"] == session.result["outcome"]
    known = secrets(session)
    assert not [value for value in contents(masked.to_document()) if BIRTH in value]
    told = {run for value in contents(masked.to_document()) for run in windows(value)}
    assert common(known, told) == []
    return masked


RECIPES = {
    "bac": Recipe(active_authentication=ActiveAuthenticationRecipe(key=KeyKind.RSA_1024)),
    "gm": with_pace("PACE-ECDH-GM-AES-CBC-CMAC-128"),
    "im": with_pace("PACE-ECDH-IM-AES-CBC-CMAC-192", 14),
    "gm 3des": with_pace("PACE-ECDH-GM-3DES-CBC-CBC"),
    "gm dh": with_pace("PACE-DH-GM-AES-CBC-CMAC-128", 0),
    "im dh": with_pace("PACE-DH-IM-AES-CBC-CMAC-128", 1),
    "cam": with_pace("PACE-ECDH-CAM-AES-CBC-CMAC-128"),
    "ca": Recipe(chip_authentication=(chip_key("CA-ECDH-AES-CBC-CMAC-256"),)),
    "ca 3des": Recipe(chip_authentication=(chip_key("CA-ECDH-3DES-CBC-CBC", announced=False),)),
    "ca dh": Recipe(chip_authentication=(chip_key("CA-DH-AES-CBC-CMAC-128", 1),)),
    "ca key id": Recipe(
        chip_authentication=(
            chip_key("CA-ECDH-AES-CBC-CMAC-128", key_id=1, encoding=ParameterEncoding.EXPLICIT),
            chip_key("CA-ECDH-AES-CBC-CMAC-192", 16, key_id=2),
        )
    ),
    "pace and ca": with_pace(
        "PACE-ECDH-GM-AES-CBC-CMAC-128",
        chip_authentication=(chip_key("CA-ECDH-AES-CBC-CMAC-128"),),
    ),
    "ecdsa": Recipe(
        active_authentication=ActiveAuthenticationRecipe(
            key=KeyKind.BRAINPOOL_P256R1, format=SignatureFormat.DER
        )
    ),
    "portraits": Recipe(
        portrait=PortraitRecipe(FaceFormat.ISO_39794_5, ImageKind.JP2, copies=2, padding=16)
    ),
    "passport": Recipe(shape=Shape.TD3, data_groups=(7, 11, 12), atr_info=True, directory=True),
    "plain": Recipe(access=AccessRecipe(bac=False, plain=True)),
}


@pytest.mark.parametrize("name", RECIPES)
def test_cards_of_every_kind(make: Make, name: str) -> None:
    card = make(RECIPES[name])
    password = TRAVELLER_S if name == "passport" else PASSWORD
    session = record(reading_with([password]), contact(card))
    assert session.result["outcome"] == "done"
    masked = check(session)
    assert masked.original == {"verdict": "authentic"}


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(extended_length=False),
        Quirks(extended_length=False, longest_response=100),
        Quirks(longest_read=223, overlong_read=OverlongRead.CORRECTED),
        Quirks(longest_read=223, overlong_read=OverlongRead.TRUNCATED),
        Quirks(longest_read=160, overlong_read=OverlongRead.ENDS_SESSION),
        Quirks(end_of_file=EndOfFile.CORRECTED, extended_length=False),
        Quirks(short_file_identifiers=False),
        Quirks(odd_read_binary=False, select_answers_fci=True),
        Quirks(pace_checks_late=True),
        Quirks(pace_fails=True),
        Quirks(pace_refused=True),
        Quirks(key_id_refused=True),
        Quirks(plain_errors=True, unasked_authority="DETESTCVCA00001"),
        Quirks(commands_before_reset=9),
        Quirks(challenge_wants_le_zero=True, empty_at_longest_le=True),
    ],
)
def test_odd_cards(make: Make, quirks: Quirks) -> None:
    recipe = with_pace(
        "PACE-ECDH-GM-AES-CBC-CMAC-128",
        chip_authentication=(chip_key("CA-ECDH-AES-CBC-CMAC-128", key_id=7),),
    )
    card = make(recipe, quirks)
    reading = reading_with([PASSWORD], access_policy=AccessPolicy.BAC_AFTER_FAILURE)
    check(record(reading, contact(card)))


def test_several_passwords(make: Make) -> None:
    """Which of them opened the card is told by its answers, in the masked session too."""
    card = make(RECIPES["gm"])
    wrong = CanPassword("999999")
    masked = check(record(reading_with([wrong, PASSWORD, CAN]), contact(card)))
    assert len(masked.passwords) == 3
    assert not {item.pace_secret for item in masked.passwords} & {
        item.pace_secret for item in (wrong, PASSWORD, CAN)
    }
    denied = record(reading_with([wrong]), contact(card))
    assert denied.result["outcome"] == "access_denied"
    check(denied)


def test_a_signature_that_looks_like_data_objects_leaves_no_byte(make: Make) -> None:
    """One RSA signature in nine begins, somewhere in it, like objects within objects."""
    card = make(RECIPES["plain"])
    commands = [item.command for item in record(reading_with([PASSWORD]), contact(card)).exchanges]
    at = next(place for place, command in enumerate(commands) if command[1] == 0x88)
    headers = bytes.fromhex("6C 6E F2 5D A0 40")
    changed = Damaged(contact(card), at, lambda answer: headers + answer[len(headers) :])
    check(record(reading_with([PASSWORD]), changed))


@pytest.mark.parametrize("at", [1, 2, 3, 9])
def test_a_wrong_mac_stays_wrong(make: Make, at: int) -> None:
    card = make(RECIPES["ca"])
    check(record(reading_with([PASSWORD]), SimulatedTransport(WrongMacChip(card, at))))


@pytest.mark.parametrize("bytes_before", [0, 30, 130, 900, 2_000, 7_000])
@pytest.mark.parametrize("comes_back", [True, False])
def test_torn_readings(make: Make, bytes_before: int, comes_back: bool) -> None:
    card = make(RECIPES["pace and ca"], Quirks(extended_length=False))
    torn = TornTransport(contact(card), bytes_before)
    session = record(
        reading_with([PASSWORD]), torn, (lambda: contact(card)) if comes_back else None
    )
    assert session.result["outcome"] == ("done" if comes_back else "card_removed")
    check(session)


class Damaged:
    """A contact that changes one answer."""

    def __init__(self, transport: Transport, at: int, change: Callable[[bytes], bytes]) -> None:
        self._transport = transport
        self._left = at
        self._change = change

    @property
    def atr(self) -> bytes:
        return self._transport.atr

    def transmit(self, command: bytes) -> bytes:
        response = self._transport.transmit(command)
        self._left -= 1
        return self._change(response) if self._left == -1 else response

    def close(self) -> None:
        self._transport.close()


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(
    recipe=st.sampled_from(["bac", "gm dh", "cam", "pace and ca"]),
    at=st.integers(0, 24),
    kind=st.sampled_from(["flip", "cut", "status", "noise", "nothing"]),
    seed=st.integers(0, 1 << 16),
    policy=st.sampled_from(AccessPolicy),
    comes_back=st.booleans(),
)
def test_whatever_a_card_answers(
    make: Make, recipe: str, at: int, kind: str, seed: int, policy: AccessPolicy, comes_back: bool
) -> None:
    """One answer damaged in any way: the recording is masked, or said to be not maskable."""
    random = Random(seed)

    def change(response: bytes) -> bytes:
        data, status = response[:-2], response[-2:]
        if kind == "flip" and data:
            position = random.randrange(len(data))
            flipped = bytes([data[position] ^ 1 << random.randrange(8)])
            return data[:position] + flipped + data[position + 1 :] + status
        if kind == "cut":
            return data[: random.randrange(len(data) + 1)] + status
        if kind == "status":
            return bytes.fromhex(random.choice(["6982", "6A82", "6700", "6988", "6300", "6105"]))
        return random.randbytes(random.randrange(2, 300)) if kind == "noise" else response[:1]

    card = make(RECIPES[recipe])
    session = record(
        reading_with([PASSWORD], access_policy=policy),
        Damaged(contact(card), at, change),
        (lambda: contact(card)) if comes_back else None,
    )
    try:
        check(session, seed)
    except MaskingFailedError as error:
        assert "\n" not in str(error)


def test_what_cannot_be_masked_is_not_given_out(make: Make) -> None:
    session = record(reading_with([PASSWORD]), contact(make(RECIPES["bac"])))
    with pytest.raises(MaskingFailedError, match="another course"):
        mask(replace(session, result={"outcome": "file_missing"}))
    with pytest.raises(MaskingFailedError, match="whole reading"):
        mask(replace(session, procedure=Procedure.BAC))


def test_masks_differ(make: Make) -> None:
    session = record(reading_with([PASSWORD]), contact(make(RECIPES["bac"])))
    first, second = mask(session), mask(session)
    assert first.passwords != second.passwords
    assert first.randomness != second.randomness


# --- files ----------------------------------------------------------------------------------------


def masked_file(name: str, raw: bytes) -> bytes:
    masked = mask_file(name, raw, Inventor(Random(3).randbytes))
    assert len(masked) == len(raw)
    return masked


def test_an_invented_mrz_has_right_check_digits(make: Make) -> None:
    raw = make(RECIPES["bac"]).files[0x0101]
    old, new = dg1.parse(raw), dg1.parse(masked_file("EF.DG1", raw))
    assert (new.layout, new.document_code, new.issuing_state) == (
        old.layout,
        old.document_code,
        old.issuing_state,
    )
    assert len(new.secondary_identifier) == len(old.secondary_identifier)
    assert new.document_number != old.document_number
    assert new.personal_number[-9:] != old.personal_number[-9:]
    assert new.date_of_birth != old.date_of_birth


def test_a_portrait_keeps_its_kind_and_its_place(make: Make) -> None:
    for name in ("bac", "portraits"):
        raw = make(RECIPES[name]).files[0x0102]
        old, new = dg2.parse(raw), dg2.parse(masked_file("EF.DG2", raw))
        assert [(i.mime, len(i.data), i.width) for i in old] == [
            (i.mime, len(i.data), i.width) for i in new
        ]
        assert all(a.data[20:60] != b.data[20:60] for a, b in zip(old, new, strict=True))


def test_a_security_object_keeps_groups_algorithms_and_certificates(make: Make) -> None:
    raw = make(RECIPES["bac"]).files[0x011D]
    old, new = sod.parse(raw), sod.parse(masked_file("EF.SOD", raw))
    assert list(old.data_group_hashes) == list(new.data_group_hashes)
    assert not set(old.data_group_hashes.values()) & set(new.data_group_hashes.values())
    assert old.signed_data.certificates == new.signed_data.certificates
    before, after = old.signed_data.signers[0], new.signed_data.signers[0]
    assert before.signature_algorithm == after.signature_algorithm
    assert before.signature != after.signature
    assert before.signing_time != after.signing_time


def test_chip_keys_are_exchanged_on_their_groups(make: Make) -> None:
    for name in ("ca", "ca dh", "ca key id", "ca 3des"):
        raw = make(RECIPES[name]).files[0x010E]
        old, new = dg14.parse(raw), dg14.parse(masked_file("EF.DG14", raw))
        assert [(info.oid, len(info.required)) for info in old] == [
            (info.oid, len(info.required)) for info in new
        ]
        assert old != new
    for name in ("bac", "ecdsa"):
        raw = make(RECIPES[name]).files[0x010F]
        old_key, new_key = dg15.parse(raw), dg15.parse(masked_file("EF.DG15", raw))
        assert old_key[:24] == new_key[:24]
        assert old_key[-20:-6] != new_key[-20:-6]


def test_a_key_over_a_prime_field_that_is_shorter_is_exchanged_for_one_as_short() -> None:
    """One key in 256 begins with a zero byte, which its INTEGER leaves out."""
    group = standardised(0)
    assert group is not None
    keys = map(group.public, count(1))
    short = next(key for key in keys if len(group.encode(key)) < group.field_bits // 8)
    spki = public_key_info(group, short)
    for seed in range(3):
        invented = Inventor(Random(seed).randbytes).chip_key(spki)
        assert invented is not None
        assert len(invented.spki) == len(spki) and invented.spki != spki


def test_card_security_shows_the_key_that_the_mapping_uses(make: Make) -> None:
    raw = make(RECIPES["cam"]).master_files[MASTER_FILES_BY_NAME["EF.CardSecurity"].file_id]
    inventor = Inventor(Random(3).randbytes)
    infos = card_security.parse(mask_file("EF.CardSecurity", raw, inventor)).security_infos
    assert inventor.keys[0].spki in [info.required for info in infos]
    assert card_security.parse(raw).security_infos != infos


def test_citizen_details_stay_texts(make: Make) -> None:
    raw = make(RECIPES["bac"]).files[0x010D]
    old, new = dg13.parse(raw), dg13.parse(masked_file("EF.DG13", raw))
    assert len(new.name.encode()) == len(old.name.encode())
    assert [len(word) for word in new.name.split()] == [len(word) for word in old.name.split()]
    assert new.name != old.name
    assert new.residence.count(",") == old.residence.count(",")


@settings(deadline=None)
@given(st.sampled_from([*DATA_GROUPS.values(), *MASTER_FILES_BY_NAME.values()]), st.binary())
def test_files_of_any_bytes_keep_their_length(file: Any, raw: bytes) -> None:
    assert len(masked_file(file.name, raw)) == len(raw)


@pytest.mark.parametrize("name", ["EF.COM", "EF.DIR"])
def test_lists_keep_what_they_list_and_nothing_else(name: str) -> None:
    versions = tlv.encode(0x5F01, b"0107") + tlv.encode(0x5C, b"\x61\x75")
    application = tlv.encode(0x61, tlv.encode(0x4F, bytes.fromhex("A0000002471001")))
    sound = tlv.encode(0x60, versions) + application
    assert mask_file(name, sound, Inventor(Random(3).randbytes)) == sound
    # A chip that puts a holder there, or answers with another file.
    zone = tlv.encode(0x61, tlv.encode(0x5F1F, b"IDVNM3060123456001306012345<<4"))
    for raw in (tlv.encode(0x60, versions + tlv.encode(0x5F0E, b"PHUONG THAO")), zone):
        masked = mask_file(name, raw, Inventor(Random(3).randbytes))
        assert len(masked) == len(raw)
        assert b"PHUONG" not in masked
        assert b"306012345" not in masked


@settings(deadline=None)
@given(st.integers(0, 1500), st.integers(0, 14))
def test_files_that_were_cut_off_tell_nothing(make: Make, length: int, number: int) -> None:
    files = make(RECIPES["passport"]).files
    identifier = sorted(files)[number % len(files)]
    name = FileKey(True, identifier).name
    raw = files[identifier][:length]
    masked = masked_file(name, raw)
    if name in ("EF.DG1", "EF.DG13"):
        known = {run for value in strings(raw) for run in windows(value)}
        told = windows(masked)
        assert common({run for run in known if run.strip(b"<IDVNM")}, told) == []


@given(st.binary(max_size=64))
def test_answers_to_reset_keep_their_length(atr: bytes) -> None:
    assert len(mask_atr(atr, Inventor(Random(1).randbytes))) == len(atr)


def test_an_answer_to_reset_loses_serial_numbers_alone() -> None:
    # Historical bytes: capabilities (73), then issuer data (54) with a number in it.
    historical = bytes.fromhex("80 73 C82140 54 DEADBEEF")
    body = bytes([0x80 | len(historical), 0x80, 0x01]) + historical
    check_byte = 0
    for byte in body:
        check_byte ^= byte
    atr = b"\x3b" + body + bytes([check_byte])
    masked = mask_atr(atr, Inventor(Random(1).randbytes))
    assert masked[:9] == atr[:9]
    assert b"\xde\xad\xbe\xef" not in masked
    assert masked != atr
    total = 0
    for byte in masked[1:]:
        total ^= byte
    assert total == 0


def test_the_cursor_knows_which_file_is_read() -> None:
    cursor = FileCursor()
    select = CommandApdu(0, 0xA4, 2, 0x0C, b"\x01\x1c")
    assert cursor.follow(select, 0x9000, 0) is None
    place = cursor.follow(CommandApdu(0, 0xB0, 0, 5, le=3), 0x9000, 3)
    assert place is not None
    assert (place.file.name, place.offset) == ("EF.CardAccess", 5)
    cursor.follow(CommandApdu(0, 0xA4, 4, 0x0C, b"\xa0"), 0x9000, 0)
    assert cursor.follow(CommandApdu(0, 0xB0, 0, 0, le=3), 0x6986, 0) is None
    place = cursor.follow(CommandApdu(0, 0xB0, 0x9D, 0, le=8), 0x6104, 8)
    assert place is not None
    assert place.file.name == "EF.SOD"
    place = cursor.follow(CommandApdu(0, 0xC0, 0, 0, le=4), 0x9000, 4)
    assert place is not None
    assert place.offset == 8
    cursor.reset()
    assert cursor.follow(CommandApdu(0, 0xB0, 0, 0, le=3), 0x9000, 3) is None


def test_a_chip_is_needed_for_none_of_it(make: Make) -> None:
    """The masked session stands alone: no profile and no simulator is in it."""
    card = make(RECIPES["ca"])
    masked = mask(record(reading_with([PASSWORD]), SimulatedTransport(Chip(card))))
    assert replay(Session.parse(masked.to_document())).identical
