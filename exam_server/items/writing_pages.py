"""Where item writers write: a new item, and a draft or the next version of an item."""

from os import urandom

from fastapi.responses import Response

from exam_server.access import Permission
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import answers, editing, finding, life, views
from exam_server.items.added_files import FilePlace, added_file, into_stem, onto_picture
from exam_server.items.asked import asked_item
from exam_server.items.editing import Draft
from exam_server.items.keeping import Opened
from exam_server.items.models import Act
from exam_server.items.pages import data_url
from exam_server.items.preview import picture_shown, shown
from exam_server.items.rights import ANY_SUBJECT, Rights, rights_of
from exam_server.items.typed import Typed
from exam_server.web.headers import WITH_SENT_MEDIA
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting
from question_bank.errors import ItemError
from question_bank.interactions import Kind, picture_of
from question_bank.item import LEVELS, Bloom, Item

pages = Pages()
FIELDS = 600
FIELD_BYTES = 1024 * 1024


@pages.get("/bank/new", Permission.WRITE_ITEMS)
def new(visit: Visiting) -> Response:
    kind = _kind(visit)
    if kind is None:
        return page(visit, "bank_new.html", kinds=answers.KINDS)
    draft = editing.blank(kind)
    typed = Typed(editing.fields_of(draft))
    return _form(visit, None, draft, typed, target=f"/bank/new?kind={kind}")


@pages.post("/bank/new", Permission.WRITE_ITEMS, fields=FIELDS, field_bytes=FIELD_BYTES)
def create(visit: Visiting) -> Response:
    kind = _kind(visit)
    if kind is None:
        raise NotPossibleError(Objection.BAD_VALUE, "choose a kind")
    draft = editing.blank(kind, f"item-{urandom(5).hex()}")
    typed, target = Typed(), f"/bank/new?kind={kind}"
    draft, made = _edited(visit, draft, typed)
    secret = visit.field("secret") == "true"
    if made is None or _only_looks(visit):
        return _form(visit, None, draft, typed, target=target, preview=made)
    try:
        with visit.server.transaction() as session:
            (item_id,) = life.create(
                session,
                visit.signed_in,
                [made],
                act=Act.CREATED,
                secret=secret,
                sealing=visit.server.sealing,
                now=visit.now(),
            )
    except NotPossibleError as error:
        typed.wrong("subject", subject_fault(error))
        return _form(visit, None, draft, typed, target=target)
    return visit.go(f"/bank/items/{item_id}", done="item_saved")


def _only_looks(visit: Visit) -> bool:
    """Whether the writer wants to see the item as it would be, and nothing kept yet."""
    return visit.field("act") == "preview"


def _kind(visit: Visit) -> Kind | None:
    asked = visit.request.query_params.get("kind", "")
    return next((one for one in answers.KINDS if one == asked), None)


def _edited(visit: Visit, draft: Draft, typed: Typed) -> tuple[Draft, Item | None]:
    """The draft with what was typed and the file that was sent along."""
    faults = Typed()
    added = added_file(visit, draft, faults)
    draft, made = editing.edited(onto_picture(draft, added, faults), visit.field, typed)
    for name, error in faults.errors.items():
        typed.wrong(name, error, faults.details.get(name, ""))
    typed.vietnamese |= faults.vietnamese
    try:
        return draft, None if made is None or typed.errors else into_stem(made, added)
    except ItemError as error:
        typed.wrong("item", "item", str(error).partition(": ")[2])
        return draft, None


@pages.get("/bank/items/{item}/edit", Permission.WRITE_ITEMS)
def edit(visit: Visiting, item: str) -> Response:
    desk = views.open_for(visit, item)
    if not desk.may_write:
        raise NotPossibleError(Objection.WRONG_STATE, "an item in review waits for its review")
    opened = desk.opened
    draft = editing.draft_of(opened.item)
    typed = Typed(editing.fields_of(draft))
    return _form(visit, opened, draft, typed, target=f"/bank/items/{item}/edit")


@pages.post(
    "/bank/items/{item}/edit", Permission.WRITE_ITEMS, fields=FIELDS, field_bytes=FIELD_BYTES
)
def save(visit: Visiting, item: str) -> Response:
    server = visit.server
    opened = views.open_for(visit, item).opened
    typed, target = Typed(), f"/bank/items/{item}/edit"
    draft, made = _edited(visit, editing.draft_of(opened.item), typed)
    if made is None or _only_looks(visit):
        mark = visit.field("mark")
        return _form(visit, opened, draft, typed, target=target, mark=mark, preview=made)
    try:
        with server.transaction() as session:
            life.save(
                session,
                visit.signed_in,
                item,
                made,
                mark=visit.field("mark"),
                sealing=server.sealing,
                now=visit.now(),
            )
    except NotPossibleError as error:
        if error.objection is Objection.NOT_FOUND:
            raise
        if error.objection is Objection.NOTHING_TO_DO:
            return visit.go(f"/bank/items/{item}", done="item_unchanged")
        where = "subject" if error.objection is Objection.ROLE_MISSING else "item"
        typed.wrong(where, subject_fault(error))
        return _form(visit, opened, draft, typed, target=target, mark=visit.field("mark"))
    return visit.go(f"/bank/items/{item}", done="item_saved")


def subject_fault(error: NotPossibleError) -> str:
    """What stands beside the field: whoever writes here has the role, and may lack the subject."""
    missing = error.objection is Objection.ROLE_MISSING
    return "other_subject" if missing else views.fault_of(error)


def subjects_of(visit: Visit, *also: str) -> tuple[Rights, list[str]]:
    """The subjects that a writer can choose from; whoever has all of them may type another."""
    with visit.server.reading() as session:
        rights = rights_of(session, visit.signed_in)
        known = finding.choices(session, rights)["subject"]
    own = {one for one in rights.subjects if one != ANY_SUBJECT}
    everything = known if ANY_SUBJECT in rights.subjects else []
    return rights, sorted({*own, *everything, *filter(None, also)})


def _form(
    visit: Visit,
    opened: Opened | None,
    draft: Draft,
    typed: Typed,
    *,
    target: str,
    mark: str | None = None,
    preview: Item | None = None,
) -> Response:
    item = draft.item
    kept = {one.id for one in opened.item.media} if opened else set[str]()
    sent = {one.id: one for one in (preview or item).media if one.id not in kept}

    def media(one: str) -> str:
        if one in sent:
            return data_url(sent[one])
        return f"/bank/items/{item_id}/media/{item.version}/{one}"

    rights, subjects = subjects_of(visit, item.metadata.subject)
    item_id = opened.card.item_id if opened else ""
    shows = page(
        visit,
        "bank_edit.html",
        status=422 if typed.errors else 200,
        opened=opened,
        item=item,
        draft=draft,
        stimulus=shown(item.stimulus.content, media) if item.stimulus else "",
        asked=asked_item(preview or item, media),
        preview=preview is not None,
        picture=picture_shown(draft.answer, media),
        file_places=list(FilePlace) if picture_of(draft.answer.interaction) else [FilePlace.STEM],
        typed=typed,
        target=target,
        mark=mark if mark is not None else (opened.mark if opened else ""),
        subjects=subjects,
        any_subject=ANY_SUBJECT in rights.subjects,
        may_secret=rights.sees_secrets and opened is None,
        secret=visit.field("secret") == "true",
        levels=LEVELS,
        processes=list(Bloom),
    )
    if sent:
        shows.headers["content-security-policy"] = WITH_SENT_MEDIA
    return shows
