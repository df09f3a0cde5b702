import dataclasses
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from item_builders import FIGURE, METADATA, cluster, multiple, numeric, single

from question_bank.assembly import BaseForm, BasePart, FormMapping, arrange
from question_bank.errors import AssemblyError, MalformedError, ScoringError
from question_bank.item import Stimulus
from question_bank.package import PresentedChoice, decode, encode
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse

SEED = bytes(range(32))
ITEMS = [single(f"q-single-{n}") for n in range(8)] + [cluster(), numeric(), multiple()]
BASE = BaseForm(
    "goc-1",
    "Toán, đề gốc 1",
    "Toán",
    90,
    (
        BasePart("PHẦN I", "<p>Chọn một.</p>", tuple(f"q-single-{n}" for n in range(8))),
        BasePart("PHẦN II", "", ("q-cluster", "q-numeric", "q-multiple")),
    ),
)


# Written down once; a change would break the replay of every exam held before.
EXPECTED_ORDER = [
    "q-single-4",
    "q-single-1",
    "q-single-7",
    "q-single-2",
    "q-single-6",
    "q-single-3",
    "q-single-5",
    "q-single-0",
    "q-numeric",
    "q-multiple",
    "q-cluster",
]
EXPECTED_FIRST_ID = "iudmg3fdnlxq4ly3k"


def test_the_arrangement_is_the_same_for_ever() -> None:
    arranged = arrange(BASE, ITEMS, code="0101", seed=SEED, exam="Kỳ thi thử")
    order = [arranged.mapping.items[item.id].item_id for item in arranged.form.items]
    assert order == EXPECTED_ORDER
    assert arranged.form.items[0].id == EXPECTED_FIRST_ID
    assert arranged == arrange(BASE, reversed(ITEMS), code="0101", seed=SEED, exam="Kỳ thi thử")


@given(st.binary(min_size=16, max_size=40), st.sampled_from(["0101", "0102", "Đ1"]))
def test_parts_hold_their_items_and_the_mapping_leads_back(seed: bytes, code: str) -> None:
    arranged = arrange(BASE, ITEMS, code=code, seed=seed, exam="e")
    assert decode(encode(arranged.form)) == arranged.form
    for part, base in zip(arranged.form.parts, BASE.parts, strict=True):
        assert part.title == base.title
        mapped = [arranged.mapping.items[item.id].item_id for item in part.items]
        assert Counter(mapped) == Counter(base.items)
    for item in arranged.form.items:
        if isinstance(item.interaction, PresentedChoice):
            back = arranged.mapping.items[item.id].options
            assert sorted(back[o.id] for o in item.interaction.options) == list("ABCD")


def test_fixed_options_stay_and_codes_differ() -> None:
    orders = set()
    for code in ("0101", "0102", "0103", "0104"):
        arranged = arrange(BASE, ITEMS, code=code, seed=SEED, exam="e")
        orders.add(tuple(arranged.mapping.items[i.id].item_id for i in arranged.form.items))
        for item in arranged.form.parts[0].items:
            assert isinstance(item.interaction, PresentedChoice)
            assert item.interaction.options[3].content == "Cả ba phương án trên"
    assert len(orders) == 4


def test_every_order_of_options_occurs_about_equally_often() -> None:
    seen: Counter[str] = Counter()
    form = dataclasses.replace(BASE, parts=(BasePart("I", "", ("q-single-0",)),))
    for n in range(600):
        arranged = arrange(form, ITEMS, code=str(n), seed=SEED, exam="e")
        item = arranged.form.items[0]
        assert isinstance(item.interaction, PresentedChoice)
        back = arranged.mapping.items[item.id].options
        seen["".join(back[o.id] for o in item.interaction.options)] += 1
    assert set(seen) == {"ABCD", "ACBD", "BACD", "BCAD", "CABD", "CBAD"}
    # Chi-squared with 5 degrees of freedom: 20.5 is exceeded with probability 0.001.
    assert sum((count - 100) ** 2 / 100 for count in seen.values()) < 20.5


def test_no_bank_id_key_or_author_is_in_the_bytes() -> None:
    data = encode(arrange(BASE, ITEMS, code="0101", seed=SEED, exam="e").form)
    telling = [item.id for item in ITEMS] + [BASE.id, BASE.title, FIGURE.id, METADATA.author]
    for word in [*telling, METADATA.code, METADATA.topic, "q-", "-1.5", "hinh-dap-an"]:
        assert word.encode() not in data
    assert SEED not in data


def test_ids_say_nothing_without_the_seed() -> None:
    one = arrange(BASE, ITEMS, code="0101", seed=SEED, exam="e").mapping.items
    other = arrange(BASE, ITEMS, code="0102", seed=SEED, exam="e").mapping.items
    third = arrange(BASE, ITEMS, code="0101", seed=SEED[::-1], exam="e").mapping.items
    assert not set(one) & set(other)
    assert not set(one) & set(third)


def test_mapping_has_a_plain_form() -> None:
    mapping = arrange(BASE, ITEMS, code="0101", seed=SEED, exam="e").mapping
    assert FormMapping.from_plain(json.loads(json.dumps(mapping.to_plain()))) == mapping
    with pytest.raises(MalformedError):
        FormMapping.from_plain({"i1": {"item": "x"}})


def test_responses_lead_back_to_the_bank() -> None:
    mapping = arrange(BASE, ITEMS, code="0101", seed=SEED, exam="e").mapping
    by_item = {mapped.item_id: shown for shown, mapped in mapping.items.items()}
    shown = by_item["q-single-0"]
    option = next(o for o, bank in mapping.items[shown].options.items() if bank == "B")
    assert mapping.to_bank(shown, ChoiceResponse((option,))) == ChoiceResponse(("B",))
    for foreign in (ChoiceResponse(("B",)), ClusterResponse({"s0": True})):
        with pytest.raises(ScoringError):
            mapping.to_bank(shown, foreign)
    with pytest.raises(ScoringError):
        mapping.to_bank("q-single-0", NumericResponse("1"))


@pytest.mark.parametrize(
    ("form", "seed"),
    [
        (dataclasses.replace(BASE, parts=(BasePart("I", "", ("q-none",)),)), SEED),
        (dataclasses.replace(BASE, parts=(BasePart("I", "", ("q-numeric", "q-numeric")),)), SEED),
        (dataclasses.replace(BASE, parts=(BasePart("I", "", ()),)), SEED),
        (BASE, b"short"),
    ],
)
def test_what_cannot_be_arranged_is_refused(form: BaseForm, seed: bytes) -> None:
    with pytest.raises(AssemblyError):
        arrange(form, ITEMS, code="0101", seed=seed, exam="e")


def test_a_missing_picture_is_refused() -> None:
    bare = [dataclasses.replace(item, media=()) for item in ITEMS]
    with pytest.raises(AssemblyError, match="picture"):
        arrange(BASE, bare, code="0101", seed=SEED, exam="e")


def test_an_item_with_a_passage_is_shown_with_it() -> None:
    reading = dataclasses.replace(single("q-reading"), stimulus=Stimulus("doan-1", "<p>…</p>"))
    form = dataclasses.replace(BASE, parts=(BasePart("I", "", ("q-reading",)),))
    shown = arrange(form, [reading], code="0101", seed=SEED, exam="e").form
    assert [(s.id == shown.items[0].stimulus, s.content) for s in shown.stimuli] == [
        (True, "<p>…</p>")
    ]
