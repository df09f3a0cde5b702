"""Finding items: by their words (`items.words`, `items.texts`) and by what their cards say.

The database chooses the cards that fit and may be seen, in the order that was asked for; where
words were asked for, their texts are looked at in memory and the nearest come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from exam_server.items import topic_trees
from exam_server.items.bulk_models import ItemTag
from exam_server.items.models import Item as StoredItem
from exam_server.items.models import ItemCard
from exam_server.items.rights import Rights
from exam_server.items.standing import stands_as
from exam_server.items.texts import Texts
from exam_server.items.words import Query
from exam_server.sealing import Sealing
from question_bank.lifecycle import State

PAGE_SIZE = 25
CHOICES = 300


class Sort(StrEnum):
    """In which order; `BEST` is the nearest first, and the newest change where no word is asked."""

    BEST = "best"
    CHANGED = "changed"
    NAME = "name"
    CODE = "code"
    EASY = "easy"
    HARD = "hard"
    TELLING = "telling"
    UNUSED = "unused"


class Use(StrEnum):
    """Whether an item stood in a form; with a day: on it or since."""

    USED = "used"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Span:
    """From one number to another, both included, in thousandths; None: without an end."""

    least: int | None = None
    most: int | None = None

    def of(self, column: Mapped[int | None]) -> list[sa.ColumnElement[bool]]:
        lower = [] if self.least is None else [column >= self.least]
        return lower + ([] if self.most is None else [column <= self.most])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; an empty field is no condition.

    `topic` includes what is below it; `code` is the beginning of one; `state` is also that of the
    version that stands behind a draft, and what was discarded is found by that state alone; `used`
    counts from `since`, where that is given.
    """

    text: str = ""
    state: State | None = None
    subject: str = ""
    grade: str = ""
    topic: str = ""
    level: str = ""
    kind: str = ""
    code: str = ""
    language: str = ""
    author: str = ""
    owner: str = ""
    tag: str = ""
    secret: bool | None = None
    used: Use | None = None
    since: datetime | None = None
    difficulty: Span = Span()
    discrimination: Span = Span()
    answers: int = 0
    sort: Sort = Sort.BEST


