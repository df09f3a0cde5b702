"""The readers of `question_bank`: our own fixtures with a few changes, as files from strangers.

A case is a script: its first byte names the file, each record after it a change. In a zip file a
change is made inside of one part; XML is changed as a tree, so that more than the parser is tried.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path

from lxml import etree

from fuzzing.mutation import Change, changes_of
from fuzzing.target import Target, require
from question_bank.errors import FileRefusedError
from question_bank.interchange.formats import read_any
from question_bank.item_summary import item_summary
from question_bank.records import item_from_plain, item_to_plain

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES: Mapping[str, tuple[str, ...]] = {
    "read_office": (
        "word/*.docx", "spreadsheets/*.xlsx", "spreadsheets/*.ods", "spreadsheets/*.csv",
    ),
    "read_exchange": (
        "science/*.zip", "maths/*.zip", "qti12/*.xml", "moodle/*", "ex_test/*.tex",
    ),
}  # fmt: skip
MARKUP = (".xml", ".rels", ".svg")
MAX_DEPTH, MAX_FILE = 300, 4 * 1024 * 1024
# What readers look for, and what is not what it looks like.
WORDS = (
    "", " ", "0", "-1", "1", "99999999999", "1e999", "NaN", "²", "٣", "１", "½", "\u0301", "\u200b",
    "A", "B", "a b", "true", "Câu 1.", "Câu 2: ", "A. x\tB. y", "a) ", "Đáp án: B", "Chọn A", "1.A",
    "PHẦN II", "Lời giải", "ĐSĐS", "12,5 m/s", "$\\frac{1}{", "\\(x", "{", "}", "{=", "~=", "%100%",
    "\\choice{\\True a}{b}", "\\match{a}{b}", "\\with[1]{x}", "\\begin{chc}", "\\end{ex}", "<p>",
    "&amp;", "]]>", "../../x", "media:x", "#N/A", "=1+1", "xml", "RESPONSE", "single", "float",
)  # fmt: skip


@cache
def _files(target: str) -> tuple[tuple[str, bytes], ...]:
    found = sorted(path for glob in FILES[target] for path in FIXTURES.glob(glob))
    return tuple(
        (path.name, path.read_bytes()) for path in found if path.suffix not in (".json", ".py")
    )


def _changed(data: bytes, changes: Sequence[Change], name: str) -> bytes:
    """The file after all changes, in parts where it has some."""
    if data[:2] != b"PK":
        for change in changes:
            data = _part(name, data, change)
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {entry: archive.read(entry) for entry in archive.namelist()}
    for change in changes:
        names = sorted(parts, key=lambda entry: (not entry.endswith(MARKUP), entry))
        if not names:
            break
        chosen = names[change.kind // 16 * len(names) // 16]
        if change.kind % 16 == 15 and change.value % 8 == 0:
            del parts[chosen]
        else:
            parts[chosen] = _part(chosen, parts[chosen], change)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for entry, content in parts.items():
            archive.writestr(entry, content)
    return made.getvalue()


def _part(name: str, data: bytes, change: Change) -> bytes:
    if name.endswith(MARKUP) and change.kind % 4:
        try:
            parser = etree.XMLParser(resolve_entities=False, huge_tree=True)
            root = etree.fromstring(data, parser)
        except (etree.XMLSyntaxError, ValueError):
            return _bytes(data, change)
        nodes = [node for node in root.iter() if isinstance(node.tag, str)]
        node = nodes[len(nodes) * change.place >> 16]
        _NODES[change.kind // 4 % len(_NODES)](root, node, nodes, change.value)
        made = etree.tostring(root, encoding="utf-8")
        return made if len(made) < MAX_FILE else data
    return _bytes(data, change)


# --- bytes ----------------------------------------------------------------------------------------


def _bytes(data: bytes, change: Change) -> bytes:
    at, reach = len(data) * change.place >> 16, change.value >> 4
    match change.value % 6:
        case 0:
            return data[:at] + data[at + reach :]
        case 1:
            return data[: at + reach] + data[at : at + reach] + data[at + reach :]
        case 2:
            return data[:at]
        case 3:
            return data[:at] + bytes([reach % 256]) + data[at + 1 :]
        case 4:
            return data[:at] + _word(reach).encode() + data[at:]
        case _:
            return data[:at] + _word(reach).encode() + data[at + 8 :]


def _word(number: int) -> str:
    return WORDS[number % len(WORDS)]


# --- elements -------------------------------------------------------------------------------------


def _drop(_: etree._Element, node: etree._Element, __: Sequence[etree._Element], ___: int) -> None:
    if (parent := node.getparent()) is not None:
        parent.remove(node)


def _double(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    if node.getparent() is not None:
        for _ in range(1 + value % 3):
            node.addnext(deepcopy(node))


def _move(
    _: etree._Element, node: etree._Element, nodes: Sequence[etree._Element], value: int
) -> None:
    nodes[value % len(nodes)].append(deepcopy(node))


def _attribute(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    names = sorted(map(str, node.attrib)) or ["identifier"]
    node.set(names[value % len(names)], _word(value // 8))


def _bare(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    names = sorted(map(str, node.attrib))
    if names:
        del node.attrib[names[value % len(names)]]


def _text(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    node.text = _word(value)


def _added(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    node.text = (node.text or "") + _word(value)
    node.tail = _word(value // 64) + (node.tail or "")


def _renamed(
    _: etree._Element, node: etree._Element, nodes: Sequence[etree._Element], value: int
) -> None:
    node.tag = nodes[value % len(nodes)].tag


def _deep(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    inner = node
    for _ in range(value % MAX_DEPTH):
        more = etree.SubElement(inner, node.tag)
        more.text = inner.text
        inner = more


def _long(
    _: etree._Element, node: etree._Element, __: Sequence[etree._Element], value: int
) -> None:
    node.text = (node.text or _word(value)) * (1 + value % 2000)


Change_ = Callable[[etree._Element, etree._Element, Sequence[etree._Element], int], None]
_NODES: tuple[Change_, ...] = (
    _drop, _double, _move, _attribute, _bare, _text, _added, _renamed, _deep, _long,
)  # fmt: skip


# --- what must hold -------------------------------------------------------------------------------


def _reads(target: str) -> Callable[[bytes], None]:
    def check(script: bytes) -> None:
        files = _files(target)
        name, data = files[(script[0] if script else 0) % len(files)]
        found = read_any(_changed(data, changes_of(script[1:]), name), name, lambda _: None)
        for problem in found.problems:
            said = problem.message.strip() and "\n" not in problem.message
            require(bool(said and problem.element), f"a problem is no line: {problem!r}")
        names = [item.id for item in found.items]
        require(len(set(names)) == len(names), f"two items have one id: {names!r}")
        for item in found.items:
            item_summary(item)
            require(item_from_plain(item_to_plain(item)) == item, f"{item.id} is not kept as it is")

    return check


READERS: tuple[Target, ...] = tuple(
    Target(name, _reads(name), lambda: (), script=True, refusal=FileRefusedError) for name in FILES
)
