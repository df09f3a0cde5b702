"""Published EF.CardSecurity files: signature, chain and verdict."""

import json
from datetime import UTC, datetime
from pathlib import Path

from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import examine_card_security

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


def test_published_files(vectors: Path) -> None:
    folder = vectors / "cardsecurity"
    entries = json.loads((folder / "manifest.json").read_text())
    [name] = {name for entry in entries for name in entry.get("trust", ())}
    trust = TrustStore.load([vectors / "masterlists" / name], crls=[], realm=Realm.LIVE)
    signed = [entry for entry in entries if entry["kind"] == "EF.CardSecurity"]
    assert len(signed) >= 8
    for entry in signed:
        expected = entry["expected"]
        report = examine_card_security(
            (folder / entry["file"]).read_bytes(), trust, at=None, now=NOW
        ).to_dict()
        found = [report[key] for key in ("verdict", "signature", "algorithm")]
        assert found == [expected[key] for key in ("verdict", "signature", "algorithm")], entry
        assert sorted(report["anchors"]) == sorted(expected["chain"] or []), entry
