"""Marks that no rule of the bank gives, as a QTI processing of the item's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from question_bank.qti.reading import QTI_3, program_text

_STAR = re.compile(r"(?<!\\)\*")
_PLAIN = re.compile(r"([\\|.?*+(){}\[\]^$-])")
_SPACE = re.compile(r"\s+")
# Doubles are compared with as much to spare as Moodle does (PHP's precision of 14 digits).
SPARE = Decimal("1e-14")


@dataclass(frozen=True, slots=True)
class Band:
    """What a number within `tolerance` of `value` is worth; any number where `value` is None."""

    value: Decimal | None
    tolerance: Decimal
    worth: Decimal


def numbers_program(name: str, bands: Sequence[Band], points: Decimal, right: Decimal) -> str:
    """A processing that gives what the first band is worth that the number lies in; `right` is a
    number that is entirely right."""
    branches = [(_within(band), band.worth) for band in bands]
    declared = response_declared("float", format(right, "f"))
    return program(name, points, declared, "", first_of(branches))


def pattern_of(answer: str) -> str:
    """An answer in which `*` stands for any letters, and `\\*` for itself, as a pattern of XML
    Schema; white space around it and between its words is of no account."""
    pieces = (_PLAIN.sub(r"\\\1", one.replace(r"\*", "*")) for one in _STAR.split(answer.strip()))
    spaced = _SPACE.sub(r"\\s+", ".*".join(pieces))
    return rf"\s*{spaced}\s*"


def patterns_program(
    name: str, patterns: Sequence[tuple[str, Decimal]], points: Decimal, right: str, *,
    case_sensitive: bool,
) -> str:  # fmt: skip
    """A processing that gives what the first pattern is worth that the text agrees with; `right`
    is a text that is entirely right, or nothing."""
    case = "" if case_sensitive else ' case-sensitive="false"'
    branches = [
        (f"<qti-pattern-match pattern={quoteattr(pattern)}{case}>{response()}"
         "</qti-pattern-match>", worth)
        for pattern, worth in patterns
    ]  # fmt: skip
    declared = response_declared("string", right)
    return program(name, points, declared, "", first_of(branches))


def _within(band: Band) -> str:
    if band.value is None:
        return f"<qti-not><qti-is-null>{response()}</qti-is-null></qti-not>"
    spare = SPARE * max(abs(band.tolerance), abs(band.value))
    least = floating(band.value - band.tolerance - spare)
    most = floating(band.value + band.tolerance + spare)
    return (
        f"<qti-and><qti-gte>{response()}{least}</qti-gte>"
        f"<qti-lte>{response()}{most}</qti-lte></qti-and>"
    )


def response_declared(base_type: str, correct: str = "") -> str:
    """The declaration of what is answered, and of what is right where that is fixed."""
    right = f"<qti-correct-response><qti-value>{escape(correct)}</qti-value></qti-correct-response>"
    return (
        f'<qti-response-declaration identifier="RESPONSE" cardinality="single" '
        f'base-type="{base_type}">{right if correct else ""}</qti-response-declaration>'
    )


def program(
    name: str, points: Decimal, declarations: str, template_processing: str, processing: str
) -> str:
    """The canonical text of a program; the arguments are QTI 3 elements as text."""
    most = format(points.normalize() + 0, "f")
    if template_processing:
        template_processing = (
            f"<qti-template-processing>{template_processing}</qti-template-processing>"
        )
    source = (
        f'<qti-assessment-item xmlns="{QTI_3}" identifier={quoteattr(name)} adaptive="false">'
        f"{declarations}"
        '<qti-outcome-declaration identifier="SCORE" cardinality="single" base-type="float" '
        f'normal-maximum="{most}"/>{template_processing}'
        f"<qti-response-processing>{processing}</qti-response-processing></qti-assessment-item>"
    )
    return program_text(etree.fromstring(source.encode()))


def first_of(branches: Sequence[tuple[str, Decimal]]) -> str:
    """SCORE is what the first true condition is worth, else 0."""
    parts = [
        f"<qti-response-{'else-if' if place else 'if'}>{condition}{_score(floating(worth))}"
        f"</qti-response-{'else-if' if place else 'if'}>"
        for place, (condition, worth) in enumerate(branches)
    ]
    otherwise = f"<qti-response-else>{_score(floating(Decimal(0)))}</qti-response-else>"
    return f"<qti-response-condition>{''.join(parts)}{otherwise}</qti-response-condition>"


def _score(expression: str) -> str:
    return f'<qti-set-outcome-value identifier="SCORE">{expression}</qti-set-outcome-value>'


def response() -> str:
    """What was answered."""
    return '<qti-variable identifier="RESPONSE"/>'


def variable(name: str) -> str:
    """A variable's value."""
    return f"<qti-variable identifier={quoteattr(name)}/>"


def floating(value: Decimal) -> str:
    """A number."""
    return f'<qti-base-value base-type="float">{escape(repr(float(value)))}</qti-base-value>'
