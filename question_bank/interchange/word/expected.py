"""What our reader will make of a question: whether it reads it at all, and its points."""

from decimal import Decimal

from question_bank.interactions import (
    InlineChoice,
    MultipleChoice,
    NumericEntry,
    SingleChoice,
    TrueFalseCluster,
)
from question_bank.item import Item
from question_bank.policies import NATIONAL_2025

#: What the reader makes of questions.
READ = SingleChoice | MultipleChoice | InlineChoice | TrueFalseCluster | NumericEntry


def is_read(item: Item) -> bool:
    """Whether our reader makes such an item again."""
    return isinstance(item.interaction, READ)


def usual_points(item: Item, subject: str) -> Decimal:
    """What the reader takes an item to be worth that says nothing."""
    shown = item.interaction
    if isinstance(shown, InlineChoice):
        shown = SingleChoice(shown.options)
    return NATIONAL_2025.marking(shown, subject)[1]


def read_points(item: Item, subject: str) -> Decimal:
    """What the reader will read: a cluster of four is always worth what its table says."""
    usual = usual_points(item, subject)
    table_says = item.kind == "tf_cluster" and NATIONAL_2025.cluster is not None
    return usual if table_says else item.points
