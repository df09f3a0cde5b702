"""Lists: their points, and how they are numbered."""

import re
from collections.abc import Sequence

from question_bank.interchange.ex_test import commands
from question_bank.interchange.ex_test.tree import Command, Comment, Cursor, Node, Par

LETTERS = "abcdefghijklmnopqrstuvwxyz"
_COMMANDS = re.compile(r"\\[A-Za-z]+\s*")


def entries(cursor: Cursor) -> list[tuple[Sequence[Node], Sequence[Node]]]:
    """The points of a list: (own label, nodes). What stands before the first is one too."""
    points: list[tuple[Sequence[Node], list[Node]]] = []
    before: list[Node] = []
    while (node := cursor.next()) is not None:
        if isinstance(node, Command) and node.name in commands.ITEMS:
            points.append((cursor.optional() or (), []))
        else:
            (points[-1][1] if points else before).append(node)
    lead: list[tuple[Sequence[Node], Sequence[Node]]] = []
    if any(not isinstance(n, Par | Comment) and getattr(n, "value", "") != " " for n in before):
        lead = [((), before)]
    return [*lead, *points]


def numbering(label: str, default: str) -> str:
    """`[a)]`, `[label=\\alph*)]` and the like number by letters, `[1.]` by numbers."""
    first = _COMMANDS.sub("", label).lstrip("( ")[:1]
    if "alph" in label or first in ("a", "A"):
        return "a"
    if "arabic" in label or "roman" in label or first in ("1", "i", "I"):
        return "1"
    return default
