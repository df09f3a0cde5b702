"""The life of items on the server: drafts, steps, comments and secrecy.

Every function works in the caller's transaction, checks the role, the subject and the step itself,
and writes the item's history and the audit log.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session, select

from exam_server.auth import Officer
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import statistics
from exam_server.items.history import note, writers_of
from exam_server.items.keeping import (
    Opened,
    add_version,
    card_of,
    last_version,
    put_card,
    read,
    set_secrecy,
    unsealed,
    version_row,
    write,
)
from exam_server.items.models import Act, ItemCard, ItemVersion
from exam_server.items.models import Item as StoredItem
from exam_server.items.rights import rights_of
from exam_server.items.standing import standing
from exam_server.sealing import Sealing
from question_bank.errors import LifecycleError
from question_bank.item import Item
from question_bank.lifecycle import EDITABLE, REVISABLE, Action, Role, State, advance, steps_for

MAX_NOTE = 4000
MAX_NAME = 120
ACTS = {
    Action.SUBMIT: Act.SUBMITTED,
    Action.DISCARD: Act.DISCARDED,
    Action.WITHDRAW: Act.WITHDRAWN,
    Action.RETURN: Act.RETURNED,
    Action.APPROVE: Act.APPROVED,
    Action.USE: Act.USED,
    Action.RETIRE: Act.RETIRED,
    Action.RESTORE: Act.RESTORED,
}
#: What no page offers: forms use items, and a retirement is taken back with its job. What was
#: discarded can be taken back by itself.
BEHIND = frozenset((Action.USE, Action.RESTORE))
#: Whoever sends an item back or takes it out says why.
NEEDS_NOTE = frozenset((Action.RETURN, Action.RETIRE))


def look(
    session: Session,
    officer: Officer,
    item_id: str,
    *,
    sealing: Sealing,
    now: datetime,
    version: int | None = None,
) -> Opened:
    """Opens an item for `officer` to see. That a secret one was seen is written down."""
    card = card_of(session, rights_of(session, officer), item_id)
    opened = read(session, card, sealing=sealing, version=version)
    if card.secret:
        note(session, card, Act.SEEN, officer, now=now, sealing=sealing, version=version)
    return opened


def possible_steps(session: Session, officer: Officer, opened: Opened) -> tuple[Action, ...]:
    """What `officer` may do with the newest version now, by the table; using it is for exams.
    What stands behind a draft can be retired."""
    rights = rights_of(session, officer)
    if rights.role is None:
        return ()
    stands = standing(session, opened.card.item_id)
    if not opened.newest and (stands is None or stands.version != opened.item.version):
        return ()
    wrote = officer.id in writers_of(session, opened.card.item_id, opened.item.version)
    steps = steps_for(opened.state, rights.role, by_author=wrote)
    return tuple(
        step
        for step in steps
        if _offered(opened.state, step) and (opened.newest or step is Action.RETIRE)
    )


def _offered(state: State, action: Action) -> bool:
    return action not in BEHIND or state is State.DISCARDED


def create(
    session: Session,
    officer: Officer,
    items: Iterable[Item],
    *,
    act: Act,
    secret: bool,
    names: Mapping[str, str] = MappingProxyType({}),
    sealing: Sealing,
    now: datetime,
) -> list[str]:
    """New drafts; the ids of their items. A name that is taken gets an ending of its own, and the
    enemies among the new ones follow it. `names`: what items of the same file are called here."""
    rights = rights_of(session, officer)
    if rights.role is not Role.ITEM_WRITER:
        raise NotPossibleError(Objection.ROLE_MISSING, "only item writers write items")
    coming = list(items)
    for item in coming:
        if not rights.cover(item.metadata.subject, secret=secret):
            raise NotPossibleError(Objection.ROLE_MISSING, "this subject is not among yours")
    rows = [_named(session, names.get(item.id, item.id)) for item in coming]
    called = {**names, **{item.id: row.name for item, row in zip(coming, rows, strict=True)}}
    for item, row in zip(coming, rows, strict=True):
        enemies = tuple(called.get(enemy, enemy) for enemy in item.metadata.enemies)
        about = replace(item.metadata, enemies=enemies)
        kept = replace(item, id=row.name, version=1, metadata=about)
        add_version(session, row.id, kept, State.DRAFT, sealing=sealing, now=now)
        card = put_card(session, row.id, kept, State.DRAFT, secret=secret, owner=officer.id,
                        sealing=sealing, now=now)  # fmt: skip
        note(session, card, act, officer, sealing=sealing, now=now)
    return [row.id for row in rows]


def _named(session: Session, name: str) -> StoredItem:
    row = StoredItem(name=_free_name(session, name))
    session.add(row)
    session.flush()
    return row


def _free_name(session: Session, name: str) -> str:
    taken = select(StoredItem.id).where(StoredItem.name == name)
    if session.scalar(taken) is None:
        return name
    return f"{name[:MAX_NAME]}-{os.urandom(3).hex()}"


def save(
    session: Session,
    officer: Officer,
    item_id: str,
    item: Item,
    *,
    mark: str,
    sealing: Sealing,
    now: datetime,
) -> int:
    """Writes a draft anew, or begins the next version of what was approved; gives the version.

    `mark` is that of what the writer had before them: what another changed since is not lost.
    """
    rights = rights_of(session, officer)
    card = card_of(session, rights, item_id, lock=True)
    if rights.role is not Role.ITEM_WRITER:
        raise NotPossibleError(Objection.ROLE_MISSING, "only item writers change items")
    if not rights.cover(item.metadata.subject, secret=card.secret):
        raise NotPossibleError(Objection.ROLE_MISSING, "this subject is not among yours")
    row = version_row(session, item_id, card.version)
    if row.digest.hex() != mark:
        raise NotPossibleError(Objection.CHANGED_MEANWHILE, "another person changed this item")
    name = session.get_one(StoredItem, item_id).name
    kept = replace(item, id=name, version=row.version)
    if kept == read(session, card, sealing=sealing).item:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "nothing was changed")
    if row.state in EDITABLE:
        write(row, kept, sealing)
        session.add(row)
        act = Act.EDITED
    elif row.state in REVISABLE:
        kept = replace(kept, version=last_version(session, item_id) + 1)
        add_version(session, item_id, kept, State.DRAFT, sealing=sealing, now=now)
        act = Act.REVISED
    else:
        raise NotPossibleError(Objection.WRONG_STATE, "an item in review waits for its review")
    card = put_card(session, item_id, kept, State.DRAFT, sealing=sealing, now=now)
    note(session, card, act, officer, sealing=sealing, now=now)
    return kept.version


def step(
    session: Session,
    officer: Officer,
    item_id: str,
    action: Action,
    *,
    mark: str,
    text: str = "",
    sealing: Sealing,
    now: datetime,
) -> State:
    """Moves the newest version on (or the one that stands, see `target`); whoever decides decides
    on what they read (`mark`)."""
    rights = rights_of(session, officer)
    card = card_of(session, rights, item_id, lock=True)
    row = target(session, card, action)
    if row.digest.hex() != mark:
        raise NotPossibleError(Objection.CHANGED_MEANWHILE, "another person changed this item")
    if action in NEEDS_NOTE and not text.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "say why")
    if rights.role is None or not _offered(row.state, action):
        raise NotPossibleError(Objection.ROLE_MISSING, "this is not for your role")
    wrote = officer.id in writers_of(session, item_id, row.version)
    try:
        state = advance(row.state, action, rights.role, by_author=wrote)
    except LifecycleError as error:
        raise NotPossibleError(_objection(row.state, action, rights.role), str(error)) from error
    _put_state(session, card, row, state, sealing=sealing, now=now)
    note(session, card, ACTS[action], officer, sealing=sealing, now=now, text=text,
         version=row.version)  # fmt: skip
    return state


def target(session: Session, card: ItemCard, action: Action) -> ItemVersion:
    """The version that a step is taken with: the newest; a retirement, with the one that stands,
    whatever draft follows it."""
    stands = standing(session, card.item_id) if action is Action.RETIRE else None
    return stands or version_row(session, card.item_id, card.version)


def _put_state(
    session: Session,
    card: ItemCard,
    row: ItemVersion,
    state: State,
    *,
    sealing: Sealing,
    now: datetime,
) -> None:
    """Where the draft behind a version that stands is discarded, the card is that one's again."""
    row.state = state
    card.changed_at = now
    if card.version == row.version:
        card.state = state
    session.add_all((row, card))
    session.flush()
    statistics.show(session, card)
    stands = standing(session, card.item_id) if state is State.DISCARDED else None
    if stands is not None:
        _show(session, card, stands, sealing=sealing, now=now)


