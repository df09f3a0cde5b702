"""What items say, for searching: kept sealed, and opened in the server's memory alone.

No database can search sealed texts, and an index in the clear would be a copy of all items beside
them. So the words of each item's newest version are one sealed row, and each process keeps what it
has opened of them: some two kilobytes an item. A search asks the database for the items that fit
otherwise and may be seen, with the revisions of their texts, and looks at the words here.
"""

from collections.abc import Mapping

from sqlmodel import Session, col, select

from exam_server.db import new_id
from exam_server.items.models import ItemCard, ItemText
from exam_server.items.words import Text, joined
from exam_server.sealing import Sealed, Sealing
from question_bank.content import plain_text
from question_bank.interactions import contents_of
from question_bank.item import Item

CHUNK = 500


def keep(session: Session, card: ItemCard, name: str, item: Item, sealing: Sealing) -> None:
    """Makes the words of `item` those that its card is found by. The key is no part of them."""
    contents = [item.stem, *contents_of(item.interaction), item.explanation]
    contents += [item.stimulus.content] if item.stimulus else []
    about = [name, card.topic, card.code, card.author, item.metadata.source]
    said = joined([*map(plain_text, contents), *about])
    card.text_revision = new_id()
    place = _place(card.item_id, card.text_revision)
    sealed = sealing.seal(Sealed.ITEM_TEXT, place, said.encode())
    row = session.get(ItemText, card.item_id) or ItemText(item_id=card.item_id, text=sealed)
    row.text = sealed
    session.add_all((card, row))
    session.flush()


def _place(item_id: str, revision: str) -> str:
    return f"{item_id}/{revision}"


class Texts:
    """The texts that this process has opened, by item; its threads share them (each entry is put
    and read at once)."""

    def __init__(self) -> None:
        self._opened: dict[str, tuple[str, Text]] = {}

    def of(
        self, session: Session, revisions: Mapping[str, str], *, sealing: Sealing
    ) -> Mapping[str, Text]:
        """The texts of the items in these revisions."""
        found, missing = {}, []
        for item, revision in revisions.items():
            known = self._opened.get(item)
            if known is not None and known[0] == revision:
                found[item] = known[1]
            else:
                missing.append(item)
        for start in range(0, len(missing), CHUNK):
            wanted = col(ItemText.item_id).in_(missing[start : start + CHUNK])
            for row in session.exec(select(ItemText).where(wanted)):
                revision = revisions[row.item_id]
                place = _place(row.item_id, revision)
                text = Text.of(sealing.unseal(Sealed.ITEM_TEXT, place, row.text).decode())
                self._opened[row.item_id] = (revision, text)
                found[row.item_id] = text
        return found
