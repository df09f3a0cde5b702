"""EF.SOD: what it lists, and that no damage to it gives any error but ours."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from card_reader import tlv
from card_reader.errors import CardError, MalformedFileError
from card_reader.lds import sod
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.profile import EF_SOD, CardProfile
from card_reader.simulator.recipe import Recipe, SecurityObjectRecipe
from card_reader.trust.store import Realm, TrustStore
from card_reader.verify import STORED_FILES, Verdict, examine

VECTORS = Path(__file__).parents[3] / "../shared/vectors/sod"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOBODY = TrustStore([], realm=Realm.TEST)


def test_a_card_of_the_simulator(card: CardProfile) -> None:
    parsed = sod.parse(card.files[EF_SOD])
    assert set(parsed.data_group_hashes) == {1, 2, 3, 13, 14, 15}
    assert parsed.version in sod.VERSIONS
    assert parsed.signed_data.content_type == sod.LDS_SECURITY_OBJECT
    assert len(parsed.signed_data.certificates) == 1
    assert parsed.signed_data.signers[0].message_digest is not None


def test_the_bare_cms_object_is_taken_too(card: CardProfile) -> None:
    raw = card.files[EF_SOD]
    bare = sod.parse(tlv.parse(raw).value)
    assert bare.data_group_hashes == sod.parse(raw).data_group_hashes


@pytest.mark.parametrize(("version", "stated"), [(0, None), (1, "0108")])
def test_both_versions_of_the_security_object(
    issuer: Issuer, holder: Holder, portrait: bytes, version: int, stated: str | None
) -> None:
    recipe = Recipe(security_object=SecurityObjectRecipe(lds_version=version))
    parsed = sod.parse(issuer.issue(holder, portrait, recipe=recipe, now=NOW).files[EF_SOD])
    assert (parsed.version, parsed.lds_version) == (version, stated)
    assert (parsed.unicode_version is None) is (stated is None)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="shared vectors are absent")
def test_the_digests_of_real_documents() -> None:
    for entry in json.loads((VECTORS / "manifest.json").read_text()):
        if entry["expected"]["verdict"] == "refused":
            continue
        parsed = sod.parse((VECTORS / entry["file"]).read_bytes())
        found = {str(number): value.hex() for number, value in parsed.data_group_hashes.items()}
        assert found == entry["expected"]["data_groups"], entry["file"]
        assert parsed.version == entry["expected"]["lds_version"]
        stated = (parsed.lds_version, parsed.unicode_version)
        assert stated == (("0108", "040000") if parsed.version == 1 else (None, None))


@pytest.mark.parametrize("raw", [b"", b"\x77\x00", b"\x30\x00", b"\x61\x00", bytes(70_000)])
def test_what_is_no_sod(raw: bytes) -> None:
    with pytest.raises(MalformedFileError):
        sod.parse(raw)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_gives_our_error_or_no_authentic_verdict(
    data: st.DataObject, card: CardProfile
) -> None:
    raw = bytearray(card.files[EF_SOD])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    with contextlib.suppress(CardError):
        sod.parse(bytes(raw))
    report = examine({"EF.SOD": bytes(raw)}, NOBODY, STORED_FILES[Realm.TEST], at=None, now=NOW)
    assert report.verdict is not Verdict.AUTHENTIC
