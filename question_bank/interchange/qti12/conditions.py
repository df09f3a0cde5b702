"""`resprocessing` of QTI 1.2: a list of conditions, each of which changes the score.

What it is worth is not guessed from its shape: it is run (`Program.score`), and `marks` asks for
the scores of all answers that matter.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from lxml import etree

from question_bank.interchange.markup import attribute, child, children, line_of, name_of, text_of

MAX_TESTS = 2_000
MAX_DEPTH = 30
_COMPARED = ("varlt", "varlte", "vargt", "vargte")
_ACTIONS = ("set", "add", "subtract", "multiply", "divide")

#: What was answered: the values of each response, by its ident.
Answers = Mapping[str, tuple[str, ...]]


class NotTakenError(Exception):
    """Something of an item that the bank cannot hold; `element` says where."""

    def __init__(self, element: etree._Element, message: str) -> None:
        super().__init__(message)
        self.element = element
        self.line = line_of(element)


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a response with a value."""

    operator: str
    response: str
    value: str
    index: int | None = None
    case_sensitive: bool = False
    exact: bool = False  # an ident, and no text that a person typed
    area: str = ""

    def holds(self, answers: Answers) -> bool:
        """Whether it is true of the answers."""
        given = answers.get(self.response, ())
        match self.operator:
            case "unanswered":
                return not given
            case "varsubset":
                return set(self.value.split(",")) <= set(given)
            case "varequal" if self.index is not None:
                return len(given) >= self.index and self._equals(given[self.index - 1])
            case "varequal":
                return any(map(self._equals, given))
            case "varinside":
                return self.value in given
            case _:
                return any(map(self._compares, given))

    def _equals(self, given: str) -> bool:
        if self.exact:
            return given == self.value
        first, second = number_of(given), number_of(self.value)
        if first is not None and second is not None:
            return first == second
        return same_text(given, self.value, case_sensitive=self.case_sensitive)

    def _compares(self, given: str) -> bool:
        first, second = number_of(given), number_of(self.value)
        if first is None or second is None:
            return False
        match self.operator:
            case "varlt":
                return first < second
            case "varlte":
                return first <= second
            case "vargt":
                return first > second
            case _:
                return first >= second


