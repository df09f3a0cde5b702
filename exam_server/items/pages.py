"""The item bank: finding, reading, reviewing, and taking out."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi.responses import Response

from exam_server.access import Permission
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import (
    asking,
    exports,
    finding,
    history,
    keeping,
    life,
    statistics,
    topic_trees,
    views,
)
from exam_server.items.asked import asked_item
from exam_server.items.downloads import download
from exam_server.items.preview import MediaUrl, shown_item
from exam_server.items.rights import rights_of
from exam_server.web.rendering import page
from exam_server.web.visit import Pages, Visit, Visiting
from question_bank.difference import differences
from question_bank.interchange.formats import WRITERS
from question_bank.item import LEVELS, Item, Media
from question_bank.lifecycle import Action, State
from question_bank.topics import TopicTree

pages = Pages()
#: What the pages may show of pictures, where SVG runs nothing, and play.
MEDIA = frozenset(
    ("image/png", "image/jpeg", "image/gif", "image/svg+xml", "image/webp", "image/bmp",
     "audio/mpeg", "audio/ogg", "audio/wav")
)  # fmt: skip


@pages.get("/bank", Permission.SEE_ITEMS)
def bank(visit: Visiting) -> Response:
    query = {k: v for k, v in visit.request.query_params.items() if v and k not in ("page", "done")}
    wanted = asking.wanted_of(query, visit.signed_in.id)
    asked = visit.request.query_params.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    sealing = visit.server.sealing
    with visit.server.reading() as session:
        rights = rights_of(session, visit.signed_in)
        found = finding.find(
            session, rights, wanted, visit.server.texts, sealing=sealing, page=number
        )
        rows = views.rows_of(session, found, sealing)
        choices = finding.choices(session, rights)
        trees = topic_trees.trees(session)
    return page(
        visit,
        "bank.html",
        rights=rights,
        wanted=wanted,
        found=found,
        rows=rows,
        choices=choices,
        states=list(State),
        levels=LEVELS,
        typed=query,
        topics=_topics(trees, choices["topic"], wanted.subject),
        sorts=list(finding.Sort),
        uses=list(finding.Use),
        further=any(name in query for name in asking.FURTHER),
        share=statistics.share,
        link=lambda to: "/bank?" + urlencode({**query, "page": to}),
        narrowed=bool(query),
        formats=WRITERS,
        jobs="/bank/jobs" + ("?" + urlencode(query) if query else ""),
    )


def _topics(
    trees: Mapping[str, TopicTree], named: Sequence[str], subject: str
) -> list[tuple[str, str]]:
    """(value, text) of the topics to choose from: the trees that items stand in, each below what
    is above it, then what stands in none. Of every subject, where none is chosen."""
    chosen = [trees[subject]] if subject in trees else [] if subject else list(trees.values())
    lines, known = [], set()
    for tree in chosen:
        codes = {topic.code for topic in tree.topics} | {topic.name for topic in tree.topics}
        known |= codes
        if codes & set(named):
            lines += [
                (topic.code, "\N{EM SPACE}" * depth + f"{topic.name} ({topic.code})")
                for depth, topic in tree.lines()
            ]
    return lines + [(one, one) for one in named if one not in known]


@pages.get("/bank/items/{item}", Permission.SEE_ITEMS)
def item_page(visit: Visiting, item: str) -> Response:
    return _item_page(visit, item)


def _item_page(
    visit: Visit,
    item_id: str,
    *,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    desk = views.open_for(visit, item_id, _number(visit, "version"))
    opened = desk.opened
    return page(
        visit,
        "bank_item.html",
        status=422 if errors else 200,
        id=item_id,
        desk=desk,
        item=opened.item,
        share=statistics.share,
        shown=shown_item(opened.item, _media_url(item_id, opened.item.version)),
        formats=WRITERS,
        asked=asked_item(opened.item, _media_url(item_id, opened.item.version)),
        errors=errors or {},
        typed=typed or {},
    )


def _media_url(item_id: str, version: int) -> MediaUrl:
    return lambda media: f"/bank/items/{item_id}/media/{version}/{media}"


def _number(visit: Visit, name: str) -> int | None:
    value = visit.request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


@pages.get("/bank/items/{item}/changes", Permission.SEE_ITEMS)
def changes(visit: Visiting, item: str) -> Response:
    """What differs between two versions."""
    first, second = _number(visit, "from"), _number(visit, "to")
    new = views.open_for(visit, item, second).opened
    before = [one for one in new.versions if one < new.item.version]
    old = views.open_for(visit, item, first or (before[-1] if before else None)).opened
    lines = views.change_lines(differences(old.item, new.item))
    return page(visit, "bank_changes.html", id=item, old=old, new=new, lines=lines)


@pages.get("/bank/items/{item}/media/{version}/{media}", Permission.SEE_ITEMS)
def media(visit: Visiting, item: str, version: int, media: str) -> Response:
    """A picture of a version; the page that shows it wrote down that a secret one was seen."""
    sealing = visit.server.sealing
    with visit.server.reading() as session:
        card = keeping.card_of(session, rights_of(session, visit.signed_in), item)
        noted = not card.secret or history.seen_lately(session, visit.signed_in, item, visit.now())
        opened = keeping.read(session, card, sealing=sealing, version=version)
    if not noted:  # asked for by itself
        views.open_for(visit, item, version)
    return picture(opened.item, media)


def picture(item: Item, media_id: str) -> Response:
    """The bytes of a picture or a sound as that and as nothing else."""
    found = next((one for one in item.media if one.id == media_id), None)
    if found is None or found.mime not in MEDIA:
        raise NotPossibleError(Objection.NOT_FOUND, "there is no such picture")
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response(found.data, media_type=found.mime, headers=headers)


def data_url(media: Media) -> str:
    """A picture or a sound that is kept nowhere yet, in the page itself."""
    if media.mime not in MEDIA:
        return ""
    return f"data:{media.mime};base64,{b64encode(media.data).decode()}"


@pages.post("/bank/items/{item}/step", Permission.SEE_ITEMS)
def step(visit: Visiting, item: str) -> Response:
    action = visit.choice("action", Action)
    if action is None:
        raise NotPossibleError(Objection.BAD_VALUE, "choose a step")
    typed = {"note": visit.field("note")}
    if len(typed["note"]) > life.MAX_NOTE:
        return _item_page(visit, item, errors={"note": "too_long"}, typed=typed)
    try:
        with visit.server.transaction() as session:
            life.step(
                session,
                visit.signed_in,
                item,
                action,
                mark=visit.field("mark"),
                text=typed["note"],
                sealing=visit.server.sealing,
                now=visit.now(),
            )
    except NotPossibleError as error:
        return _refused(visit, item, "note", error, typed)
    return visit.go(f"/bank/items/{item}", done=f"item_{action}")


def _refused(
    visit: Visit, item: str, name: str, error: NotPossibleError, typed: dict[str, str]
) -> Response:
    """The page again, with what was typed; an item that is not there stays not there."""
    if error.objection is Objection.NOT_FOUND:
        raise error
    return _item_page(visit, item, errors={name: views.fault_of(error)}, typed=typed)


@pages.post("/bank/items/{item}/comment", Permission.SEE_ITEMS)
def comment(visit: Visiting, item: str) -> Response:
    typed = {"comment": visit.field("comment")}
    if not typed["comment"] or len(typed["comment"]) > life.MAX_NOTE:
        code = "too_long" if typed["comment"] else "missing"
        return _item_page(visit, item, errors={"comment": code}, typed=typed)
    with visit.server.transaction() as session:
        life.comment(
            session,
            visit.signed_in,
            item,
            typed["comment"],
            sealing=visit.server.sealing,
            now=visit.now(),
        )
    return visit.go(f"/bank/items/{item}", done="item_commented")


@pages.post("/bank/items/{item}/secrecy", Permission.SEE_ITEMS)
def secrecy(visit: Visiting, item: str) -> Response:
    """Makes an item secret; that a secret one is opened is asked for."""
    secret, typed = visit.field("secret") == "true", {"secrecy": visit.field("secrecy")}
    officer, sealing, now = visit.signed_in, visit.server.sealing, visit.now()
    reason = typed["secrecy"][: life.MAX_NOTE]
    try:
        with visit.server.transaction() as session:
            if secret:
                life.make_secret(session, officer, item, reason=reason, sealing=sealing, now=now)
            else:
                exports.ask(session, officer, item, reason, opens=True, sealing=sealing, now=now)
    except NotPossibleError as error:
        return _refused(visit, item, "secrecy", error, typed)
    if secret:
        return visit.go(f"/bank/items/{item}", done="item_secret")
    return visit.go("/bank/exports", done="export_asked")


@pages.post("/bank/items/{item}/export", Permission.SEE_ITEMS)
def export(visit: Visiting, item: str) -> Response:
    """An open item at once; a secret one is asked for."""
    server, typed = visit.server, {"export": visit.field("export")}
    with server.reading() as session:
        secret = keeping.card_of(session, rights_of(session, visit.signed_in), item).secret
    if not secret:
        with server.transaction() as session:
            taken = exports.take_open(
                session, visit.signed_in, item, _format(visit),
                sealing=server.sealing, now=visit.now(),
            )  # fmt: skip
        return download(visit, taken)
    try:
        with server.transaction() as session:
            exports.ask(
                session,
                visit.signed_in,
                item,
                typed["export"][: life.MAX_NOTE],
                sealing=server.sealing,
                now=visit.now(),
            )
    except NotPossibleError as error:
        return _refused(visit, item, "export", error, typed)
    return visit.go("/bank/exports", done="export_asked")


def _format(visit: Visit) -> str:
    return visit.field("format") or exports.QTI


@pages.get("/bank/exports", Permission.SEE_ITEMS)
def export_list(visit: Visiting) -> Response:
    with visit.server.reading() as session:
        wishes = exports.wishes(session, visit.signed_in, sealing=visit.server.sealing)
    return page(visit, "bank_exports.html", wishes=wishes, formats=WRITERS)


@pages.post("/bank/exports/{export}", Permission.SEE_ITEMS)
def export_step(visit: Visiting, export: str) -> Response:
    """Grants, refuses or takes."""
    server, officer, act = visit.server, visit.signed_in, visit.field("act")
    with server.transaction() as session:
        if act == "take":
            taken = exports.take(
                session, officer, export, _format(visit),
                sealing=server.sealing, now=visit.now(),
            )  # fmt: skip
        elif act in ("grant", "refuse"):
            exports.decide(
                session,
                officer,
                export,
                granted=act == "grant",
                sealing=server.sealing,
                now=visit.now(),
            )
        else:
            raise NotPossibleError(Objection.BAD_VALUE, "grant, refuse or take")
    if act == "take":
        return download(visit, taken)
    return visit.go("/bank/exports", done=f"export_{act}")
