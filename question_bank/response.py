"""What a candidate answered, and its plain form for journals, requests and databases.

Plain forms: `{"kind": "single", "options": ["o3"]}`, `{"kind": "multiple", "options": […]}`, the
same with `inline_choice`, `hot_text`, `hotspot`, `order` and `graphic_order`;
`{"kind": "tf_cluster", "values": {"s1": true}}`; `{"kind": "numeric", "text": "-1,5"}`, the same
with `gap`, `extended` and `slider`; `{"kind": "match", "pairs": [["a", "x"]]}`, the same with
`associate`, `gap_match` and `graphic_gap_match`; `{"kind": "select_point", "points": [[3, 4]]}`;
`{"kind": "composite", "parts": {"p1": {…}}}`. An empty response (no options, no values, no text)
says that the answer was cleared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Literal, get_args

from question_bank import plain
from question_bank.errors import MalformedError
from question_bank.interactions import (
    MAX_COORDINATE,
    MAX_ESSAY,
    MAX_GAP_TEXT,
    MAX_NUMERIC_TEXT,
    MAX_OPTIONS,
    MAX_PAIRS,
    MAX_PARTS,
    MAX_PIECES,
    MAX_POINTS,
)

ChoiceKind = Literal["single", "multiple", "inline_choice", "hot_text", "hotspot"]
OrderKind = Literal["order", "graphic_order"]
TextKind = Literal["gap", "extended"]
PairsKind = Literal["match", "associate", "gap_match", "graphic_gap_match"]
Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ChoiceResponse:
    """The options chosen; `kind` says of which interaction, and a single one has at most one."""

    options: tuple[str, ...]
    kind: ChoiceKind = "single"

    def __post_init__(self) -> None:
        most = MAX_OPTIONS if self.kind in ("single", "multiple") else MAX_PIECES
        if len(set(self.options)) != len(self.options) or len(self.options) > most:
            raise MalformedError("response: the same option twice, or too many options")
        if self.kind in ("single", "inline_choice") and len(self.options) > 1:
            raise MalformedError("response: a single choice has at most one option")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.options

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "options": list(self.options)}


@dataclass(frozen=True, slots=True)
class ClusterResponse:
    """Statement id → judged true or false; statements not judged yet are absent."""

    kind: ClassVar[Literal["tf_cluster"]] = "tf_cluster"
    values: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.values) > MAX_OPTIONS:
            raise MalformedError("response: too many statements")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.values

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "values": dict(self.values)}


@dataclass(frozen=True, slots=True)
class NumericResponse:
    """The characters entered, exactly as they were typed."""

    kind: ClassVar[Literal["numeric"]] = "numeric"
    text: str

    def __post_init__(self) -> None:
        if len(self.text) > MAX_NUMERIC_TEXT:
            raise MalformedError(f"response: at most {MAX_NUMERIC_TEXT} characters are possible")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.text.strip()

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True)
class TextResponse:
    """A word or a text, exactly as it was typed."""

    text: str
    kind: TextKind = "gap"

    def __post_init__(self) -> None:
        if len(self.text) > (MAX_GAP_TEXT if self.kind == "gap" else MAX_ESSAY):
            raise MalformedError("response: more characters than are possible")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.text.strip()

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True)
class OrderResponse:
    """The options in the order that the candidate gave them; those not placed yet are absent."""

    options: tuple[str, ...]
    kind: OrderKind = "order"

    def __post_init__(self) -> None:
        if len(set(self.options)) != len(self.options) or len(self.options) > MAX_PIECES:
            raise MalformedError("response: the same option twice, or too many options")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.options

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "options": list(self.options)}


@dataclass(frozen=True, slots=True)
class PairsResponse:
    """The pairs made: (source, target), (piece, gap), (piece, area), two options."""

    pairs: tuple[tuple[str, str], ...]
    kind: PairsKind = "match"

    def __post_init__(self) -> None:
        if len(set(self.pairs)) != len(self.pairs) or len(self.pairs) > MAX_PAIRS:
            raise MalformedError("response: the same pair twice, or too many pairs")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.pairs

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "pairs": [list(pair) for pair in self.pairs]}


@dataclass(frozen=True, slots=True)
class PointsResponse:
    """The places pointed at, in the picture's pixels."""

    kind: ClassVar[Literal["select_point"]] = "select_point"
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(set(self.points)) != len(self.points) or len(self.points) > MAX_POINTS:
            raise MalformedError("response: the same point twice, or too many points")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.points

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "points": [list(point) for point in self.points]}


