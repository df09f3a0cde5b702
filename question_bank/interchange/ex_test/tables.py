r"""`tabular` as an XHTML table, with cells over several columns and rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from question_bank.interchange.ex_test.tree import Command, Cursor, Node, Text, is_blank

if TYPE_CHECKING:
    from question_bank.interchange.ex_test.rendering import Renderer

MAX_SPAN = 50
_RULES = {
    "hline": "", "toprule": "", "midrule": "", "bottomrule": "", "cline": "m", "cmidrule": "om",
    "hdashline": "", "rowcolor": "om", "endhead": "", "endfirsthead": "", "Xhline": "m",
}  # fmt: skip


def table(renderer: "Renderer", nodes: Sequence[Node]) -> str:
    """The table whose body the nodes are."""
    below: dict[int, int] = {}  # column -> rows that a cell from above still covers
    rows = []
    for cells in _rows(renderer, nodes):
        row = _row(renderer, cells, below)
        if row:
            rows.append(f"<tr>{row}</tr>")
    return f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else ""


def _rows(renderer: "Renderer", nodes: Sequence[Node]) -> list[list[list[Node]]]:
    rows: list[list[list[Node]]] = [[[]]]
    cursor = Cursor(nodes)
    while (node := cursor.next()) is not None:
        if isinstance(node, Text) and node.value == "&":
            rows[-1].append([])
        elif isinstance(node, Command) and node.name in ("\\", "tabularnewline", "cr"):
            cursor.length()
            rows.append([[]])
        elif isinstance(node, Command) and node.name in _RULES:
            renderer.arguments(_RULES[node.name], cursor)
        else:
            rows[-1][-1].append(node)
    return [row for row in rows if any(not is_blank(node) for cell in row for node in cell)]


def _row(renderer: "Renderer", cells: Sequence[Sequence[Node]], below: dict[int, int]) -> str:
    out = []
    column = 0
    for cell in cells:
        columns, rows, nodes = _spans(cell)
        covered = below.get(column, 0)
        if covered:
            below[column] = covered - 1
        if not covered or any(not is_blank(node) for node in nodes):
            attributes = f' colspan="{columns}"' if columns > 1 else ""
            attributes += f' rowspan="{rows}"' if rows > 1 else ""
            out.append(f"<td{attributes}>{renderer.words(nodes)}</td>")
        if rows > 1:
            below[column] = rows - 1
        column += columns
    return "".join(out)


def _spans(cell: Sequence[Node]) -> tuple[int, int, Sequence[Node]]:
    """(columns, rows, nodes) of a cell that may be a \\multicolumn or a \\multirow."""
    columns = rows = 1
    nodes: Sequence[Node] = cell
    for _ in range(2):
        cursor = Cursor(nodes)
        first = cursor.peek()
        if not isinstance(first, Command) or first.name not in ("multicolumn", "multirow"):
            break
        while cursor.next() is not first:
            pass
        cursor.optional()
        count = _count(cursor.argument() or ())
        if first.name == "multicolumn":
            columns = count
        else:
            cursor.optional()
            rows = count
        cursor.argument()
        cursor.optional()
        inside = cursor.argument() or ()
        nodes = [*inside, *cursor.rest()]
    return columns, rows, nodes


def _count(nodes: Sequence[Node]) -> int:
    digits = "".join(node.value for node in nodes if isinstance(node, Text))
    return min(max(int(digits), 1), MAX_SPAN) if digits.isdecimal() and len(digits) < 4 else 1
