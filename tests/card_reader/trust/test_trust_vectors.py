"""Every entry of the shared vectors, through the commands that others call."""

import json
from pathlib import Path
from typing import Any

import pytest

from card_reader import cli
from card_reader.cms import parse_signed_data

VECTORS = Path(__file__).parents[3] / "../shared/vectors"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="shared vectors are absent")
KINDS = {"self_signed_valid": "self_signed", "link_valid": "link", "no_parent": "orphan"}
MOCK = VECTORS / "certs/self_mock"


def entries(path: str) -> Any:
    file = VECTORS / path
    return json.loads(file.read_text()) if file.exists() else []


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    code = cli.main([*(str(item) for item in arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def verify(
    capsys: pytest.CaptureFixture[str], file: Path, entry: dict[str, Any], *more: str | Path
) -> dict[str, Any]:
    lists = [VECTORS / "masterlists" / item for item in entry["trust"]]
    trust = ("--trust", *lists) if lists else ()
    code, report = call(capsys, "verify", file, *trust, *more)
    assert (code == 0) is (report["verdict"] == "authentic")
    return report


# --- EF.SOD -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", entries("sod/manifest.json"), ids=lambda item: f"{item['file']}-{item['trust'][:1]}"
)
def test_every_sod(entry: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    expected = entry["expected"]
    report = verify(capsys, VECTORS / "sod" / entry["file"], entry)
    assert report["verdict"] in {expected["verdict"], *expected.get("accept_also", [])}
    assert report["signature"] == expected["signature"]
    if report["verdict"] == "refused":
        return
    assert report["algorithm"] == expected["algorithm"]
    assert sorted(report["anchors"]) == sorted(item["sha256"] for item in expected["chain"] or [])
    assert report["chain"] == ("trusted" if expected["chain"] else "no_anchor")
    assert report["issuer_match"] is None
    assert set(report["data_groups"]) == set(expected["data_groups"])
    assert set(report["data_groups"].values()) == {"not_read"}


@pytest.mark.parametrize(
    "entry", entries("sod/manifest.json"), ids=lambda item: f"{item['file']}-{item['trust'][:1]}"
)
def test_the_dates_of_every_signer(
    entry: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    expected = entry["expected"]
    if expected["verdict"] == "refused":
        return
    file = VECTORS / "sod" / entry["file"]
    states = {
        "valid": expected["signer_not_before"][:4] + "-12-31",
        "expired": f"{int(expected['signer_not_after'][:4]) + 1}-01-01",
        "not_yet_valid": f"{int(expected['signer_not_before'][:4]) - 1}-01-01",
    }
    for state, day in states.items():
        report = verify(capsys, file, entry, "--at", day)
        assert report["dates"] == state
        wanted = expected["verdict"] if state == "valid" else "refused"
        assert report["verdict"] == wanted
    if expected["signing_time"]:  # the signer's own claim stands in for a day
        assert verify(capsys, file, entry)["dates"] == "valid"


# --- EF.CardSecurity ----------------------------------------------------------------------------

CARD_SECURITY = [
    item for item in entries("cardsecurity/manifest.json") if item["kind"] == "EF.CardSecurity"
]


@pytest.mark.parametrize("entry", CARD_SECURITY, ids=lambda item: item["file"])
def test_every_card_security(entry: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    expected = entry["expected"]
    file = VECTORS / "cardsecurity" / entry["file"]
    report = verify(capsys, file, entry)
    assert report["verdict"] == expected["verdict"]
    assert report["signature"] == expected["signature"]
    assert report["algorithm"] == expected["algorithm"]
    assert sorted(report["anchors"]) == sorted(expected["chain"] or [])
    signed = parse_signed_data(file.read_bytes())
    assert signed.content_type == expected["content_type"]
    assert signed.signers[0].content_type == expected["content_type_attribute"]


# --- whole cards --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(entries("card_images/expected.json")))
def test_every_card_image(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = entries("card_images/expected.json")[name]
    code, report = call(capsys, "verify", VECTORS / "card_images" / name)
    assert code == 1
    assert report["verdict"] == expected["passive_authentication_without_trust"]
    assert report["signature"] == expected["signature"]
    assert report["algorithm"] == expected["algorithm"]
    states = {"match": "match"}
    for group, state in expected["data_groups"].items():
        wanted = states.get(state, "not_in_sod")
        assert report["data_groups"][group.removeprefix("DG")] == wanted
    listed = [int(n) for n, state in report["data_groups"].items() if state != "not_in_sod"]
    assert sorted(listed) == expected["listed_data_groups"]


@pytest.mark.parametrize("name", list(entries("card_images/expected.json")))
def test_a_changed_group_is_refused(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path in (VECTORS / "card_images" / name).iterdir():
        content = bytearray(path.read_bytes())
        if content[0] == 0x61:  # EF.DG1
            content[-1] ^= 1
        (tmp_path / path.name).write_bytes(content)
    code, report = call(capsys, "verify", tmp_path)
    assert (code, report["verdict"]) == (1, "refused")
    assert report["data_groups"]["1"] == "mismatch"


# --- certificates -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [item for item in entries("masterlists/expected.json") if item[0] != "_"]
)
def test_every_certificate_of_a_list(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = entries("masterlists/expected.json")[name]
    file = VECTORS / "masterlists" / name
    code, report = call(capsys, "trust", file)
    assert code == 0
    counts = report["counts"]
    assert counts["certificates"] == expected["certificates"]
    assert len(report["certificates"]) == expected["distinct"]
    assert counts["self_signed"] == expected["self_signed_valid"]
    assert counts["link"] == expected["link_valid"]
    assert counts["orphan"] == expected["no_parent"]
    assert counts["explicit_parameters"] == expected["explicit_ec_parameters"]
    wanted = "valid" if expected.get("list_signature", {}).get("signature_valid") else "absent"
    assert report["list_signature"] == {str(file): wanted}
    found = {item["sha256"]: item for item in report["certificates"]}
    for row in expected["certificate_rows"]:
        certificate = found[row["sha256"]]
        assert certificate["country"] == row["country"]
        assert certificate["key"] == row["key"]
        assert certificate["kind"] == KINDS[row["result"]]
        assert certificate["explicit_parameters"] is ("explicit" in row["key"])
        orphan = row["result"] == "no_parent"
        assert certificate["signature"] == ("no_parent" if orphan else "valid")


@pytest.mark.parametrize("entry", entries("certs/self_mock/expected.json"), ids=lambda e: e["file"])
def test_every_mock_certificate(entry: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    files = [MOCK / entry["file"]]
    if entry.get("issuer_in_this_set"):
        files.append(MOCK / entry["issuer"])
    code, report = call(capsys, "trust", *files)
    certificate = report["certificates"][0]
    assert code == 0
    if entry["role"] == "csca":
        assert (certificate["kind"], certificate["signature"]) == ("self_signed", "valid")
    else:
        known = entry["issuer_in_this_set"]
        assert certificate["kind"] == "document_signer"
        assert certificate["signature"] == ("valid" if known else "no_parent")