def _show(
    session: Session, card: ItemCard, row: ItemVersion, *, sealing: Sealing, now: datetime
) -> None:
    """Makes the card that of `row`, where the bank holds the item."""
    item = unsealed(row, sealing)
    about = replace(item.metadata, subject=card.subject, topic=card.topic)
    put_card(session, card.item_id, replace(item, metadata=about), row.state, sealing=sealing,
             now=now)  # fmt: skip


def _objection(state: State, action: Action, role: Role) -> Objection:
    """Why the table refused."""
    try:
        advance(state, action, role, by_author=False)
    except LifecycleError:
        allowed = any(action in steps_for(state, one, by_author=False) for one in Role)
        return Objection.ROLE_MISSING if allowed else Objection.WRONG_STATE
    return Objection.OWN_ITEM


def comment(
    session: Session,
    officer: Officer,
    item_id: str,
    text: str,
    *,
    sealing: Sealing,
    now: datetime,
) -> None:
    """A word on an item, for everybody who may see it."""
    card = card_of(session, rights_of(session, officer), item_id)
    if not text.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "write a comment")
    note(session, card, Act.COMMENTED, officer, sealing=sealing, now=now, text=text.strip())


def make_secret(
    session: Session,
    officer: Officer,
    item_id: str,
    *,
    reason: str,
    sealing: Sealing,
    now: datetime,
) -> None:
    """Makes an item secret: who may see its subject's secrets decides that. Opening one again
    needs two (`exports.ask`)."""
    rights = rights_of(session, officer)
    card = card_of(session, rights, item_id, lock=True)
    if not rights.cover(card.subject, secret=True):
        raise NotPossibleError(Objection.ROLE_MISSING, "secret items are not among yours")
    if card.secret:
        raise NotPossibleError(Objection.NOTHING_TO_DO, "it is so already")
    if not reason.strip():
        raise NotPossibleError(Objection.REASON_MISSING, "say why")
    set_secrecy(session, card, secret=True, sealing=sealing)
    note(session, card, Act.SECRECY, officer, sealing=sealing, now=now, text=reason.strip())


