"""What a candidate answered, and its plain form for journals, requests and databases.

Plain forms: `{"kind": "single", "options": ["o3"]}`, `{"kind": "multiple", "options": […]}`,
`{"kind": "tf_cluster", "values": {"s1": true}}`, `{"kind": "numeric", "text": "-1,5"}`.
An empty response (no options, no values, no text) says that the answer was cleared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from question_bank import plain
from question_bank.errors import MalformedError
from question_bank.item import MAX_NUMERIC_TEXT, MAX_OPTIONS


@dataclass(frozen=True, slots=True)
class ChoiceResponse:
    """The options chosen; `kind` says of which interaction, and a single one has at most one."""

    options: tuple[str, ...]
    kind: Literal["single", "multiple"] = "single"

    def __post_init__(self) -> None:
        if len(set(self.options)) != len(self.options) or len(self.options) > MAX_OPTIONS:
            raise MalformedError("response: the same option twice, or too many options")
        if self.kind == "single" and len(self.options) > 1:
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


Response = ChoiceResponse | ClusterResponse | NumericResponse


def to_plain(response: Response) -> dict[str, object]:
    """The plain form of any response; see the module."""
    return response.to_plain()


def from_plain(value: object) -> Response:
    """The response that `value` says, strictly; raises MalformedError."""
    kind = value.get("kind") if isinstance(value, dict) else None
    match kind:
        case "single" | "multiple":
            chosen = plain.record(value, ("kind", "options"), "response")["options"]
            ids = plain.array(chosen, "response options", most=MAX_OPTIONS)
            options = tuple(plain.identifier(option, "response option") for option in ids)
            return ChoiceResponse(options, "single" if kind == "single" else "multiple")
        case "tf_cluster":
            judged = plain.record(value, ("kind", "values"), "response")["values"]
            values = plain.mapping(judged, "response values", most=MAX_OPTIONS)
            return ClusterResponse(
                {key: plain.boolean(value, f"response {key}") for key, value in values.items()}
            )
        case "numeric":
            typed = plain.record(value, ("kind", "text"), "response")["text"]
            return NumericResponse(plain.text(typed, "response text", most=MAX_NUMERIC_TEXT))
        case _:
            raise MalformedError("response: its kind is none of the known ones")
