"""The bank on the server: versions stored sealed, read back for arranging and scoring alone."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from exam_server.db import new_id
from exam_server.items import codec
from exam_server.items.models import Item as StoredItem
from exam_server.items.models import ItemVersion
from exam_server.sealing import Sealed, Sealing
from question_bank.item import Item
from question_bank.lifecycle import State


def store(
    session: Session, items: Iterable[Item], *, sealing: Sealing, now: datetime
) -> list[Item]:
    """Keeps `items`, each as a new version unless it is the last one's double.

    They come back with the versions under which they are kept, in the same order.
    """
    return [_store_one(session, item, sealing, now) for item in items]


def _store_one(session: Session, item: Item, sealing: Sealing, now: datetime) -> Item:
    named = session.exec(select(StoredItem).where(StoredItem.name == item.id)).first()
    if named is None:
        named = StoredItem(name=item.id)
        session.add(named)
        session.flush()
    last = session.exec(
        select(ItemVersion)
        .where(ItemVersion.item_id == named.id)
        .order_by(col(ItemVersion.version).desc())
        .limit(1)
    ).first()
    digest = _digest(item, sealing)
    if last is not None and last.digest == digest:
        return replace(item, version=last.version)
    kept = replace(item, version=last.version + 1 if last else 1)
    version_id = new_id()
    session.add(
        ItemVersion(
            id=version_id,
            item_id=named.id,
            version=kept.version,
            # Whoever loads a paper for an exam answers for its items; the office approved them.
            state=State.APPROVED,
            body=sealing.seal(Sealed.ITEM_BODY, version_id, codec.body_of(kept)),
            answer_key=sealing.seal(Sealed.ANSWER_KEY, version_id, codec.answer_key_of(kept)),
            digest=digest,
            created_at=now,
        )
    )
    session.flush()
    return kept


def _digest(item: Item, sealing: Sealing) -> bytes:
    """Of the content alone, whatever its version."""
    unversioned = replace(item, version=1)
    body, key = codec.body_of(unversioned), codec.answer_key_of(unversioned)
    return sealing.content_digest(len(body).to_bytes(8, "big") + body + key)


def load(
    session: Session, versions: Iterable[tuple[str, int]], *, sealing: Sealing
) -> dict[tuple[str, int], tuple[str, Item]]:
    """(item name, version) → (id of the stored version, the item with its key)."""
    wanted = set(versions)
    rows = session.exec(
        select(StoredItem.name, ItemVersion)
        .join(ItemVersion, col(ItemVersion.item_id) == StoredItem.id)
        .where(col(StoredItem.name).in_({name for name, _ in wanted}))
    )
    return {
        (name, row.version): (
            row.id,
            codec.item_from(
                sealing.unseal(Sealed.ITEM_BODY, row.id, row.body),
                sealing.unseal(Sealed.ANSWER_KEY, row.id, row.answer_key),
            ),
        )
        for name, row in rows
        if (name, row.version) in wanted
    }
