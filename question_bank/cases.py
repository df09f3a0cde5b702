"""Scoring cases in QTI's own spelling: the `--cases` file of `question-bank score`.

A list of `{"id", "responses": {response identifier: value}}`; values are strings, numbers or
lists in QTI's lexical form (a directed pair is "A B"), null for no response.
"""

from question_bank import plain
from question_bank.errors import MalformedError
from question_bank.interchange.qti3_item import ReadItem
from question_bank.item import MAX_OPTIONS, MultipleChoice, NumericEntry, SingleChoice
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response
from question_bank.scoring import score

MAX_CASES = 100_000


def score_cases(read: ReadItem, cases: object) -> list[dict[str, object]]:
    """`{"id", "outcomes"}` for every case; raises MalformedError or ScoringError."""
    scored: list[dict[str, object]] = []
    for index, case in enumerate(plain.array(cases, "cases", most=MAX_CASES)):
        where = f"case {index + 1}"
        if not isinstance(case, dict) or not isinstance(case.get("responses"), dict):
            raise MalformedError(f"{where}: a map with id and responses is expected")
        value = case["responses"].get(read.binding.response)
        result = score(read.item, _response(read, value, where))
        outcomes = {name: float(mark) for name, mark in result.outcomes.items()}
        scored.append({"id": case.get("id"), "outcomes": outcomes})
    return scored


def _response(read: ReadItem, value: object, where: str) -> Response | None:
    values = _lexical(value, where)
    interaction = read.item.interaction
    if not values:
        return None
    if isinstance(interaction, SingleChoice | MultipleChoice):
        kind = interaction.kind
        return ChoiceResponse(tuple(values), "single" if kind == "single" else "multiple")
    if isinstance(interaction, NumericEntry):
        if len(values) != 1:
            raise MalformedError(f"{where}: one number is expected")
        return NumericResponse(values[0])
    judged: dict[str, bool] = {}
    for pair in values:
        statement, _, column = pair.partition(" ")
        if statement in judged:
            raise MalformedError(f"{where}: statement {statement[:40]!r} is judged twice")
        judged[statement] = column == read.binding.true
    return ClusterResponse(judged)


def _lexical(value: object, where: str) -> list[str]:
    match value:
        case None:
            return []
        case str() | int() | float() if not isinstance(value, bool):
            return [str(value)]
        case list():
            entries = plain.array(value, where, most=MAX_OPTIONS)
            return [word for entry in entries for word in _lexical(entry, where)]
        case _:
            raise MalformedError(f"{where}: a text, a number, a list or null is expected")
