"""The commands as a script calls them: one JSON object, exit codes 0, 1, 2, never a traceback."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from card_reader import cli
from card_reader.sessions.replay import replay
from card_reader.sessions.session_file import Session
from card_reader.simulator.catalogue import profile_with
from card_reader.simulator.chip import Chip
from card_reader.simulator.issuer import Issuer
from card_reader.simulator.personalisation import Holder
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile
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


def copied(stored: Path, folder: Path, change: Callable[[bytes], bytes]) -> Path:
    for path in stored.iterdir():
        (folder / path.name).write_bytes(change(path.read_bytes()))
    return folder


def test_a_note_beside_the_files_is_none_of_them(
    capsys: pytest.CaptureFixture[str], stored: Path, tmp_path: Path
) -> None:
    """Its first letter may be the tag of EF.SOD; EF.DIR's is that of EF.DG1."""
    folder = copied(stored, tmp_path, bytes)
    (folder / "a.txt").write_text("what the cards hold,\n\tand whose they are\n" * 9)
    (folder / "b.bin").write_bytes(bytes.fromhex("61094F07A0000002471001"))
    code, report = run_json(capsys, "verify", folder)
    assert (code, report["verdict"]) == (1, "unproven")
    assert set(report["data_groups"].values()) == {"match"}


def test_a_cut_file_in_a_folder_is_not_one_that_was_not_read(
    capsys: pytest.CaptureFixture[str], stored: Path, tmp_path: Path
) -> None:
    folder = copied(stored, tmp_path, lambda raw: raw[:-9] if raw[:1] == b"\x75" else raw)
    code, report = run_json(capsys, "verify", folder)
    assert (code, report["verdict"]) == (1, "refused")
    assert report["data_groups"]["2"] == "mismatch"


def test_a_file_refused_for_its_content_still_says_who_signed_it(
    capsys: pytest.CaptureFixture[str],
    stored: Path,
    authority: tuple[Issuer, Path],
    tmp_path: Path,
) -> None:
    sod = next(path.read_bytes() for path in stored.iterdir() if path.read_bytes()[0] == 0x77)
    start = sod.index(bytes.fromhex("0609608648016503040201"), sod.index(b"\x67\x81\x08\x01\x01"))
    content = sod[:start].rindex(b"\x02\x01")  # the version of the LDSSecurityObject
    changed = tmp_path / "sod"
    changed.write_bytes(sod[: content + 2] + b"\x07" + sod[content + 3 :])
    code, report = run_json(capsys, "verify", changed, "--trust", authority[1] / "csca.pem")
    assert (code, report["verdict"], report["signature"]) == (1, "refused", "invalid")
    assert (report["chain"], len(report["anchors"])) == ("trusted", 1)
    assert {"sod_malformed", "digest_mismatch"} <= set(report["reasons"])
    assert report["algorithm"]


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
        ["read", "--can", "12"],
        ["read", "--can", "123456", "--qr", "x"],
        ["read", "--mrz", "IDVNM"],
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
    ["read", "--access-policy", "anything"],
    ["read", "--wait", "nan"],
    ["read", "--wait", "-1"],
]


