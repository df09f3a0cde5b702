"""Items out to Moodle XML. What Moodle has no place for is in the problems, by item."""

from collections.abc import Iterable, Mapping, Sequence

from lxml import etree

from question_bank.assembly import BaseForm
from question_bank.interactions import Composite, GraphicGapMatch, SelectPoint
from question_bank.interchange.moodle.carried import MAX_TAG, UNSORTED, tags_of
from question_bank.interchange.moodle.cloze import cloze
from question_bank.interchange.moodle.write_graphics import onto_picture, places
from question_bank.interchange.moodle.write_html import Texts, made, text
from question_bank.interchange.moodle.write_types import CannotError, Told, told
from question_bank.interchange.moodle.xml import read_moodle_xml
from question_bank.interchange.problems import Exported, ProblemLog
from question_bank.interchange.sameness import unlike
from question_bank.item import Item
from question_bank.keys import PairsKey

FILE = "moodle.xml"
STIMULUS = "stimulus"


def write_moodle(items: Iterable[Item], base_forms: Iterable[BaseForm]) -> Exported:
    """A `quiz` of all items that Moodle has a type of question for."""
    log = ProblemLog(FILE)
    quiz = made("quiz")
    topic = ""
    written: list[tuple[Item, bool]] = []
    for item in items:
        texts = Texts(item)
        try:
            question = _question(item, texts)
        except CannotError as reason:
            log.error(None, item.kind, f"{item.id}: {reason}")
            continue
        written.append((item, bool(texts.warnings)))
        for element, message in texts.warnings:
            log.warning(None, element, f"{item.id}: {message}")
        if item.metadata.topic != topic:
            topic = item.metadata.topic
            quiz.append(made("question", text("category", topic or UNSORTED), type="category"))
        quiz.append(question)
    for form in base_forms:
        log.warning(None, "form", f"{form.id}: Moodle XML holds questions and no papers")
    etree.indent(quiz)
    data = bytes(etree.tostring(quiz, xml_declaration=True, encoding="UTF-8")) + b"\n"
    if written:
        _compare(written, data, log)
    return Exported(data, tuple(log.problems))


def _compare(written: Sequence[tuple[Item, bool]], data: bytes, log: ProblemLog) -> None:
    """Reads the file again, and names what would come back otherwise and was not said before."""
    read = {item.id: item for item in read_moodle_xml(data, FILE).items}
    for item, said in written:
        again = read.get(item.id)
        if again is None:
            log.warning(None, item.kind, f"{item.id}: our own reader does not take it back")
        elif not said and (fields := unlike(item, again)):
            log.warning(None, item.kind, f"{item.id}: comes back otherwise: {', '.join(fields)}")


def _question(item: Item, texts: Texts) -> etree._Element:
    own = _told(item, texts)
    stem = item.stem if own.stem is None else own.stem
    question = made("question", type=own.type)
    question.extend([
        text("name", item.metadata.code or item.id),
        _text(item, stem, own.marks, texts),
        texts.rich("generalfeedback", item.explanation),
        made("defaultgrade", f"{own.worth or item.points:f}"),
        made("penalty", "0"),
        made("hidden", "0"),
        made("idnumber", item.id),
        *own.elements,
    ])  # fmt: skip
    if tags := _tags(item, own, texts):
        question.append(made("tags", *tags))
    return question


def _told(item: Item, texts: Texts) -> Told:
    match item.interaction, item.key:
        case Composite(), _:
            return cloze(item, texts)
        case GraphicGapMatch() as shown, PairsKey(pairs=pairs):
            return onto_picture(item, shown, pairs, texts)
        case SelectPoint() as shown, _:
            return places(item, shown, texts)
        case _:
            return told(item, texts)


def _text(item: Item, stem: str, marks: Mapping[str, str], texts: Texts) -> etree._Element:
    """The question's text, what it refers to at its head."""
    node = texts.rich("questiontext", stem, marks)
    if item.stimulus is None:
        return node
    shown = texts.rich(STIMULUS, item.stimulus.content)
    inner, own = shown[0], node[0]
    own.text = f'<div class="{STIMULUS}" id="{item.stimulus.id}">{inner.text}</div>{own.text}'
    names = {file.get("name") for file in node}
    node.extend(file for file in shown[1:] if file.get("name") not in names)
    return node


def _tags(item: Item, own: Told, texts: Texts) -> list[etree._Element]:
    tags = []
    worth = own.worth or item.points
    for label, value in tags_of(item, marked_here=own.marked_otherwise, worth=worth):
        written = f"{label}: {value}"
        if len(written) > MAX_TAG:
            texts.warn("tag", f"Moodle cuts tags after {MAX_TAG} characters: {written[:200]!r}")
        tags.append(text("tag", written))
    return tags
