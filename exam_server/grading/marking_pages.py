"""Pages for those who mark what no program can: a table of codes, one answer, a sheet to take."""

from collections.abc import Mapping
from decimal import Decimal

from fastapi.responses import Response
from sqlmodel import Session

from exam_server.access import Permission
from exam_server.errors import NotPossibleError, Objection
from exam_server.grading import marking
from exam_server.grading import marking_answers as waiting
from exam_server.grading.marking_answers import Answer, Written
from exam_server.grading.marking_sheet import (
    COLUMNS,
    MAX_BYTES,
    Fault,
    Given,
    SheetError,
    SheetFault,
    points_typed,
    read_sheet,
    sheet,
)
from exam_server.items.pages import picture
from exam_server.items.preview import shown_item
from exam_server.proctoring import service as rooms
from exam_server.web import texts
from exam_server.web.rendering import mark, page
from exam_server.web.texts import Language
from exam_server.web.visit import Pages, Visit, Visiting
from question_bank.item import Item

pages = Pages()
PAGE_SIZE = 50


@pages.get("/marking", Permission.MARK_ANSWERS)
def shifts(visit: Visiting) -> Response:
    with visit.server.reading() as session:
        counts = waiting.counts(session, visit.signed_in, sealing=visit.server.sealing)
        heads = [head for head in rooms.shift_heads(session) if head.id in counts]
    return page(visit, "marking_shifts.html", shifts=heads, counts=counts)


def _answers(visit: Visit, session: Session, shift: str) -> list[Answer]:
    return waiting.answers_for(session, visit.signed_in, shift, sealing=visit.server.sealing)


@pages.get("/marking/{shift}", Permission.MARK_ANSWERS)
def answers(visit: Visiting, shift: str) -> Response:
    return _listed(visit, shift)