@pytest.mark.parametrize("arguments", UNUSABLE_CALLS)
def test_an_unusable_call_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_file_without_end_is_too_large() -> None:
    """A process of its own with little memory: a device states no size."""
    limited = "import resource as r; r.setrlimit(r.RLIMIT_AS, (1 << 30, 1 << 30))"
    command = f"{limited}; from card_reader import cli; raise SystemExit(cli.main())"
    finished = subprocess.run(
        [sys.executable, "-c", command, "verify", "/dev/zero"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (finished.returncode, finished.stdout, finished.stderr.count("\n")) == (2, "", 1)
    assert "too large" in finished.stderr


def test_without_the_service_there_is_one_line(tmp_path: Path) -> None:
    """A process of its own: the library looks for the service's socket once."""
    finished = subprocess.run(
        [sys.executable, "-m", "card_reader.cli", "readers"],
        env={"PCSCLITE_CSOCK_NAME": str(tmp_path / "absent")},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stderr.count("\n") == 1
    assert "pcscd" in finished.stderr


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What kinds of cards teach is kept below the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/truong-thi/card-memory.json"


Lay = Callable[[CardProfile], None]


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Put a card into the only reader; tests/pcsc does it with a real one."""
    from card_reader import pcsc

    def put(card: CardProfile) -> None:
        present = pcsc.ReaderState("Reader 0", True, card.atr)
        monkeypatch.setattr(pcsc, "list_readers", lambda: (present,))
        monkeypatch.setattr(pcsc, "connect", lambda name: SimulatedTransport(Chip(card)))

    return put


@pytest.fixture(scope="module")
def cards(
    authority: tuple[Issuer, Path], holder: Holder, portrait: bytes
) -> dict[str, CardProfile]:
    presets = ("vietnam", "vietnam-2024-pace")
    return {
        name: authority[0].issue(holder, portrait, recipe=PRESETS[name].recipe) for name in presets
    }


def test_read_writes_files_and_portrait(
    capsys: pytest.CaptureFixture[str],
    lay: Lay,
    cards: dict[str, CardProfile],
    authority: tuple[Issuer, Path],
    holder: Holder,
    portrait: bytes,
    tmp_path: Path,
) -> None:
    folder, card, out = authority[1], cards["vietnam"], tmp_path / "out"
    lay(card)
    code, report = run_json(
        capsys, "read", "--qr", f"{holder.number}||{holder.name}|17052006|Nam|Hà Nội|15012025",
        "--trust", folder / "csca.pem", "--challenge", "0011223344556677", "--out", out,
    )  # fmt: skip
    assert (code, report["verdict"], report["active_authentication"]) == (0, "authentic", "passed")
    assert report["chip_authentication"] == "absent"
    assert report["access"] == {
        "protocol": "bac",
        "downgrade": None,
        "mapping": None,
        "password": "mrz",
        "oid": None,
        "parameter_id": None,
    }
    assert report["apdus"] == sum(step["apdus"] for step in report["steps"])
    assert set(report["steps"][0]) == {"name", "milliseconds", "apdus", "bytes"}
    assert report["files"]["EF.COM"] == len(card.files[0x011E])
    assert (out / "portrait.jpg").read_bytes() == portrait
    assert (out / "EF.DG1.bin").read_bytes() == card.files[0x0101]
    assert (out / "EF.SOD.bin").stat().st_mode & 0o077 == 0
    assert json.loads((out / "evidence.json").read_text())["challenge"] == "0011223344556677"
    assert run_json(capsys, "verify", out, "--trust", folder / "csca.pem")[0] == 0


@pytest.mark.parametrize(
    "password",
    [
        ["--can", "123456"],
        ["--cccd", "001206012345", "--dob", "2006-05-17"],
        ["--doc", "206012345", "--dob", "060517", "--expiry", "310517"],
    ],
)
def test_read_by_every_password(
    capsys: pytest.CaptureFixture[str],
    lay: Lay,
    cards: dict[str, CardProfile],
    authority: tuple[Issuer, Path],
    password: list[str],
    tmp_path: Path,
) -> None:
    lay(cards["vietnam-2024-pace"])
    out = tmp_path / "out"
    out.mkdir()
    (out / "EF.DG11.bin").write_bytes(b"another person's")
    (out / "notes.txt").write_text("the technician's own")
    arguments = ["read", *password, "--trust", authority[1] / "csca.pem", "--out", out]
    code, report = run_json(capsys, *arguments)
    assert (code, report["verdict"]) == (0, "authentic")
    access = report["access"]
    assert (access["protocol"], access["mapping"]) == ("pace", "gm")
    assert access["password"] == ("can" if "--can" in password else "mrz")
    assert report["chip_authentication"] == "station_observed"
    assert (out / "EF.CardAccess.bin").read_bytes()[0] == 0x31
    assert (out / "EF.ATR-INFO.bin").exists() and (out / "notes.txt").exists()
    assert not (out / "EF.DG11.bin").exists()


def test_read_compares_card_code_and_question(
    capsys: pytest.CaptureFixture[str], lay: Lay, cards: dict[str, CardProfile], holder: Holder
) -> None:
    lay(cards["vietnam"])
    code = f"{holder.number}||Nguyễn Văn Anh|17052006|Nam|Hà Nội|15012025"
    _, report = run_json(capsys, "read", "--qr", code)
    fields = report["comparison"]["fields"]
    assert report["comparison"]["verdict"] == fields["name"]["verdict"] == "differs"
    assert fields["date_of_birth"]["verdict"] == "same"
    assert holder.number not in json.dumps(report["comparison"])
    _, report = run_json(capsys, "read", "--cccd", holder.number, "--dob", "2006-05-17")
    assert report["comparison"]["fields"]["number"]["verdict"] == "same"


def test_what_a_kind_of_card_teaches_is_kept(
    capsys: pytest.CaptureFixture[str], lay: Lay, cards: dict[str, CardProfile], cache: Path
) -> None:
    lay(cards["vietnam"])
    arguments = ["read", "--cccd", "001206012345", "--dob", "2006-05-17"]
    first = run_json(capsys, *arguments)[1]["apdus"]
    assert cache.exists()
    assert run_json(capsys, *arguments)[1]["apdus"] == first - 2
    cache.write_text("nonsense")
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, json.loads(out)["apdus"]) == (1, first)  # unproven, without an anchor
    assert err.count("\n") == 1


def test_a_downgrade_is_asked_for_and_named(
    capsys: pytest.CaptureFixture[str],
    lay: Lay,
    cards: dict[str, CardProfile],
    authority: tuple[Issuer, Path],
) -> None:
    lay(profile_with(cards["vietnam-2024-pace"], "pace_refused"))
    arguments = ["read", "--cccd", "001206012345", "--dob", "2006-05-17"]
    arguments += ["--trust", str(authority[1] / "csca.pem")]
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, json.loads(out)["error"]) == (2, "chip_answered_wrongly")
    assert err.count("\n") == 1
    code, report = run_json(capsys, *arguments, "--access-policy", "bac_after_failure")
    assert (code, report["access"]["downgrade"]) == (0, "pace_failed")
    assert "access_downgraded" in report["reasons"]


def test_a_recording_replays_and_belongs_to_nobody(
    capsys: pytest.CaptureFixture[str],
    lay: Lay,
    cards: dict[str, CardProfile],
    holder: Holder,
    tmp_path: Path,
) -> None:
    lay(cards["vietnam"])
    masked, plain = tmp_path / "masked.json", tmp_path / "plain.json"
    arguments = ["read", "--cccd", holder.number, "--dob", "2006-05-17"]
    _, report = run_json(capsys, *arguments, "--record", masked, "--record-unmasked", plain)
    assert report["recording"] == str(masked)
    for path in (masked, plain):
        assert path.stat().st_mode & 0o077 == 0
        assert replay(Session.load(path)).identical
    assert json.loads(masked.read_text())["original"]["verdict"] == report["verdict"]
    assert holder.number.encode().hex() not in masked.read_text().lower()


def test_a_failing_card_is_recorded_too(
    capsys: pytest.CaptureFixture[str], lay: Lay, cards: dict[str, CardProfile], tmp_path: Path
) -> None:
    lay(profile_with(cards["vietnam-2024-pace"], "pace_refused"))
    plain = tmp_path / "plain.json"
    code, _, err = run(capsys, "read", "--can", "123456", "--record-unmasked", plain)
    assert (code, err.count("\n")) == (2, 1)
    assert replay(Session.load(plain)).identical


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