def restore(
    session: Session,
    officer: Officer,
    card: ItemCard,
    version: int,
    *,
    in_use: bool,
    sealing: Sealing,
    now: datetime,
) -> None:
    """Takes a retirement back, or the discarding of a draft that none has followed; `in_use`: the
    version stood in a form."""
    rights = rights_of(session, officer)
    row = version_row(session, card.item_id, version)
    if rights.role is None:
        raise NotPossibleError(Objection.ROLE_MISSING, "this is not for your role")
    try:
        state = advance(row.state, Action.RESTORE, rights.role, by_author=False)
    except LifecycleError as error:
        raise NotPossibleError(Objection.WRONG_STATE, str(error)) from error
    if in_use:
        state = advance(state, Action.USE, Role.EXAM_OFFICE, by_author=False)
    if state is State.DRAFT and last_version(session, card.item_id) != version:
        raise NotPossibleError(Objection.CHANGED_MEANWHILE, "the item has gone on since")
    _put_state(session, card, row, state, sealing=sealing, now=now)
    if state is State.DRAFT:
        _show(session, card, row, sealing=sealing, now=now)
    note(session, card, Act.RESTORED, officer, sealing=sealing, now=now, version=version)


def use(
    session: Session,
    items: Iterable[Item],
    where: str,
    *,
    sealing: Sealing,
    now: datetime,
) -> None:
    """Says of approved versions that they stand in a form now; `where` names exam and paper."""
    for item in items:
        named = session.exec(select(StoredItem).where(StoredItem.name == item.id)).one()
        row = version_row(session, named.id, item.version)
        row.state = advance(row.state, Action.USE, Role.EXAM_OFFICE, by_author=False)
        card = session.get_one(ItemCard, named.id)
        if card.version == row.version:
            card.state = row.state
        session.add(row)
        _note_use(session, card, row.version, where, sealing=sealing, now=now)


def seal_for(
    session: Session,
    versions: Iterable[tuple[str, int]],
    where: str,
    *,
    sealing: Sealing,
    now: datetime,
) -> None:
    """Writes into the history of items (by name) that they are in packages of a shift now."""
    for name, version in sorted(set(versions)):
        named = session.exec(select(StoredItem).where(StoredItem.name == name)).one()
        card = session.get(ItemCard, named.id)
        if card is not None:  # of an item loaded by an older program there may be none yet
            _note_use(session, card, version, where, sealing=sealing, now=now)


def _note_use(
    session: Session, card: ItemCard, version: int, where: str, *, sealing: Sealing, now: datetime
) -> None:
    card.used_at = now
    session.add(card)
    note(session, card, Act.USED, None, sealing=sealing, now=now, text=where, version=version)
