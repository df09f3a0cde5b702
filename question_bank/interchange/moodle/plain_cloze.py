"""A text file that is one question with gaps, as Moodle imports it ("Embedded answers (Cloze)")."""

from decimal import Decimal

from question_bank.errors import ContentError
from question_bank.interchange.moodle.embedded import embedded_in, embedded_item
from question_bank.interchange.moodle.html import content_of
from question_bank.interchange.moodle.questions import (
    Question,
    UnsupportedError,
    identifier_of,
    picture_reporter,
    text_of,
)
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.item import Item


def read_cloze(data: bytes, file: str) -> Imported:
    """The question that the whole file is; raises FileRefusedError where it is no text."""
    log = ProblemLog(file)
    name = f"{identifier_of(file)}-1"
    try:
        items: tuple[Item, ...] = (_item(text_of(data, file, log), name, log),)
    except (UnsupportedError, ContentError) as error:
        items = ()
        log.error(1, "question", str(error))
    return Imported(items, problems=tuple(log.problems), lines={item.id: 1 for item in items})


def _item(text: str, name: str, log: ProblemLog) -> Item:
    def content(source: str) -> str:
        return content_of(source, report, lambda _: None)

    report = picture_reporter(log, 1)
    marked, found = embedded_in(text.strip().replace("\n", "<br/>"))
    places = {one.name: one.place for one in found}
    stem = content_of(marked, report, lambda _: None, places)
    points = sum((one.weight for one in found), Decimal(0))
    return embedded_item(Question(name, 1, stem, points=points), found, content, log)
