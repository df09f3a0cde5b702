"""Inspections that hold documents to the letter, as the plan wants them.

Genuine documents depart from the standards in form; our rule is to read them, so an inspection
refuses such departures only where its policy is strict.  The plan's layer 7 is run strictly; where
strictness makes the difference, a test states both.
"""

from dataclasses import replace

from expectations import accepted, refused
from inspection import Inspect, Outcome
from workshop import Workshop

from card_reader import tlv
from card_reader.lds import EF_COM
from card_reader.simulator.chip import Chip
from card_reader.simulator.profile import CardProfile, data_group_id

PASSPORT = frozenset({"P"})
# Without the signer's certificate it is unknown whose signature it is.
NO_SIGNER = ("no_signer_certificate", "issuer_mismatch")


def strictly(inspect: Inspect, card: CardProfile, **more: object) -> Outcome:
    """Inspect a passport, EF.COM included."""
    settings = {"extras": (EF_COM,), "strict": True, "document_codes": PASSPORT, **more}
    return inspect(Chip(card), **settings)


def irregular(
    inspect: Inspect, card: CardProfile, finding: str = "file_irregular", **more: object
) -> None:
    """Refused where form counts, for this reason alone; else read and authentic."""
    refused(strictly(inspect, card, **more), finding)
    accepted(inspect(Chip(card), **more))


def with_file(card: CardProfile, identifier: int, content: bytes) -> CardProfile:
    """Another file in the application, with nothing signed anew."""
    return replace(card, files={**card.files, identifier: content})


def with_length(content: bytes, difference: int) -> bytes:
    """The file with a wrong length in its outermost header, which stays as long as it is."""
    item = tlv.parse(content)
    header = len(content) - len(item.value)
    wrong = tlv.encode(item.tag, item.value + bytes(max(0, difference)))
    shown = tlv.encode(item.tag, item.value[: len(item.value) + min(0, difference)])
    start = (wrong if difference > 0 else shown)[:header]
    return start + item.value


def with_tag(content: bytes, tag: int) -> bytes:
    return bytes([tag]) + content[1:]


def stating_too_little(
    workshop: Workshop, card: CardProfile, number: int, content: bytes
) -> tuple[CardProfile, CardProfile]:
    """A data group one byte longer than it states: signed as it is stored, and as it is read."""
    stored = with_length(content, -1)
    whole = workshop.with_groups(card, {number: stored})
    read = workshop.with_groups(card, {number: stored[:-1]})
    return whole, with_file(read, data_group_id(number), stored)
