"""Tests: their items, and the outcome processing over what the items gave.

All items of a test are taken as selected and in their order; what chooses among them (selection,
branch rules, preconditions) is named as not supported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interchange.markup import parse_xml
from question_bank.qti.draws import Draws
from question_bank.qti.names import attributes_of, elements, line, name_of
from question_bank.qti.operators.logic import same
from question_bank.qti.processing import Processed, initial_outcome, run_rules
from question_bank.qti.program import Expression, Program
from question_bank.qti.reading import program_of
from question_bank.qti.run import Run
from question_bank.qti.values import NUMERIC, Single, Value, container, members_of, number

MAX_ITEMS = 1000
_CHOOSING = ("selection", "branchrule", "precondition", "assessmentsectionref")


@dataclass(frozen=True, slots=True)
class ItemRef:
    """An item of a test: where it lies, and what names it there. `sections`: outermost first,
    the test part before them."""

    identifier: str
    href: str
    categories: frozenset[str]
    sections: tuple[str, ...]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TestProgram:
    """A test's own program, and its items."""

    __test__ = False

    program: Program
    items: tuple[ItemRef, ...]
    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What an item gave. `presented`: an attempt was begun, with a response or without."""

    program: Program
    processed: Processed
    presented: bool

    @property
    def responded(self) -> bool:
        """Whether any response is there that is not the default."""
        declared = self.program.declarations
        return self.presented and any(
            value is not None and value != declared[name].default
            for name, value in self.processed.responses.items()
        )

    @property
    def correct(self) -> bool | None:
        """Whether all responses are right; None where a correct response is not declared."""
        pairs = [
            (value, self.processed.correct[name])
            for name, value in self.processed.responses.items()
        ]
        if not pairs or any(right is None for _, right in pairs):
            return None
        return all(v is not None and right is not None and same(v, right) for v, right in pairs)


def read_test(data: bytes, file: str) -> TestProgram:
    """The test in `data`; raises FileRefusedError with the line."""
    root = parse_xml(data, file)
    if name_of(root) != "assessmenttest":
        raise FileRefusedError(f"{file}: no QTI assessment test")
    program = program_of(root, file)
    items, unsupported = [], list(program.unsupported)
    for element, sections in _descendants(root, ()):
        if name_of(element) in _CHOOSING:
            unsupported.append(f"line {line(element)}: {name_of(element)}")
        elif name_of(element) == "assessmentitemref":
            items.append(_item_ref(element, sections, file))
    if len(items) > MAX_ITEMS or len({ref.identifier for ref in items}) != len(items):
        raise FileRefusedError(f"{file}: too many items, or two of one identifier")
    return TestProgram(program, tuple(items), tuple(unsupported))


def _descendants(
    parent: etree._Element, sections: tuple[str, ...]
) -> Iterable[tuple[etree._Element, tuple[str, ...]]]:
    for element in elements(parent):
        name = name_of(element)
        if name in ("testpart", "assessmentsection"):
            yield from _descendants(
                element, (*sections, attributes_of(element).get("identifier", ""))
            )
        elif name in _CHOOSING or name == "assessmentitemref":
            yield element, sections


def _item_ref(element: etree._Element, sections: tuple[str, ...], file: str) -> ItemRef:
    attributes = attributes_of(element)
    weights = {}
    for weight in elements(element):
        if name_of(weight) == "weight":
            described = attributes_of(weight)
            try:
                weights[described.get("identifier", "")] = float(described.get("value", "1"))
            except ValueError:
                raise FileRefusedError(f"{file}:{line(weight)}: a weight is a number") from None
    identifier, href = attributes.get("identifier", ""), attributes.get("href", "")
    if not identifier or not href:
        raise FileRefusedError(f"{file}:{line(element)}: an item without identifier and href")
    categories = frozenset(attributes.get("category", "").split())
    return ItemRef(identifier, href, categories, sections, weights)


def processed_test(
    test: TestProgram, results: Mapping[str, ItemResult], *, seed: bytes
) -> Processed:
    """The outcomes of the test; `results` by the identifiers of its items, all of them.

    Raises ScoringError where a bound is exceeded.
    """
    program = test.program
    draws = Draws(seed, program.identifier, "outcome")
    run = Run(program.declarations, draws, _Session(test, results))
    for name, declaration in program.declarations.items():
        run.values[name] = initial_outcome(declaration, declaration.default)
    run_rules(program.outcome_rules, run)
    return Processed(dict(run.values), {}, tuple(run.notices))


class _Session:
    """Answers the expressions of tests."""

    def __init__(self, test: TestProgram, results: Mapping[str, ItemResult]) -> None:
        self._items = {ref.identifier: ref for ref in test.items}
        self._results = results

    def variable(self, identifier: str, weight: str) -> Value | None:
        """ITEM.VARIABLE; numbers are weighted where a weight is named."""
        item, _, name = identifier.partition(".")
        ref, result = self._items.get(item), self._results.get(item)
        if ref is None or result is None:
            return None
        found = result.processed
        value = found.outcomes.get(name, found.responses.get(name, found.templates.get(name)))
        if weight and isinstance(value, Single) and value.base_type in NUMERIC:
            return _weighted(ref, value, weight)
        return value

    def value(self, expression: Expression) -> Value | None:
        """numberCorrect and its like, over the sub-set of items that the attributes describe."""
        chosen = [
            (ref, self._results[ref.identifier])
            for ref in self._items.values()
            if _is_chosen(ref, expression.attributes) and ref.identifier in self._results
        ]
        results = [result for _, result in chosen]
        match expression.name:
            case "numbercorrect":
                return number(sum(result.correct is True for result in results))
            case "numberincorrect":
                wrong = (result.presented and result.correct is False for result in results)
                return number(sum(wrong))
            case "numberpresented":
                return number(sum(result.presented for result in results))
            case "numberresponded":
                return number(sum(result.responded for result in results))
            case "numberselected":
                return number(len(results))
            case "testvariables":
                return _test_variables(chosen, expression.attributes)
            case _:
                return _normal_values(chosen, expression)


def _is_chosen(ref: ItemRef, attributes: Mapping[str, str]) -> bool:
    section = attributes.get("sectionidentifier", "")
    included = set(attributes.get("includecategory", "").split())
    excluded = set(attributes.get("excludecategory", "").split())
    return (
        (not section or section in ref.sections)
        and (not included or bool(included & ref.categories))
        and not excluded & ref.categories
    )


def _weighted(ref: ItemRef, value: Single, weight: str) -> Single | None:
    """A float; items without that weight have the weight 1."""
    data = value.data
    return (
        number(float(data) * ref.weights.get(weight, 1.0))
        if isinstance(data, int | float)
        else None
    )


def _test_variables(
    chosen: list[tuple[ItemRef, ItemResult]], attributes: Mapping[str, str]
) -> Value | None:
    """The values of one variable in all items, NULLs left out; of one base type, except that
    integers count as floats where floats are asked for or weighted."""
    name, base_type = attributes.get("variableidentifier", ""), attributes.get("basetype", "")
    weight = attributes.get("weightidentifier", "")
    found: list[Single] = []
    for ref, result in chosen:
        outcomes = result.processed.outcomes
        for value in members_of(outcomes.get(name, result.processed.responses.get(name))):
            numeric = value.base_type in NUMERIC
            if (
                base_type
                and base_type != value.base_type
                and not (base_type == "float" and numeric)
            ):
                continue
            single = _weighted(ref, value, weight) if weight and numeric else value
            if single is not None:
                found.append(single)
    types = {value.base_type for value in found}
    if types <= set(NUMERIC) and (base_type == "float" or "float" in types):
        found = [_as_float(value) for value in found]
    return container("multiple", found)


def _as_float(value: Single) -> Single:
    return Single("float", float(value.data)) if isinstance(value.data, int) else value


def _normal_values(
    chosen: list[tuple[ItemRef, ItemResult]], expression: Expression
) -> Value | None:
    """outcomeMaximum: NULL where an item declares none. outcomeMinimum: such items are left out."""
    name = expression.attributes.get("outcomeidentifier", "")
    weight = expression.attributes.get("weightidentifier", "")
    maximum = expression.name == "outcomemaximum"
    found: list[Single] = []
    for ref, result in chosen:
        declaration = result.program.declarations.get(name)
        declared = None
        if declaration is not None:
            declared = declaration.normal_maximum if maximum else declaration.normal_minimum
        if declared is None:
            if maximum:
                return None
            continue
        value = Single("float", declared)
        weighted = _weighted(ref, value, weight) if weight else value
        if weighted is not None:
            found.append(weighted)
    return container("multiple", found)