@dataclass(frozen=True, slots=True)
class Group:
    """`and`, `or` or `not` of conditions; `other` where nothing before was true."""

    operator: str
    parts: tuple["Test | Group", ...] = ()

    def holds(self, answers: Answers, *, matched: bool) -> bool:
        """`matched`: whether a condition before this one was true."""
        if self.operator == "other":
            return not matched
        truths = (
            part.holds(answers) if isinstance(part, Test) else part.holds(answers, matched=matched)
            for part in self.parts
        )
        match self.operator:
            case "or":
                return any(truths)
            case "not":
                return not all(truths)
            case _:
                return all(truths)

    def tests(self, *, denied: bool = False) -> Iterator[tuple[Test, bool]]:
        """All comparisons below, and whether each stands under a `not`."""
        for part in self.parts:
            if isinstance(part, Test):
                yield part, denied != (self.operator == "not")
            else:
                yield from part.tests(denied=denied != (self.operator == "not"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One `respcondition`: what changes where it is true, and whether the next is asked too."""

    condition: Group
    changes: tuple[tuple[str, Decimal], ...]
    continues: bool


@dataclass(frozen=True, slots=True)
class Program:
    """All rules of an item for its score."""

    rules: tuple[Rule, ...]
    start: Decimal = Decimal(0)
    least: Decimal | None = None
    most: Decimal | None = None

    def score(self, answers: Answers) -> Decimal:
        """What the answers earn, in the file's own units."""
        score, matched = self.start, False
        for rule in self.rules:
            if not rule.condition.holds(answers, matched=matched):
                continue
            matched = True
            for action, amount in rule.changes:
                score = _changed(score, action, amount)
            if not rule.continues:
                break
        if self.least is not None:
            score = max(score, self.least)
        return score if self.most is None else min(score, self.most)

    def tests(self, response: str) -> Iterator[tuple[Test, bool]]:
        """The comparisons with one response in rules that change the score."""
        for rule in self.rules:
            if rule.changes:
                yield from (
                    (test, denied)
                    for test, denied in rule.condition.tests()
                    if test.response == response
                )

    @property
    def size(self) -> int:
        """How many comparisons there are."""
        return sum(1 for rule in self.rules for _ in rule.condition.tests())


def number_of(text: str) -> Decimal | None:
    """A number with a decimal point or comma; None where the text is none."""
    text = text.strip().replace(",", ".").replace("−", "-")
    try:
        value = Decimal(text) if len(text) <= 40 else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() and abs(value.adjusted()) < 40 else None


def same_text(first: str, second: str, *, case_sensitive: bool) -> bool:
    """Equal but for white space, and for case where it does not count."""
    one, other = (" ".join(unicodedata.normalize("NFC", t).split()) for t in (first, second))
    return one == other if case_sensitive else one.casefold() == other.casefold()


def program_of(item: etree._Element, kinds: Mapping[str, str]) -> Program | None:
    """The item's processing of its score, None where it has none; raises NotTakenError.

    `kinds`: what the values of each response are: `typed`, `chosen`, `ordered`, `paired`.
    """
    processing = list(children(item, "resprocessing"))
    conditions = [c for one in processing for c in children(one, "respcondition")]
    if not conditions:
        return None
    for one in processing:
        for node in one:
            if name_of(node) not in ("outcomes", "respcondition", "itemproc_extension", ""):
                raise NotTakenError(node, "is not supported")
    variables = {
        attribute(variable, "varname", "SCORE"): variable
        for one in processing
        for outcomes in children(one, "outcomes")
        for variable in children(outcomes, "decvar")
    }
    name = _score_name(conditions)
    declared = variables.get(name)
    most = None if declared is None else number_of(attribute(declared, "maxvalue"))
    reader = _Reader(name, most, kinds)
    rules = tuple(map(reader.rule, conditions))
    if not any(rule.changes for rule in rules):
        return None
    start = None if declared is None else number_of(attribute(declared, "defaultval"))
    least = None if declared is None else number_of(attribute(declared, "minvalue"))
    return Program(rules, start or Decimal(0), least, most)


def declared_most(item: etree._Element) -> Decimal | None:
    """The highest score that an item without conditions declares."""
    for variable in item.iter("{*}decvar"):
        most = number_of(attribute(variable, "maxvalue"))
        if most is not None and most > 0:
            return most
    return None


def _score_name(conditions: list[etree._Element]) -> str:
    """SCORE, or the one variable that an item has instead."""
    used = dict.fromkeys(_variable(c) for one in conditions for c in children(one, "setvar"))
    if "SCORE" in used or not used:
        return "SCORE"
    by_name = next((name for name in used if name.upper().endswith("SCORE")), None)
    if by_name is None and len(used) > 1:
        raise NotTakenError(conditions[0], "sets several variables, and none of them is SCORE")
    return by_name or next(iter(used))


def _variable(change: etree._Element) -> str:
    return attribute(change, "varname") or attribute(change, "variablename") or "SCORE"


@dataclass(slots=True)
class _Reader:
    """Reads the conditions of one item."""

    score: str
    most: Decimal | None
    kinds: Mapping[str, str]
    tests: int = 0

    def rule(self, element: etree._Element) -> Rule:
        condition = child(element, "conditionvar")
        parts = () if condition is None else self._parts(condition, 0)
        changes = tuple(
            self._change(change)
            for change in children(element, "setvar")
            if _variable(change) == self.score
        )
        continues = attribute(element, "continue", "No").lower() == "yes"
        # A condition that asks nothing (Blackboard's essays) is true of nothing.
        operator = "or" if not parts or self._are_spellings(parts) else "and"
        return Rule(Group(operator, parts), changes, continues)

    def _are_spellings(self, parts: tuple[Test | Group, ...]) -> bool:
        """Canvas lists the spellings of one word side by side; no word is all of them at once."""
        tests = [part for part in parts if isinstance(part, Test)]
        return (
            1 < len(tests) == len(parts)
            and len({test.response for test in tests}) == 1
            and all(self.kinds.get(test.response) == "typed" for test in tests)
            and all(test.operator == "varequal" and not test.index for test in tests)
        )

    def _change(self, element: etree._Element) -> tuple[str, Decimal]:
        action = attribute(element, "action", "Set").lower()
        text = text_of(element)
        # Blackboard's word for the declared maximum.
        amount = self.most if text.upper().endswith(".MAX") else number_of(text)
        if action not in _ACTIONS:
            raise NotTakenError(element, f"action {action[:20]!r} is not known")
        if amount is None or (action == "divide" and not amount):
            raise NotTakenError(element, f"{text[:40]!r} is no number to change a score by")
        return action, amount

    def _parts(self, parent: etree._Element, depth: int) -> tuple[Test | Group, ...]:
        if depth > MAX_DEPTH:
            raise NotTakenError(parent, f"conditions are nested deeper than {MAX_DEPTH}")
        places: Counter[str] = Counter()
        parts = []
        for element in parent:
            if name_of(element):
                part = self._condition(element, depth)
                parts.append(self._placed(part, places) if isinstance(part, Test) else part)
        return tuple(parts)

    def _placed(self, test: Test, places: Counter[str]) -> Test:
        """In an order that is told value by value, each stands in its place."""
        if self.kinds.get(test.response) != "ordered" or test.operator != "varequal":
            return test
        places[test.response] += 1
        return test if test.index else replace(test, index=places[test.response])

    def _condition(self, element: etree._Element, depth: int) -> Test | Group:
        self.tests += 1
        if self.tests > MAX_TESTS:
            raise NotTakenError(element, f"an item of more than {MAX_TESTS} comparisons")
        name = name_of(element)
        if name in ("and", "or", "not", "other"):
            return Group(name, self._parts(element, depth + 1))
        if name == "varsubset" and attribute(element, "setmatch", "Exact").lower() != "exact":
            raise NotTakenError(element, "a partial subset is not supported")
        if name not in ("varequal", "varsubset", "varinside", "unanswered", *_COMPARED):
            raise NotTakenError(element, "is not supported")
        value = text_of(element)
        if name == "varsubset" or self.kinds.get(attribute(element, "respident")) == "paired":
            value = ",".join(part.strip() for part in value.split(","))
        index = attribute(element, "index")
        if index and not (index.isdecimal() and index.isascii() and 0 < int(index[:6]) < 1000):
            raise NotTakenError(element, f"index {index[:20]!r} is no place")
        response = attribute(element, "respident")
        kind = self.kinds.get(response, "typed")
        if kind == "paired" and name == "varsubset":
            name = "varequal"
        return Test(
            name, response, value, int(index) if index else None,
            attribute(element, "case", "No").lower() == "yes", kind != "typed",
            attribute(element, "areatype"),
        )  # fmt: skip


def _changed(score: Decimal, action: str, amount: Decimal) -> Decimal:
    match action:
        case "set":
            return amount
        case "add":
            return score + amount
        case "subtract":
            return score - amount
        case "multiply":
            return score * amount
        case _:
            return score / amount
