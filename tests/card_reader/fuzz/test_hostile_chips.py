"""Chips that lie in each way there is, told one after another: what the fuzzer draws by chance."""

import pytest

from card_reader.channel import MAX_APDUS
from card_reader.errors import AccessDeniedError, CardError, CardReason, ChipError
from card_reader.evidence import ChipEvidence
from card_reader.reader import read_card
from card_reader.report import Verdict
from fuzzing import corpus
from fuzzing.conversation import CONVERSATION, MAX_COMMANDS, RECORD, Deed, HostileCard, lies_of
from fuzzing.forgeries import check_evidence

pytestmark = pytest.mark.slow

CARDS = {"bac": 0, "pace": 1}
LASTING = 0x80
# Where the reading stands: before access, in it, in the files, at the proofs.
MOMENTS = (0, 3, 6, 12)


def lie(deed: Deed, moment: int, value: int, *, lasting: bool = False) -> bytes:
    return bytes([deed, moment | (LASTING if lasting else 0)]) + b"\x40\x00" + value.to_bytes(2)


@pytest.mark.slow
@pytest.mark.parametrize("deed", Deed, ids=lambda deed: deed.name.lower())
def test_each_lie_at_each_moment(deed: Deed) -> None:
    """The reading ends in evidence that holds, or in an error of ours (`fuzzing.target`)."""
    ended = [
        CONVERSATION.run(bytes([card]) + lie(deed, moment, 7 * moment + deed, lasting=bool(card)))
        for moment in MOMENTS
        for card in CARDS.values()
    ]
    assert len(ended) == len(MOMENTS) * len(CARDS)


def ends(card: str, script: bytes) -> tuple[ChipEvidence | CardError, HostileCard]:
    original = corpus.original(card)
    hostile = HostileCard(original, lies_of(script))
    try:
        return read_card(
            hostile,
            original.passwords,
            challenge=corpus.CHALLENGE,
            reconnect=hostile.reconnect,
            now=lambda: corpus.NOW,
        ), hostile
    except CardError as error:
        return error, hostile


def test_an_answer_without_end_is_given_up() -> None:
    ended, hostile = ends("bac", lie(Deed.ENDLESS_EMPTY, 0, 0, lasting=True))
    assert isinstance(ended, CardError)
    assert ended.reason is CardReason.TOO_LARGE
    assert hostile.heard <= MAX_APDUS <= MAX_COMMANDS


def test_a_replayed_answer_is_not_authentic() -> None:
    """Under secure messaging every answer has its own counter."""
    for moment in range(4, 12):
        ended, _ = ends("bac", lie(Deed.REPLAYED, moment, moment - 1))
        if isinstance(ended, ChipEvidence):  # the session was opened anew and the file read again
            verdict = check_evidence(
                ended, corpus.originals(), [ended.active_authentication or b""]
            )
            assert verdict is Verdict.AUTHENTIC
        else:
            assert isinstance(ended, ChipError | AccessDeniedError)


def test_another_card_put_on_in_the_middle_is_refused() -> None:
    other = 2 * 7  # the same recipe, another person
    refused = 0
    for moment in range(5, 12):
        ended, hostile = ends("bac", lie(Deed.EXCHANGED, moment, other))
        assert len(hostile.chips) == 2
        refused += isinstance(ended, CardError)
        if isinstance(ended, ChipEvidence):
            signed = [item for chip in hostile.chips for item in chip.signed]
            check_evidence(ended, corpus.originals(), signed)
    assert refused


@pytest.mark.parametrize("script", [b"", b"\x00", bytes(RECORD - 1)])
def test_no_lies_no_harm(script: bytes) -> None:
    ended, _ = ends("pace", script)
    assert isinstance(ended, ChipEvidence)
    assert ended.files == corpus.original("pace").evidence.files
