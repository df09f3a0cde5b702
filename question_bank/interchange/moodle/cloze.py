"""Several interactions in one text: Moodle's embedded answers (cloze), `{1:SHORTANSWER:=…}`."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from xml.sax.saxutils import escape

from question_bank.interactions import (
    Composite,
    InlineChoice,
    MultipleChoice,
    NumericEntry,
    Option,
    Part,
    SingleChoice,
    TextEntry,
)
from question_bank.interchange.moodle.write_html import Texts
from question_bank.interchange.moodle.write_types import CannotError, Told, share
from question_bank.item import Item
from question_bank.keys import (
    AllOrNothing,
    ChoiceKey,
    CompositeKey,
    MappedChoice,
    MappedText,
    NumericKey,
    PartMarks,
    SimpleKey,
    SumOfParts,
    TextKey,
)

_SPECIAL = re.compile(r"[}#~/\"\\]")


def cloze(item: Item, texts: Texts) -> Told:
    """The item as a text with embedded answers; raises CannotError where a part is none."""
    composite, key, rule = item.interaction, item.key, item.scoring
    if not isinstance(composite, Composite) or not isinstance(key, CompositeKey):
        raise CannotError("its parts cannot be embedded in a text")
    weights = _weights(item, composite.parts)
    if isinstance(rule, AllOrNothing) and len(composite.parts) > 1:
        texts.warn("scoring", "Moodle pays every part, and not only all of them")
    told = rule.parts if isinstance(rule, SumOfParts) else {}
    plain = PartMarks(AllOrNothing(), Decimal(1))
    marks = {
        part.id: f"{{{weights[part.id]}:"
        f"{_embedded(part, key.parts[part.id], told.get(part.id, plain), texts)}}}"
        for part in composite.parts
    }
    otherwise = isinstance(rule, AllOrNothing) and len(composite.parts) > 1
    worth = Decimal(sum(weights.values()))
    if worth != item.points and not otherwise:
        texts.warn("defaultgrade", f"Moodle counts parts in whole marks: {worth} in all")
    return Told("cloze", [], marks=marks, marked_otherwise=otherwise, worth=worth)


def _weights(item: Item, parts: Iterable[Part]) -> dict[str, int]:
    """What the parts are worth as whole numbers, the smallest that are in proportion."""
    rule = item.scoring
    if isinstance(rule, AllOrNothing):
        return {part.id: 1 for part in parts}
    if not isinstance(rule, SumOfParts):
        raise CannotError(f"Moodle cannot mark it by its own {rule.name}")
    worth = {}
    for part in parts:
        own = rule.parts[part.id]
        kinds = AllOrNothing | MappedText | MappedChoice
        if not isinstance(own.rule, kinds) or own.points <= Decimal(0):
            raise CannotError(f"part {part.id}: Moodle cannot mark it by its own {own.rule.name}")
        worth[part.id] = Fraction(own.points)
    scale = lcm(*(marks.denominator for marks in worth.values()))
    whole = {name: int(marks * scale) for name, marks in worth.items()}
    common = 1 if scale == 1 else gcd(*whole.values())
    return {name: number // common for name, number in whole.items()}


def _embedded(part: Part, key: SimpleKey, marks: PartMarks, texts: Texts) -> str:
    match part.interaction, key:
        case TextEntry(), TextKey() as words:
            name = "SHORTANSWER_C" if words.case_sensitive else "SHORTANSWER"
            return f"{name}:{_words(part, words, marks, texts)}"
        case NumericEntry(tolerance=tolerance), NumericKey(value=value):
            return f"NUMERICAL:={value:f}:{tolerance:f}"
        case InlineChoice(options=options, shuffle=shuffle), ChoiceKey(options=right):
            name = "MULTICHOICE_S" if shuffle else "MULTICHOICE"
        case SingleChoice(options=options, shuffle=shuffle), ChoiceKey(options=right):
            name = "MULTICHOICE_VS" if shuffle else "MULTICHOICE_V"
        case MultipleChoice(options=options, shuffle=shuffle), ChoiceKey(options=right):
            if not isinstance(marks.rule, MappedChoice):
                raise CannotError("several options all or nothing cannot be embedded in a text")
            name = "MULTIRESPONSE_S" if shuffle else "MULTIRESPONSE"
        case _:
            raise CannotError(f"{part.interaction.kind} cannot be embedded in a text")
    if any(option.fixed for option in options):
        texts.warn("shuffleanswers", "Moodle holds no single option in its place")
    worth = _worths(part, options, right, marks)
    shown = (_worth(worth[o.id], marks, texts) + _escaped(o.content) for o in options)
    if any("<img" in option.content for option in options):
        raise CannotError("pictures cannot be options in a text")
    return f"{name}:{'~'.join(shown)}"


def _words(part: Part, key: TextKey, marks: PartMarks, texts: Texts) -> str:
    rule = marks.rule
    if not isinstance(rule, MappedText):
        return "~".join("=" + _plain(word) for word in key.accepted)
    cases = {one.case_sensitive for one in rule.spellings}
    if rule.default or (rule.lower, rule.upper) != (None, None) or cases != {key.case_sensitive}:
        raise CannotError(f"part {part.id}: Moodle cannot mark it by its own {rule.name}")
    return "~".join(_worth(one.worth, marks, texts) + _plain(one.text) for one in rule.spellings)


def _worths(
    part: Part, options: Sequence[Option], right: Sequence[str], marks: PartMarks
) -> dict[str, Decimal]:
    """What each option is worth; raises CannotError where Moodle pays otherwise."""
    rule = marks.rule
    if not isinstance(rule, MappedChoice):
        return {o.id: marks.points if o.id in right else Decimal(0) for o in options}
    worth = {o.id: rule.worth.get(o.id, rule.default) for o in options}
    several = isinstance(part.interaction, MultipleChoice)
    bounds = (Decimal(0), marks.points) if several else (None, None)
    paid = {name for name, one in worth.items() if (one > 0 if several else one == marks.points)}
    if (rule.lower, rule.upper) != bounds or paid != set(right):
        raise CannotError(f"part {part.id}: Moodle cannot mark it by its own {rule.name}")
    return worth


def _worth(worth: Decimal, marks: PartMarks, texts: Texts) -> str:
    if worth == marks.points:
        return "="
    return f"%{share(worth, marks.points, texts)}%" if worth else ""


def _plain(words: str) -> str:
    """Words to be typed: a star in them is no "any letters"."""
    return _escaped(escape(words)).replace("*", r"\*")


def _escaped(fragment: str) -> str:
    """Content within embedded answers: signs of their own as Moodle's manual escapes them, and
    as entities where it has no escape."""
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], fragment.replace("{", "&#123;"))
    escaped = escaped.replace(r"&\#123;", "&#123;")
    return f"&#{ord(escaped[0])};{escaped[1:]}" if escaped[:1] in ("=", "%") else escaped
