"""PACE from the card's side, against the reader's PACE and against wrong terminals."""

from dataclasses import replace

import pytest
from chip_terminal import Terminal, mrz_password
from hypothesis import given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.access.bac import bac
from card_reader.access.pace import PaceRefusedError, PaceResult, pace
from card_reader.access.passwords import CanPassword, MrzPassword, Password
from card_reader.domain_parameters import standardised
from card_reader.errors import AccessDeniedError, ChipError, UnreadableInputError
from card_reader.lds.security_infos import ID_PACE, PaceInfo
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import AccessKeys, CardProfile, ChipKey, PaceOffer
from card_reader.simulator.quirks import Quirks

pytestmark = pytest.mark.slow

KEYS = AccessKeys("T22000129", "640812", "101031", can="314159")
MRZ, CAN = mrz_password(KEYS), CanPassword("314159")
WRONG = MrzPassword("T22000129", "640812", "111031")
GM = PaceOffer(f"{ID_PACE}.2.2", 13)
STATIC = 0x1F2E3D4C5B6A79881726354453627180

DH, ECDH = (0, 1, 2), tuple(range(8, 19))
# Every mapping and agreement with every cipher; the groups in turn, so that each comes up.
SUITES = [
    PaceOffer(f"{ID_PACE}.{family}.{cipher}", groups[(family + cipher) % len(groups)])
    for family, groups in ((1, DH), (2, ECDH[:4]), (3, DH), (4, ECDH[4:8]), (6, ECDH[8:]))
    for cipher in (1, 2, 3, 4)
    if (family, cipher) != (6, 1)
]


def card(*offers: PaceOffer, **changes: object) -> CardProfile:
    profile = CardProfile(
        b"\x3b\x80\x80\x01\x01",
        KEYS,
        {0x011E: b"\x60\x00"},
        master_files={0x011C: b"\x31\x00", 0x011D: b"\x30\x00"},
        pace=offers or (GM,),
    )
    return replace(profile, **changes)


def run(
    terminal: Terminal, offer: PaceOffer = GM, password: Password = MRZ, *, name: bool = False
) -> PaceResult:
    info = PaceInfo(offer.oid, 2, offer.parameter_id)
    result = terminal.run(pace(password, info, name_parameters=name))
    terminal.session = result.session
    return result


@pytest.mark.parametrize(
    "offer", SUITES, ids=lambda offer: f"{offer.oid[18:]}-{offer.parameter_id}"
)
def test_every_suite(offer: PaceOffer) -> None:
    key = ChipKey("0.4.0.127.0.7.2.2.3.2.2", STATIC, mapping=True)
    terminal = Terminal(card(offer, chip_keys=(key,)))
    result = run(terminal, offer)
    assert terminal.send("00A4020C", b"\x01\x1d") == (b"", "9000")
    assert terminal.send("00B00000", le=256) == (b"\x30\x00", "9000")
    mapping = result.chip_mapping
    assert (mapping is not None) is offer.oid.startswith(f"{ID_PACE}.6.")
    if mapping is not None:
        group = standardised(offer.parameter_id)
        assert group is not None
        proof = group.multiply(int.from_bytes(mapping.data, "big"), group.public(STATIC))
        assert group.encode(proof) == mapping.mapping_public_key


def test_each_curve_of_chip_authentication_mapping_has_its_key() -> None:
    offers = tuple(PaceOffer(f"{ID_PACE}.6.2", number) for number in (12, 13))
    oid = "0.4.0.127.0.7.2.2.3.2.2"
    keys = (ChipKey(oid, 5, 12, 12, mapping=True), ChipKey(oid, 7, 13, 13, mapping=True))
    for offer, key in zip(offers, keys, strict=True):
        mapping = run(Terminal(card(*offers, chip_keys=keys)), offer, name=True).chip_mapping
        group = standardised(offer.parameter_id)
        assert mapping is not None
        assert group is not None
        proof = group.multiply(int.from_bytes(mapping.data, "big"), group.public(key.private_key))
        assert group.encode(proof) == mapping.mapping_public_key


@pytest.mark.parametrize("parameter_id", ECDH)
def test_every_curve(parameter_id: int) -> None:
    offer = PaceOffer(f"{ID_PACE}.2.2", parameter_id)
    terminal = Terminal(card(offer))
    run(terminal, offer, CAN)
    assert terminal.send("00B09D00", le=256) == (b"\x30\x00", "9000")


def test_the_application_is_selected_under_the_session() -> None:
    terminal = Terminal(card())
    assert terminal.transmit("00A4020C02011D") == "6982"  # EF.CardSecurity wants PACE
    run(terminal)
    terminal.select_application()
    assert terminal.send("00B09E00", le=2) == (b"\x60\x00", "9000")
    assert terminal.transmit("00B09E0002") == "6982"


