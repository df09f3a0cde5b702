"""Whom the server believes on, for officers to read; it is changed by commands and two keys."""

from collections.abc import Mapping, Sequence

from fastapi.responses import Response

from card_reader.trust.collection import EntryKind
from exam_server.access import Permission
from exam_server.errors import InputError
from exam_server.trust import service
from exam_server.trust.models import DocumentKind
from exam_server.trust.officers import fingerprint
from exam_server.trust.service import InForce
from exam_server.trust.view import EntryView, loose_views, views_of
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visiting

pages = Pages()
_TRUST = DocumentKind.COLLECTION
#: In the order of the page: what cards are judged by first.
KINDS = (EntryKind.ANCHOR, EntryKind.LINK, EntryKind.PINNED, EntryKind.CRL)


@pages.get("/trust", Permission.SEE_TRUST)
def trust(visit: Visiting) -> Response:
    server, now = visit.server, visit.now()
    current, fault = InForce(None, None), ""
    views: Sequence[EntryView] = ()
    with server.reading() as session:
        own = server.keys.signing.public_key()
        history = service.history(session)
        try:
            current = service.in_force(session, own, server.settings.realm)
        except InputError as error:
            fault = str(error)
    try:
        # The store that check-ins are judged by, too: what it refuses, they refuse.
        store = server.trust
        views = views_of(current.collection, now) if current.collection else loose_views(store, now)
    except InputError as error:
        fault = str(error)
    officers = current.officers.officers if current.officers else {}
    return page(
        visit,
        "trust.html",
        fault=fault,
        collection=current.collection,
        applied_at=next((row.applied_at for row in history if row.kind is _TRUST), None),
        groups=[] if fault else [(kind, _of_kind(views, kind)) for kind in KINDS],
        overdue=sum(1 for view in views if view.due),
        officers=_fingerprints(officers),
        history=history,
    )


def _of_kind(views: Sequence[EntryView], kind: EntryKind) -> list[EntryView]:
    return [view for view in views if view.kind is kind]


def _fingerprints(officers: Mapping[str, bytes]) -> list[tuple[str, str]]:
    return [(name, fingerprint(key)) for name, key in sorted(officers.items())]
