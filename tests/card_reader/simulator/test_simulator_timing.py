"""Simulated time: the figures of the standard, and of whole readings."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from card_reader.access.passwords import MrzPassword
from card_reader.evidence import Challenge, Freshness
from card_reader.reader import read_card
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile
from card_reader.simulator.quirks import Quirks
from card_reader.simulator.recipe import PortraitRecipe
from card_reader.simulator.timing import (
    KBIT_106,
    KBIT_424,
    KBIT_848,
    PROFILES,
    TimedChip,
    TimedTransport,
    Timing,
    TimingProfile,
)
from card_reader.simulator.transport import SimulatedTransport

CHALLENGE = Challenge("challenge-1", bytes.fromhex("F173589974BF40C6"), Freshness.SERVER)
# A full read: EF.SOD, DG1, DG2, DG13, DG14, DG15.
FILE_BYTES = 2_000 + 95 + 18_000 + 600 + 300 + 300
SILENT = TimingProfile(
    106,
    reader_latency=0.0,
    chip_command=0.0,
    chip_mutual_authentication=0.0,
    chip_key_agreement=0.0,
    chip_signature=0.0,
)


def conversation(profile: TimingProfile, block: int) -> Timing:
    """Every file byte once, by protected READ BINARY of `block` bytes."""
    timing = Timing(profile)
    left = FILE_BYTES
    while left > 0:
        data = min(block, left)
        padded = data // 8 * 8 + 8
        header = 3 if padded < 0x7F else 4 if padded < 0xFF else 5
        # 87 with its indicator, 99, 8E and the status word; the command has 97 and 8E.
        timing.account(bytes(4) + bytes(15), bytes(header + padded + 4 + 10 + 2))
        left -= data
    return timing


@pytest.mark.parametrize(
    ("profile", "low", "high"),
    [(KBIT_106, 1.8, 2.4), (KBIT_424, 0.45, 0.6), (KBIT_848, 0.225, 0.3)],
)
@pytest.mark.parametrize("block", [223, 231, 4_000, 20_000])
def test_the_bytes_of_a_full_read_need_the_known_time(
    profile: TimingProfile, low: float, high: float, block: int
) -> None:
    """The lower bounds that were worked out for a card with a portrait of 18 KB."""
    assert low <= conversation(profile, block).air <= high


def test_long_blocks_save_pauses_and_latency() -> None:
    short, long = (conversation(KBIT_424, block) for block in (160, 20_000))
    assert short.apdus == 134
    assert long.total < short.total
    assert long.ratio < 1.2 < short.ratio < 1.5


def test_one_exchange_by_hand() -> None:
    """Eight bytes and two, one block each way at 106 kbit/s, nothing else."""
    timing = Timing(SILENT)
    seconds = timing.account(bytes(8), b"\x90\x00")
    bits = (8 + 3 + 2 + 3) * 9 + 2 * 2
    assert timing.air == pytest.approx(bits * 128 / 13.56e6)
    assert timing.pauses == pytest.approx(2 * 1172 / 13.56e6)
    assert seconds == pytest.approx(timing.total) == pytest.approx(timing.air + timing.pauses)
    assert (timing.apdus, timing.frames, timing.frame_bytes) == (1, 2, 16)


@pytest.mark.parametrize(("count", "frames"), [(0, 1), (253, 1), (254, 3), (506, 3), (507, 5)])
def test_a_long_apdu_is_a_chain_of_acknowledged_blocks(count: int, frames: int) -> None:
    timing = Timing(KBIT_424)
    timing.account(bytes(count), b"\x90\x00")
    assert timing.frames == frames + 1
    blocks = (frames + 1) // 2
    assert timing.frame_bytes == count + 3 * blocks + 3 * (blocks - 1) + 5


@given(st.lists(st.tuples(st.binary(max_size=600), st.binary(max_size=600)), max_size=6))
def test_time_adds_up_and_faster_is_faster(exchanges: list[tuple[bytes, bytes]]) -> None:
    timings = [Timing(profile) for profile in (KBIT_106, KBIT_424, KBIT_848)]
    for timing in timings:
        spent = [timing.account(*exchange) for exchange in exchanges]
        assert timing.total == pytest.approx(sum(spent))
        assert timing.ratio >= 1.0
    if exchanges:
        assert timings[0].air == pytest.approx(4 * timings[1].air)
        assert timings[1].air == pytest.approx(2 * timings[2].air)


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("0082000028", 0.010),
        ("0C86000010", 0.040),
        ("0C8800000D", 0.150),
        ("0C2241A620", 0.040),
        ("0C2241A420", 0.0),
        ("0CB0000000", 0.0),
        ("00", 0.0),
    ],
)
def test_the_chip_computes_where_the_header_says_so(command: str, seconds: float) -> None:
    timing = Timing(replace(KBIT_424, chip_command=0.0))
    timing.account(bytes.fromhex(command), b"\x90\x00")
    assert timing.chip == seconds


@pytest.mark.parametrize("settings", [{"kilobits": 100}, {"frame_bytes": 3}])
def test_a_profile_that_cannot_be(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"kbit|frame"):
        TimingProfile(**settings)


SELECT = bytes.fromhex("00A4040C07A0000002471001")


def test_a_timed_transport_counts_without_waiting(card: CardProfile) -> None:
    timed = TimedTransport(SimulatedTransport(Chip(card)), PROFILES[424])
    assert timed.atr == card.atr
    assert timed.clock() == 0.0
    assert timed.transmit(SELECT) == b"\x90\x00"
    assert timed.clock() == timed.timing.total > 0.001
    assert timed.timing.to_dict()["apdus"] == 1
    timed.close()


@pytest.mark.parametrize("kind", ["transport", "chip"])
def test_a_demonstration_waits(card: CardProfile, kind: str) -> None:
    waited: list[float] = []
    sleep: Callable[[float], None] = waited.append
    if kind == "chip":
        chip = TimedChip(card, KBIT_106, sleep)
        assert chip.transmit(SELECT) == b"\x90\x00"
        assert waited == [chip.timing.total]
    else:
        timed = TimedTransport(SimulatedTransport(Chip(card)), KBIT_106, sleep)
        timed.transmit(SELECT)
        assert waited == [timed.timing.total]


@pytest.fixture(scope="module")
def small_portrait(portrait: bytes) -> bytes:
    out = BytesIO()
    with Image.open(BytesIO(portrait)) as image:
        image.resize((240, 309)).save(out, "JPEG", quality=70)
    assert len(out.getvalue()) < 18_000
    return out.getvalue()


@pytest.mark.parametrize("preset", ["vietnam", "vietnam-2024-pace"])
@pytest.mark.parametrize("quirks", [Quirks(), Quirks(extended_length=False)])
def test_a_whole_reading_needs_the_known_time(
    preset: str, quirks: Quirks, issuer: Issuer, holder: Holder, small_portrait: bytes
) -> None:
    """The real reader and the simulated chip with a portrait of 18 KB, at three bit rates."""
    padding = PortraitRecipe(padding=18_000 - len(small_portrait))
    recipe = replace(PRESETS[preset].recipe, portrait=padding)
    card = issuer.issue(holder, small_portrait, recipe=recipe, key_bits=1024)
    fast = TimedTransport(SimulatedTransport(Chip(replace(card, quirks=quirks))), KBIT_848)
    middle = TimedTransport(fast, KBIT_424)
    slow = TimedTransport(middle, KBIT_106)
    keys = card.access
    password = MrzPassword(keys.document_number, keys.date_of_birth, keys.date_of_expiry)
    evidence = read_card(slow, [password], challenge=CHALLENGE, clock=slow.clock)
    for timed, low, high in ((slow, 1.7, 2.4), (middle, 0.42, 0.6), (fast, 0.21, 0.3)):
        assert low <= timed.timing.air <= high
    assert 1.0 < slow.timing.ratio < middle.timing.ratio < fast.timing.ratio
    steps = sum(step.milliseconds for step in evidence.steps)
    assert steps == pytest.approx(1000 * slow.timing.total, rel=0.1)
