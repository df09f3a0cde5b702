"""Near-duplicates on the pages: of an item, of the whole bank, and two items beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi.responses import Response
from sqlmodel import Session

from exam_server.access import Permission
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import alike, importing, keeping, views
from exam_server.items.alike import Named
from exam_server.items.importing import Brought
from exam_server.items.keeping import Opened
from exam_server.items.preview import MediaUrl, ShownItem, shown_item
from exam_server.items.rights import rights_of
from exam_server.items.views import ChangeLine
from exam_server.sealing import Sealing
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting
from question_bank.duplicates import Explanation, compare, explain, sketch_of
from question_bank.item import Item

pages = Pages()
#: Of so many of the closest it is shown at once what differs; of others on a page of their own.
EXPLAINED = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A match, and what differs in it; None where that is on a page of its own."""

    named: Named
    explanation: Explanation | None
    lines: Sequence[ChangeLine]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two items beside each other; `href` of one that is not in the bank is that of its
    file."""

    name: str
    item: Item
    shown: ShownItem
    href: str


@pages.get("/bank/items/{item}/alike", Permission.SEE_ITEMS)
def of_item(visit: Visiting, item: str) -> Response:
    """What an item is like. The page of a secret item is a look at it."""
    opened, sealing = views.open_for(visit, item).opened, visit.server.sealing
    with visit.server.reading() as session:
        rights = rights_of(session, visit.signed_in)
        found = alike.of_item(session, rights, item, opened.item, visit.server.traits, sealing)
        rows = [
            _row(session, one, opened.item, sealing, shown=place < EXPLAINED)
            for place, one in enumerate(found.bank)
        ]
    return page(visit, "bank_alike.html", id=item, opened=opened, rows=rows, more=found.more)


def _row(session: Session, named: Named, item: Item, sealing: Sealing, *, shown: bool) -> Row:
    if named.card.secret or not shown:
        return Row(named, None, ())
    other = keeping.read(session, named.card, sealing=sealing).item
    explanation = explain(other, item)
    return Row(named, explanation, views.change_lines(explanation.changes))


@pages.get("/bank/items/{item}/alike/{other}", Permission.SEE_ITEMS)
def beside(visit: Visiting, item: str, other: str) -> Response:
    """Two items of the bank; that secret ones were seen is written down first."""
    return _compared(visit, _of_bank(visit, other), _of_bank(visit, item))


@pages.get("/bank/imports/{bring}/alike/{place}", Permission.WRITE_ITEMS)
def brought_beside(visit: Visiting, bring: str, place: int) -> Response:
    """An item of a file beside one of the bank (`item`), or an earlier one of the file (`with`)."""
    query = visit.request.query_params
    with visit.server.reading() as session:
        brought = importing.opened(
            session, visit.signed_in, bring, visit.server.readings, sealing=visit.server.sealing
        )
    earlier = query.get("with", "")
    if query.get("item"):
        other = _of_bank(visit, query["item"])
    elif earlier.isascii() and earlier.isdigit() and len(earlier) < 6:
        other = _of_file(brought, int(earlier))
    else:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such item")
    return _compared(visit, other, _of_file(brought, place))


def _of_bank(visit: Visit, item_id: str) -> Side:
    opened: Opened = views.open_for(visit, item_id).opened
    media: MediaUrl = partial("/bank/items/{}/media/{}/{}".format, item_id, opened.item.version)
    return Side(
        opened.name, opened.item, shown_item(opened.item, media), f"/bank/items/{item_id}"
    )  # fmt: skip


def _of_file(brought: Brought, place: int) -> Side:
    item, bring = brought.item(place), brought.row.id
    media: MediaUrl = partial("/bank/imports/{}/media/{}/{}".format, bring, place)
    return Side(item.id, item, shown_item(item, media), importing.address(bring, place))


def _compared(visit: Visit, old: Side, new: Side) -> Response:
    explanation = explain(old.item, new.item)
    return page(
        visit,
        "bank_compared.html",
        old=old,
        new=new,
        likeness=compare(sketch_of(old.item), sketch_of(new.item)),
        explanation=explanation,
        lines=views.change_lines(explanation.changes),
    )


@pages.get("/bank/duplicates", Permission.SEE_ITEMS)
def of_bank(visit: Visiting) -> Response:
    """The items of the whole bank that are equal in something."""
    with visit.server.reading() as session:
        rights = rights_of(session, visit.signed_in)
        groups = alike.groups(session, rights, visit.server.traits, sealing=visit.server.sealing)
    return page(visit, "bank_duplicates.html", groups=groups)
