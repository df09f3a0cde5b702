"""Traits of items, by which near-duplicates find each other: kept sealed, opened in memory alone.

An index of traits in the database, even of hashes, would tell a thief which items are alike. So the
traits of each item's newest version (`question_bank.duplicates`) are one sealed row of some hundred
bytes, and each process keeps what it has opened of them: some four kilobytes an item. A question
asks the database which items may be seen and in which revision; the looking up is done here.
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from sqlmodel import Session, col, select

from exam_server.contract import canonical
from exam_server.db import new_id
from exam_server.items.models import ItemCard, ItemTraits
from exam_server.items.rights import Rights
from exam_server.sealing import Sealed, Sealing
from question_bank.duplicates import Candidates, Facet, Traits, candidates, sketch_of, traits_of
from question_bank.item import Item
from question_bank.lifecycle import State

DOMAIN = "truong-thi/item-traits"
CHUNK = 500


def keep(session: Session, card: ItemCard, item: Item, sealing: Sealing) -> None:
    """Makes the traits of `item` those that its card is found by as a near-duplicate."""
    traits, revision = traits_of(sketch_of(item)), new_id()
    exact = {facet.value: trait for facet, trait in traits.exact.items()}
    plain = canonical.encode(DOMAIN, 1, exact, sorted(traits.stem), sorted(traits.pieces))
    sealed = sealing.seal(Sealed.ITEM_TRAITS, _place(card.item_id, revision), plain)
    row = session.get(ItemTraits, card.item_id)
    if row is None:
        row = ItemTraits(item_id=card.item_id, revision=revision, traits=sealed)
    row.revision, row.traits = revision, sealed
    session.add(row)
    session.flush()


def _place(item_id: str, revision: str) -> str:
    return f"{item_id}/{revision}"


def _opened(row: ItemTraits, sealing: Sealing) -> Traits:
    plain = sealing.unseal(Sealed.ITEM_TRAITS, _place(row.item_id, row.revision), row.traits)
    exact, stem, pieces = canonical.decode(DOMAIN, 1, plain, fields=3)
    facets = {Facet(name): trait for name, trait in exact.items()}
    return Traits(facets, frozenset(stem), frozenset(pieces))


class KnownTraits:
    """The traits that this process has opened; its threads share them, one at a time."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[str, Traits]] = {}
        self._holders: defaultdict[bytes, set[str]] = defaultdict(set)
        self._turn = threading.Lock()

    def near(
        self,
        session: Session,
        rights: Rights,
        asked: Sequence[Traits],
        *,
        sealing: Sealing,
        but: Collection[str] = (),
    ) -> list[Candidates]:
        """For each of `asked` the items worth comparing, of those that may be seen."""
        with self._turn:
            visible = self._visible(session, rights, sealing) - set(but)
            return [candidates(one, self._holders, visible.__contains__) for one in asked]

    def equal(
        self, session: Session, rights: Rights, *, sealing: Sealing
    ) -> Iterator[tuple[Facet, list[str]]]:
        """The items that are equal in a facet, of those that may be seen, facet by facet."""
        with self._turn:
            visible = sorted(self._visible(session, rights, sealing))
            traits = {item: self._of[item][1].exact for item in visible}
        for facet in Facet:
            having: defaultdict[bytes, list[str]] = defaultdict(list)
            for item, exact in traits.items():
                if facet in exact:
                    having[exact[facet]].append(item)
            yield from ((facet, items) for items in having.values() if len(items) > 1)

    def _visible(self, session: Session, rights: Rights, sealing: Sealing) -> set[str]:
        """The items that may be seen, their traits opened."""
        of_all = (
            select(ItemTraits.item_id, ItemTraits.revision)
            .join(ItemCard, col(ItemCard.item_id) == ItemTraits.item_id)
            .where(rights.scope(), col(ItemCard.state) != State.DISCARDED)
        )
        # Past the ORM, which would take twice as long for the rows of a large bank.
        revisions = {item: revision for item, revision in session.connection().execute(of_all)}  # noqa: C416
        missing = [
            item for item, revision in revisions.items() if self._of.get(item, ("",))[0] != revision
        ]
        for first in range(0, len(missing), CHUNK):
            wanted = col(ItemTraits.item_id).in_(missing[first : first + CHUNK])
            for row in session.exec(select(ItemTraits).where(wanted)):
                self._put(row.item_id, row.revision, _opened(row, sealing))
        return set(revisions)

    def _put(self, item_id: str, revision: str, traits: Traits) -> None:
        if item_id in self._of:
            for trait in self._of[item_id][1].all:
                self._holders[trait].discard(item_id)
        for trait in traits.all:
            self._holders[trait].add(item_id)
        self._of[item_id] = (revision, traits)
