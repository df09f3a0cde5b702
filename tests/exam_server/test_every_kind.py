"""A paper of every kind of item, from a QTI package to the marks, on the server."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from server_world import BACH, DEMO, OFFICE, World, load_demo

from card_reader.simulator.profile import CardProfile
from exam_server import db, migrations
from exam_server.errors import NotPossibleError, Objection
from exam_server.forms import service as forms
from exam_server.forms.models import Form
from exam_server.grading.models import ItemScore
from exam_server.grading.service import grade_shift
from exam_server.items.codec import answer_key_of, body_of, item_from
from exam_server.keys import ServerKeys
from exam_server.results.publication import publish
from exam_server.results.service import results_of_shift, slip
from question_bank.assembly import BaseForm, BasePart, FormMapping, MappedItem
from question_bank.content import clean
from question_bank.interchange.pictures import picture
from question_bank.interchange.qti3_writer import write_package
from question_bank.item import Item
from question_bank.response import Response, from_plain, to_plain
from tests.databases import Databases
from tests.interaction_items import ITEMS, MAP, PASSAGE, RIGHT
from tests.question_bank.item_builders import FIGURE

pytestmark = pytest.mark.slow

NAMED = picture(FIGURE.data, "x.svg")
IN_PASSAGE = ("inline", "order", "cloze")


def paper() -> bytes:
    """All items, three of them under a passage, as a QTI 3 package with one base form."""
    passage = replace(PASSAGE, content=clean(PASSAGE.content.replace(FIGURE.id, NAMED.id)))
    kept = []
    for item in ITEMS:
        interaction = item.interaction
        if hasattr(interaction, "picture"):
            interaction = replace(interaction, picture=replace(MAP, media=NAMED.id))
        stimulus = passage if item.id in IN_PASSAGE else None
        kept.append(replace(item, interaction=interaction, media=(NAMED,), stimulus=stimulus))
    alone = tuple(item.id for item in kept if item.id not in IN_PASSAGE)
    parts = (BasePart("I", "", alone), BasePart("Đọc", "", IN_PASSAGE))
    return write_package(kept, [BaseForm("de", "Đề", "Đủ dạng", 90, parts)])


@pytest.fixture(scope="module")
def loaded_database(
    databases: Databases, keys: ServerKeys, tmp_path_factory: pytest.TempPathFactory
) -> str:
    folder = tmp_path_factory.mktemp("exam")
    shutil.copy(DEMO / "roster.xlsx", folder)
    (folder / "de.zip").write_bytes(paper())
    plan = (DEMO / "exam.toml").read_text("utf-8").replace("../maths/maths-2025.zip", "de.zip")
    (folder / "exam.toml").write_text(plan, "utf-8")
    url = databases.new()
    engine = db.create_engine(url)
    migrations.upgrade(engine)
    load_demo(engine, keys, folder)
    engine.dispose()
    return url


def presented(mapped: MappedItem, response: Response) -> dict[str, object]:
    """A response in bank ids as the kiosk says it, in its plain form."""
    plain = to_plain(response)
    parts = {part.id: (name, part) for name, part in mapped.parts.items()}
    if plain["kind"] != "composite":
        return _renamed(dict(mapped.options), plain)
    given = plain["parts"]
    assert isinstance(given, dict)
    said = {parts[n][0]: _renamed(dict(parts[n][1].options), one) for n, one in given.items()}
    return {"kind": "composite", "parts": said}


def _renamed(options: dict[str, str], plain: dict[str, object]) -> dict[str, object]:
    back = {bank: shown for shown, bank in options.items()}
    match plain:
        case {"options": [*ids]}:
            return plain | {"options": [back[one] for one in ids]}
        case {"pairs": [*pairs]}:
            return plain | {"pairs": [[back[a], back[b]] for a, b in pairs]}
        case _:
            return plain


def mapping(world: World, code: str) -> FormMapping:
    with world.server.reading() as session:
        form = session.scalars(sa.select(Form).where(Form.code == code)).one()
        return forms.mapping_of(form, world.server.sealing)


def test_every_kind_goes_the_whole_way_to_its_marks(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    assert len(form.items) == len(ITEMS)
    assert [item.stimulus for item in form.parts[1].items] == [form.stimuli[0].id] * 3
    way = mapping(world, form.code)
    for item in form.items:
        mapped = way.items[item.id]
        said = presented(mapped, RIGHT[mapped.item_id][1])
        assert way.to_bank(item.id, from_plain(said)) == RIGHT[mapped.item_id][1]
        desk.send(desk.answer(item.id, said))
    desk.submit()
    world.close_shift()
    with world.server.transaction() as session:
        report = grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip
        marks = {score.presented_id: score for score in session.scalars(sa.select(ItemScore))}
    assert (report.graded, report.problems) == (1, ())
    for item in form.items:
        name = way.items[item.id].item_id
        by_people = {"essay": 4, "composite": 2}.get(name, 0)
        assert marks[item.id].raw == marks[item.id].maximum - by_people, name
        assert marks[item.id].awaiting == by_people, name
    provisional_and_not_to_be_published(world, attempt)


def provisional_and_not_to_be_published(world: World, attempt: str) -> None:
    """The essay's four marks and the composite's two are still to be given by people."""
    with world.server.transaction() as session:
        made = slip(session, attempt, keys=world.server.keys, now=world.clock.now)
        rows = results_of_shift(session, world.centre_id, world.shift_id)
        assert made.awaiting == sum(part.awaiting for part in made.parts) == 6
        assert made.total == made.maximum - 6
        assert [row.awaiting for row in rows if row.attempt_id] == [6]
        with pytest.raises(NotPossibleError) as caught:
            publish(
                session, world.shift_id, officer=OFFICE, keys=world.server.keys,
                now=world.clock.now, reason="đủ cả",
            )  # fmt: skip
    assert caught.value.objection is Objection.AWAITING_MARKS


def test_an_answer_that_an_item_cannot_have_is_named_and_earns_nothing(
    world: World, issue: Callable[..., CardProfile]
) -> None:
    """A kiosk out of its mind: pairs for an order, more choices than there may be."""
    world.open_shift()
    kiosk = world.kiosk()
    attempt = kiosk.check_in(issue(BACH)).attempt
    assert attempt is not None
    world.start_shift()
    desk, form = kiosk.lease(attempt), kiosk.open_form(attempt)
    way = mapping(world, form.code)
    shown = {mapped.item_id: name for name, mapped in way.items.items()}
    ids = list(way.items[shown["hotspot"]].options)
    desk.send(
        desk.answer(shown["hotspot"], {"kind": "hotspot", "options": ids}),
        desk.answer(shown["slider"], {"kind": "numeric", "text": "7,5"}),
        desk.answer(shown["gap"], presented(way.items[shown["gap"]], RIGHT["gap"][1])),
    )
    desk.submit()
    world.close_shift()
    with world.server.transaction() as session:
        report = grade_shift(
            session, world.shift_id, officer=OFFICE, keys=world.server.keys,
            grace=world.server.settings.grace, now=world.clock.now,
        )  # fmt: skip
        total = sum(score.raw for score in session.scalars(sa.select(ItemScore)))
    assert (report.graded, len(report.problems), total) == (1, 2, Decimal(1))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_what_may_be_shown_is_kept_apart_from_what_is_right(item: Item) -> None:
    item = replace(item, explanation="<p>Vì Bác Hồ</p>", stimulus=PASSAGE)
    body, key = body_of(item), answer_key_of(item)
    assert item_from(body, key) == item
    for secret in ("tolerance", "Bác Hồ", "accepted", "scoring", "explanation"):
        assert secret.encode() not in body
