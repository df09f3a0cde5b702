"""Items whose processing is none of the bank's rules: kept as they are, run by the QTI engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, combinations, islice

from lxml import etree

from question_bank.errors import FileRefusedError
from question_bank.interactions import InlineChoice, Interaction, MultipleChoice, SingleChoice
from question_bank.interchange.qti3_scoring import UnrecognisedError
from question_bank.item import ResponseProcessing
from question_bank.qti import Program, processed, to_plain
from question_bank.qti.reading import program_from, program_text
from question_bank.qti.values import Single

#: So many answers to a choice are marked at most to find what it is worth.
MAX_TRIED = 128


@dataclass(frozen=True, slots=True)
class Binding:
    """The names in the file: the response variable, and a cluster's columns."""

    response: str
    true: str = ""
    false: str = ""


def own_processing(
    root: etree._Element,
    binding: Binding,
    unrecognised: UnrecognisedError,
    warn: Callable[[str], None],
    *,
    interaction: Interaction | None = None,
    responses: Sequence[str] = (),
) -> tuple[ResponseProcessing, Decimal]:
    """The item's processing as its scoring rule, and its points: the declared maximum of SCORE,
    else the most that the correct response or any answer to a choice earns, else 1.

    `warn` is told where the correct response earns nothing, and where the maximum is not known.
    `interaction`: what is asked for; `responses`: the variables of a composite's parts.

    Raises `unrecognised` where the engine cannot run all of it, or finds something wrong with it
    when it scores the correct response, and UnrecognisedError for processing that cannot be read.
    """
    text = program_text(root)
    try:
        program = program_from(text)
    except FileRefusedError as error:
        raise UnrecognisedError(unrecognised.element, str(error)) from None
    if program.unsupported or not program.response_rules:
        raise unrecognised
    if "SCORE" not in program.declarations:
        raise UnrecognisedError(root, "its processing gives no SCORE, and so no mark")
    names = responses or (binding.response,)
    right = processed(program, {}, seed=b"").correct  # as template processing set it
    correct = {name: to_plain(right.get(name)) for name in names}
    result = processed(program, correct, seed=b"")
    if result.notices:  # its own key does not fit its processing
        raise unrecognised
    rule = ResponseProcessing(text, binding.response, binding.true, binding.false)
    earned = _number(result.outcomes["SCORE"])
    if any(value is not None for value in correct.values()) and not (earned and earned > 0):
        warn(f"the correct response itself earns {earned or 0:g}; look at the item's key")
    points = _declared_maximum(program)
    if points is None:
        marks = [earned, *(_mark(program, binding.response, one) for one in _answers(interaction))]
        points = max((mark for mark in marks if mark is not None), default=0)
        if points <= 0:
            warn("how many points can be had is not known; 1 is taken, and no mark is above it")
            points = 1
    return rule, Decimal(repr(max(points, 0)))


def _declared_maximum(program: Program) -> float | None:
    points = program.declarations["SCORE"].normal_maximum
    highest = program.declarations.get("MAXSCORE")
    return _number(highest.default) if points is None and highest is not None else points


def _answers(interaction: Interaction | None) -> Iterable[Sequence[str]]:
    """Answers to a choice, the shortest first and not all of them where they are many."""
    match interaction:
        case SingleChoice(options=options) | InlineChoice(options=options):
            most = 1
        case MultipleChoice(options=options, max_choices=limit):
            most = limit or len(options)
        case _:
            return ()
    names = [option.id for option in options]
    sets: Iterator[Sequence[str]] = chain.from_iterable(
        combinations(names, count) for count in range(1, most + 1)
    )
    return islice(sets, MAX_TRIED)


def _mark(program: Program, response: str, answer: Sequence[str]) -> float | None:
    return _number(processed(program, {response: list(answer)}, seed=b"").outcomes["SCORE"])


def _number(value: object) -> float | None:
    if isinstance(value, Single) and isinstance(value.data, int | float):
        return value.data
    return None
