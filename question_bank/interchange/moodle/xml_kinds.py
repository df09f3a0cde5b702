"""The types of questions in Moodle XML, one reader each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from lxml import etree

from question_bank.interchange.markup import attribute, child, children, text_of
from question_bank.interchange.moodle.calculated import (
    Data,
    Formula,
    calculated,
    calculated_choice,
    data_of,
)
from question_bank.interchange.moodle.choices import choice, essay, numeric, short, true_false
from question_bank.interchange.moodle.embedded import embedded_in, embedded_item
from question_bank.interchange.moodle.graphics import (
    Drag,
    Drop,
    background,
    dragged_onto,
    pointed_at,
    shape_of,
    zone_at,
)
from question_bank.interchange.moodle.pairing import (
    Word,
    dragged_words,
    gap_places,
    gaps_in,
    matching,
    missing_words,
    order,
)
from question_bank.interchange.moodle.questions import (
    FULL,
    Question,
    UnsupportedError,
    number_of,
)
from question_bank.interchange.moodle.xml_question import QuestionReader
from question_bank.item import Item

Kind = Callable[[QuestionReader, Question], Item]


def _choice(reader: QuestionReader, question: Question) -> Item:
    answers = reader.choices()
    return choice(
        reader.finished(question), answers,
        single=reader.flag("single", default=True),
        shuffle=reader.flag("shuffleanswers", default=True),
    )  # fmt: skip


def _true_false(reader: QuestionReader, question: Question) -> Item:
    right = [answer.content.lower() for answer in reader.answers() if answer.percent == FULL]
    if right not in (["true"], ["false"]):
        raise UnsupportedError("it does not say whether it is true or false")
    return true_false(reader.finished(question), truth=right == ["true"])


def _numeric(reader: QuestionReader, question: Question) -> Item:
    return numeric(reader.finished(question), reader.answers(), reader.unit())


def _short(reader: QuestionReader, question: Question) -> Item:
    sensitive = reader.flag("usecase", default=False)
    return short(reader.finished(question), reader.answers(), case_sensitive=sensitive)


def _essay(reader: QuestionReader, question: Question) -> Item:
    if reader.text("responseformat") == "noinline":
        raise UnsupportedError("files alone are handed in; no kind of ours takes them")
    if reader.text("attachments") not in ("", "0"):
        reader.warn("attachments", "files that are handed in with the text were left out")
    for name in ("minwordlimit", "maxwordlimit", "responsetemplate"):
        if words := reader.text(name):
            reader.warn(name, f"was left out: {words[:60]!r}")
    lines = reader.text("responsefieldlines")
    told = question.explanation + reader.content("graderinfo")
    finished = replace(reader.finished(question), explanation=told)
    return essay(finished, int(lines) if lines.isdecimal() and len(lines) < 4 else 0)


def _matching(reader: QuestionReader, question: Question) -> Item:
    # The answers of `matching` are plain words, those of `ddmatch` content.
    target = reader.content_in if reader.kind == "ddmatch" else reader.words_in
    pairs = [
        (reader.content_in(node), target(child(node, "answer")))
        for node in children(reader.node, "subquestion")
    ]
    shuffle = reader.flag("shuffleanswers", default=True)
    return matching(reader.finished(question), pairs, shuffle=shuffle)


def _missing_words(reader: QuestionReader, question: Question) -> Item:
    marked, right = gaps_in(reader.source())
    words = [
        Word(reader.content_in(node), text_of(child(node, "group")) or "1")
        for node in children(reader.node, "selectoption")
    ]
    finished = reader.finished(question, lambda _: marked, gap_places(len(right)))
    shuffle = reader.flag("shuffleanswers", default=True)
    return missing_words(finished, right, words, shuffle=shuffle)


def _dragged_words(reader: QuestionReader, question: Question) -> Item:
    marked, right = gaps_in(reader.source())
    words = [
        Word(
            reader.content_in(node),
            text_of(child(node, "group")) or "1",
            child(node, "infinite") is not None,
        )
        for node in children(reader.node, "dragbox")
    ]
    _say_groups(reader, {word.group for word in words})
    finished = reader.finished(question, lambda _: marked, gap_places(len(right)))
    shuffle = reader.flag("shuffleanswers", default=True)
    return dragged_words(finished, right, words, shuffle=shuffle)


def _say_groups(reader: QuestionReader, groups: set[str]) -> None:
    if len(groups) > 1:
        message = f"{len(groups)} groups became one: any piece goes into any place"
        reader.log.warning(reader.node.sourceline, "group", message)


def _order(reader: QuestionReader, question: Question) -> Item:
    answers = [answer.content for answer in reader.choices()]
    if reader.text("selecttype").upper() in ("RANDOM", "REL", "CONTIGUOUS", "CONTIG"):
        shown = reader.text("selectcount")
        if shown not in ("", "0", str(len(answers))):
            raise UnsupportedError(f"it asks for the order of {shown[:5]} of its answers only")
    grading = reader.text("gradingtype")
    if grading and grading != "ALL_OR_NOTHING":
        reader.warn("gradingtype", f"{grading[:40]} became all or nothing: parts earn nothing")
    return order(reader.finished(question), answers)


def _onto_picture(reader: QuestionReader, question: Question) -> Item:
    picture = background(reader.file(reader.node))
    drags = [_drag(reader, node) for node in children(reader.node, "drag")]
    drops = []
    for node in children(reader.node, "drop"):
        number = text_of(child(node, "choice"))
        group = {drag.group for drag in drags if drag.number == number}
        place = [int(number_of(text_of(child(node, name)))) for name in ("xleft", "ytop")]
        like = [drag for drag in drags if drag.group in group]
        shape = zone_at(place[0], place[1], like, reader.media)
        drops.append(Drop(number, shape, text_of(child(node, "text"))))
    if drops:
        message = "only its corner is in the file; it was made as large as the largest piece"
        reader.warn("drop", message)
    _say_groups(reader, {drag.group for drag in drags})
    shuffle = reader.flag("shuffleanswers", default=True)
    return dragged_onto(reader.finished(question), picture, drags, drops, shuffle=shuffle)


def _markers(reader: QuestionReader, question: Question) -> Item:
    picture = background(reader.file(reader.node))
    drags = [_drag(reader, node) for node in children(reader.node, "drag")]
    drops = [
        Drop(
            text_of(child(node, "choice")),
            shape_of(text_of(child(node, "shape")).lower(), text_of(child(node, "coords"))),
        )
        for node in children(reader.node, "drop")
    ]
    return pointed_at(reader.finished(question), picture, drags, drops, reader.log)


def _drag(reader: QuestionReader, node: etree._Element) -> Drag:
    """A piece: its picture with its words as what it shows, else its words."""
    media = reader.file(node)
    if media is None:
        shown = reader.content_in(node)
    else:
        alt = etree.Element("img", src=f"media:{media.id}", alt=text_of(child(node, "text")))
        shown = etree.tostring(alt, encoding="unicode")
    count = text_of(child(node, "noofdrags"))
    most = 0 if child(node, "infinite") is not None else int(count) if count.isdecimal() else 1
    group = text_of(child(node, "draggroup")) or "1"
    return Drag(text_of(child(node, "no")), shown, group, min(most, 100))


def _cloze(reader: QuestionReader, question: Question) -> Item:
    marked, found = embedded_in(reader.source())
    total = sum((one.weight for one in found), Decimal(0))
    finished = reader.finished(
        replace(question, points=total), lambda _: marked, {one.name: one.place for one in found}
    )
    said = question.points != total and reader.text("defaultgrade")
    if said:
        reader.warn("defaultgrade", f"{said[:20]} became {total}, the sum of the answers' weights")
    item = embedded_item(finished, found, reader.embedded, reader.log)
    return replace(item, media=tuple(reader.media.values()))


def _calculated(reader: QuestionReader, question: Question) -> Item:
    data = _data(reader)
    formulas = [
        Formula(
            text_of(child(node, "text")),
            number_of(attribute(node, "fraction", "0")),
            number_of(text_of(child(node, "tolerance")) or "0"),
            text_of(child(node, "tolerancetype")),
        )
        for node in children(reader.node, "answer")
        if text_of(child(node, "text")) != "*"
    ]
    finished = reader.finished(question, data.marked, data.places)
    return calculated(finished, data, formulas, reader.unit())


def _calculated_choice(reader: QuestionReader, question: Question) -> Item:
    if not reader.flag("single", default=True):
        raise UnsupportedError("a choice of several whose options are drawn cannot be taken")
    data = _data(reader)
    answers = reader.choices(data.marked, data.places)
    finished = reader.finished(question, data.marked, data.places)
    shuffle = reader.flag("shuffleanswers", default=True)
    return calculated_choice(finished, data, answers, shuffle=shuffle)


def _data(reader: QuestionReader) -> Data:
    definitions = {}
    for node in reader.node.iterfind("dataset_definitions/dataset_definition"):
        values = {}
        for entry in node.iterfind("dataset_items/dataset_item"):
            number = text_of(child(entry, "number"))
            if number.isdecimal() and len(number) < 6:
                values[int(number)] = text_of(child(entry, "value"))
        definitions[text_of(child(node, "name"))] = values
    return data_of(definitions)


KINDS: Mapping[str, Kind] = {
    "multichoice": _choice,
    "truefalse": _true_false,
    "numerical": _numeric,
    "shortanswer": _short,
    "essay": _essay,
    "matching": _matching,
    "ddmatch": _matching,
    "gapselect": _missing_words,
    "ddwtos": _dragged_words,
    "ordering": _order,
    "ddimageortext": _onto_picture,
    "ddmarker": _markers,
    "cloze": _cloze,
    "calculated": _calculated,
    "calculatedsimple": _calculated,
    "calculatedmulti": _calculated_choice,
}