@dataclass(frozen=True, slots=True)
class SliderResponse:
    """The number chosen, as a decimal with a point; empty where none is chosen."""

    kind: ClassVar[Literal["slider"]] = "slider"
    text: str

    def __post_init__(self) -> None:
        try:
            fits = len(self.text) <= MAX_NUMERIC_TEXT and Decimal(self.text or "0").is_finite()
        except InvalidOperation:
            fits = False
        if not fits:
            raise MalformedError("response: a slider gives a number")

    @property
    def is_empty(self) -> bool:
        """Whether the answer was cleared."""
        return not self.text

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        return {"kind": self.kind, "text": self.text}


SimpleResponse = (
    ChoiceResponse
    | ClusterResponse
    | NumericResponse
    | TextResponse
    | OrderResponse
    | PairsResponse
    | PointsResponse
    | SliderResponse
)


@dataclass(frozen=True, slots=True)
class CompositeResponse:
    """Part id → response; parts not answered yet are absent."""

    kind: ClassVar[Literal["composite"]] = "composite"
    parts: Mapping[str, SimpleResponse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.parts) > MAX_PARTS:
            raise MalformedError("response: too many parts")

    @property
    def is_empty(self) -> bool:
        """Whether nothing in it is answered."""
        return all(response.is_empty for response in self.parts.values())

    def to_plain(self) -> dict[str, object]:
        """The plain form; see the module."""
        parts = {name: r.to_plain() for name, r in self.parts.items() if not r.is_empty}
        return {"kind": self.kind, "parts": parts}


Response = SimpleResponse | CompositeResponse


def to_plain(response: Response) -> dict[str, object]:
    """The plain form of any response; see the module."""
    return response.to_plain()


def from_plain(value: object) -> Response:
    """The response that `value` says, strictly; raises MalformedError."""
    if isinstance(value, dict) and value.get("kind") == "composite":
        given = plain.record(value, ("kind", "parts"), "response")["parts"]
        parts = plain.mapping(given, "response parts", most=MAX_PARTS)
        return CompositeResponse({name: _simple(part) for name, part in parts.items()})
    return _simple(value)


_CHOICES: tuple[ChoiceKind, ...] = get_args(ChoiceKind)
_ORDERS: tuple[OrderKind, ...] = get_args(OrderKind)
_TEXTS: tuple[TextKind, ...] = get_args(TextKind)
_PAIRS: tuple[PairsKind, ...] = get_args(PairsKind)


def _simple(value: object) -> SimpleResponse:
    kind = value.get("kind") if isinstance(value, dict) else None
    for choice in _CHOICES:
        if kind == choice:
            return ChoiceResponse(_options(value), choice)
    for order in _ORDERS:
        if kind == order:
            return OrderResponse(_options(value), order)
    for text in _TEXTS:
        if kind == text:
            return TextResponse(_text(value, MAX_ESSAY), text)
    for pairs in _PAIRS:
        if kind == pairs:
            return PairsResponse(_pairs(value), pairs)
    match kind:
        case "tf_cluster":
            judged = plain.record(value, ("kind", "values"), "response")["values"]
            values = plain.mapping(judged, "response values", most=MAX_OPTIONS)
            return ClusterResponse(
                {key: plain.boolean(value, f"response {key}") for key, value in values.items()}
            )
        case "numeric":
            return NumericResponse(_text(value, MAX_NUMERIC_TEXT))
        case "slider":
            return SliderResponse(_text(value, MAX_NUMERIC_TEXT))
        case "select_point":
            return PointsResponse(_points(value))
        case _:
            raise MalformedError("response: its kind is none of the known ones")


def _options(value: object) -> tuple[str, ...]:
    chosen = plain.record(value, ("kind", "options"), "response")["options"]
    ids = plain.array(chosen, "response options", most=MAX_PIECES)
    return tuple(plain.identifier(option, "response option") for option in ids)


def _text(value: object, most: int) -> str:
    typed = plain.record(value, ("kind", "text"), "response")["text"]
    return plain.text(typed, "response text", most=most)


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    made = plain.record(value, ("kind", "pairs"), "response")["pairs"]
    pairs = []
    for entry in plain.array(made, "response pairs", most=MAX_PAIRS):
        first, second = plain.array(entry, "response pair", least=2, most=2)
        names = plain.identifier(first, "response pair"), plain.identifier(second, "response pair")
        pairs.append(names)
    return tuple(pairs)


def _points(value: object) -> tuple[Point, ...]:
    chosen = plain.record(value, ("kind", "points"), "response")["points"]
    points = []
    for entry in plain.array(chosen, "response points", most=MAX_POINTS):
        x, y = (
            plain.integer(number, "response point", least=-MAX_COORDINATE, most=MAX_COORDINATE)
            for number in plain.array(entry, "response point", least=2, most=2)
        )
        points.append((x, y))
    return tuple(points)
