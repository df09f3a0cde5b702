"""`card-reader issue` and `card-reader simulate`, as a tester calls them."""

import argparse
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from card_reader.cli import main
from card_reader.errors import UnreadableInputError
from card_reader.lds import dg1, dg11
from card_reader.simulator import commands
from card_reader.simulator.catalogue import CATALOGUE
from card_reader.simulator.issuer import CRL_FILE, Issuer, KeyKind
from card_reader.simulator.presets import PRESETS
from card_reader.simulator.profile import CardProfile, Defect
from card_reader.trust.crl import parse_crl

ROOT = Path(__file__).parents[3]
PORTRAIT = ROOT / "fixtures/portrait/portrait.jpg"
WITH_EVERYTHING = {
    "access": {"pace": [{"protocol": "PACE-ECDH-CAM-AES-CBC-CMAC-128", "parameter_id": 13}]},
    "chip_mapping": 13,
    "chip_authentication": [{}],
    "active_authentication": {"key": "P-256"},
}


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    parsed = parser.parse_args([str(argument) for argument in arguments])
    code: int = parsed.run(parsed)
    return code


@pytest.fixture(scope="module")
def issuer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One issuer for all tests that need no new one."""
    folder = tmp_path_factory.mktemp("issuer")
    Issuer.create(folder, kind=KeyKind.P256)
    return folder


def arguments_for(issuer: Path, out: Path) -> list[str | Path]:
    person: list[str | Path] = ["--number", "001206012345", "--sex", "M", "--portrait", PORTRAIT]
    person += ["--name", "Nguyễn Văn An", "--dob", "2006-05-17"]
    return ["issue", "--json", "--issuer", issuer, "--out", out, *person]


@pytest.fixture
def issue_arguments(issuer_folder: Path, tmp_path: Path) -> list[str | Path]:
    return arguments_for(issuer_folder, tmp_path / "card.json")


def written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_issue_makes_issuer_and_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issue_arguments = arguments_for(tmp_path / "issuer", tmp_path / "card.json")
    assert run(*issue_arguments, "--residence", "Số 1 Lê Lợi", "--quirk", "longest_read=160") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["date_of_expiry"] == "2031-05-17"
    assert result["document_number"] == "206012345"
    card = CardProfile.load(tmp_path / "card.json")
    assert card.quirks.longest_read == 160
    anchor = Issuer.load(tmp_path / "issuer").csca.certificate
    assert run(*issue_arguments) == 0  # the same issuer again
    assert Issuer.load(tmp_path / "issuer").csca.certificate == anchor


@pytest.mark.parametrize("defect", Defect)
def test_issue_with_each_defect(
    defect: Defect, issue_arguments: list[str | Path], tmp_path: Path
) -> None:
    recipe = written(tmp_path / "recipe.json", WITH_EVERYTHING)
    options: list[str | Path] = ["--recipe", recipe, "--defect", defect]
    options += ["--other-portrait", PORTRAIT]
    assert run(*issue_arguments, *options) == 0
    assert CardProfile.load(tmp_path / "card.json").defects == (defect,)


def test_a_withdrawn_authority_is_on_the_list(tmp_path: Path) -> None:
    issue_arguments = arguments_for(tmp_path / "issuer", tmp_path / "card.json")
    for _ in range(2):  # the second time it is there already
        assert run(*issue_arguments, "--defect", Defect.AUTHORITY_REVOKED) == 0
    folder = tmp_path / "issuer"
    withdrawn = Issuer.load(folder / "withdrawn").csca.certificate
    assert withdrawn.serial_number in parse_crl((folder / CRL_FILE).read_bytes()).serials
    assert len(Issuer.load(folder).crl) == 2


def test_issue_with_a_preset(issue_arguments: list[str | Path], tmp_path: Path) -> None:
    assert run(*issue_arguments, "--preset", "passport-pace-cam-aes256", "--can", "007007") == 0
    card = CardProfile.load(tmp_path / "card.json")
    assert len(card.pace) == 2
    assert card.access.can == "007007"
    assert card.master_files.keys() == {0x011C, 0x011D, 0x2F00, 0x2F01}


def test_a_passport_of_another_state(tmp_path: Path) -> None:
    person: list[str | Path] = ["--document-number", "L898902C3", "--expiry", "2032-04-15"]
    person += ["--name", "Eriksson, Anna Maria", "--dob", "1974-08-12", "--sex", "F"]
    recipe = written(tmp_path / "recipe.json", {"shape": "td3", "data_groups": [11, 12]})
    place: list[str | Path] = ["issue", "--issuer", tmp_path / "issuer"]
    place += ["--out", tmp_path / "card.json", "--recipe", recipe, "--country", "UT"]
    assert run(*place, *person, "--portrait", PORTRAIT) == 0
    card = CardProfile.load(tmp_path / "card.json")
    zone = dg1.parse(card.files[0x0101])
    assert (zone.issuing_state, zone.primary_identifier) == ("UTO", "ERIKSSON")
    assert dg11.parse(card.files[0x010B]).name == "Eriksson<<Anna<Maria"
    assert Issuer.load(tmp_path / "issuer").country == "UT"


def test_issue_with_quirks_by_name_and_by_switch(
    issue_arguments: list[str | Path], tmp_path: Path
) -> None:
    quirks = ["--quirk", "pace_wants_parameters", "--quirk", "com_missing"]
    assert run(*issue_arguments, *quirks, "--quirk", "longest_read=224") == 0
    card = CardProfile.load(tmp_path / "card.json")
    assert card.pace and card.quirks.pace_wants_parameters
    assert 0x011E not in card.files
    assert card.quirks.longest_read == 224


def test_the_list_needs_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["issue", "--list"])
    assert caught.value.code == 0
    listing: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert listing["presets"].keys() == PRESETS.keys() == listing["recipes"].keys()
    assert listing["defects"] == list(Defect)
    assert listing["quirks"].keys() == CATALOGUE.keys()
    assert listing["quirk_switches"]["longest_read"] == 65_536
    assert "brainpoolP320r1" in listing["keys"]


def test_whoever_stops_reading_the_list_sees_no_traceback() -> None:
    """As `card-reader issue --list | head -c 1` does."""
    program = "import sys; from card_reader.cli import main; sys.exit(main(['issue', '--list']))"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_an_unknown_quirk_is_no_matter_of_files(
    issuer_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "card.json"
    call = [*arguments_for(issuer_folder, out), "--quirk", "nope"]
    assert main([str(argument) for argument in call]) == 2
    error = capsys.readouterr().err
    assert "quirk 'nope' is none of" in error
    assert "path" not in error


@pytest.mark.parametrize(
    "wrong",
    [
        ["--number", "1"],
        ["--sex", "X"],
        ["--portrait", "none.jpg"],
        ["--out", "/nowhere/card.json"],
        ["--quirk", "nothing=1"],
        ["--quirk", "nothing"],
        ["--quirk", "longest_read=0"],
        ["--quirk", "longest_read=true"],
        ["--quirk", "extended_length=1"],
        ["--quirk", "end_of_file=never"],
        ["--defect", "portrait_exchanged"],
        ["--defect", "chip_key_cloned"],
        ["--defect", "data_group_tampered", "--data-group", "9"],
        ["--issuer", "/proc/issuer"],
        ["--can", "12345x"],
        ["--preset", "passport-extended-portrait", "--shape", "vietnam"],
        ["--recipe", "none.json"],
        ["--recipe", "none.json", "--preset", "vietnam"],
        ["--document-number", "L898902C"],
        ["--document-number", "L898902C", "--expiry", "2030-01-01"],
    ],
)
def test_issue_with_bad_input(issue_arguments: list[str | Path], wrong: list[str]) -> None:
    with pytest.raises(UnreadableInputError) as caught:
        run(*issue_arguments, *wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [["--dob", "17/05/2006"], ["--defect", "unknown"], ["--sex", "Z"], ["--preset", "unknown"]],
)
def test_issue_with_bad_arguments(issue_arguments: list[str | Path], wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*issue_arguments, *wrong)
    assert caught.value.code == 2


def test_simulate_knows_three_bit_rates() -> None:
    with pytest.raises(SystemExit) as caught:
        run("simulate", "card.json", "--timing", "100")
    assert caught.value.code == 2


def test_simulate_takes_the_time_of_a_card(card: CardProfile, tmp_path: Path) -> None:
    """The command against a socket that speaks vpcd's part: power on, one SELECT."""
    card.save(tmp_path / "card.json")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        command = [sys.executable, "-m", "card_reader.cli", "simulate", "--json"]
        process = subprocess.Popen(
            [*command, str(tmp_path / "card.json"), "--vpcd", address, "--timing", "106"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        server.settimeout(20)
        connection, _ = server.accept()
        with connection:
            select = bytes.fromhex("00A4040C07A0000002471001")
            connection.sendall(b"\x00\x01\x01" + len(select).to_bytes(2, "big") + select)
            connection.settimeout(20)
            assert connection.recv(4, socket.MSG_WAITALL) == b"\x00\x02\x90\x00"
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    result = json.loads(out)
    assert result["ended"] == "stopped"
    assert result["timing"]["kilobits"] == 106
    assert result["timing"]["apdus"] == 1
    assert result["timing"]["reader_ms"] == 0.0 < result["timing"]["air_ms"]
