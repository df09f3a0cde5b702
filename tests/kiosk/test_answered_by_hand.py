"""The demo's candidate at the paper of every interaction: hands on the widgets, marks by the
scorer, both held against what people wrote into the fixture."""

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from kiosk_stage import Kiosk
from PySide6.QtTest import QTest

from demo.answers import SCIENCE, personas
from demo.autopilot import Autopilot, kinds_of
from exam_station.flow.codes import Language
from exam_station.flow.events import UserChangedLanguage
from question_bank.assembly import arrange
from question_bank.content import plain_text
from question_bank.interactions import Kind
from question_bank.interchange.qti3 import read_qti3
from question_bank.package import decode, encode
from question_bank.scoring import score_form

PACKAGE = SCIENCE.parent / "science.zip"
HOA = personas(SCIENCE)["hoa"]


def play(kiosk: Kiosk, folder: Path) -> list[dict[str, Any]]:
    """What the autopilot tells until it asks to hand in, or is lost."""
    told: list[dict[str, Any]] = []
    autopilot = Autopilot(
        kiosk.window, HOA["answers"], left_open=frozenset(), stop_at=None, pictures=folder,
        prefix="hand", tell=told.append,
    )  # fmt: skip
    autopilot.start()
    while not any(one.get("screen") == "ConfirmSubmit" or one["event"] == "lost" for one in told):
        QTest.qWait(20)
    autopilot.stop()
    return told


@pytest.mark.slow
@pytest.mark.qt_log_ignore("does not support", extend=True)
@pytest.mark.parametrize(
    ("language", "size"), [(Language.VI, (1600, 900)), (Language.EN, (1366, 768))]
)
def test_hands_answer_every_kind_and_earn_what_was_foretold(
    kiosk: Kiosk, tmp_path: Path, language: Language, size: tuple[int, int]
) -> None:
    paper = read_qti3(PACKAGE.read_bytes(), PACKAGE.name)
    arranged = arrange(
        paper.base_forms[0], paper.items, code="0201", seed=bytes(32), exam="Kỳ thi thử"
    )
    kiosk.begin(decode(encode(arranged.form)))
    kiosk.window.resize(*size)
    kiosk.act(UserChangedLanguage(language))
    told = play(kiosk, tmp_path)
    assert [one for one in told if one["event"] == "lost"] == []
    given = {kind for one in told if one["event"] == "answered" for kind in one["kinds"]}
    assert given == {*get_args(Kind)}
    result = score_form(arranged.mapping, paper.items, kiosk.written)
    marks = {item.id: result.scores[item.id].raw for item in arranged.form.items}
    foretold = {
        item.id: Decimal(HOA["answers"][plain_text(item.stem)]["marks"])
        for item in arranged.form.items
    }
    assert marks == foretold
    assert (result.total, result.maximum, result.external) == tuple(
        Decimal(HOA[name]) for name in ("total", "maximum", "awaiting")
    )


def test_the_foretold_sums_are_those_of_the_items() -> None:
    answers = HOA["answers"].values()
    assert sum(Decimal(one["marks"]) for one in answers) == Decimal(HOA["total"])
    assert sum(Decimal(marks) for marks, _ in HOA["parts"]) == Decimal(HOA["total"])
    assert sum(Decimal(most) for _, most in HOA["parts"]) == Decimal(HOA["maximum"])
    by_people = [Decimal(one) for one in HOA["marks_of_people"]]
    whole = Decimal(HOA["total"]) + sum(by_people) / len(by_people)
    assert abs(whole - Decimal(HOA["total_marked"])) <= Decimal("0.005")
    assert {kind for one in answers for kind in kinds_of(one)} == {*get_args(Kind)}
