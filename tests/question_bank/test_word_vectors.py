"""Real papers as Word files beside the same questions as JSON (the shared vectors `vn`).

The files have a column of ids, by which questions are compared: key, options, stem (with its
passage) after white-space normalisation, and the pictures beside question and explanation.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from question_bank.content import media_ids, plain_text
from question_bank.interchange.word import read_word
from question_bank.item import ChoiceKey, Item, options_of

FOLDER = Path(__file__).parents[2] / "../shared/vectors/vn"
# The Word file says more than its JSON: the formula at the stem's end is only there.
FULLER_IN_WORD = {"MET_Math_IE_2019_14"}
LABEL = re.compile(r"(Câu|Question)\s*\d+\s*[.:)]?")
BLANK = re.compile(r"\(\d+\)$")
LEAST = 0.99

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.exists(), reason="shared vectors are absent"),
]


@dataclass(frozen=True, slots=True)
class Paper:
    name: str
    items: dict[str, Item]
    told: list[dict[str, str]]


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    found = []
    for name in json.loads((FOLDER / "expected.json").read_text()):
        file = FOLDER / f"{name}.docx"
        imported = read_word(file.read_bytes(), file.name)
        assert not imported.has_errors
        told = json.loads(file.with_suffix(".json").read_text())
        found.append(Paper(name, {item.id: item for item in imported.items}, told))
    return found


def test_every_question_is_an_item_with_its_key(papers: list[Paper]) -> None:
    expected = json.loads((FOLDER / "expected.json").read_text())
    for paper in papers:
        keys = Counter(
            key
            for item in paper.items.values()
            if isinstance(item.key, ChoiceKey)
            for key in item.key.options
        )
        shown = sum(bool(_pictures(item)) for item in paper.items.values())
        assert len(paper.items) == expected[paper.name]["items"], paper.name
        assert keys == expected[paper.name]["choices"], paper.name
        assert shown == expected[paper.name]["with_image"], paper.name


def test_stems_options_and_keys_agree(papers: list[Paper]) -> None:
    compared, differing = 0, []
    for paper in papers:
        for question in paper.told:
            item = paper.items[question["ID"]]
            compared += 1
            if not _agrees(item, question) and question["ID"] not in FULLER_IN_WORD:
                differing.append(question["ID"])
    assert compared == 260
    assert len(differing) <= (1 - LEAST) * compared, differing
    assert not differing


def test_pictures_stand_beside_their_question(papers: list[Paper]) -> None:
    for paper in papers:
        for question in paper.told:
            item = paper.items[question["ID"]]
            answer = [name for name in question["Image_Answer"].split(";") if name.strip()]
            assert bool(_pictures(item)) == bool(question["Image_Question"]), question["ID"]
            assert len(media_ids(item.explanation)) == len(answer), question["ID"]


def test_questions_about_one_text_share_it(papers: list[Paper]) -> None:
    english = next(paper for paper in papers if paper.name.startswith("English"))
    passages = Counter(i.stimulus.id for i in english.items.values() if i.stimulus is not None)
    assert sorted(passages.values()) == [5, 5, 7]


def _pictures(item: Item) -> tuple[str, ...]:
    parts = [item.stem, *(option.content for option in options_of(item.interaction))]
    return tuple(name for part in parts for name in media_ids(part))


def _agrees(item: Item, question: dict[str, str]) -> bool:
    """Key, and the whole text with its options as the JSON has it."""
    labelled = [f"{o.id}. {plain_text(o.content)}" for o in options_of(item.interaction)]
    stem = plain_text(item.stem)
    passage = plain_text(item.stimulus.content) if item.stimulus is not None else ""
    if passage:  # the instruction stands before it, the question after it
        told = _squeezed(LABEL.sub("", question["Question"], count=1))
        whole = _squeezed(passage)
        same = whole in told and told.replace(whole, "") == _squeezed(
            BLANK.sub("", stem) + "".join(labelled)
        )
    else:
        told = _squeezed(LABEL.sub("", question["Question"], count=1))
        same = told == _squeezed(stem + "".join(labelled))
    return same and item.key == ChoiceKey((question["Choice"].strip(),))


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
