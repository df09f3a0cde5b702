"""Passive authentication of real, specimen and damaged documents against a real master list."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from card_reader.lds import FILES_BY_TAG
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import STORED_FILES, Verdict, examine

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MASTER_LIST = "DE_ML_2024-08-07-07-38-24.ml"
VECTORS = Path(__file__).parents[3] / "../shared/vectors"
MANIFEST = VECTORS / "sod/manifest.json"
ENTRIES = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else []
POLICY = STORED_FILES[Realm.LIVE]


@pytest.fixture(scope="module")
def stores(vectors: Path) -> dict[str, TrustStore]:
    names = (MASTER_LIST, "VN_CSCA_ePassport_6b5fa6fe.cer")
    stores = {
        name: TrustStore.load([vectors / "masterlists" / name], realm=Realm.LIVE) for name in names
    }
    return {**stores, "": TrustStore([], realm=Realm.LIVE)}


@pytest.mark.skipif(not ENTRIES, reason="shared vectors are absent")
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda item: f"{item['file']}-{item['trust'][:1]}")
def test_every_document_of_the_manifest(
    entry: dict[str, Any], stores: dict[str, TrustStore]
) -> None:
    expected = entry["expected"]
    raw = (VECTORS / "sod" / entry["file"]).read_bytes()
    store = stores[entry["trust"][0] if entry["trust"] else ""]
    report = examine({"EF.SOD": raw}, store, POLICY, at=None, now=NOW)
    assert report.verdict in {expected["verdict"], *expected.get("accept_also", [])}
    assert report.signature == expected["signature"]
    if report.verdict is not Verdict.REFUSED:
        assert report.algorithm == expected["algorithm"]
        assert sorted(report.anchors) == sorted(row["sha256"] for row in expected["chain"] or [])
        assert report.issuer_match is None


def test_dates_change_the_verdict_only_where_a_day_is_given(
    vectors: Path, stores: dict[str, TrustStore]
) -> None:
    raw = (vectors / "sod/real/AT_ecdsa-sha256_ec256-explicit_96cc47e3.bin").read_bytes()

    def look(at: date | None) -> tuple[str, str]:
        report = examine({"EF.SOD": raw}, stores[MASTER_LIST], POLICY, at=at, now=NOW)
        return report.verdict, report.dates

    assert look(None) == ("authentic", "valid")
    assert look(date(2030, 1, 1)) == ("authentic", "valid")
    assert look(date(2034, 1, 1)) == ("refused", "expired")
    assert look(date(2020, 1, 1)) == ("refused", "not_yet_valid")


@pytest.mark.parametrize("name", ["bsi2008", "loes2006"])
def test_whole_specimens(vectors: Path, stores: dict[str, TrustStore], name: str) -> None:
    expected = json.loads((vectors / "card_images/expected.json").read_text())[name]
    files: dict[str, bytes] = {}
    for path in (vectors / "card_images" / name).iterdir():
        content = path.read_bytes()
        files[FILES_BY_TAG[content[0]].name] = content
    report = examine(files, stores[""], POLICY, at=None, now=NOW)
    assert report.verdict == expected["passive_authentication_without_trust"]
    for group, state in expected["data_groups"].items():
        wanted = "match" if state == "match" else "not_in_sod"
        assert report.data_groups[int(group.removeprefix("DG"))] == wanted
    changed = {**files, "EF.DG2": files["EF.DG2"][:-1] + b"\x00"}
    assert examine(changed, stores[""], POLICY, at=None, now=NOW).verdict is Verdict.REFUSED


@pytest.mark.parametrize("position", [20, 100, 400, 700, 1000, 1200, -1])
def test_a_changed_byte_is_never_authentic(
    vectors: Path, stores: dict[str, TrustStore], position: int
) -> None:
    raw = bytearray((vectors / "sod/real/US_rsa-sha256_rsa2048-e-65537_02ca3a69.bin").read_bytes())
    raw[position] ^= 1
    report = examine({"EF.SOD": bytes(raw)}, stores[MASTER_LIST], POLICY, at=None, now=NOW)
    assert report.verdict is not Verdict.AUTHENTIC
