"""Near-duplicates in the server's bank: found, bounded by rights, and never in the clear."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from bank_world import MATHS, PHYSICS, Bank, maths_item

from exam_server import db
from exam_server.items import alike, exports, keeping, life
from exam_server.items.models import Act, ItemCard, ItemTraits
from exam_server.items.rights import rights_of
from exam_server.items.traits import KnownTraits
from exam_server.sealing import SealBrokenError
from question_bank.duplicates import Facet, Likeness, sketch_of, traits_of
from question_bank.item import ChoiceKey, Item, Option, SingleChoice

STEM = "Thể tích của khối lập phương cạnh 4 bằng bao nhiêu"


def _item(name: str, stem: str = STEM, options: str = "16 64 12 48", subject: str = MATHS) -> Item:
    shown = tuple(Option(i, text) for i, text in zip("ABCD", options.split(), strict=True))
    return replace(
        maths_item(name, stem, subject=subject),
        interaction=SingleChoice(shown), key=ChoiceKey(("B",)),
    )  # fmt: skip


def _like(bank: Bank, who: str, item_id: str) -> dict[str, Likeness]:
    with db.reading(bank.engine) as session:
        card = session.get_one(ItemCard, item_id)
        item = keeping.read(session, card, sealing=bank.sealing).item
        rights = rights_of(session, bank.people[who])
        found = alike.of_item(session, rights, item_id, item, KnownTraits(), bank.sealing)
        return {one.name: one.match.likeness for one in found.bank}


def _of_file(bank: Bank, who: str, *items: Item) -> list[alike.Likenesses]:
    with db.reading(bank.engine) as session:
        return alike.of_file(session, bank.people[who], items, KnownTraits(), sealing=bank.sealing)


@pytest.fixture
def items(bank: Bank) -> dict[str, str]:
    made = {
        item.id: bank.create("soan2", item)
        for item in (
            _item("goc"),
            _item("dao", options="48 64 16 12"),
            _item("so", STEM.replace("4", "5"), "25 125 15 75"),
            _item("noi", "Khối lập phương cạnh 4 có thể tích bằng bao nhiêu", "64 16 48 12"),
            _item("khac", "Đạo hàm của hàm số sin x là hàm số nào", "cos -cos tan cot"),
        )
    }
    made["mat"] = bank.create("soan2", _item("mat"), secret=True)
    made["ly"] = bank.create("ly", _item("ly", subject=PHYSICS))
    return made


def test_every_way_of_being_alike_is_found(bank: Bank, items: dict[str, str]) -> None:
    assert _like(bank, "soan", items["goc"]) == {
        "dao": Likeness.SHUFFLED,
        "so": Likeness.RENUMBERED,
        "noi": Likeness.PARAPHRASE,
    }
    assert _like(bank, "soan", items["khac"]) == {}


def test_rights_bound_what_is_told(bank: Bank, items: dict[str, str]) -> None:
    open_ones = {"dao", "so", "noi"}
    assert set(_like(bank, "soan", items["goc"])) == open_ones
    assert set(_like(bank, "soan2", items["goc"])) == open_ones | {"mat"}
    assert set(_like(bank, "phanbien2", items["goc"])) == open_ones
    assert set(_like(bank, "hoidong", items["goc"])) == open_ones | {"mat", "ly"}
    assert _like(bank, "moi", items["goc"]) == _like(bank, "giamthi", items["goc"]) == {}


def test_a_copy_of_a_secret_item_tells_those_without_rights_nothing(bank: Bank) -> None:
    bank.create("soan2", _item("mat"), secret=True)
    for who in ("soan", "phanbien2", "ly", "moi"):
        (found,) = _of_file(bank, who, _item("thu"))
        assert not found and found.more == 0
        with db.reading(bank.engine) as session:
            told = alike.findings(
                session, bank.people[who], [_item("thu")], sealing=bank.sealing
            )  # fmt: skip
        assert told.found == () and not told.more
    (found,) = _of_file(bank, "soan2", _item("thu"))
    assert [one.name for one in found.bank] == ["mat"]


def test_traits_lie_sealed_and_bound_to_their_item(bank: Bank) -> None:
    item, other = bank.create("soan2", _item("a")), bank.create("soan2", _item("b"), secret=True)
    plain = traits_of(sketch_of(_item("a"))).all
    with db.reading(bank.engine) as session:
        rows = [session.get_one(ItemTraits, one) for one in (item, other)]
    assert rows[0].traits != rows[1].traits
    assert not any(one in row.traits for row in rows for one in plain)
    with db.transaction(bank.engine) as session:
        session.get_one(ItemTraits, other).traits = rows[0].traits
    with pytest.raises(SealBrokenError):
        _like(bank, "soan2", item)


def test_what_a_process_has_opened_follows_every_change(bank: Bank, items: dict[str, str]) -> None:
    known = KnownTraits()

    def names() -> set[str]:
        with db.reading(bank.engine) as session:
            rights = rights_of(session, bank.people["soan"])
            found = alike.of_item(
                session, rights, items["goc"], _item("goc"), known, bank.sealing
            )  # fmt: skip
            return {one.name for one in found.bank}

    assert names() == {"dao", "so", "noi"}
    bank.save("soan", items["dao"], _item("dao", "Diện tích của mặt cầu có bán kính một mét"))
    assert names() == {"so", "noi"}
    bank.do(life.make_secret, "phanbien", items["so"], reason="giữ lại")
    assert names() == {"noi"}
    wish = bank.do(exports.ask, "phanbien", items["so"], "đã thi", opens=True)
    bank.do(exports.decide, "hoidong", wish, granted=True)
    bank.save("soan", items["dao"], _item("dao", options="48 64 16 12"))
    assert names() == {"dao", "so", "noi"}


def test_the_newest_version_alone_counts(bank: Bank, items: dict[str, str]) -> None:
    bank.save("soan", items["dao"], _item("dao", "Diện tích của mặt cầu có bán kính một mét"))
    assert "dao" not in _like(bank, "soan", items["goc"])


def test_items_of_a_file_are_compared_with_the_bank_and_each_other(
    bank: Bank, items: dict[str, str]
) -> None:
    new = _item("moi-1", "Một câu hỏi chưa có trong ngân hàng về tích phân", "1 2 3 4")
    brought = [_item("x"), new, replace(new, id="moi-2"), *(_item(f"n{n}") for n in range(9))]
    found = _of_file(bank, "soan", *brought)
    assert [one.name for one in found[0].bank][:1] == ["goc"]
    assert not found[0].here and not found[1]
    assert [(one.name, one.likeness) for one in found[2].here] == [("1", Likeness.IDENTICAL)]
    assert {one.name for one in found[-1].here} >= {"0", "10"}


def test_a_command_line_is_told_in_words_and_nothing_of_a_secret_items_text(
    bank: Bank, items: dict[str, str]
) -> None:
    wrong = replace(_item("x"), key=ChoiceKey(("A",)))
    with db.reading(bank.engine) as session:
        found = alike.findings(session, bank.people["soan2"], [wrong], sealing=bank.sealing)
    told = {one.match.name: one for one in found.found}
    assert told["goc"].told() == (
        "asks word for word what the item goc of the bank asks; another answer is right"
    )
    assert told["mat"].explanation.changes == () and not told["mat"].explanation.other_key


def test_groups_of_the_whole_bank_need_nothing_opened(
    bank: Bank, items: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> Item:
        raise AssertionError("an item was opened")

    monkeypatch.setattr(keeping, "unsealed", opened)

    def groups(who: str) -> list[tuple[Facet, list[str]]]:
        with db.reading(bank.engine) as session:
            found = alike.groups(
                session, rights_of(session, bank.people[who]), KnownTraits(), sealing=bank.sealing
            )
        return [(one.facet, sorted(name for _, name in one.items)) for one in found]

    assert groups("soan") == [
        (Facet.QUESTION, ["dao", "goc"]),
        (Facet.FRAME, ["dao", "goc", "so"]),
    ]
    assert groups("hoidong") == [
        (Facet.QUESTION, ["dao", "goc", "ly", "mat"]),
        (Facet.FRAME, ["dao", "goc", "ly", "mat", "so"]),
    ]
    assert groups("ly") == groups("moi") == []


def test_items_of_an_older_program_get_their_traits(bank: Bank, items: dict[str, str]) -> None:
    with db.transaction(bank.engine) as session:
        session.execute(sa.delete(ItemTraits).where(ItemTraits.item_id == items["dao"]))
        card = session.get_one(ItemCard, items["dao"])
        card.topic = "Chuyển sang đây"
        session.add(card)
        session.flush()
        assert keeping.index_all(session, sealing=bank.sealing, now=bank.at()) == 1
        assert keeping.index_all(session, sealing=bank.sealing, now=bank.at()) == 0
        assert session.get_one(ItemCard, items["dao"]).topic == "Chuyển sang đây"
    assert "dao" in _like(bank, "soan", items["goc"])


def test_looking_for_duplicates_is_no_look_at_a_secret_item(
    bank: Bank, items: dict[str, str]
) -> None:
    _like(bank, "soan2", items["goc"])
    assert all(event.act is not Act.SEEN for event in bank.history(items["mat"]))
