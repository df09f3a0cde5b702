"""What a document has no place for: ids, metadata, rules, the LaTeX of formulas.

It lies in a part of its own beside the text (`customXml`, which Word keeps), as JSON. A question's
first paragraph has a bookmark, `cau_1`, which moves with it; a formula is known by what our reader
makes of it. What the text says counts: options, keys, points and formulas that somebody has changed
are as they stand there.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from xml.sax.saxutils import escape

from lxml import etree

from question_bank.content import clean, plain_text, rename_media
from question_bank.errors import ContentError, QuestionBankError
from question_bank.interactions import (
    InlineChoice,
    MultipleChoice,
    SingleChoice,
    TrueFalseCluster,
    options_of,
)
from question_bank.interchange.pictures import EXTENSIONS
from question_bank.interchange.problems import Problem, ProblemLog
from question_bank.interchange.word.parts import Parts
from question_bank.item import Item, Media, Stimulus
from question_bank.records import item_from_plain, item_to_plain

KIND = "customXml"
PART = "customXml/item1.xml"
SPACE = "urn:x-truong-thi:paper"
MARK = "cau_"
TEXTS = "texts"
#: What the reader calls lines that belong to no question.
AROUND = ("heading", "closing line", "text outside of any question")
MAX_FORMULAS = 20_000
#: What an interaction has beside its content.
_OPEN_FIELDS = ("shuffle", "max_choices", "max_length", "allowed", "tolerance", "unit")


@dataclass(frozen=True, slots=True)
class Carried:
    """What a document carries: records of questions by their bookmark, formulas by `digest`;
    `around`: its own lines that belong to no question, by what is told of them."""

    questions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    around: frozenset[str] = frozenset()


def without_own_lines(log: ProblemLog, around: Collection[str]) -> None:
    """Tells nothing of titles and headings that the document was written with."""
    log.problems = [
        problem
        for problem in log.problems
        if problem.element not in AROUND or digest(problem.message) not in around
    ]


def lines_around(problems: Iterable[Problem]) -> frozenset[str]:
    """The lines of a document that belong to no question, as Carried has them."""
    return frozenset(digest(one.message) for one in problems if one.element in AROUND)


def digest(text: str) -> str:
    """What a formula or a text is known by, as our reader makes it of the document."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def record_of(item: Item, read_points: str, leads: Sequence[str]) -> dict[str, object]:
    """What the document does not say of an item. `read_points`: what it says that the item is
    worth; `leads`: lines before the question that are no part of its texts."""
    plain = item_to_plain(item)
    shown = plain["interaction"]
    options = _options(shown)
    return {
        "id": item.id,
        "kind": item.kind,
        "metadata": asdict(item.metadata),
        "points": plain["points"],
        "read": read_points,
        "scoring": plain["scoring"],
        "options": [option["id"] for option in options],
        "fixed": [option["id"] for option in options if option.get("fixed")],
        "open": {n: shown[n] for n in _OPEN_FIELDS if isinstance(shown, dict) and n in shown},
        "stimulus": item.stimulus.id if item.stimulus else "",
        "leads": [lead for lead in leads if lead],
    }


def _options(shown: object) -> list[dict[str, object]]:
    held = shown if isinstance(shown, dict) else {}
    found = held.get("options") or held.get("statements") or []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts_of(item: Item) -> list[str]:
    """The texts of an item that a document tells, in one order for every item."""
    stimulus = item.stimulus.content if item.stimulus else ""
    shown = item.interaction
    return [item.stem, item.explanation, stimulus, *(o.content for o in options_of(shown))]


def kept_texts(item: Item, read: Item) -> list[list[str]]:
    """For every text: what it is known by as our reader reads it, and what it is."""
    names = {media.id: _name(media) for media in item.media}
    texts = [rename_media(text, lambda name: names.get(name, name)) for text in texts_of(item)]
    found = texts_of(read)
    if len(found) != len(texts):
        return []
    return [[digest(before), text] for before, text in zip(found, texts, strict=True)]


def _name(media: Media) -> str:
    """What readers call a picture, by its content."""
    ending = EXTENSIONS.get(media.mime, "bin")
    return f"{hashlib.sha256(media.data).hexdigest()[:16]}.{ending}"


def _with_texts(item: Item, kept: object) -> Item:
    """The item with its texts as they were, where nobody has changed them."""
    found = texts_of(item)
    if not isinstance(kept, list) or len(kept) != len(found):
        return item
    stem, explanation, passage, *contents = (
        clean(str(was)) if known == digest(text) else text
        for text, (known, was) in zip(found, kept, strict=True)
    )
    shown, stimulus = item.interaction, item.stimulus
    options = tuple(
        replace(option, content=content)
        for option, content in zip(options_of(shown), contents, strict=True)
    )
    if isinstance(shown, TrueFalseCluster):
        shown = replace(shown, statements=options)
    elif isinstance(shown, SingleChoice | MultipleChoice | InlineChoice):
        shown = replace(shown, options=options)
    if stimulus is not None:
        stimulus = replace(stimulus, content=passage)
    return replace(item, stem=stem, explanation=explanation, stimulus=stimulus, interaction=shown)


