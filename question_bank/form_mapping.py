"""The way from what a candidate was shown back to the bank. Server only."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from question_bank import plain
from question_bank.errors import ScoringError
from question_bank.interactions import MAX_PARTS
from question_bank.presented import MAX_FORM_ITEMS
from question_bank.response import (
    ChoiceResponse,
    ClusterResponse,
    CompositeResponse,
    NumericResponse,
    OrderResponse,
    PairsResponse,
    PointsResponse,
    Response,
    SimpleResponse,
    SliderResponse,
    TextResponse,
)

MAX_IDS = 400


@dataclass(frozen=True, slots=True)
class MappedPart:
    """A composite's part in the bank; `options` as in MappedItem."""

    id: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MappedItem:
    """What a presented item is in the bank; `options`: presented id → bank id of every option,
    piece, gap and area; `parts` of a composite: presented part id → part; `draw`: the seed that
    its template variables were drawn from, empty where it has none."""

    item_id: str
    version: int
    options: Mapping[str, str]
    parts: Mapping[str, MappedPart] = field(default_factory=dict)
    draw: str = ""


@dataclass(frozen=True, slots=True)
class FormMapping:
    """Presented item id → bank item. It undoes what `assembly.arrange` hides."""

    items: Mapping[str, MappedItem]

    def to_bank(self, presented_id: str, response: Response) -> Response:
        """`response` in the bank's option ids; ScoringError where an id is not of this form."""
        mapped = self.items.get(presented_id)
        if mapped is None:
            raise ScoringError(f"the form has no item {presented_id[:40]!r}")
        try:
            if isinstance(response, CompositeResponse):
                parts = {}
                for name, given in response.parts.items():
                    part = mapped.parts[name]
                    parts[part.id] = _to_bank(part.options, given)
                return CompositeResponse(parts)
            return _to_bank(mapped.options, response)
        except KeyError as error:
            raise ScoringError(
                f"item {presented_id} has no option {str(error.args[0])[:40]!r}"
            ) from None

    def to_plain(self) -> dict[str, object]:
        """A JSON-able form."""
        return {presented: _item_to_plain(mapped) for presented, mapped in self.items.items()}

    @classmethod
    def from_plain(cls, value: object) -> "FormMapping":
        """The mapping that `to_plain` wrote; raises MalformedError."""
        entries = plain.mapping(value, "form mapping", most=MAX_FORM_ITEMS)
        return cls({name: _item(entry, f"mapping {name}") for name, entry in entries.items()})


def _to_bank(ids: Mapping[str, str], response: SimpleResponse) -> SimpleResponse:
    match response:
        case ChoiceResponse(options=options, kind=kind):
            return ChoiceResponse(tuple(ids[o] for o in options), kind)
        case ClusterResponse(values=values):
            return ClusterResponse({ids[s]: v for s, v in values.items()})
        case OrderResponse(options=options, kind=order):
            return OrderResponse(tuple(ids[o] for o in options), order)
        case PairsResponse(pairs=pairs, kind=paired):
            return PairsResponse(tuple((ids[a], ids[b]) for a, b in pairs), paired)
        case NumericResponse() | TextResponse() | SliderResponse() | PointsResponse():
            return response


def _item_to_plain(mapped: MappedItem) -> dict[str, object]:
    parts = {
        name: {"part": part.id, "options": dict(part.options)}
        for name, part in mapped.parts.items()
    }
    return {
        "item": mapped.item_id,
        "version": mapped.version,
        "options": dict(mapped.options),
        **({"parts": parts} if parts else {}),
        **({"draw": mapped.draw} if mapped.draw else {}),
    }


def _item(value: object, where: str) -> MappedItem:
    fields = plain.record(value, ("item", "version", "options"), where, optional=("parts", "draw"))
    parts = {}
    for name, entry in plain.mapping(fields.get("parts", {}), where, most=MAX_PARTS).items():
        part = plain.record(entry, ("part", "options"), where)
        parts[name] = MappedPart(
            plain.identifier(part["part"], where), _ids(part["options"], where)
        )
    return MappedItem(
        plain.identifier(fields["item"], where),
        plain.integer(fields["version"], where, least=1, most=10**9),
        _ids(fields["options"], where),
        parts,
        plain.text(fields.get("draw", ""), where, most=64),
    )


def _ids(value: object, where: str) -> dict[str, str]:
    ids = plain.mapping(value, where, most=MAX_IDS)
    return {name: plain.identifier(bank_id, where) for name, bank_id in ids.items()}
