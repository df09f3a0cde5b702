"""Bringing a file: what was found in it, its problems beside the items, and taking it as drafts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi.responses import Response
from sqlmodel import Session

from exam_server.access import Permission
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import alike, bulk, importing
from exam_server.items.alike import Named
from exam_server.items.bulk_models import Task
from exam_server.items.bulk_pages import at_work
from exam_server.items.importing import Brought
from exam_server.items.pages import picture
from exam_server.items.preview import shown_item
from exam_server.items.problem_words import said, translated
from exam_server.items.reading_apart import NotReadError, file_name, read_apart
from exam_server.items.rights import ANY_SUBJECT
from exam_server.items.writing_pages import subject_fault, subjects_of
from exam_server.web.rendering import page
from exam_server.web.texts import Language
from exam_server.web.visit import MAX_FORM_BYTES, Pages, Visit, Visiting
from question_bank.duplicates import Match
from question_bank.errors import QuestionBankError
from question_bank.interchange.spreadsheet import template

pages = Pages()
MOST_ITEMS = 5000
#: So many likenesses of an item stand beside it.
CLOSEST = 3


@dataclass(frozen=True, slots=True)
class OfPlace:
    """What an item of a file is like: in the bank, and (place, match) in the file itself."""

    bank: Sequence[Named]
    here: Sequence[tuple[int, Match]]
    more: int


@pages.get("/bank/imports", Permission.WRITE_ITEMS)
def imports(visit: Visiting) -> Response:
    return _imports(visit)


def _imports(visit: Visit, *, errors: dict[str, str] | None = None, detail: str = "") -> Response:
    rights, subjects = subjects_of(visit)
    told = translated(detail) if visit.language is Language.VIETNAMESE else None
    with visit.server.reading() as session:
        recent = importing.recent(session, visit.signed_in)
    return page(
        visit,
        "bank_imports.html",
        status=422 if errors else 200,
        subjects=subjects,
        any_subject=ANY_SUBJECT in rights.subjects,
        may_secret=rights.sees_secrets,
        recent=recent,
        most=MAX_FORM_BYTES // 2**20,
        errors=errors or {},
        detail=told or detail,
        detail_language=visit.language if told else Language.ENGLISH,
        typed={name: visit.field(name) for name in ("subject", "secret")},
    )


@pages.get("/bank/template", Permission.WRITE_ITEMS)
def blank(visit: Visiting) -> Response:
    """A spreadsheet to fill in, with headings in the visitor's language."""
    headers = {"content-disposition": 'attachment; filename="truong-thi-mau.xlsx"'}
    data = template.template(visit.language)
    return Response(data, media_type=template.MIME, headers=headers)


@pages.post("/bank/imports", Permission.WRITE_ITEMS)
def bring(visit: Visiting) -> Response:
    upload, subject = visit.upload("file"), visit.field("subject")[:100]
    errors = {} if subject else {"subject": "missing"}
    if upload is None:
        errors["file"] = "missing"
    if errors or upload is None:
        return _imports(visit, errors=errors)
    name = file_name(upload.filename or "")
    try:
        reading = read_apart(upload.file.read(), name, visit.signed_in.id)
    except (NotReadError, QuestionBankError) as error:
        return _imports(visit, errors={"file": "unreadable"}, detail=str(error))
    if len(reading.items) > MOST_ITEMS:
        return _imports(visit, errors={"file": "too_many"})
    try:
        with visit.server.transaction() as session:
            made = importing.keep(
                session,
                visit.signed_in,
                reading,
                file=name,
                subject=subject,
                secret=visit.field("secret") == "true",
                sealing=visit.server.sealing,
                now=visit.now(),
            )
    except NotPossibleError as error:
        return _imports(visit, errors={"subject": subject_fault(error)})
    return visit.go(f"/bank/imports/{made}")


@pages.get("/bank/imports/{bring}", Permission.WRITE_ITEMS)
def found(visit: Visiting, bring: str) -> Response:
    return _found(visit, bring)


