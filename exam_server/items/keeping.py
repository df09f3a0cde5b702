"""How the bank keeps items: sealed versions, and the card that lists read without opening one."""

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from exam_server.db import new_id
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import codec, statistics, texts, traits
from exam_server.items.models import Item as StoredItem
from exam_server.items.models import ItemCard, ItemTraits, ItemVersion
from exam_server.items.rights import Rights
from exam_server.sealing import Sealed, Sealing
from question_bank.item import Item
from question_bank.lifecycle import State


@dataclass(frozen=True, slots=True)
class Opened:
    """An item in one version, opened for somebody. `mark` tells later whether it was changed."""

    card: ItemCard
    name: str
    item: Item
    state: State
    mark: str
    versions: tuple[int, ...]

    @property
    def newest(self) -> bool:
        return self.item.version == self.card.version


def card_of(session: Session, rights: Rights, item_id: str, *, lock: bool = False) -> ItemCard:
    """The card of an item that may be seen; to all others it does not exist. `lock`: who changes
    the item takes their turn, and sees what those before them left."""
    card = session.get(ItemCard, item_id, with_for_update=lock or None, populate_existing=lock)
    if card is None or not rights.cover(card.subject, secret=card.secret):
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such item")
    return card


def version_row(session: Session, item_id: str, version: int) -> ItemVersion:
    row = session.exec(
        select(ItemVersion)
        .where(ItemVersion.item_id == item_id, ItemVersion.version == version)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such version")
    return row


def last_version(session: Session, item_id: str) -> int:
    """The highest number of a version, discarded ones included; 0 where there is none."""
    numbered = select(sa.func.max(ItemVersion.version)).where(ItemVersion.item_id == item_id)
    return session.scalar(numbered) or 0


def unsealed(row: ItemVersion, sealing: Sealing) -> Item:
    """The item that a stored version is."""
    return codec.item_from(
        sealing.unseal(Sealed.ITEM_BODY, row.id, row.body),
        sealing.unseal(Sealed.ANSWER_KEY, row.id, row.answer_key),
    )


def read(
    session: Session, card: ItemCard, *, sealing: Sealing, version: int | None = None
) -> Opened:
    """The item, without a word in the log: for who has just been checked and noted.

    Its newest version stands under the subject and topic that the bank holds it under.
    """
    row = version_row(session, card.item_id, version or card.version)
    versions = session.exec(
        select(ItemVersion.version)
        .where(ItemVersion.item_id == card.item_id)
        .order_by(col(ItemVersion.version))
    ).all()
    name = session.get_one(StoredItem, card.item_id).name
    item = unsealed(row, sealing)
    if row.version == card.version:
        about = replace(item.metadata, subject=card.subject, topic=card.topic)
        item = replace(item, metadata=about)
    return Opened(card, name, item, row.state, row.digest.hex(), tuple(versions))


def add_version(
    session: Session, item_id: str, item: Item, state: State, *, sealing: Sealing, now: datetime
) -> ItemVersion:
    """Keeps `item` as the version that it says it is."""
    row = ItemVersion(
        id=new_id(),
        item_id=item_id,
        version=item.version,
        state=state,
        body=b"",
        answer_key=b"",
        digest=b"",
        created_at=now,
    )
    write(row, item, sealing)
    session.add(row)
    session.flush()
    return row


def write(row: ItemVersion, item: Item, sealing: Sealing) -> None:
    """Makes the row hold `item`, sealed."""
    row.body = sealing.seal(Sealed.ITEM_BODY, row.id, codec.body_of(item))
    row.answer_key = sealing.seal(Sealed.ANSWER_KEY, row.id, codec.answer_key_of(item))
    row.digest = digest(item, sealing)


def digest(item: Item, sealing: Sealing) -> bytes:
    """Of the content alone, whatever its version."""
    unversioned = replace(item, version=1)
    body, key = codec.body_of(unversioned), codec.answer_key_of(unversioned)
    return sealing.content_digest(len(body).to_bytes(8, "big") + body + key)


def put_card(
    session: Session,
    item_id: str,
    item: Item,
    state: State,
    *,
    sealing: Sealing,
    now: datetime,
    secret: bool = True,
    owner: str | None = None,
) -> ItemCard:
    """Makes the card say what `item`, the newest version, says; and indexes its words.

    `secret` and `owner` are those of a new card; one that is there keeps its own.
    """
    about = item.metadata
    card = session.get(ItemCard, item_id)
    if card is None:
        card = ItemCard(
            item_id=item_id, version=0, state=state, kind="", subject="", grade="", topic="",
            level="", code="", author="", secret=secret, owner_id=owner, changed_at=now,
        )  # fmt: skip
    card.version, card.state, card.kind = item.version, state, item.kind
    card.subject, card.grade, card.topic = about.subject, about.grade, about.topic
    card.level, card.code, card.author = about.known_level or "", about.code, about.author
    card.language, card.changed_at = about.language, now
    session.add(card)
    session.flush()
    statistics.show(session, card)
    texts.keep(session, card, session.get_one(StoredItem, item_id).name, item, sealing)
    traits.keep(session, card, item, sealing)
    return card


def set_secrecy(session: Session, card: ItemCard, *, secret: bool, sealing: Sealing) -> None:
    """Makes the item secret or open, and its words and traits new ones."""
    card.secret = secret
    session.add(card)
    session.flush()
    opened = read(session, card, sealing=sealing)
    texts.keep(session, card, opened.name, opened.item, sealing)
    traits.keep(session, card, opened.item, sealing)


def index_all(session: Session, *, sealing: Sealing, now: datetime) -> int:
    """Makes the cards, texts and traits that are missing (of items kept by an older program); how
    many items they are of. Those without a card came with exams, and are secret."""
    missing = session.exec(
        select(StoredItem.id)
        .join(ItemCard, col(ItemCard.item_id) == StoredItem.id, isouter=True)
        .where(
            col(ItemCard.item_id).is_(None)
            | (col(ItemCard.text_revision) == "")
            | col(StoredItem.id).not_in(select(ItemTraits.item_id))
        )
    ).all()
    for item_id in missing:
        _index(session, item_id, sealing=sealing, now=now)
    return len(missing)


def _index(session: Session, item_id: str, *, sealing: Sealing, now: datetime) -> None:
    card = session.get(ItemCard, item_id)
    row = version_row(session, item_id, card.version if card else last_version(session, item_id))
    item = unsealed(row, sealing)
    if card is None:
        put_card(session, item_id, item, row.state, sealing=sealing, now=now)
        return
    # Where the bank holds it and when it was changed stay what they are.
    card.language, card.level = item.metadata.language, item.metadata.known_level or ""
    session.add(card)
    texts.keep(session, card, session.get_one(StoredItem, item_id).name, item, sealing)
    traits.keep(session, card, item, sealing)
