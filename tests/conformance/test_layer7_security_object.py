"""Layer 7 of the plan, unit LDS_H: EF.SOD's outer form, SignedData, SignerInfo, security object.

What cannot be parsed ends the reading, since EF.SOD says which files there are.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from drafts import (
    INTEGER,
    OCTETS,
    SEQUENCE,
    SET,
    ObjectDraft,
    SodDraft,
    der,
    hash_identifier,
    integer,
    issuer_and_serial,
    key,
    key_id,
    md5_pen,
    oid,
    pen,
)
from expectations import accepted, ended, refused
from inspection import Inspect
from strictness import NO_SIGNER, irregular, strictly, with_file, with_length, with_tag
from workshop import BAC, Workshop

from card_reader import tlv
from card_reader.lds import com, sod
from card_reader.simulator.profile import EF_COM, EF_SOD, CardProfile, data_group_id
from card_reader.simulator.signing_keys import KeyKind

pytestmark = [pytest.mark.pcsc, pytest.mark.xdist_group("layer7")]

MASTER_LIST = "2.23.136.1.1.2"
DG3 = bytes.fromhex("63087F6105020100 5300".replace(" ", ""))
NO_HASH = der(OCTETS, b"\xff" * 32)

Change = Callable[[SodDraft], SodDraft]


def draft_of(card: CardProfile, workshop: Workshop) -> SodDraft:
    groups = {number: card.files[data_group_id(number)] for number in (1, 2)}
    signer = workshop.issuer.signer
    return SodDraft.of(ObjectDraft.of(groups), signer.der, pen(signer.key))


def changed(workshop: Workshop, change: Change) -> CardProfile:
    """A card with another EF.SOD, the signature over which is right."""
    card = workshop.issue(BAC)
    content = change(draft_of(card, workshop)).file(pen(workshop.issuer.signer.key))
    return with_file(card, EF_SOD, content)


def parts(**values: object) -> Change:
    return lambda draft: replace(draft, **values)


def content(change: Callable[[ObjectDraft], ObjectDraft]) -> Change:
    return lambda draft: replace(draft, content=change(draft.content))


def row(number: int, *row: bytes) -> Change:
    """Another entry for a data group; none where the entry is empty."""
    return content(lambda item: item.with_hash(number, (row[0], row[1]) if row else None))


def digests(*names: str) -> bytes:
    return der(SET, *map(hash_identifier, names))


def wrong_number(draft: SodDraft) -> SodDraft:
    """The issuer's name with the serial number of nobody."""
    name, _ = tlv.parse(draft.signer_id).children()
    return replace(draft, signer_id=der(SEQUENCE, name.raw, integer(4711)))


def test_an_unchanged_draft_is_accepted(workshop: Workshop, inspect: Inspect) -> None:
    accepted(strictly(inspect, changed(workshop, parts())), revocation="good")


# --- what cannot be parsed --------------------------------------------------------------------

UNREADABLE: dict[str, Change] = {
    "LDS_H_21": parts(version=b""),
    "LDS_H_22": parts(digests=digests("md5")),
    "LDS_H_23": parts(digests=b""),
    "LDS_H_24": parts(content_type=oid(MASTER_LIST)),
    "LDS_H_25": parts(content_type=b""),
    "LDS_H_26": parts(signer_version=integer(2)),
    "LDS_H_27": parts(signer_version=b""),
    "LDS_H_31": parts(signer_digest=b""),
    "LDS_H_39": content(lambda item: replace(item, version=integer(2))),
    "LDS_H_40": content(lambda item: replace(item, version=b"")),
    "LDS_H_42": content(lambda item: replace(item, algorithm=b"")),
    "LDS_H_46": row(1, der(INTEGER, b"\x00\xff"), NO_HASH),
    "LDS_H_47": row(2, b"", NO_HASH),
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=list(UNREADABLE))
def test_unreadable_sod(change: Change, workshop: Workshop, inspect: Inspect) -> None:
    ended(strictly(inspect, changed(workshop, change)), "malformed_file")


