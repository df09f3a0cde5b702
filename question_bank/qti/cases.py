"""The `--cases` file of `question-bank score`: responses in QTI's own spelling.

A list of `{"id", "responses": {response identifier: value}}` (no `responses`: none was given),
optionally with `seed` (whole number
or text; 0 where there is none), `outcomes_before` (outcome identifier → value present before) and
`attempts` (a list of `responses` maps in place of one, for adaptive items). The responses of a
test's items are named ITEM.RESPONSE; an item without any was not presented.

Values are texts, numbers or truths for cardinality single, lists for multiple and ordered, maps
for record, null for no response (one that is not named has its declared default); pairs "A B",
points "102 113", durations "PT1H" or seconds.
"""

from collections.abc import Mapping

from question_bank import plain
from question_bank.errors import MalformedError
from question_bank.qti.processing import attempted
from question_bank.qti.program import Program
from question_bank.qti.session import ItemResult, TestProgram, processed_test
from question_bank.qti.values import to_plain

MAX_CASES = 100_000
MAX_ATTEMPTS = 1000
MAX_SEED = 200


def score_cases(program: Program, cases: object) -> list[dict[str, object]]:
    """`{"id", "outcomes"}` for every case, with `templates` where the item has template variables
    and `notices` where there were any; raises MalformedError or ScoringError."""
    return [
        _scored(program, case, f"case {index + 1}")
        for index, case in enumerate(plain.array(cases, "cases", most=MAX_CASES))
    ]


def _scored(program: Program, case: object, where: str) -> dict[str, object]:
    if not isinstance(case, dict):
        raise MalformedError(f"{where}: a map with id and responses is expected")
    attempts = plain.array(
        case.get("attempts", [_given(case)]), f"{where}: attempts", most=MAX_ATTEMPTS
    )
    result = attempted(
        program,
        [_by_identifier(attempt, f"{where}: responses") for attempt in attempts],
        seed=_seed(case.get("seed", 0), where),
        before=_by_identifier(case.get("outcomes_before") or {}, f"{where}: outcomes_before"),
    )
    scored: dict[str, object] = {
        "id": case.get("id"),
        "outcomes": {name: to_plain(value) for name, value in result.outcomes.items()},
    }
    if result.templates:
        scored["templates"] = {name: to_plain(value) for name, value in result.templates.items()}
    if result.notices:
        scored["notices"] = list(result.notices)
    return scored


def score_test_cases(
    test: TestProgram, items: Mapping[str, Program], cases: object
) -> list[dict[str, object]]:
    """`{"id", "outcomes", "items"}` for every case: the test's outcomes, and those of its items.

    `items`: the programs by item identifier. Raises MalformedError or ScoringError.
    """
    return [
        _scored_test(test, items, case, f"case {index + 1}")
        for index, case in enumerate(plain.array(cases, "cases", most=MAX_CASES))
    ]


def _scored_test(
    test: TestProgram, items: Mapping[str, Program], case: object, where: str
) -> dict[str, object]:
    if not isinstance(case, dict):
        raise MalformedError(f"{where}: a map with id and responses is expected")
    seed = _seed(case.get("seed", 0), where)
    given: dict[str, dict[str, object]] = {}
    for name, value in _by_identifier(_given(case), f"{where}: responses").items():
        item, _, response = name.partition(".")
        if item not in items:
            raise MalformedError(f"{where}: the test has no item {item[:60]!r}")
        given.setdefault(item, {})[response] = value
    results = {}
    for identifier, program in items.items():
        attempts = [given[identifier]] if identifier in given else []
        result = attempted(program, attempts, seed=seed + b"/" + identifier.encode())
        results[identifier] = ItemResult(program, result, presented=bool(attempts))
    whole = processed_test(test, results, seed=seed)
    notices = [
        *(f"{name}: {text}" for name, r in results.items() for text in r.processed.notices),
        *whole.notices,
    ]
    scored: dict[str, object] = {
        "id": case.get("id"),
        "outcomes": {name: to_plain(value) for name, value in whole.outcomes.items()},
        "items": {
            identifier: {name: to_plain(v) for name, v in result.processed.outcomes.items()}
            for identifier, result in results.items()
        },
    }
    return scored | ({"notices": notices} if notices else {})


def _given(case: Mapping[str, object]) -> object:
    """The responses; none were given where the case says nothing of them."""
    return {} if case.get("responses") is None else case["responses"]


def _by_identifier(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise MalformedError(f"{where}: a map by identifier is expected")
    return {str(name): entry for name, entry in value.items()}


def _seed(value: object, where: str) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > MAX_SEED:
        raise MalformedError(f"{where}: a seed is a whole number or a text")
    return str(value).encode()