def part_of(carried: Carried) -> bytes:
    """The part of the document."""
    told = {
        "questions": carried.questions,
        "formulas": carried.formulas,
        "around": sorted(carried.around),
    }
    text = escape(json.dumps(told, ensure_ascii=False, sort_keys=True))
    return f'<?xml version="1.0" encoding="UTF-8"?><paper xmlns="{SPACE}">{text}</paper>'.encode()


def carried_by(parts: Parts, log: ProblemLog) -> Carried:
    """What a document carries; nothing where it has no such part, or a damaged one."""
    for part in parts.of_kind(KIND):
        root = parts.xml(part)
        if root.tag != f"{{{SPACE}}}paper":
            continue
        try:
            told = json.loads("".join(map(str, root.itertext())))
        except (ValueError, RecursionError):
            told = None
        held = told if isinstance(told, dict) else {}
        questions, formulas = held.get("questions"), held.get("formulas")
        if isinstance(questions, dict) and isinstance(formulas, dict):
            around = held.get("around")
            lines = frozenset(map(str, around)) if isinstance(around, list) else frozenset()
            return Carried(questions, _cleaned(formulas), lines)
        log.warning(None, PART, "is damaged: ids, metadata and rules of the items are not known")
    return Carried()


def _cleaned(formulas: Mapping[str, object]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key, mathml in list(formulas.items())[:MAX_FORMULAS]:
        try:
            cleaned = clean(str(mathml))
        except ContentError:
            continue
        root = etree.fromstring(f"<p>{cleaned}</p>")
        if [child.tag.rpartition("}")[2] for child in root] == ["math"] and not root.text:
            found[key] = cleaned
    return found


def restored(item: Item, record: Mapping[str, object]) -> Item:
    """The item that a document says, with what it carries of it; as it is where the two do not
    fit together."""
    try:
        return _with_texts(_restored(item, record), record.get(TEXTS))
    except (QuestionBankError, ArithmeticError, LookupError, TypeError, ValueError):
        return item


def _restored(item: Item, record: Mapping[str, object]) -> Item:
    item = _without_leads(item, record.get("leads"))
    if item.stimulus is not None and record.get("stimulus"):
        item = replace(item, stimulus=Stimulus(str(record["stimulus"]), item.stimulus.content))
    plain = item_to_plain(item)
    plain |= {"id": record["id"], "metadata": record["metadata"]}
    item = item_from_plain(plain)
    names = record["options"]
    shown = plain["interaction"]
    options = _options(shown)
    if record.get("kind") == "inline_choice" and item.kind == "single" and isinstance(shown, dict):
        shown["kind"] = "inline_choice"  # on paper both are a question and its options
    if not isinstance(names, list) or len(names) != len(options) or not isinstance(shown, dict):
        return item
    renamed = {str(option["id"]): str(name) for option, name in zip(options, names, strict=True)}
    fixed = record["fixed"]
    for option in options:
        option["id"] = renamed[str(option["id"])]
        option["fixed"] = isinstance(fixed, list) and option["id"] in fixed
    own = record["open"]
    shown |= own if isinstance(own, dict) else {}
    plain["key"] = _renamed(plain["key"], renamed)
    plain["scoring"] = _renamed(plain["scoring"], renamed)
    if record["read"] == plain["points"]:  # nobody has changed what it is worth
        plain |= {"points": record["points"], "scoring": record["scoring"]}
    return item_from_plain(plain)


def _renamed(value: object, names: Mapping[str, str]) -> object:
    match value:
        case dict():
            return {names.get(name, name): _renamed(one, names) for name, one in value.items()}
        case list():
            return [_renamed(one, names) for one in value]
        case str():
            return names.get(value, value)
        case _:
            return value


def _without_leads(item: Item, leads: object) -> Item:
    """The stem and the passage without the lines that lead to them."""
    told = [str(lead) for lead in leads] if isinstance(leads, list) else []
    stimulus = item.stimulus
    if stimulus is not None:
        stimulus = replace(stimulus, content=_after(stimulus.content, told))
    return replace(item, stem=_after(item.stem, told), stimulus=stimulus)


def _after(fragment: str, leads: Sequence[str]) -> str:
    for lead in leads:
        first, mark, rest = fragment.partition("</p>")
        if mark and plain_text(f"{first}</p>") == lead:
            fragment = rest
    inner = fragment.removeprefix("<p>").removesuffix("</p>")
    alone = fragment.startswith("<p>") and fragment.endswith("</p>") and "</p>" not in inner
    return inner if alone else fragment