def _found(visit: Visit, import_id: str, *, error: str = "") -> Response:
    with visit.server.reading() as session:
        brought = _opened(session, visit, import_id)
        items = brought.reading.items
        number, last = _page_of(visit, len(items))
        places = range(len(items))[(number - 1) * importing.PAGE : number * importing.PAGE]
        found = _likenesses(session, visit, brought, places)
        drafts = len(importing.drafts_of(session, visit.signed_in, brought))
    problems, rest = importing.beside(brought.reading)
    media = partial(partial, "/bank/imports/{}/media/{}/{}".format, import_id)
    open_ones = sorted(set(places) & set(brought.open))
    return page(
        visit,
        "bank_import.html",
        status=422 if error else 200,
        brought=brought,
        items=[(place, items[place]) for place in places],
        shown={place: shown_item(items[place], media(place)) for place in open_ones},
        total=len(items),
        drafts=drafts,
        number=number,
        last=last,
        address=partial(importing.address, import_id),
        problems=problems,
        say=partial(said, visit.language),
        alike=found,
        rest=sorted(rest, key=lambda one: one.severity != "error"),
        errors={"chosen": error} if error else {},
    )


def _opened(session: Session, visit: Visit, import_id: str) -> Brought:
    server = visit.server
    return importing.opened(
        session, visit.signed_in, import_id, server.readings, sealing=server.sealing
    )


def _page_of(visit: Visit, total: int) -> tuple[int, int]:
    """(the page that is asked for, the last one)"""
    asked, last = visit.request.query_params.get("page", ""), max(1, -(-total // importing.PAGE))
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    return min(max(number, 1), last), last


def _likenesses(
    session: Session, visit: Visit, brought: Brought, wanted: Collection[int]
) -> dict[int, OfPlace]:
    """Place → what its item is like, of those among `wanted` that are not taken yet."""
    places = brought.open
    items = [brought.reading.items[place] for place in places]
    asked = [index for index, place in enumerate(places) if place in wanted]
    found = alike.of_file(
        session, visit.signed_in, items, visit.server.traits,
        sealing=visit.server.sealing, asked=asked,
    )  # fmt: skip
    return {
        places[index]: OfPlace(
            of.bank[:CLOSEST],
            [(places[int(one.name)], one) for one in of.here[:CLOSEST]],
            of.more + len(of.bank[CLOSEST:]) + len(of.here[CLOSEST:]),
        )
        for index, of in zip(asked, found, strict=True)
        if of
    }


@pages.post("/bank/imports/{bring}", Permission.WRITE_ITEMS, fields=MOST_ITEMS + 10)
def take(visit: Visiting, bring: str) -> Response:
    chosen = [
        int(one)
        for one in visit.form.getlist("item")
        if isinstance(one, str) and one.isascii() and one.isdigit() and len(one) < 6
    ]
    server, act = visit.server, visit.field("act")
    if act == "discard":
        return _discard(visit, bring)
    if act in ("all", "unlike"):
        with server.reading() as session:
            brought = _opened(session, visit, bring)
            unlike = act == "unlike"
            like = _likenesses(session, visit, brought, brought.open) if unlike else ()
        chosen = [place for place in brought.open if place not in like]
    try:
        importing.take(
            server.engine, visit.signed_in, bring, chosen, server.readings,
            sealing=server.sealing, clock=server.clock,
        )  # fmt: skip
    except NotPossibleError as error:
        if error.objection is Objection.NOTHING_TO_DO:
            return _found(visit, bring, error="nothing_chosen")
        raise
    number, _ = _page_of(visit, MOST_ITEMS)
    query = f"?page={number}" if number > 1 else ""
    return visit.go(f"/bank/imports/{bring}{query}", done="items_taken")


def _discard(visit: Visit, import_id: str) -> Response:
    """The file was a wrong one: what was taken of it and is a draft still goes, as a job."""
    sealing = visit.server.sealing
    with visit.server.transaction() as session:
        drafts = importing.drafts_of(session, visit.signed_in, _opened(session, visit, import_id))
        job = bulk.begin(
            session, visit.signed_in, Task.DISCARD, drafts, bulk.Value(),
            sealing=sealing, now=visit.now(),
        )  # fmt: skip
    return at_work(visit, job)


@pages.get("/bank/imports/{bring}/media/{place}/{media}", Permission.WRITE_ITEMS)
def media(visit: Visiting, bring: str, place: int, media: str) -> Response:
    with visit.server.reading() as session:
        brought = _opened(session, visit, bring)
    return picture(brought.item(place), media)
