"""What stands in an exam is secret, whoever wrote it; and a secret item is not opened by one."""

from collections.abc import Callable

import pytest
from bank_world import Bank, maths_item
from sqlmodel import select

from exam_server import db
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import exports, keeping, life, service
from exam_server.items.models import Act, ItemCard, ItemText, ItemTraits
from exam_server.items.models import Item as StoredItem


def _load(bank: Bank, *names: str, secret: bool = True) -> list[str]:
    """The ids of items that come with a paper."""
    items = [maths_item(name) for name in names]
    with db.transaction(bank.engine) as session:
        service.store(session, items, secret=secret, sealing=bank.sealing, now=bank.at())
        stored = select(StoredItem.name, StoredItem.id)
        ids = dict(session.exec(stored).all())
    return [ids[name] for name in names]


def test_what_an_exam_brings_is_secret(bank: Bank) -> None:
    (item,) = _load(bank, "de-thi")
    assert bank.opened(item).card.secret
    assert [event.act for event in bank.history(item)] == [Act.LOADED]


def test_an_open_item_becomes_secret_with_the_exam_that_brings_it(bank: Bank) -> None:
    held = bank.create("soan", maths_item("dang-soan"))  # a draft of it in the bank
    same, changed = _load(bank, "nguyen-ban", "dang-soan", secret=False)
    assert changed == held
    assert not bank.opened(same).card.secret
    assert not bank.opened(changed).card.secret
    _load(bank, "nguyen-ban", "dang-soan")
    for item in (same, changed):
        assert bank.opened(item).card.secret
        (hidden,) = [event for event in bank.history(item) if event.act is Act.SECRECY]
        assert hidden.who == ""  # the operator
    _load(bank, "nguyen-ban", "dang-soan")
    _load(bank, "nguyen-ban", secret=False)  # a practice paper opens nothing
    assert bank.opened(same).card.secret
    assert [event.act for event in bank.history(same)] == [Act.SECRECY, Act.LOADED]


def test_items_of_an_older_program_get_secret_cards(bank: Bank) -> None:
    (item,) = _load(bank, "cu", secret=False)
    with db.transaction(bank.engine) as session:
        for table in (ItemText, ItemTraits, ItemCard):
            session.delete(session.get_one(table, item))
            session.flush()
    with db.transaction(bank.engine) as session:
        assert keeping.index_all(session, sealing=bank.sealing, now=bank.at()) == 1
    assert bank.opened(item).card.secret


def _refused(
    why: Objection, bank: Bank, work: Callable[..., object], *args: object, **more: object
) -> None:
    with pytest.raises(NotPossibleError) as refused:
        bank.do(work, *args, **more)
    assert refused.value.objection is why


def test_no_one_alone_opens_a_secret_item_and_takes_it_out(bank: Bank) -> None:
    item = bank.create("soan2", maths_item(), secret=True)
    wish = bank.do(exports.ask, "phanbien", item, "đã thi xong", opens=True)
    _refused(Objection.SECOND_PERSON_NEEDED, bank, exports.take_open, "phanbien", item)
    _refused(Objection.OWN_ITEM, bank, exports.decide, "phanbien", wish, granted=True)
    _refused(Objection.NOT_FOUND, bank, exports.decide, "phanbien2", wish, granted=True)
    _refused(Objection.ROLE_MISSING, bank, exports.decide, "soan2", wish, granted=True)
    assert bank.opened(item).card.secret
    bank.do(exports.decide, "hoidong", wish, granted=True)
    assert not bank.opened(item).card.secret
    bank.do(life.look, "soan", item)
    _refused(Objection.WRONG_STATE, bank, exports.take, "phanbien", wish)
    _refused(Objection.WRONG_STATE, bank, exports.decide, "hoidong", wish, granted=True)
    events = [(event.act, event.who) for event in bank.history(item)][:2]
    assert events == [(Act.OPENED, "hoidong"), (Act.OPENING_ASKED, "phanbien")]


def test_a_refused_opening_leaves_the_item_secret(bank: Bank) -> None:
    item = bank.create("soan2", maths_item(), secret=True)
    first, second = (bank.do(exports.ask, "soan2", item, "thôi", opens=True) for _ in range(2))
    bank.do(exports.decide, "phanbien", first, granted=False)
    assert bank.opened(item).card.secret
    assert bank.history(item)[0].act is Act.OPENING_REFUSED
    with db.reading(bank.engine) as session:
        for who, may in (("phanbien", True), ("hoidong", True), ("soan2", False)):
            seen = exports.wishes(session, bank.people[who], sealing=bank.sealing)
            deciding = {wish.row.id for wish in seen if wish.may_decide}
            assert deciding == ({second} if may else set()), who
    bank.do(exports.decide, "phanbien", second, granted=True)
    _refused(Objection.NOTHING_TO_DO, bank, exports.ask, "soan2", item, "nữa", opens=True)
    bank.do(life.make_secret, "soan2", item, reason="để dành")
    assert bank.opened(item).card.secret
