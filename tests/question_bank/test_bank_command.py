import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from item_builders import cluster, multiple, numeric, single

from question_bank.assembly import BaseForm, BasePart
from question_bank.bank_folder import BankFolder
from question_bank.cli import main
from question_bank.interactions import Composite, Part, TextEntry
from question_bank.interchange.qti3_writer import write_item, write_package
from question_bank.item import ChoiceKey, Item, Option, SingleChoice
from question_bank.item_summary import item_summary
from question_bank.keys import AllOrNothing, CompositeKey, TextKey

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


def test_a_case_without_responses_gave_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, cases = tmp_path / "item.xml", tmp_path / "item.cases.json"
    file.write_bytes(write_item(single()))
    told = [
        {"id": "a"},
        {"id": "b", "responses": None},
        {"id": "c", "responses": {"RESPONSE": "B"}},
    ]
    cases.write_text(json.dumps(told))
    assert main(["score", str(file), "--cases", str(cases), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)["cases"]
    assert [case["outcomes"]["SCORE"] for case in scored] == [0, 0, 0.25]


@pytest.mark.parametrize("gaps", [1, 2])
def test_the_key_of_a_single_gap_is_a_list(gaps: int) -> None:
    names = [f"R{n}" for n in range(gaps)]
    item = Item(
        "q",
        "".join(f'<p>x <span data-part="{name}"></span></p>' for name in names),
        Composite(tuple(Part(name, TextEntry()) for name in names)),
        CompositeKey({name: TextKey(("a", "b")) for name in names}),
        AllOrNothing(),
        Decimal(1),
    )
    assert item.kind == "gap"
    key = item_summary(item)["key"]
    assert key == (["a", "b"] if gaps == 1 else {name: ["a", "b"] for name in names})


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
    file.write_bytes(write_item(numeric()).replace(b'base-type="float"', b'base-type="pair"'))
    assert main(["show", str(file), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["items"] == []
    assert set(shown["problems"][0]) == {"file", "line", "element", "message", "severity"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("paper.docx", b"not a zip"),
        ("quiz.odt", b"::a:: b {=c}"),
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


@pytest.mark.slow
def test_names_and_locales_that_are_no_text_break_nothing(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/de\xff.csv"
    rows = "Câu hỏi,A,B,Đáp án\nSố nào?,1,2,C\nSố nào?,1,2,A\n"
    Path(os.fsdecode(name)).write_text(rows, encoding="utf-8")
    command = [sys.executable, "-m", "question_bank.cli", "show", "--json", os.fsdecode(name)]
    for coding in ("ascii:strict", "utf-8:strict"):
        environment = os.environ | {"PYTHONIOENCODING": coding}
        result = subprocess.run(command, capture_output=True, check=False, env=environment)
        assert result.returncode == 1 and not result.stderr
        shown = json.loads(result.stdout)
        assert len(shown["items"]) == len(shown["problems"]) == 1
        assert shown["items"][0]["stem"] == "Số nào?"


def test_what_is_no_file_of_a_disk_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "/dev/zero"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_wrong_call_is_one_line() -> None:
    command = [sys.executable, "-m", "question_bank.cli", "show"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "file" in result.stderr


def _bank(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    items = [replace(item, media=(), stem="<p>x</p>") for item in (single(), numeric())]
    form = BaseForm("de", "Đề", "Toán", 45, (BasePart("I", "", tuple(i.id for i in items)),))
    BankFolder(folder).add_items(items)
    BankFolder(folder).add_base_forms([form])
    return folder


@pytest.mark.parametrize("form", ["qti3", "qti2.2"])
def test_a_bank_goes_out_and_comes_back(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, file, other = _bank(tmp_path), tmp_path / "goi.zip", tmp_path / "other"
    call = ["export", "--bank", str(bank), "--format", form, "--out", str(file), "--json"]
    assert main(call) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "exported": 2,
        "base_forms": 1,
        "format": form,
        "file": str(file),
        "problems": [],
    }
    assert main(["import", str(file), "--bank", str(other)]) == 0
    assert BankFolder(other).items() == BankFolder(bank).items()
    assert BankFolder(other).base_forms() == BankFolder(bank).base_forms()


def test_named_items_go_out_without_forms_that_hold_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["export", "q-single", "--bank", str(_bank(tmp_path)), "--format", "qti3"]
    assert main([*call, "--out", str(tmp_path / "goi.zip"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["exported"], told["base_forms"]) == (1, 0)


@pytest.mark.parametrize(
    ("items", "bank", "out"),
    [(["q-none"], "bank", "goi.zip"), ([], "nowhere", "goi.zip"), ([], "bank", "none/goi.zip")],
)
def test_what_cannot_go_out_is_one_line(
    items: list[str], bank: str, out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _bank(tmp_path)
    call = ["export", *items, "--bank", str(tmp_path / bank), "--format", "qti3"]
    assert main([*call, "--out", str(tmp_path / out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not list(tmp_path.glob("**/*.part"))


def test_an_item_that_takes_anothers_place_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, file = str(tmp_path / "bank"), tmp_path / "de.zip"
    told = []
    for stem in ("<p>một</p>", "<p>một</p>", "<p>hai</p>"):
        file.write_bytes(write_package([replace(single(), media=(), stem=stem)], []))
        assert main(["import", str(file), "--bank", bank, "--json"]) == 0
        problems = json.loads(capsys.readouterr().out)["problems"]
        told.append([(p["element"], p["message"]) for p in problems])
    message = "is in the bank with other content; became version 2"
    assert told == [[], [], [("q-single", message)]]


@pytest.fixture
def copies(tmp_path: Path) -> tuple[Path, Path]:
    """A bank of one item, and a file with two copies of it and an item of its own."""
    options = tuple(Option(one, text) for one, text in zip("ABC", ("2", "5", "9"), strict=True))
    item = replace(
        single("goc", "A"), media=(), stem="<p>Câu 1. Tính tổng của 2 và 3 rồi cộng thêm 4</p>",
        interaction=SingleChoice(options),
    )  # fmt: skip
    turned = SingleChoice(
        tuple(replace(one, id=i) for one, i in zip(options[::-1], "ABC", strict=True))
    )
    shuffled = replace(item, id="dao", interaction=turned, key=ChoiceKey(("C",)))
    renumbered = replace(item, id="so", stem=item.stem.replace("3", "30"), key=ChoiceKey(("B",)))
    other = replace(numeric("rieng"), stem="<p>Chu vi hình vuông cạnh bằng một mét</p>")
    bank, file = tmp_path / "bank", tmp_path / "moi.zip"
    BankFolder(bank).add_items([item])
    file.write_bytes(write_package([shuffled, renumbered, other], []))
    return bank, file


def test_import_warns_of_duplicates_and_takes_them(
    copies: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bank, file = copies
    assert main(["import", str(file), "--bank", str(bank), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["imported"] == 3
    warnings = {one["element"]: one for one in told["problems"]}
    assert set(warnings) == {"dao", "so"}
    assert all(one["severity"] == "warning" for one in warnings.values())
    assert warnings["dao"]["message"] == (
        "is the item goc of the bank with its options in another order"
    )
    assert (
        "the item goc of the bank with other numbers; another answer is right"
        in (warnings["so"]["message"])
    )
    assert main(["import", str(file), "--bank", str(bank), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["imported"] == 0, "an item that comes again is no duplicate of itself"


def test_duplicates_of_a_file_in_a_bank(
    copies: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bank, file = copies
    assert main(["duplicates", str(bank), str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["items"] == 3 and told["more"] == {} and told["problems"] == []
    found = {(one["item"], one["of"]): one for one in told["duplicates"]}
    assert set(found) == {("dao", "goc"), ("so", "goc"), ("so", "dao")}
    assert found["dao", "goc"] | {"differences": []} == {
        "item": "dao", "of": "goc", "in": "bank", "likeness": "shuffled", "similarity": 1.0,
        "reordered": True, "other_key": False, "differences": [],
    }  # fmt: skip
    assert found["so", "dao"]["in"] == "file"
    stem, key = found["so", "goc"]["differences"]
    assert stem["part"] == "stem" and {"mark": "added", "text": "30"} in stem["pieces"]
    assert key["part"] == "key" and found["so", "goc"]["other_key"]


def test_duplicates_inside_a_bank(
    copies: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    bank, file = copies
    assert main(["duplicates", str(bank), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"items": 1, "duplicates": [], "more": {}}
    assert main(["import", str(file), "--bank", str(bank)]) == 0
    capsys.readouterr()
    assert main(["duplicates", str(bank)]) == 1
    printed = capsys.readouterr().out
    assert "goc is the item dao of the bank with its options in another order" in printed
    assert "rieng" not in printed and "[-" in printed and "{+" in printed
    assert main(["duplicates", str(file)]) == 2


def test_files_of_one_name_do_not_take_each_others_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids come of a file's name: of two `de.csv` the second one became version 2 of the first."""
    files = []
    for folder, stem in (("a", "Một?"), ("b", "Hai?")):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / "de.csv")
        files[-1].write_text(f"Câu hỏi,A,B,Đáp án\n{stem},x,y,A\n", encoding="utf-8")
    bank = tmp_path / "bank"
    assert main(["import", *map(str, files), "--bank", str(bank), "--json"]) == 2
    assert "another name" in json.loads(capsys.readouterr().out)["error"]
    assert not BankFolder(bank).items()
