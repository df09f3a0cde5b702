"""Near-duplicates in the bank, for somebody: of an item, of what a file brings, of the whole bank.

Traits say which few items are worth comparing (`traits`); those alone are opened. Whoever may not
see an item is told nothing of it, not even that it is there. Of a secret item only that it is like
another one is told; what differs is shown on a page that writes down who saw it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from exam_server.auth import Officer
from exam_server.items import keeping, traits
from exam_server.items.models import Item as StoredItem
from exam_server.items.models import ItemCard, ItemVersion
from exam_server.items.rights import Rights, rights_of
from exam_server.items.traits import KnownTraits
from exam_server.sealing import Sealing
from question_bank.duplicates import (
    Facet,
    Index,
    Match,
    Matches,
    Sketch,
    judged,
    sketch_of,
    traits_of,
)
from question_bank.duplicates.findings import Finding, Findings
from question_bank.item import Item

#: So many groups of equal items, and so many items of each, are shown.
MOST_GROUPS = 200
MOST_OF_GROUP = 12


@dataclass(frozen=True, slots=True)
class Named:
    """A match in the bank: its card, its name and how it is like the item."""

    card: ItemCard
    name: str
    match: Match


@dataclass(frozen=True, slots=True)
class Likenesses:
    """Of one item. `here`: earlier items of the same file, by their places. `more`: how many equal
    ones are not listed."""

    bank: Sequence[Named] = ()
    here: Sequence[Match] = ()
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.bank or self.here)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that are equal in a facet, by (card, name); `total` counts those not listed, too."""

    facet: Facet
    items: Sequence[tuple[ItemCard, str]]
    total: int


class _Desk:
    """What has been opened for comparing, each item once."""

    def __init__(
        self, session: Session, rights: Rights, known: KnownTraits, sealing: Sealing
    ) -> None:
        self._session, self._rights, self._sealing = session, rights, sealing
        self._known = known
        self._sketches: dict[str, Sketch] = {}
        self._cards: dict[str, tuple[ItemCard, str]] = {}

    def like(
        self, sketches: Sequence[Sketch], but: Collection[str] = ()
    ) -> list[tuple[list[Named], int]]:
        """For each sketch what is like it in the bank, and how many equal ones are not listed."""
        found = self._known.near(
            self._session, self._rights, [traits_of(one) for one in sketches],
            sealing=self._sealing, but=but,
        )  # fmt: skip
        self._open({name for one in found for name in one.names})
        return [
            self._named(judged(sketch, self._opened(one.names), one.more))
            for sketch, one in zip(sketches, found, strict=True)
        ]

    def _opened(self, names: Iterable[str]) -> list[tuple[str, Sketch]]:
        return [(name, self._sketches[name]) for name in names if name in self._sketches]

    def _open(self, wanted: Collection[str]) -> None:
        missing = sorted(one for one in wanted if one not in self._sketches)
        for first in range(0, len(missing), traits.CHUNK):
            rows = self._session.exec(
                select(ItemCard, StoredItem.name, ItemVersion)
                .join(StoredItem, col(StoredItem.id) == ItemCard.item_id)
                .join(
                    ItemVersion,
                    (col(ItemVersion.item_id) == ItemCard.item_id)
                    & (col(ItemVersion.version) == ItemCard.version),
                )
                .where(col(ItemCard.item_id).in_(missing[first : first + traits.CHUNK]))
            )
            for card, name, version in rows:
                self._sketches[card.item_id] = sketch_of(keeping.unsealed(version, self._sealing))
                self._cards[card.item_id] = (card, name)

    def _named(self, matches: Matches) -> tuple[list[Named], int]:
        return [Named(*self._cards[one.name], one) for one in matches.listed], matches.more


def of_item(
    session: Session, rights: Rights, item_id: str, item: Item, known: KnownTraits, sealing: Sealing
) -> Likenesses:
    """What an item of the bank is like, of what may be seen."""
    desk = _Desk(session, rights, known, sealing)
    ((named, more),) = desk.like([sketch_of(item)], but=(item_id,))
    return Likenesses(named, (), more)


def of_file(
    session: Session,
    officer: Officer,
    items: Sequence[Item],
    known: KnownTraits,
    *,
    sealing: Sealing,
    asked: Sequence[int] | None = None,
) -> list[Likenesses]:
    """What each item of a file is like, in the bank and among those before it; `asked`: of the
    items at these places alone, in their order."""
    desk = _Desk(session, rights_of(session, officer), known, sealing)
    places = range(len(items)) if asked is None else sorted(asked)
    sketches = [sketch_of(item) for item in items[: places[-1] + 1]] if places else []
    wanted = [sketches[place] for place in places]
    bank = dict(zip(places, desk.like(wanted), strict=True))
    earlier, found = Index(), list[Likenesses]()
    for place, sketch in enumerate(sketches):
        if place in bank:
            (named, more), here = bank[place], earlier.like(sketch)
            found.append(Likenesses(named, here.listed, more + here.more))
        earlier.add(str(place), sketch)
    return found


def findings(
    session: Session, officer: Officer, items: Sequence[Item], *, sealing: Sealing
) -> Findings:
    """The same for a command line, in words; secret items are named and not explained."""
    told, more = list[Finding](), dict[str, int]()
    found = of_file(session, officer, items, KnownTraits(), sealing=sealing)
    for item, alike in zip(items, found, strict=True):
        for one in alike.bank:
            secret = one.card.secret
            other = None if secret else keeping.read(session, one.card, sealing=sealing).item
            match = Match(one.name, one.match.likeness, one.match.similarity)
            told.append(Finding(match, "bank", other, item))
        for match in alike.here:
            other = items[int(match.name)]
            named = Match(other.id, match.likeness, match.similarity)
            told.append(Finding(named, "file", other, item))
        if alike.more:
            more[item.id] = alike.more
    return Findings(tuple(told), more)


def groups(
    session: Session, rights: Rights, known: KnownTraits, *, sealing: Sealing
) -> list[Group]:
    """The items of the bank that are equal in something, by the traits alone: no item is opened.

    Items that are equal in all that is asked come first; then those equal without their numbers,
    then those with the same stem, where that joins others than before.
    """
    seen, chosen = set[tuple[str, ...]](), dict[Facet, list[list[str]]]()
    for facet, items in known.equal(session, rights, sealing=sealing):
        if tuple(items) not in seen:
            seen.add(tuple(items))
            chosen.setdefault(facet, []).append(items)
    largest = [
        (facet, items)
        for facet, found in chosen.items()
        for items in sorted(found, key=lambda one: (-len(one), one))[:MOST_GROUPS]
    ]
    cards = _cards(session, {item for _, items in largest for item in items[:MOST_OF_GROUP]})
    return [
        Group(facet, [cards[one] for one in items[:MOST_OF_GROUP]], len(items))
        for facet, items in largest
    ]


def _cards(session: Session, wanted: Collection[str]) -> dict[str, tuple[ItemCard, str]]:
    """Item → its card and its name."""
    found, ids = dict[str, tuple[ItemCard, str]](), sorted(wanted)
    for first in range(0, len(ids), traits.CHUNK):
        rows = session.exec(
            select(ItemCard, StoredItem.name)
            .join(StoredItem, col(StoredItem.id) == ItemCard.item_id)
            .where(col(ItemCard.item_id).in_(ids[first : first + traits.CHUNK]))
        )
        found |= {card.item_id: (card, name) for card, name in rows}
    return found
