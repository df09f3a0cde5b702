"""The bank as exams use it: loaded with a paper, read back for arranging and scoring alone."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from exam_server.items import codec, history, keeping
from exam_server.items.models import Act, ItemCard, ItemVersion
from exam_server.items.models import Item as StoredItem
from exam_server.sealing import Sealed, Sealing
from question_bank.item import Item
from question_bank.lifecycle import State

#: A double of such a version is that version; one of a draft or a retired one is not.
_STANDING = (State.APPROVED, State.IN_USE)


def store(
    session: Session,
    items: Iterable[Item],
    *,
    sealing: Sealing,
    now: datetime,
    secret: bool = True,
) -> list[Item]:
    """Keeps `items`, each as a new approved version unless it is the double of what stands.

    They are secret from then on, those that the bank held open, too; `secret` False (of a practice
    paper): new ones are open, and the others stay what they are. They come back with the versions
    under which they are kept, in the same order.
    """
    kept = [_store_one(session, item, sealing, now, secret=secret) for item in items]
    if secret:
        for item in kept:
            _hide(session, item, sealing, now)
    return kept


def _hide(session: Session, item: Item, sealing: Sealing, now: datetime) -> None:
    """Makes an item that was open secret, and writes it down."""
    named = select(ItemCard).join(StoredItem, col(StoredItem.id) == ItemCard.item_id)
    locked = named.where(StoredItem.name == item.id).with_for_update(of=ItemCard)
    card = session.exec(locked.execution_options(populate_existing=True)).first()
    if card is None or card.secret:  # what an older program kept gets its card as a secret one
        return
    keeping.set_secrecy(session, card, secret=True, sealing=sealing)
    history.note(session, card, Act.SECRECY, None, sealing=sealing, now=now, version=item.version)


def _store_one(
    session: Session, item: Item, sealing: Sealing, now: datetime, *, secret: bool
) -> Item:
    named = session.exec(select(StoredItem).where(StoredItem.name == item.id)).first()
    if named is None:
        named = StoredItem(name=item.id)
        session.add(named)
        session.flush()
    versions = session.exec(
        select(ItemVersion)
        .where(ItemVersion.item_id == named.id)
        .order_by(col(ItemVersion.version).desc())
    ).all()
    digest = keeping.digest(item, sealing)
    # The newest that stands, whatever draft a writer has begun behind it.
    standing = next((one for one in versions if one.state in _STANDING), None)
    if standing is not None and standing.digest == digest:
        return replace(item, version=standing.version)
    kept = replace(item, version=versions[0].version + 1 if versions else 1)
    # Whoever loads a paper for an exam answers for its items; the office approved them.
    keeping.add_version(session, named.id, kept, State.APPROVED, sealing=sealing, now=now)
    card = keeping.put_card(
        session, named.id, kept, State.APPROVED, secret=secret, sealing=sealing, now=now
    )
    history.note(session, card, Act.LOADED, None, sealing=sealing, now=now)
    return kept


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