@dataclass(frozen=True, slots=True)
class Found:
    """A page of cards with their items' names, and how many there are in all."""

    cards: tuple[tuple[ItemCard, str], ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def find(
    session: Session,
    rights: Rights,
    wanted: Wanted,
    texts: Texts,
    *,
    sealing: Sealing,
    page: int = 1,
) -> Found:
    """The cards that fit and may be seen."""
    if Query.of(wanted.text):
        fitting = ids(session, rights, wanted, texts, sealing=sealing)
        page = _within(page, len(fitting))
        shown = fitting[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return Found(tuple(_cards(session, shown)), len(fitting), page)
    where = _conditions(session, rights, wanted)
    total = session.scalar(select(sa.func.count()).select_from(ItemCard).where(*where)) or 0
    page = _within(page, total)
    chosen = select(ItemCard.item_id).where(*where).order_by(*_order(wanted.sort))
    rows = session.exec(chosen.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
    return Found(tuple(_cards(session, list(rows))), total, page)


def _within(page: int, total: int) -> int:
    return min(max(page, 1), max(1, -(-total // PAGE_SIZE)))


def _cards(session: Session, shown: Sequence[str]) -> list[tuple[ItemCard, str]]:
    rows = session.exec(
        select(ItemCard, StoredItem.name)
        .join(StoredItem, col(StoredItem.id) == ItemCard.item_id)
        .where(col(ItemCard.item_id).in_(shown))
    )
    place = {item: index for index, item in enumerate(shown)}
    return sorted(((card, name) for card, name in rows), key=lambda row: place[row[0].item_id])


def ids(
    session: Session, rights: Rights, wanted: Wanted, texts: Texts, *, sealing: Sealing
) -> list[str]:
    """All that fit, by id, in the order that was asked for."""
    where, query = _conditions(session, rights, wanted), Query.of(wanted.text)
    if not query:
        chosen = select(ItemCard.item_id).where(*where)
        return list(session.exec(chosen.order_by(*_order(wanted.sort))))
    texted = [*where, col(ItemCard.text_revision) != ""]
    revised = select(ItemCard.item_id, ItemCard.text_revision).where(*texted)
    # Thousands of rows of two texts: the connection gives them without what objects need.
    rows = session.connection().execute(revised.order_by(*_order(wanted.sort))).all()
    said = texts.of(session, {one[0]: one[1] for one in rows}, sealing=sealing)
    ranked = [(item, near) for item, _ in rows if (near := query.rank(said[item])) is not None]
    if wanted.sort is Sort.BEST:
        ranked.sort(key=lambda one: -one[1])
    return [item for item, _ in ranked]


def _order(sort: Sort) -> tuple[sa.ColumnExpressionArgument[Any], ...]:
    """The id has the last word, so that pages hold each item once. What has no number is last."""
    return (*_ORDERS[sort], col(ItemCard.item_id))


_NAME = select(StoredItem.name).where(StoredItem.id == ItemCard.item_id).scalar_subquery()
_NEWEST = col(ItemCard.changed_at).desc()
_ORDERS: dict[Sort, tuple[sa.ColumnExpressionArgument[Any], ...]] = {
    Sort.BEST: (_NEWEST,),
    Sort.CHANGED: (_NEWEST,),
    Sort.NAME: (_NAME,),
    Sort.CODE: (col(ItemCard.code) == "", col(ItemCard.code)),
    Sort.EASY: (col(ItemCard.difficulty).is_(None), col(ItemCard.difficulty).desc()),
    Sort.HARD: (col(ItemCard.difficulty).is_(None), col(ItemCard.difficulty)),
    Sort.TELLING: (col(ItemCard.discrimination).is_(None), col(ItemCard.discrimination).desc()),
    Sort.UNUSED: (col(ItemCard.used_at).is_not(None), col(ItemCard.used_at)),
}


def _conditions(session: Session, rights: Rights, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    where = [rights.scope()]
    for column, value in (
        (ItemCard.subject, wanted.subject),
        (ItemCard.grade, wanted.grade),
        (ItemCard.level, wanted.level),
        (ItemCard.kind, wanted.kind),
        (ItemCard.language, wanted.language),
        (ItemCard.owner_id, wanted.owner),
        (ItemCard.author, wanted.author),
    ):
        if value:
            where.append(col(column) == value)
    discarded = col(ItemCard.state) != State.DISCARDED
    where.append(discarded if wanted.state is None else stands_as(wanted.state))
    if wanted.topic:
        named = topic_trees.below(session, wanted.subject, wanted.topic)
        where.append(col(ItemCard.topic).in_(sorted(named)))
    if wanted.code:
        beginning = sa.func.substr(col(ItemCard.code), 1, len(wanted.code))
        where.append(sa.func.upper(beginning) == wanted.code.upper())
    if wanted.tag:
        tagged = select(ItemTag.item_id).where(ItemTag.tag == wanted.tag)
        where.append(col(ItemCard.item_id).in_(tagged))
    if wanted.secret is not None:
        where.append(col(ItemCard.secret).is_(wanted.secret))
    if wanted.used is not None:
        where.append(_used(wanted.used, wanted.since))
    if wanted.answers:
        where.append(col(ItemCard.answers) >= wanted.answers)
    where += wanted.difficulty.of(col(ItemCard.difficulty))
    where += wanted.discrimination.of(col(ItemCard.discrimination))
    return where


def _used(use: Use, since: datetime | None) -> sa.ColumnElement[bool]:
    used = col(ItemCard.used_at)
    if since is None:
        return used.is_not(None) if use is Use.USED else used.is_(None)
    return used >= since if use is Use.USED else used.is_(None) | (used < since)


def choices(session: Session, rights: Rights) -> dict[str, list[str]]:
    """What there is to choose from, of what may be seen."""
    tags = (
        select(ItemTag.tag)
        .join(ItemCard, col(ItemCard.item_id) == ItemTag.item_id)
        .where(rights.scope())
        .distinct()
        .order_by(ItemTag.tag)
        .limit(CHOICES)
    )
    return {"tag": list(session.exec(tags))} | {
        name: [
            value
            for value in session.exec(
                select(column).where(rights.scope()).distinct().order_by(column).limit(CHOICES)
            )
            if value
        ]
        for name, column in (
            ("subject", ItemCard.subject),
            ("grade", ItemCard.grade),
            ("topic", ItemCard.topic),
            ("kind", ItemCard.kind),
            ("language", ItemCard.language),
            ("author", ItemCard.author),
        )
    }
