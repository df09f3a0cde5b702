import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from item_builders import cluster, multiple, numeric, single

from question_bank.cli import main
from question_bank.interchange.qti3_writer import write_item
from question_bank.item import Item

MATHS = Path(__file__).parents[2] / "fixtures" / "maths" / "maths-2025.zip"


def test_show_prints_the_agreed_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(MATHS), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"items", "problems"}
    first = shown["items"][0]
    assert set(first) == {"id", "kind", "stem", "options", "key", "points", "media"}
    assert first["kind"] == "single" and first["key"] == ["A"] and first["points"] == 0.25
    assert first["options"][0] == {"id": "A", "text": "$x^{3}+x^{2}+C$"}
    assert shown["items"][12]["key"] == ["true", "true", "false", "true"]
    assert shown["items"][18]["key"] == "1.92"


def test_import_fills_a_folder_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = str(tmp_path / "bank")
    for expected in (44, 0):
        assert main(["import", str(MATHS), "--bank", bank, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["imported"] == expected
    assert len(list((tmp_path / "bank/forms").iterdir())) == 2


@pytest.mark.parametrize(
    ("item", "responses", "marks"),
    [
        (replace(single(), media=(), stem="<p>a</p>"), ["B", ["B"], "A", None], [0.25, 0.25, 0, 0]),
        (multiple(), [["A", "C"], ["A"], None], [1, 0, 0]),
        (cluster(), [["s0 T", "s1 F", "s2 T", "s3 F"], ["s0 T"], []], [0.5, 0.1, 0]),
        (numeric(), ["-1.5", -1.5, "2"], [0.5, 0.5, 0]),
    ],
)
def test_score_takes_cases(
    item: Item, responses: list[object], marks: list[float], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    file, cases = tmp_path / "item.xml", tmp_path / "item.cases.json"
    file.write_bytes(write_item(item))
    cases.write_text(
        json.dumps([{"id": f"c{n}", "responses": {"RESPONSE": r}} for n, r in enumerate(responses)])
    )
    assert main(["score", str(file), "--cases", str(cases), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)["cases"]
    assert [case["id"] for case in scored] == [f"c{n}" for n in range(len(responses))]
    assert [case["outcomes"]["SCORE"] for case in scored] == marks


def test_a_file_with_errors_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "item.xml"
    file.write_bytes(write_item(numeric()).replace(b'base-type="float"', b'base-type="string"'))
    assert main(["show", str(file), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["items"] == []
    assert set(shown["problems"][0]) == {"file", "line", "element", "message", "severity"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("paper.docx", b"not a zip"),
        ("quiz.gift", b"::a:: b {=c}"),
        ("broken.xml", b"<a>"),
        ("other.xml", b"<quiz/>"),
        ("broken.zip", b"PK\x03\x04"),
    ],
)
def test_unusable_files_exit_2_with_one_line(
    name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    assert main(["show", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["show", "no-such-file.xml"], ["show", "/"], ["score", str(MATHS), "--cases", str(MATHS)]],
)
def test_unusable_calls_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_wrong_call_is_one_line() -> None:
    command = [sys.executable, "-m", "question_bank.cli", "show"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "file" in result.stderr