def test_a_wrong_password_is_refused_in_the_last_step() -> None:
    terminal = Terminal(card())
    with pytest.raises(AccessDeniedError, match="6300"):
        run(terminal, password=WRONG)
    assert terminal.transmit("008600000C7C0A8508C2B0BD78D94BA86600") == "6985"
    run(terminal)


def test_bac_still_works_where_it_is_offered() -> None:
    terminal = Terminal(card())
    terminal.select_application()
    terminal.session = terminal.run(bac(MRZ))
    assert terminal.send("00B09E00", le=2)[1] == "9000"
    terminal = Terminal(card(basic_access=False))
    terminal.select_application()
    with pytest.raises(ChipError, match="6D00"):
        terminal.run(bac(MRZ))


@pytest.mark.parametrize(
    ("data", "sw"),
    [
        ("800A04007F00070202040202830101", "6A88"),  # two curves are offered
        ("800A04007F0007020204020283010184010D", "9000"),
        ("800A04007F0007020204020283010184010C", "9000"),
        ("800A04007F0007020204020283010184010E", "6A88"),
        ("800A04007F00070202040202830103" + "84010D", "6A88"),  # a PIN there is not
        ("800A04007F00070202040203830101" + "84010D", "6A80"),  # AES-192 is not offered
        ("83010184010D", "6A80"),
        ("800A04007F0007020204020284010D", "6A80"),
        ("800A04007F00070202040202830101" + "84010D" + "C70142", "9000"),  # unknown: ignored
        ("800A04007F00070202040202830101" + "84010D" + "84010D", "6A80"),
        ("800A04007F0007", "6A80"),
    ],
)
def test_mse_set_at(data: str, sw: str) -> None:
    terminal = Terminal(card(GM, PaceOffer(GM.oid, 12)))
    assert terminal.transmit(f"0022C1A4{len(data) // 2:02X}{data}") == sw


def test_a_password_that_the_card_has_not() -> None:
    terminal = Terminal(card(access=replace(KEYS, can=None)))
    with pytest.raises(PaceRefusedError, match="6A88"):
        run(terminal, password=CAN)


def test_pace_stands_in_the_master_file() -> None:
    terminal = Terminal(card())
    terminal.select_application()
    with pytest.raises(PaceRefusedError, match="6985"):
        run(terminal)


SET_AT = "0022C1A40F800A04007F00070202040202830101"
POINT = (
    "047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E"
    "544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D"
)
NOT_ON_CURVE = POINT[:-2] + "2E"


@pytest.mark.parametrize(
    ("commands", "sw"),
    [
        (("10860000027C0000",), "6985"),  # nothing was chosen
        ((SET_AT, "00A4000C", "10860000027C0000"), "6985"),  # good for the next command only
        ((SET_AT, "00860000027C0000"), "6883"),  # §4.4.4.3: the steps are a chain
        ((SET_AT, "1086000004" + "7C028000" + "00"), "6A80"),
        ((SET_AT, "10860001027C0000"), "6A86"),
        ((SET_AT, "10860000027D0000"), "6A80"),
        ((SET_AT, "10860000027C0000", f"10860000457C438141{NOT_ON_CURVE}00"), "6A80"),
        ((SET_AT, "10860000027C0000", f"10860000457C438341{POINT}00"), "6A80"),
        ((SET_AT, "10860000027C0000", "10860000057C03810100" + "00"), "6A80"),
        (
            (
                SET_AT,
                "10860000027C0000",
                f"10860000457C438141{POINT}00",
                f"10860000457C438341{POINT}00",
                "108600000C7C0A8508C2B0BD78D94BA86600",
            ),
            "6884",
        ),
    ],
)
def test_steps_that_are_wrong_end_the_run(commands: tuple[str, ...], sw: str) -> None:
    terminal = Terminal(card())
    *before, last = commands
    for command in before:
        assert terminal.transmit(command)[-4:] == "9000"
    assert terminal.transmit(last) == sw
    assert terminal.transmit("10860000027C0000") == "6985"


def test_our_own_public_key_is_not_accepted_back() -> None:
    """§4.4.1 step 3 d. Whoever knows all scalars can make both keys equal."""
    drawn = [number.to_bytes(size, "big") for number, size in ((1, 16), (5, 32), (7, 32))]
    terminal = Terminal(card(), Chip(card(), rng=lambda count: drawn.pop(0)))
    group = standardised(13)
    assert group is not None
    terminal.transmit(SET_AT)
    assert terminal.transmit("10860000027C0000")[-4:] == "9000"
    ours = group.encode(group.public(3)).hex()
    assert terminal.transmit(f"10860000457C438141{ours}00")[-4:] == "9000"
    # The mapped generator is 1 G + 3 * 5 G, the chip's key 7 times that.
    equal = group.encode(group.public(7 * 16)).hex()
    assert terminal.transmit(f"10860000457C438341{equal}00") == "6300"


