"""A bank with its people, on a database of its own."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy.engine import Engine

from exam_server import db
from exam_server.audit import Operator
from exam_server.auth import Officer
from exam_server.items import history, keeping, life, rights
from exam_server.items.models import Act, ItemCard
from exam_server.sealing import Sealing
from exam_server.staff import Role, Staff
from question_bank.item import (
    AllOrNothing,
    ChoiceKey,
    Item,
    ItemMetadata,
    Option,
    SingleChoice,
)
from question_bank.lifecycle import Action, State

MATHS, PHYSICS = "Toán", "Vật lí"
#: username → (role, subject → its secret items, too)
PEOPLE: dict[str, tuple[Role, dict[str, bool]]] = {
    "soan": (Role.ITEM_WRITER, {MATHS: False}),
    "soan2": (Role.ITEM_WRITER, {MATHS: True}),
    "ly": (Role.ITEM_WRITER, {PHYSICS: True}),
    "moi": (Role.ITEM_WRITER, {}),
    "phanbien": (Role.REVIEWER, {MATHS: True}),
    "phanbien2": (Role.REVIEWER, {MATHS: False}),
    "hoidong": (Role.EXAM_OFFICE, {"*": True}),
    "giamthi": (Role.PROCTOR, {"*": True}),
}


def maths_item(name: str = "cau-1", stem: str = "Cho hàm số bậc ba", **about: str) -> Item:
    """A choice of four with B right."""
    options = tuple(Option(one, f"Phương án {one}") for one in "ABCD")
    return Item(
        id=name,
        stem=stem,
        interaction=SingleChoice(options),
        key=ChoiceKey(("B",)),
        scoring=AllOrNothing(),
        points=Decimal("0.25"),
        metadata=replace(ItemMetadata(subject=MATHS), **about),
    )


@dataclass(slots=True)
class Bank:
    """What tests do with it; every call is a transaction of its own, a minute after the last."""

    engine: Engine
    sealing: Sealing
    people: dict[str, Officer]
    now: datetime = field(default=datetime(2027, 3, 1, 8, tzinfo=UTC))

    def at(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def do(self, work: Callable[..., object], who: str, *args: object, **more: object) -> object:
        """`work(session, officer, …)` as `who`."""
        with db.transaction(self.engine) as session:
            return work(
                session, self.people[who], *args, sealing=self.sealing, now=self.at(), **more
            )

    def create(self, who: str, item: Item, *, secret: bool = False) -> str:
        with db.transaction(self.engine) as session:
            (made,) = life.create(
                session, self.people[who], [item], act=Act.CREATED, secret=secret,
                sealing=self.sealing, now=self.at(),
            )  # fmt: skip
        return made

    def opened(self, item_id: str, version: int | None = None) -> keeping.Opened:
        """The item, past every right: for looking at what became of it."""
        with db.reading(self.engine) as session:
            card = session.get_one(ItemCard, item_id)
            return keeping.read(session, card, sealing=self.sealing, version=version)

    def step(self, who: str, item_id: str, action: Action, text: str = "") -> State:
        mark = self.opened(item_id).mark
        state = self.do(life.step, who, item_id, action, mark=mark, text=text)
        assert isinstance(state, State)
        return state

    def save(self, who: str, item_id: str, item: Item) -> int:
        version = self.do(life.save, who, item_id, item, mark=self.opened(item_id).mark)
        assert isinstance(version, int)
        return version

    def history(self, item_id: str) -> list[history.Event]:
        with db.reading(self.engine) as session:
            card = session.get_one(ItemCard, item_id)
            return history.history(session, card, sealing=self.sealing)


def fill(engine: Engine) -> Bank:
    """The people and what they may work on."""
    now = datetime(2027, 3, 1, 7, tzinfo=UTC)
    people = {}
    with db.transaction(engine) as session:
        for username, (role, subjects) in PEOPLE.items():
            row = Staff(
                username=username, name=username, role=role, password_hash="", created_at=now
            )
            session.add(row)
            session.flush()
            for subject, secret in subjects.items():
                rights.grant(session, row, subject, secret=secret, by=Operator(), now=now)
            people[username] = Officer(row.id, username, username, role)
    return Bank(engine, Sealing(os.urandom(32)), people)
