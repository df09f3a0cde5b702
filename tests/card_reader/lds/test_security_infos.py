"""SecurityInfos: real files, typed views, and the choice among a chip's keys."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import CardError, MalformedFileError, UnsupportedAlgorithmError
from card_reader.lds import card_access, card_security, dg14
from card_reader.lds import security_infos as si
from card_reader.lds.security_infos import (
    Agreement,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    Mapping,
    PaceInfo,
    SecurityInfo,
)

BSI = "0.4.0.127.0.7.2.2"
IDS = st.none() | st.integers(0, (1 << 63) - 1)
SPKI = bytes.fromhex("3000")  # not looked into here
PACE_OIDS = [f"{BSI}.4.{family}.{cipher}" for family in (1, 2, 3, 4) for cipher in (1, 2, 3, 4)] + [
    f"{BSI}.4.6.{cipher}" for cipher in (2, 3, 4)
]


def key(number: int | None, *, dh: bool = False) -> ChipAuthenticationPublicKeyInfo:
    return ChipAuthenticationPublicKeyInfo(si.ID_PK_DH if dh else si.ID_PK_ECDH, SPKI, number)


def chosen(*views: ChipAuthenticationInfo | ChipAuthenticationPublicKeyInfo) -> list[object]:
    infos = [view.security_info() for view in views]
    return [
        (info.cipher, info.key_id, key.agreement)
        for info, key in si.chip_authentication_choices(infos)
    ]


@pytest.mark.parametrize("oid", PACE_OIDS)
def test_every_pace_protocol_has_its_mapping_agreement_and_cipher(oid: str) -> None:
    info = PaceInfo(oid, 2, 0)
    family, cipher = (int(part) for part in oid.split(".")[-2:])
    assert info.agreement is (Agreement.DH if family in (1, 3) else Agreement.ECDH)
    assert info.mapping == {1: "gm", 2: "gm", 3: "im", 4: "im", 6: "cam"}[family]
    assert info.cipher == {1: "3DES", 2: "AES-128", 3: "AES-192", 4: "AES-256"}[cipher]


@pytest.mark.parametrize(
    ("info", "supported"),
    [
        (PaceInfo(f"{BSI}.4.2.2", 2, 13), True),
        (PaceInfo(f"{BSI}.4.1.2", 2, 2), True),
        (PaceInfo(f"{BSI}.4.2.2", 1, 13), False),  # version 1
        (PaceInfo(f"{BSI}.4.2.2", 2, 0), False),  # a DH group for ECDH
        (PaceInfo(f"{BSI}.4.1.2", 2, 13), False),
        (PaceInfo(f"{BSI}.4.2.2", 2, None), False),
        (PaceInfo(f"{BSI}.4.2.2", 2, 3), False),  # reserved
        (PaceInfo(f"{BSI}.4.4.2", 2, 10), False),  # no integrated mapping over secp224r1
        (PaceInfo(f"{BSI}.4.2.2", 2, 10), True),
    ],
)
def test_only_standardised_groups_are_supported(info: PaceInfo, supported: bool) -> None:
    assert info.supported is supported


@pytest.mark.parametrize("kind", [PaceInfo, ChipAuthenticationInfo])
def test_a_protocol_that_does_not_exist_is_no_view(kind: type) -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        kind(f"{BSI}.4.6.1", 2)  # chip authentication mapping with 3DES


@given(st.sampled_from(PACE_OIDS), st.integers(0, 1 << 40), IDS)
def test_pace_infos_survive_their_bytes(oid: str, version: int, number: int | None) -> None:
    info = PaceInfo(oid, version, number)
    raw = si.encode_infos([info.security_info()])
    assert si.pace_infos(si.parse_infos(raw)) == (info,)
    assert si.pace_infos(dg14.parse(dg14.encode([info.security_info()]))) == (info,)


@given(IDS, IDS)
def test_chip_authentication_survives_its_bytes(one: int | None, other: int | None) -> None:
    info, public = ChipAuthenticationInfo(f"{BSI}.3.2.4", 1, one), key(other)
    infos = si.parse_infos(si.encode_infos([info.security_info(), public.security_info()]))
    assert si.chip_authentication_infos(infos) == (info,)
    assert si.chip_keys(infos) == (public,)


def test_the_other_views_survive_their_bytes() -> None:
    views = [
        si.ActiveAuthenticationInfo("0.4.0.127.0.7.1.1.4.1.3"),
        si.TerminalAuthenticationInfo(1, bytes.fromhex("300702010104020102")),
        si.PaceDomainParameterInfo(f"{BSI}.4.2", bytes.fromhex("3000"), 40),
    ]
    infos = si.parse_infos(si.encode_infos(view.security_info() for view in views))
    assert si.active_authentication_info(infos) == views[0]
    assert si.terminal_authentication_infos(infos) == (views[1],)
    assert si.pace_domain_parameters(infos) == (views[2],)
    assert si.offers_pace(infos)
    assert si.active_authentication_info(()) is None


def test_an_unknown_pace_is_an_offer_and_no_view() -> None:
    infos = [SecurityInfo(f"{BSI}.4.9.2", bytes.fromhex("020102"))]
    assert si.offers_pace(infos)
    assert si.pace_infos(infos) == ()
    assert not si.offers_pace([SecurityInfo(f"{BSI}.40", bytes.fromhex("020102"))])


def test_the_strongest_protocol_comes_first() -> None:
    choices = chosen(
        ChipAuthenticationInfo(f"{BSI}.3.2.1", 1, 1),
        ChipAuthenticationInfo(f"{BSI}.3.1.4", 1, 2),
        ChipAuthenticationInfo(f"{BSI}.3.2.4", 1, 1),
        ChipAuthenticationInfo(f"{BSI}.3.2.3", 1, 3),
        key(1), key(2, dh=True), key(3),
    )  # fmt: skip
    assert choices == [
        ("AES-256", 1, "ecdh"), ("AES-256", 2, "dh"), ("AES-192", 3, "ecdh"), ("3DES", 1, "ecdh"),
    ]  # fmt: skip


def test_a_key_without_a_protocol_is_of_the_first_generation() -> None:
    assert chosen(key(None)) == [("3DES", None, "ecdh")]
    assert chosen(key(7, dh=True)) == [("3DES", 7, "dh")]
    both = chosen(ChipAuthenticationInfo(f"{BSI}.3.2.2", 1, 1), key(1), key(2))
    assert both == [("AES-128", 1, "ecdh"), ("3DES", 2, "ecdh")]


def test_key_ids_join_protocols_and_keys() -> None:
    info = ChipAuthenticationInfo(f"{BSI}.3.2.2", 1, 1)
    assert chosen(info, key(None)) == [("AES-128", 1, "ecdh")]  # a lone key needs no id
    assert chosen(info, key(2)) == []  # each denies the other
    assert chosen(info) == []
    assert chosen(info, key(None, dh=True)) == [("3DES", None, "dh")]


def test_another_version_is_not_chosen_nor_taken_for_the_first_generation() -> None:
    assert chosen(ChipAuthenticationInfo(f"{BSI}.3.2.2", 2, None), key(None)) == []


@pytest.mark.parametrize(
    "required", ["0101ff", "02090000000000000000ff", "0201ff", "0200", "04020102"]
)
def test_a_damaged_entry_is_refused_where_it_is_asked_for(required: str) -> None:
    infos = [SecurityInfo(f"{BSI}.4.2.2", bytes.fromhex(required))]
    assert si.chip_keys(infos) == ()
    with pytest.raises(MalformedFileError):
        si.pace_infos(infos)


@given(st.binary(max_size=80))
def test_hostile_bytes(data: bytes) -> None:
    for raw in (data, tlv.encode(0x31, data), tlv.encode(0x31, tlv.encode(0x30, data))):
        for parse in (si.parse_infos, card_access.parse, dg14.parse, card_security.parse):
            with contextlib.suppress(CardError):
                parse(raw)
        with contextlib.suppress(CardError):
            infos = si.parse_infos(raw)
            si.pace_infos(infos)
            si.chip_authentication_choices(infos)
            si.active_authentication_info(infos)
            si.terminal_authentication_infos(infos)


def test_too_many_entries_are_refused() -> None:
    one = PaceInfo(f"{BSI}.4.2.2", 2, 13).security_info()
    assert len(si.parse_infos(si.encode_infos([one] * 64))) == 64
    with pytest.raises(MalformedFileError):
        si.parse_infos(si.encode_infos([one] * 65))


def test_padding_behind_ef_card_access_is_left() -> None:
    infos = (PaceInfo(f"{BSI}.4.2.2", 2, 13).security_info(),)
    assert card_access.parse(card_access.encode(infos) + bytes(100)) == infos


def test_real_files(vectors: Path) -> None:
    folder = vectors / "cardsecurity"
    for entry in json.loads((folder / "manifest.json").read_text()):
        raw = (folder / entry["file"]).read_bytes()
        if entry["file"].endswith(".hex"):
            raw = bytes.fromhex(raw.decode())
        if entry["kind"] == "EF.CardAccess":
            infos = card_access.parse(raw)
            assert all(info.supported for info in si.pace_infos(infos))
        else:
            infos = card_security.parse(raw).security_infos
        assert [info.oid for info in infos] == entry["expected"]["security_infos"]


def test_a_finnish_card_offers_chip_authentication_mapping(vectors: Path) -> None:
    path = vectors / "cardsecurity/FI_ecdsa-sha512_ec512-explicit_ff37db85.bin"
    infos = card_security.parse(path.read_bytes()).security_infos
    assert [info.mapping for info in si.pace_infos(infos)] == [
        Mapping.GENERIC,
        Mapping.CHIP_AUTHENTICATION,
    ]
    assert [key.key_id for key in si.chip_keys(infos)] == [16]