def test_tries_are_counted_and_end() -> None:
    quirks = Quirks(password_tries=2)
    terminal = Terminal(card(quirks=quirks))
    with pytest.raises(AccessDeniedError, match="63C1"):
        run(terminal, password=WRONG)
    assert terminal.transmit(SET_AT) == "63C1"
    run(terminal)  # the right one fills the counter again
    terminal.session = None
    for _ in range(2):
        terminal.chip.reset()
        with pytest.raises(AccessDeniedError):
            run(terminal, password=WRONG)
    terminal.chip.reset()
    with pytest.raises(AccessDeniedError, match="blocked"):
        run(terminal)


def test_each_wrong_password_takes_longer() -> None:
    slept: list[float] = []
    profile = card(quirks=Quirks(wrong_password_delay_ms=500))
    terminal = Terminal(profile, Chip(profile, sleep=slept.append))
    for _ in range(3):
        with pytest.raises(AccessDeniedError):
            run(terminal, password=WRONG)
    run(terminal)
    assert slept == [0.5, 1.0, 1.5]


def test_the_way_of_large_groups_in_short_commands() -> None:
    """A DH key of 2048 bits does not fit: its data come in a chain, the answer in pieces."""
    offer = PaceOffer(f"{ID_PACE}.1.2", 2)
    terminal = Terminal(card(offer, quirks=Quirks(extended_length=False)))
    group = standardised(2)
    assert group is not None
    terminal.transmit("0022C1A40F800A04007F00070202040102830101")
    terminal.transmit("10860000027C0000")
    key = group.encode(group.public(5)).rjust(256, b"\x00")
    data = bytes.fromhex("7C820104" + "81820100") + key
    assert terminal.transmit("10860000C8" + data[:200].hex()) == "9000"
    first = terminal.transmit(f"10860000{len(data) - 200:02X}" + data[200:].hex() + "00")
    assert first[-4:-2] == "61"
    rest = terminal.transmit("00C00000" + first[-2:])
    answer = tlv.parse(bytes.fromhex(first[:-4] + rest)[:-2])
    (mapping,) = answer.children()
    assert (answer.tag, mapping.tag) == (0x7C, 0x82)
    # The chip's key, which may be shorter than the group: it has no leading zero bytes.
    assert group.encode(group.decode(mapping.value)) == mapping.value


HEADERS = [
    bytes.fromhex(text)
    for text in [
        "0022C1A4",
        "1022C1A4",
        "002241A4",
        "002241A6",
        "00860000",
        "10860000",
        "00840000",
        "00820000",
        "00880000",
        "00A40000",
        "00A4020C",
        "00A4040C",
        "00B00000",
        "00B09C00",
        "00B10000",
        "00C00000",
        "10A4040C",
    ]
]
OBJECTS = st.lists(
    st.builds(
        tlv.encode,
        st.sampled_from([0x7C, 0x80, 0x81, 0x83, 0x84, 0x85, 0x91, 0x87, 0x97, 0x8E, 0x54]),
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([bytes.fromhex(SET_AT[14:34]), b"\x01", b"\x0d", bytes.fromhex(POINT)]),
            st.builds(tlv.encode, st.sampled_from([0x80, 0x81, 0x83, 0x85]), st.binary(max_size=9)),
        ),
    ),
    max_size=3,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    commands=st.lists(
        st.tuples(
            st.sampled_from(HEADERS), st.one_of(OBJECTS, st.binary(max_size=30)), st.booleans()
        ),
        max_size=6,
    ),
    begun=st.integers(0, 3),
)
def test_whatever_comes_the_chip_answers(
    commands: list[tuple[bytes, bytes, bool]], begun: int
) -> None:
    key = ChipKey("0.4.0.127.0.7.2.2.3.2.2", STATIC, parameter_id=13)
    chip = Chip(card(GM, PaceOffer(f"{ID_PACE}.4.2", 13), chip_keys=(key,), plain=True))
    for command in (SET_AT, "10860000027C0000", f"10860000457C438141{POINT}00")[:begun]:
        assert chip.transmit(bytes.fromhex(command))[-2:] == b"\x90\x00"
    for header, data, le in commands:
        length = bytes([len(data)]) if data else b""
        if len(data) < 256:
            assert len(chip.transmit(header + length + data + b"\x00" * le)) >= 2


@pytest.mark.parametrize(
    "offer", [PaceOffer(f"{ID_PACE}.2.2", 0), PaceOffer("1.2.3", 13), PaceOffer(GM.oid, 7)]
)
def test_an_offer_that_no_card_can_keep(offer: PaceOffer) -> None:
    with pytest.raises(UnreadableInputError):
        Chip(card(offer))
