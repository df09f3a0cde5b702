import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from item_builders import cluster, multiple, numeric, single

from question_bank.assembly import BaseForm, BasePart
from question_bank.bank_folder import BankFolder
from question_bank.errors import FileRefusedError, MalformedError
from question_bank.item import Item, ItemMetadata, MappedChoice, Stimulus
from question_bank.records import (
    base_form_from_plain,
    base_form_to_plain,
    item_from_plain,
    item_to_plain,
)

MAPPED = replace(multiple(), scoring=MappedChoice({"A": Decimal("0.5")}, upper=Decimal(1)))
READING = replace(
    single("q-reading"),
    stimulus=Stimulus("doan-van-1", "<p>Đoạn văn</p>"),
    explanation="<p>Vì sao là B</p>",
)
ITEMS = (single(), multiple(), cluster(), numeric(), MAPPED, READING)
FORM = BaseForm("goc-1", "Đề 1", "Toán", 90, (BasePart("I", "<p>a</p>", ("q-single",)),))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_an_item_comes_back_from_json(item: Item) -> None:
    assert item_from_plain(json.loads(json.dumps(item_to_plain(item)))) == item


def test_a_base_form_comes_back_from_json() -> None:
    assert base_form_from_plain(json.loads(json.dumps(base_form_to_plain(FORM)))) == FORM


@pytest.mark.parametrize(
    "change",
    [
        {"points": 0.25},
        {"points": "NaN"},
        {"version": 0},
        {"key": {"options": ["Z"]}},
        {"key": {"options": ["B"], "more": 1}},
        {"scoring": {"rule": "magic"}},
        {"metadata": {}},
        {"surplus": 1},
        {"media": [{"id": "a", "mime": "image/png", "data": "!"}]},
        {"interaction": {"kind": "essay"}},
        {"stimulus": {"id": "a b", "content": ""}},
        {"stimulus": {"id": "a"}},
        {"explanation": 1},
    ],
)
def test_other_shapes_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        item_from_plain(item_to_plain(single()) | change)


def test_a_bank_folder_keeps_every_version(tmp_path: Path) -> None:
    bank = BankFolder(tmp_path / "bank")
    assert bank.add_items([single(), cluster()]) == 2
    assert bank.add_items([single(), cluster()]) == 0
    changed = replace(single(), metadata=ItemMetadata(topic="Mới"))
    assert bank.add_items([changed]) == 1
    assert bank.items() == (cluster(), replace(changed, version=2))
    bank.add_base_forms([FORM])
    assert bank.base_forms() == (FORM,)
    names = sorted(path.name for path in (tmp_path / "bank/items/q-single").iterdir())
    assert names == ["1.json", "2.json"]


def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError):
        BankFolder(tmp_path).add_items([replace(single(), id="../x")])
    assert list(tmp_path.rglob("*.json")) == []
