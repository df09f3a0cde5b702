"""Moodle XML: a `quiz` of `question` elements."""

from lxml import etree

from question_bank.errors import ContentError, FileRefusedError
from question_bank.interchange.encodings import head_of
from question_bank.interchange.languages import language_of
from question_bank.interchange.markup import (
    attribute,
    child,
    line_of,
    name_of,
    parse_xml,
    text_of,
)
from question_bank.interchange.moodle.carried import carried
from question_bank.interchange.moodle.questions import UnsupportedError, identifier_of
from question_bank.interchange.moodle.tags import topic_of
from question_bank.interchange.moodle.xml_kinds import KINDS
from question_bank.interchange.moodle.xml_question import QuestionReader
from question_bank.interchange.problems import Imported, ProblemLog
from question_bank.item import Item

_NO_QUESTION = {
    "description": "it asks nothing; what several questions share is a <div class='stimulus'> at "
    "the beginning of each",
    "random": "it draws other questions; that is the work of building forms",
}


def is_moodle_xml(data: bytes) -> bool:
    """Whether the first element of an XML file is a `quiz`."""
    return b"<quiz" in head_of(data, 2000)


def read_moodle_xml(data: bytes, file: str) -> Imported:
    """The questions of a Moodle XML file; raises FileRefusedError where it is none or
    holds no question."""
    log = ProblemLog(file)
    root = parse_xml(data, file)
    if name_of(root) != "quiz":
        raise FileRefusedError(f"{file}: <{name_of(root)}> is no Moodle XML; a <quiz> is expected")
    items: list[Item] = []
    lines: dict[str, int] = {}
    penalties: list[etree._Element] = []
    language = next(filter(None, map(language_of, map(str, root.itertext()))), "")
    topic = ""
    number = 0
    for node in root:
        if name_of(node) != "question":
            log.warning(line_of(node), name_of(node), "is not known and was left out")
        elif attribute(node, "type") == "category":
            topic = _category(node, log)
        else:
            number += 1
            name = f"{identifier_of(file)}-{number}"
            lines[name] = line_of(node) or 0
            item = _item(node, log, (name, topic, language))
            if item is None:
                continue
            items.append(item)
            penalties += _penalty(node)
    if not number:
        raise FileRefusedError(f"{file}: the quiz holds no question")
    if penalties:
        message = "marks taken off for further tries were left out: there is one try"
        log.warning(line_of(penalties[0]), "penalty", f"{message} ({len(penalties)} questions)")
    return Imported(tuple(items), problems=tuple(log.problems), lines=lines)


def _category(node: etree._Element, log: ProblemLog) -> str:
    for name in ("info", "idnumber"):
        if words := text_of(child(node, name)):
            message = f"of a category has no field and was left out: {words[:60]!r}"
            log.warning(line_of(node), name, message)
    return topic_of(text_of(child(node, "category")))


def _item(node: etree._Element, log: ProblemLog, told: tuple[str, str, str]) -> Item | None:
    """`told`: the item's id, its topic, and the language of the file."""
    kind, line = attribute(node, "type"), line_of(node)
    if kind not in KINDS:
        message = _NO_QUESTION.get(kind, "this type of question cannot be taken")
        log.error(line, kind or "question", f"{message}: {_called(node)!r}")
        return None
    before = len(log.problems)
    reader = QuestionReader(node, log, kind)
    try:
        item = carried(KINDS[kind](reader, reader.question(*told)), node, reader.warn)
    except (UnsupportedError, ContentError) as error:
        del log.problems[before:]  # without the item, what happened to its pieces says nothing
        log.error(line, kind, f"{error}: {_called(node)!r}")
        return None
    reader.report_rest()
    return item


def _called(node: etree._Element) -> str:
    return text_of(child(node, "name"))[:60]


def _penalty(node: etree._Element) -> list[etree._Element]:
    found = child(node, "penalty")
    return [found] if found is not None and text_of(found).strip("0.") else []
