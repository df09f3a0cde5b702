"""The commands as a script calls them: one JSON object, exit codes 0, 1, 2, never a traceback."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from card_reader import cli
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.transport import SimulatedTransport


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Issuer, Path]:
    folder = tmp_path_factory.mktemp("issuer")
    issuer = Issuer.generate()
    issuer.save(folder)
    return issuer, folder


@pytest.fixture(scope="module")
def stored(
    authority: tuple[Issuer, Path],
    holder: Holder,
    portrait: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The files of a card, under names that say nothing."""
    folder = tmp_path_factory.mktemp("files")
    card = authority[0].issue(holder, portrait, key_bits=1024)
    for number, content in enumerate(card.files.values()):
        (folder / f"{number}.bin").write_bytes(content)
    (folder / "notes.txt").write_text("nothing")
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    try:
        code = cli.main([str(item) for item in arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def run_json(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, *arguments, "--json")
    assert out.count("\n") == 1
    return code, json.loads(out)


def test_verify_knows_files_by_their_tag(
    capsys: pytest.CaptureFixture[str], stored: Path, authority: tuple[Issuer, Path]
) -> None:
    folder = authority[1]
    code, report = run_json(
        capsys, "verify", stored, "--trust", folder / "csca.pem", "--crl", folder / "crl.pem"
    )
    assert (code, report["verdict"], report["revocation"]) == (0, "authentic", "good")
    assert report["issuer_match"] is True
    assert report["issuer_country"] == "VN"
    assert set(report["data_groups"].values()) == {"match"}
    code, report = run_json(capsys, "verify", stored)
    assert (code, report["verdict"], report["chain"]) == (1, "unproven", "no_anchor")


def test_verify_with_a_changed_group(
    capsys: pytest.CaptureFixture[str], stored: Path, tmp_path: Path
) -> None:
    sod = next(path for path in stored.iterdir() if path.read_bytes()[:1] == b"\x77")
    changed = tmp_path / "dg1"
    changed.write_bytes(b"\x61\x01\x00")
    code, report = run_json(capsys, "verify", sod, "--dg", f"1={changed}")
    assert (code, report["verdict"]) == (1, "refused")
    assert report["data_groups"]["1"] == "mismatch"
    assert report["data_groups"]["2"] == "not_read"
    assert "data_group_mismatch" in report["reasons"]


def test_trust(capsys: pytest.CaptureFixture[str], authority: tuple[Issuer, Path]) -> None:
    folder = authority[1]
    code, found = run_json(capsys, "trust", folder / "csca.pem", folder / "ds.pem")
    assert code == 0
    assert found["counts"]["self_signed"] == found["counts"]["document_signer"] == 1
    assert {row["signature"] for row in found["certificates"]} == {"valid"}
    assert set(found["list_signature"].values()) == {"absent"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "/does/not/exist"],
        ["verify", __file__],
        ["trust", __file__],
        ["trust", "/does/not/exist"],
        ["read"],
        ["read", "--cccd", "123", "--dob", "2006-05-17"],
        ["read", "--cccd", "001206012345", "--dob", "17/05/2006"],
        ["read", "--doc", "206012345"],
        ["read", "--doc", "1", "--cccd", "2"],
        ["read", "--qr", "nothing"],
        ["simulate", "/does/not/exist"],
    ],
)
def test_unusable_input_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 2
    assert "message" in json.loads(out)
    assert err.count("\n") == 1
    assert "Traceback" not in err


UNUSABLE_CALLS = [
    [],
    ["nonsense"],
    ["verify"],
    ["verify", "x", "--at", "tomorrow"],
    ["verify", "x", "--dg", "17=y"],
    ["read", "--challenge", "00"],
]


@pytest.mark.parametrize("arguments", UNUSABLE_CALLS)
def test_an_unusable_call_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_without_the_service_there_is_one_line(tmp_path: Path) -> None:
    """A process of its own: the library looks for the service's socket once."""
    finished = subprocess.run(
        [sys.executable, "-m", "card_reader.cli", "readers"],
        env={"PCSCLITE_CSOCK_NAME": str(tmp_path / "absent")},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1
    assert "pcscd" in finished.stderr


def test_read_writes_files_portrait_and_recording(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    authority: tuple[Issuer, Path],
    holder: Holder,
    portrait: bytes,
    tmp_path: Path,
) -> None:
    """The whole command over the in-process card; tests/pcsc runs it over a real reader."""
    from contextlib import closing

    from card_reader import pcsc

    issuer, folder = authority
    card = issuer.issue(holder, portrait, key_bits=1024)
    present = pcsc.ReaderState("Reader 0", True, card.atr)
    monkeypatch.setattr(pcsc, "list_readers", lambda: (present,))
    monkeypatch.setattr(pcsc, "connect", lambda name: closing(SimulatedTransport(Chip(card))))
    out, recording = tmp_path / "out", tmp_path / "session.json"
    code, report = run_json(
        capsys, "read", "--qr", f"{holder.number}||{holder.name}|17052006|Nam|Hà Nội|15012025",
        "--trust", folder / "csca.pem", "--challenge", "0011223344556677",
        "--out", out, "--record", recording,
    )  # fmt: skip
    assert (code, report["verdict"], report["active_authentication"]) == (0, "authentic", "passed")
    assert report["access"] == {"protocol": "bac", "downgrade": None}
    assert report["apdus"] == sum(step["apdus"] for step in report["steps"])
    assert (out / "portrait.jpg").read_bytes() == portrait
    assert (out / "EF.DG1.bin").read_bytes() == card.files[0x0101]
    assert (out / "EF.SOD.bin").stat().st_mode & 0o077 == 0
    assert json.loads((out / "evidence.json").read_text())["challenge"] == "0011223344556677"
    session = json.loads(recording.read_text())
    assert len(session["randomness"]) == 2
    assert holder.number[-9:] not in json.dumps(session["password"])
    assert run_json(capsys, "verify", out, "--trust", folder / "csca.pem")[0] == 0


@pytest.mark.parametrize("option", ["--trust", "--crl"])
def test_a_named_folder_without_what_it_should_hold_is_refused(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sod = tmp_path / "EF.SOD.bin"
    sod.write_bytes(b"\x77\x02\x05\x00")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert cli.main(["verify", str(sod), option, str(empty)]) == 2
    assert option in capsys.readouterr().err


def test_a_folder_is_no_data_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sod = tmp_path / "EF.SOD.bin"
    sod.write_bytes(b"\x77\x02\x05\x00")
    assert cli.main(["verify", str(sod), "--dg", f"2={tmp_path}"]) == 2
    assert "folder" in capsys.readouterr().err
