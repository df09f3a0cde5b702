"""What an item is worth, and by which rule, where its source does not say: named policies."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from question_bank.interactions import ExtendedText
from question_bank.item import (
    NATIONAL_2025_CLUSTER,
    AllOrNothing,
    GradedCluster,
    Interaction,
    Kind,
    ScoringRule,
    TrueFalseCluster,
    options_of,
)
from question_bank.keys import External


@dataclass(frozen=True, slots=True)
class MarkingPolicy:
    """Points by kind, with exceptions by (kind, subject), and the rule for clusters.

    A cluster with another number of statements than `cluster` has marks for is all or nothing.
    Subjects are compared without case and diacritics.
    """

    name: str
    points: Mapping[Kind, Decimal] = field(default_factory=dict)
    by_subject: Mapping[tuple[Kind, str], Decimal] = field(default_factory=dict)
    cluster: GradedCluster | None = None
    otherwise: Decimal = Decimal(1)

    def marking(self, interaction: Interaction, subject: str = "") -> tuple[ScoringRule, Decimal]:
        """The scoring rule and the points of an item with this interaction."""
        kind = interaction.kind
        if isinstance(interaction, TrueFalseCluster) and self.cluster is not None:
            if len(options_of(interaction)) == len(self.cluster.table) - 1:
                return self.cluster, self.cluster.table[-1]
            return AllOrNothing(), self.otherwise
        if isinstance(interaction, ExtendedText):
            return External(), self.points.get(kind, self.otherwise)
        worth = self.by_subject.get((kind, _bare(subject)))
        return AllOrNothing(), worth or self.points.get(kind, self.otherwise)


# The national graduation examination since 2025: Part I, II and III.
NATIONAL_2025 = MarkingPolicy(
    "national-2025",
    points={"single": Decimal("0.25"), "numeric": Decimal("0.25")},
    by_subject={("numeric", "toan"): Decimal("0.5")},
    cluster=NATIONAL_2025_CLUSTER,
)
ONE_EACH = MarkingPolicy("one-each")


def _bare(subject: str) -> str:
    letters = unicodedata.normalize("NFD", subject.casefold().replace("đ", "d"))
    return "".join(char for char in letters if not unicodedata.combining(char)).strip()