def _listed(visit: Visit, shift: str, *, faults: tuple[Fault, ...] = ()) -> Response:
    with visit.server.reading() as session:
        head = rooms.shift_head(session, shift)
        found = _answers(visit, session, shift)
        last = max(1, -(-len(found) // PAGE_SIZE))
        number = min(_page_asked(visit), last)
        shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        questions = waiting.question_words(session, shown, visit.server.sealing)
    return page(
        visit, "marking.html", status=422 if faults else 200, shift=head, answers=shown,
        count=len(found), number=number, last=last, questions=questions,
        faults=[_words(visit, one) for one in faults],
        left=sum(one.given is None for one in found),
    )  # fmt: skip


def _page_asked(visit: Visit) -> int:
    asked = visit.request.query_params.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    return max(number, 1)


def _words(visit: Visit, fault: Fault) -> str:
    """A fault as people read it."""
    language = visit.language
    values = {
        name: mark(language, one) if isinstance(one, Decimal) else one
        for name, one in fault.values.items()
    }
    words = texts.word(language, "sheet_fault", fault.what).format_map(values)
    if fault.line is None:
        return words
    return texts.text(language, "marking.fault_line", line=fault.line, fault=words)


def _headings(language: Language) -> Mapping[str, str]:
    return {name: texts.word(language, "marking_sheet", name) for name in COLUMNS}


@pages.get("/marking/{shift}/sheet", Permission.MARK_ANSWERS)
def take(visit: Visiting, shift: str) -> Response:
    """All answers for this person as CSV, without the words of secret questions."""
    server, officer, language = visit.server, visit.signed_in, visit.language
    with server.reading() as session:
        found = _answers(visit, session, shift)
        data = sheet(
            found,
            waiting.written(session, officer, found, server.sealing),
            waiting.question_words(session, found, server.sealing),
            _headings(language),
            left_out=texts.text(language, "marking.secret_hidden"),
        )
    name = texts.text(language, "marking.sheet_name")
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)


@pages.post("/marking/{shift}/sheet", Permission.MARK_ANSWERS)
def bring(visit: Visiting, shift: str) -> Response:
    """All marks of a sheet, or none where one does not fit."""
    upload = visit.upload("file")
    data = b"" if upload is None else upload.file.read(MAX_BYTES + 1)
    try:
        with visit.server.transaction() as session:
            found = _answers(visit, session, shift)
            given = read_sheet(data, found, map(_headings, Language))
            marking.lock_all(session, (one.answer for one in given))
            faults = [_give(visit, session, one) for one in given]
            if any(faults):
                raise SheetError(*filter(None, faults))
    except SheetError as error:
        return _listed(visit, shift, faults=error.faults)
    return visit.go(f"/marking/{shift}", done="answers_marked")


#: What `marking.give` may object to a line, and what that is called in a sheet.
LINE_FAULTS = {
    Objection.WRONG_STATE: SheetFault.CLOSED,
    Objection.ANSWER_CHANGED: SheetFault.CHANGED,
}


def _give(visit: Visit, session: Session, given: Given) -> Fault | None:
    """Keeps the mark of one line; what is wrong with the line where it cannot be kept."""
    try:
        marking.give(
            session, visit.signed_in, given.answer, given.points, given.remark,
            read=given.read, keys=visit.server.keys, now=visit.now(),
        )  # fmt: skip
    except NotPossibleError as error:
        if error.objection not in LINE_FAULTS:
            raise
        return Fault(LINE_FAULTS[error.objection], given.line, {"code": given.answer.code})
    return None


@pages.get("/marking/{shift}/{code}", Permission.MARK_ANSWERS)
def answer(visit: Visiting, shift: str, code: str) -> Response:
    return _answer(visit, shift, code)


def _answer(
    visit: Visit, shift: str, code: str, *, errors: dict[str, str] | None = None
) -> Response:
    """An answer and its form; with `errors` what was typed, too, but no points of another text
    than the one shown."""
    with visit.server.reading() as session:
        head = rooms.shift_head(session, shift)
    found, item, written = _opened(visit, shift, code)
    typed = {name: visit.field(name) for name in ("points", "remark")} if errors else None
    if typed and visit.field("read") != written.read:
        errors, typed["points"] = {"read": Objection.ANSWER_CHANGED}, ""
    return page(
        visit, "marking_answer.html", status=422 if errors else 200, shift=head, answer=found,
        written=written, item=item,
        shown=shown_item(item, lambda media: f"/marking/{shift}/{code}/media/{media}"),
        typed=typed, errors=errors or {},
    )  # fmt: skip


def _find(visit: Visit, session: Session, shift: str, code: str) -> Answer:
    return waiting.find(session, visit.signed_in, shift, code, sealing=visit.server.sealing)


def _opened(visit: Visit, shift: str, code: str) -> tuple[Answer, Item, Written]:
    """An answer and its item. That a secret one was seen is written down before it is shown, not
    anew with each of its answers and pictures in a row."""
    server, officer = visit.server, visit.signed_in
    with server.reading() as session:
        found = _find(visit, session, shift, code)
        written = waiting.written(session, officer, [found], server.sealing)[code]
        if not found.secret or waiting.seen_lately(session, officer, found, visit.now()):
            return found, waiting.item_of(session, found, server.sealing), written
    with server.transaction() as session:
        waiting.note_seen(session, officer, found, sealing=server.sealing, now=visit.now())
        return found, waiting.item_of(session, found, server.sealing), written


@pages.get("/marking/{shift}/{code}/media/{media}", Permission.MARK_ANSWERS)
def media(visit: Visiting, shift: str, code: str, media: str) -> Response:
    """A picture of the item that the answer is to."""
    _, item, _ = _opened(visit, shift, code)
    return picture(item, media)


@pages.post("/marking/{shift}/{code}", Permission.MARK_ANSWERS)
def give(visit: Visiting, shift: str, code: str) -> Response:
    """Keeps the mark and goes on to the next answer that has none."""
    points, server = points_typed(visit.field("points")), visit.server
    with server.reading() as session:
        found = _find(visit, session, shift, code)
    if points is None or not marking.is_mark(points, found.maximum):
        return _answer(visit, shift, code, errors={"points": "points"})
    try:
        with server.transaction() as session:
            marking.give(
                session, visit.signed_in, found, points, visit.field("remark"),
                read=visit.field("read"), keys=server.keys, now=visit.now(),
            )  # fmt: skip
    except NotPossibleError as error:
        if error.objection is not Objection.ANSWER_CHANGED:
            raise
        return _answer(visit, shift, code, errors={"read": error.objection})
    with server.reading() as session:
        following = waiting.next_code(session, visit.signed_in, shift, sealing=server.sealing)
    return visit.go(
        f"/marking/{shift}" + (f"/{following}" if following else ""), done="answer_marked"
    )
