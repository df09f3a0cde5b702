"""What a file brought is its writer's, as long as such items are."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from bank_world import MATHS, Bank, maths_item
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlmodel import select

from exam_server import db
from exam_server.audit import Operator
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import importing, rights
from exam_server.items.models import ItemCard
from exam_server.items.reading_apart import Reading
from exam_server.sealing import Sealed, Sealing
from exam_server.staff import Staff
from question_bank.item import Item


@pytest.mark.parametrize("still", ["nothing", "open ones"])
def test_a_file_of_secret_items_is_closed_with_the_right_to_them(bank: Bank, still: str) -> None:
    officer, readings = bank.people["soan2"], importing.Readings()
    with db.transaction(bank.engine) as session:
        brought = importing.keep(
            session, officer, Reading((maths_item(),), (), {}), file="mat.docx", subject=MATHS,
            secret=True, sealing=bank.sealing, now=bank.at(),
        )  # fmt: skip
        importing.opened(session, officer, brought, readings, sealing=bank.sealing)
        person = session.get_one(Staff, officer.id)
        if still == "nothing":
            rights.withdraw(session, person, MATHS, by=Operator(), now=bank.at())
        else:
            rights.grant(session, person, MATHS, secret=False, by=Operator(), now=bank.at())
        with pytest.raises(NotPossibleError) as caught:
            importing.opened(session, officer, brought, readings, sealing=bank.sealing)
        assert caught.value.objection is Objection.NOT_FOUND


def _kept(bank: Bank, who: str, items: Sequence[Item]) -> str:
    kept = bank.do(
        importing.keep, who, Reading(tuple(items), (), {}), file="mat.docx", subject=MATHS,
        secret=False,
    )  # fmt: skip
    return str(kept)


def _take(bank: Bank, who: str, brought: str, places: Iterable[int]) -> list[str]:
    return importing.take(
        bank.engine,
        bank.people[who],
        brought,
        places,
        importing.Readings(),
        sealing=bank.sealing,
        clock=bank.at,
    )


def _metadata(item: Item, enemy: str) -> Item:
    return replace(item, metadata=replace(item.metadata, enemies=(enemy,)))


def test_others_write_while_a_large_file_is_taken(bank: Bank) -> None:
    many = importing.CHUNK * 2 + 5
    brought = _kept(bank, "soan", [maths_item(f"c{one}") for one in range(many)])
    sizes = list[int]()

    @event.listens_for(bank.engine, "commit")
    def ends(_connection: Connection) -> None:
        with db.reading(bank.engine) as session:
            found = session.exec(select(ItemCard.item_id)).all()
        sizes.append(len(found))

    assert len(set(_take(bank, "soan", brought, range(many)))) == many
    event.remove(bank.engine, "commit", ends)
    assert sizes == [0, importing.CHUNK, 2 * importing.CHUNK]


def test_what_a_stopped_server_left_is_taken_later_and_enemies_find_each_other(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.create("soan2", maths_item("c0"))
    items = [maths_item(f"c{one}", stem=f"Câu {one}") for one in range(3)]
    items[2] = _metadata(items[2], "c0")
    items[0] = _metadata(items[0], "c2")
    brought = _kept(bank, "soan", items)
    monkeypatch.setattr(importing, "CHUNK", 1)
    first = _take(bank, "soan", brought, [0])
    rest = _take(bank, "soan", brought, range(3))
    assert (len(first), len(rest)) == (1, 2)
    renamed, last = bank.opened(first[0]), bank.opened(rest[1])
    assert renamed.name == f"c0-{brought[-6:]}"
    assert renamed.item.metadata.enemies == ("c2",)
    assert last.item.metadata.enemies == (renamed.name,)


def test_two_clicks_take_an_item_once(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    brought = _kept(bank, "soan", [maths_item(f"c{one}") for one in range(3)])
    monkeypatch.setattr(importing, "CHUNK", 1)
    again = list[str]()

    def meanwhile(_seconds: float) -> None:
        if not again:
            again.append("begun")
            again.extend(_take(bank, "soan", brought, range(3)))

    monkeypatch.setattr(importing.time, "sleep", meanwhile)
    mine = _take(bank, "soan", brought, range(3))
    assert (len(mine), len(again[1:])) == (1, 2)
    with pytest.raises(NotPossibleError) as caught:
        _take(bank, "soan", brought, range(3))
    assert caught.value.objection is Objection.NOTHING_TO_DO


def test_a_file_is_opened_once_for_all_its_pictures_and_few_stay_open(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [_kept(bank, "soan", [maths_item(f"c{one}")]) for one in range(importing.OPEN + 1)]
    readings, unsealed = importing.Readings(), list[str]()
    unseal = type(bank.sealing).unseal

    def counted(self: Sealing, purpose: Sealed, name: str, data: bytes) -> bytes:
        unsealed.append(name)
        return unseal(self, purpose, name, data)

    monkeypatch.setattr(type(bank.sealing), "unseal", counted)
    for one in [kept[0], kept[0], *kept, kept[0]]:
        with db.reading(bank.engine) as session:
            importing.opened(session, bank.people["soan"], one, readings, sealing=bank.sealing)
    assert unsealed == [*kept, kept[0]]


def test_what_was_taken_is_the_banks_to_show(bank: Bank) -> None:
    """Once it is secret, the file it came in tells nothing of it."""
    items = [maths_item("lay", stem="sắp thành câu mật"), maths_item("de-lai")]
    brought, readings = _kept(bank, "soan", items), importing.Readings()
    (made,) = _take(bank, "soan", brought, [0])
    with db.reading(bank.engine) as session:
        found = importing.opened(
            session, bank.people["soan"], brought, readings, sealing=bank.sealing
        )
        assert found.row.made == {"0": made}
        assert found.item(1).id == "de-lai"
        for place in (0, 2, -1):
            with pytest.raises(NotPossibleError) as caught:
                found.item(place)
            assert caught.value.objection is Objection.NOT_FOUND
