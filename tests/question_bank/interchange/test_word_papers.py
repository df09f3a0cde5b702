"""The small papers of `fixtures/word`, each with one feature, against what their maker says."""

import json
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from question_bank.cli import main

FOLDER = Path(__file__).parents[3] / "fixtures" / "word"
PAPERS = sorted(file.stem for file in FOLDER.glob("*.docx"))
# Told of every paper that has lines before its first question.
HEADINGS = {"text outside of any question", "heading", "closing line"}


def _shown(name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    main(["show", str(FOLDER / f"{name}.docx"), "--json"])
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return shown


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_holds_what_its_maker_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    shown = _shown(name, capsys)
    pairs = zip_longest(shown["items"], expected["items"], fillvalue={})
    assert [_as_expected(item, told) for item, told in pairs] == expected["items"]
    told = expected.get("problems", {"error": [], "warning": []})
    for severity in ("error", "warning"):
        found = {p["element"] for p in shown["problems"] if p["severity"] == severity}
        assert sorted(found - HEADINGS) == told[severity], severity
    assert all(p["file"] == f"{name}.docx" and p["message"] for p in shown["problems"])


def _as_expected(item: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """The item with the keys that are told of it."""
    plain = {
        **item,
        "options": [option["text"] for option in item.get("options", ())],
        "media": len(item.get("media", ())),
        "stimulus": item.get("stimulus", {}).get("text", ""),
    }
    return {key: plain.get(key, "") for key in told}


def test_the_papers_are_those_of_their_maker(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fixtures.word import make_papers;"
        "make_papers.FOLDER = Path(sys.argv[1]); make_papers.main()"
    )
    root = FOLDER.parents[1]
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=root)
    made = sorted(file.name for file in tmp_path.iterdir())
    assert made == sorted(f.name for f in FOLDER.iterdir() if f.suffix in (".docx", ".json"))
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (FOLDER / file.name).read_bytes(), file.name
