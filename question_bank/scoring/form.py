"""The marks of a whole form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from question_bank.assembly import FormMapping
from question_bank.errors import ScoringError
from question_bank.item import Item
from question_bank.response import Response
from question_bank.scoring.rules import SCORER_VERSION, ZERO, Score, score


@dataclass(frozen=True, slots=True)
class PaperScore:
    """Total and maximum of a form; `scores` by presented item id, in the form's order."""

    total: Decimal
    maximum: Decimal
    scores: Mapping[str, Score]
    scorer_version: str = SCORER_VERSION

    @property
    def external(self) -> Decimal:
        """How much of the maximum people have still to give; it is not in the total."""
        return sum((mark.external for mark in self.scores.values()), ZERO)


def score_form(
    mapping: FormMapping, items: Iterable[Item], responses: Mapping[str, Response]
) -> PaperScore:
    """The marks of `responses` (presented item id → response in presented option ids).

    `items` holds every item version the form was made of. An item without a response earns 0.
    Raises ScoringError for a response that is not of this form and for a missing item version.
    """
    versions = {(item.id, item.version): item for item in items}
    foreign = [presented for presented in responses if presented not in mapping.items]
    if foreign:
        raise ScoringError(f"the form has no item {foreign[0][:40]!r}")
    scores = {}
    for presented, mapped in mapping.items.items():
        item = versions.get((mapped.item_id, mapped.version))
        if item is None:
            raise ScoringError(f"item {mapped.item_id} version {mapped.version} is not given")
        given = responses.get(presented)
        answer = mapping.to_bank(presented, given) if given else None
        scores[presented] = score(item, answer, draw=mapped.draw)
    total = sum((mark.raw for mark in scores.values()), ZERO)
    maximum = sum((mark.maximum for mark in scores.values()), ZERO)
    return PaperScore(total, maximum, scores)
