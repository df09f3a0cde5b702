"""What a strict inspection asks of files and of a signer's certificate, over genuine documents."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from card_reader.conformity import files_are_regular, signer_is_regular
from card_reader.lds import atr_info, com, sod
from card_reader.lds.images import Deviation, FaceImage
from card_reader.lds.sod import Sod
from card_reader.trust.passive_authentication import authenticate
from card_reader.trust.store import Realm, TrustStore

VECTORS = Path(__file__).parents[2] / "../shared/vectors"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="shared vectors are absent")
PORTRAIT = FaceImage(b"", "image/jpeg", 60, 80)


def genuine() -> list[dict[str, Any]]:
    manifest = VECTORS / "sod/manifest.json"
    entries = json.loads(manifest.read_text()) if manifest.exists() else []
    return [entry for entry in entries if entry["expected"]["verdict"] == "authentic"]


ENTRIES = genuine()
of_every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])


def parsed(entry: dict[str, Any]) -> Sod:
    return sod.parse((VECTORS / "sod" / entry["file"]).read_bytes())


def com_of(found: Sod) -> bytes:
    """The EF.COM that belongs to an EF.SOD."""
    versions = (found.lds_version or "0107", found.unicode_version or "040000")
    return com.encode(com.Com(tuple(found.data_group_hashes), *versions))


@of_every_entry
def test_genuine_files_are_regular(entry: dict[str, Any]) -> None:
    found = parsed(entry)
    files = {"EF.COM": com_of(found)}
    assert files_are_regular(files, found, (PORTRAIT,))
    odd = replace(PORTRAIT, deviations=frozenset({Deviation.GENDER}))
    assert not files_are_regular(files, found, (PORTRAIT, odd))
    assert not files_are_regular({}, found, (PORTRAIT,))


@of_every_entry
def test_genuine_signers_are_regular(entry: dict[str, Any]) -> None:
    lists = [VECTORS / "masterlists" / name for name in entry["trust"]]
    trust = TrustStore.load(lists, realm=Realm.LIVE)
    result = authenticate(parsed(entry), trust, at=None, now=datetime.now(UTC))
    assert result.signer is not None
    # One state writes its code in small letters: the reason why form alone refuses nobody.
    small_letters = b"\x13\x02gb" in result.signer.issuer_raw
    assert signer_is_regular(result.signer, result.anchors) is not small_letters
    assert not signer_is_regular(result.signer, ())


def test_com_says_what_the_signed_file_says() -> None:
    found = parsed(ENTRIES[0])
    groups, versions = tuple(found.data_group_hashes), (found.lds_version or "0107", "040000")
    for other in (
        com.Com(groups[1:], *versions),
        com.Com((*groups, 16), *versions),
        com.Com(groups, "0300", "040000"),
        com.Com(groups, versions[0], "050000"),
    ):
        assert not files_are_regular({"EF.COM": com.encode(other)}, found, ())
    assert not files_are_regular({"EF.COM": com_of(found)[:-1]}, found, ())


def test_lengths_are_stated_where_the_file_is_there() -> None:
    stated = atr_info.encode(atr_info.AtrInfo(max_command=1920, max_response=1920))
    assert files_are_regular({"EF.ATR/INFO": stated}, None, ())
    assert not files_are_regular({"EF.ATR/INFO": stated[:-1]}, None, ())
    without = atr_info.encode(atr_info.AtrInfo(short_file_ids=True))
    assert not files_are_regular({"EF.ATR/INFO": without}, None, ())


@pytest.mark.parametrize(
    ("version", "lds", "regular"),
    [(0, None, True), (0, "0108", False), (1, "0108", True), (1, "0109", True), (1, None, False),
     (1, "0107", False), (1, "01.8", False), (1, "10800", False)],
)  # fmt: skip
def test_lds_versions(version: int, lds: str | None, regular: bool) -> None:
    found = replace(parsed(ENTRIES[0]), version=version, lds_version=lds, unicode_version=None)
    stated = lds if lds is not None and len(lds) == 4 and lds.isdigit() else "0107"
    content = com.encode(com.Com(tuple(found.data_group_hashes), stated))
    assert files_are_regular({"EF.COM": content}, found, ()) is regular


def test_versions_of_signed_data_fit_its_contents() -> None:
    found = parsed(ENTRIES[0])
    assert found.signed_data.has_right_versions
    other = replace(found, signed_data=replace(found.signed_data, has_right_versions=False))
    assert not files_are_regular({"EF.COM": com_of(found)}, other, ())