def test_lds_h_17(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    wrong = with_file(card, EF_SOD, with_tag(card.files[EF_SOD], 0x78))
    ended(strictly(inspect, wrong), "malformed_file", "tag 78")


def test_lds_h_18(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    wrong = with_file(card, EF_SOD, with_length(card.files[EF_SOD], -1))
    ended(strictly(inspect, wrong), "malformed_file", "is cut off")


def test_lds_h_19(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    wrong = with_file(card, EF_SOD, with_length(card.files[EF_SOD], 1))
    ended(strictly(inspect, wrong), "chip_answered_wrongly", "EF.SOD: the chip answered 6B00")


def test_lds_h_38(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    unsigned = draft_of(card, workshop).file(pen(workshop.issuer.signer.key), lambda _: b"")
    ended(strictly(inspect, with_file(card, EF_SOD, unsigned)), "malformed_file")


# --- what is refused --------------------------------------------------------------------------

REFUSED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "LDS_H_28": (wrong_number, NO_SIGNER),
    "LDS_H_29": (
        parts(signer_version=integer(3), signer_id=der(0x80, bytes(20))),
        NO_SIGNER,
    ),
    "LDS_H_30": (
        parts(digests=digests("md5"), signer_digest=hash_identifier("md5"), digest="md5"),
        ("unsupported_algorithm",),
    ),
    "LDS_H_32": (parts(message_digest=bytes(32)), ("digest_mismatch",)),
    "LDS_H_33": (parts(message_digest=b""), ("digest_mismatch",)),
    "LDS_H_41": (
        content(lambda item: replace(item, algorithm=hash_identifier("md5"))),
        ("unsupported_algorithm", "data_group_mismatch"),
    ),
    "LDS_H_43": (row(2, integer(2), NO_HASH), ("data_group_mismatch",)),
    # EF.COM still lists the group, which is a second reason.
    "LDS_H_44": (row(1), ("data_group_missing", "file_irregular")),
    "LDS_H_91": (row(2), ("data_group_missing", "file_irregular")),
}


@pytest.mark.parametrize(("change", "findings"), REFUSED.values(), ids=list(REFUSED))
def test_refused_sod(
    change: Change, findings: tuple[str, ...], workshop: Workshop, inspect: Inspect
) -> None:
    refused(strictly(inspect, changed(workshop, change)), *findings)


def test_lds_h_36(workshop: Workshop, inspect: Inspect) -> None:
    """RSA with MD5, the digest of which is not made here."""
    card, own = workshop.issue(BAC), md5_pen(key(KeyKind.RSA_2048, "signer"))
    draft = replace(draft_of(card, workshop), algorithm=own.identifier)
    outcome = strictly(inspect, with_file(card, EF_SOD, draft.file(own)))
    refused(outcome, "unsupported_algorithm")


def test_lds_h_37(workshop: Workshop, inspect: Inspect) -> None:
    card = workshop.issue(BAC)
    own = pen(workshop.issuer.signer.key)
    other = replace(own, sign=lambda message: own.sign(message + b"\0"))
    wrong = with_file(card, EF_SOD, draft_of(card, workshop).file(other))
    refused(strictly(inspect, wrong), "signature_invalid")


def test_lds_h_69(workshop: Workshop, inspect: Inspect) -> None:
    """EF.DG2 is damaged and the signed hash is another one: nothing of it is used."""
    card = changed(workshop, row(2, integer(2), NO_HASH))
    portrait = card.files[data_group_id(2)]
    damaged = with_file(card, data_group_id(2), portrait[:-1] + bytes([portrait[-1] ^ 0xFF]))
    outcome = strictly(inspect, damaged)
    refused(outcome, "data_group_mismatch")
    assert outcome.report["data_groups"] == {"1": "match", "2": "mismatch"}


# --- what differs in form, or from EF.COM -----------------------------------------------------

IRREGULAR: dict[str, Change] = {
    "LDS_H_20": parts(version=integer(4)),
    # A hash of a group that is on no list and not on the card.
    "LDS_H_45": content(lambda item: replace(item, hashes=(*item.hashes, (integer(10), NO_HASH)))),
    "LDS_H_84": parts(signer_version=integer(3)),
    "LDS_H_87": content(lambda item: item.stating(0, "0108")),
    "LDS_H_88": content(lambda item: item.stating(1, "0107")),
}


@pytest.mark.parametrize("change", IRREGULAR.values(), ids=list(IRREGULAR))
def test_irregular_sod(change: Change, workshop: Workshop, inspect: Inspect) -> None:
    irregular(inspect, changed(workshop, change))


def test_lds_h_85(workshop: Workshop, inspect: Inspect) -> None:
    by_key = key_id(workshop.issuer.signer)
    right = changed(workshop, parts(signer_version=integer(3), signer_id=by_key))
    accepted(strictly(inspect, right))
    irregular(inspect, changed(workshop, parts(signer_id=by_key)))


@pytest.mark.parametrize("lds", ["0108", "0109"], ids=["LDS_H_86", "LDS_H_89"])
def test_newer_lds_version(lds: str, workshop: Workshop, inspect: Inspect) -> None:
    """Version 1 states its LDS version, and a later one than is known here is read as well."""
    card = changed(workshop, content(lambda item: item.stating(1, lds)))
    outcome = strictly(inspect, with_file(card, EF_COM, com.encode(com.Com((1, 2), lds))))
    accepted(outcome)
    read = sod.parse(outcome.files["EF.SOD"])
    assert (read.version, read.lds_version, read.unicode_version) == (1, lds, "040000")


def with_fingers(card: CardProfile) -> CardProfile:
    return with_file(card, data_group_id(3), DG3)


def test_lds_h_90(workshop: Workshop, inspect: Inspect) -> None:
    """EF.DG3 is signed and on the card, but not in EF.COM's list; it is not asked for."""
    more = content(lambda item: replace(item, hashes=(*item.hashes, (integer(3), NO_HASH))))
    card = with_fingers(changed(workshop, more))
    irregular(inspect, card)
    assert strictly(inspect, card).report["data_groups"]["3"] == "not_read"


def test_lds_h_92(workshop: Workshop, inspect: Inspect) -> None:
    """As many groups as in EF.COM, but the signed list has EF.DG3 in place of EF.DG2."""
    card = with_fingers(changed(workshop, row(2, integer(3), NO_HASH)))
    refused(strictly(inspect, card), "data_group_missing", "file_irregular")


def test_the_signer_is_named_by_issuer_and_number(workshop: Workshop) -> None:
    draft = draft_of(workshop.issue(BAC), workshop)
    assert draft.signer_id == issuer_and_serial(workshop.issuer.signer.der)
