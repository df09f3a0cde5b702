"""MathML (presentation, as content holds it) to Office formulas (OMML, ECMA-376 part 1 §22.1).

The way back of `omml`: what Word is given here, that module reads as the same formula. What an
Office formula has no form for (colours, lengths) is left to Word's own look.
"""

import re
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from question_bank.content import parse
from question_bank.formula_signs import FUNCTIONS
from question_bank.interchange.markup import name_of

_LARGE = frozenset("∑∏∐∫∬∭∮∯⋃⋂⋁⋀⨁⨂")
_INTEGRALS = frozenset("∫∬∭∮∯")
_BRACKETS, _BRACKETS_CLOSED = frozenset("([{"), frozenset(")]}")
_SCRIPTED = frozenset(("msub", "msup", "msubsup"))
_LETTER = re.compile(r"[A-Za-z]")
_PRIMES = frozenset(("′", "″", "'", "′′"))
# The backslash means something to some programs.
_SIGNS = {"\\": "∖", "⧵": "∖", "'": "′"}
_OPENERS = frozenset((*"([{⟨〈⌊⌈|‖∥]", ""))
_CLOSERS = frozenset((*")]}⟩〉⌋⌉|‖∥[(", ""))
# What ends the operand of a sum or an integral.
_ENDS = frozenset("=<>≤≥≠≈≡⇔⇒→,;+")
_ACCENTS = {
    "^": "\u0302", "ˆ": "\u0302", "~": "\u0303", "˜": "\u0303", "→": "\u20d7", "⃗": "\u20d7",
    "⟶": "\u20d7", "←": "\u20d6", "˙": "\u0307", ".": "\u0307", "¨": "\u0308", "ˇ": "\u030c",
    "´": "\u0301", "`": "\u0300", "˘": "\u0306", "˚": "\u030a",
}  # fmt: skip
_BARS = frozenset("¯―‾_\u0305\u0332")
_GROUPS = frozenset("⏞⏟⏜⏝")
_SPACE = "\u2003"
_STYLES = {"normal": "p", "bold": "b", "bold-italic": "bi", "italic": "i"}
_ALPHABETS = {
    "double-struck": "double-struck", "script": "script", "fraktur": "fraktur",
    "sans-serif": "sans-serif", "monospace": "monospace", "bold-script": "script",
    "bold-fraktur": "fraktur",
}  # fmt: skip


def omml_of(mathml: str) -> str:
    """The `m:oMath` of a cleaned `<math>` (its `m:` prefix to be declared around it)."""
    (math,) = parse(mathml)
    return f"<m:oMath>{_row(math)}</m:oMath>"


def _row(parent: etree._Element) -> str:
    """Everything in an element, side by side."""
    return _side_by_side([node for node in parent if name_of(node)])


def _side_by_side(nodes: Sequence[etree._Element]) -> str:
    nodes = _flat(nodes)
    fenced = _fenced(nodes)
    if fenced is not None:
        return fenced
    parts: list[str] = []
    at = 0
    while at < len(nodes):
        stop = _closing(nodes, at)
        if stop is not None:
            parts.append(_bracketed(nodes[at : stop + 1]))
            at = stop + 1
        elif (operator := _large(nodes[at])) is not None:
            stop = _operand_end(nodes, at + 1)
            parts.append(operator(_side_by_side(nodes[at + 1 : stop])))
            at = stop
        else:
            stop = _word_end(nodes, at)
            parts.append(_letters_of(nodes[at:stop]) if stop > at + 1 else _element(nodes[at]))
            at = max(stop, at + 1)
    return "".join(parts)


def _operand_end(nodes: Sequence[etree._Element], at: int) -> int:
    """Where the operand of a sum or an integral ends that begins here."""
    stop = at
    while stop < len(nodes) and not (stop > at and _text(nodes[stop]) in _ENDS):
        stop += 1
    return stop


def _word_end(nodes: Sequence[etree._Element], at: int) -> int:
    """Where letters end that look alike and are one word to Word: `ABC`, but no `sin`."""
    stop = at
    while stop < len(nodes) and _is_letter(nodes[stop]):
        stop += 1
    return at if "".join(map(_text, nodes[at:stop])) in FUNCTIONS else stop


def _is_letter(node: etree._Element) -> bool:
    return name_of(node) == "mi" and not node.attrib and _LETTER.fullmatch(_text(node)) is not None


def _letters_of(nodes: Sequence[etree._Element]) -> str:
    return _run("".join(map(_text, nodes)))


def _closing(nodes: Sequence[etree._Element], at: int) -> int | None:
    """Where the bracket is closed that opens here: by a sign, or by one that has scripts."""
    if name_of(nodes[at]) != "mo" or _text(nodes[at]) not in _BRACKETS:
        return None
    depth = 0
    for place in range(at, len(nodes)):
        sign = _text(_base(nodes[place]))
        if name_of(_base(nodes[place])) != "mo":
            continue
        depth += (sign in _BRACKETS) - (sign in _BRACKETS_CLOSED)
        if depth == 0:
            return place
    return None


def _base(node: etree._Element) -> etree._Element:
    """What scripts stand at; the node itself where it has none."""
    inner = [one for one in node if name_of(one)]
    return inner[0] if name_of(node) in _SCRIPTED and inner else node


def _bracketed(nodes: Sequence[etree._Element]) -> str:
    first, last = _text(nodes[0]), nodes[-1]
    inside = _delimited(first, _text(_base(last)), [_side_by_side(nodes[1:-1])])
    return _scripts(last, inside) if name_of(last) in _SCRIPTED else inside


def _flat(nodes: Sequence[etree._Element]) -> list[etree._Element]:
    """The nodes without rows that only hold others together."""
    found: list[etree._Element] = []
    for node in nodes:
        inner = [one for one in node if name_of(one)]
        if name_of(node) in ("mrow", "mstyle", "mpadded", "semantics") and not _is_fenced(inner):
            found += _flat(inner[:1] if name_of(node) == "semantics" else inner)
        else:
            found.append(node)
    return found


def _is_fenced(nodes: Sequence[etree._Element]) -> bool:
    """Whether a row has brackets that grow with what is in them: at both ends, or at one."""
    if len(nodes) < 2:
        return False
    first, last = _grows(nodes[0], _OPENERS), _grows(nodes[-1], _CLOSERS)
    alone = name_of(nodes[0] if last else nodes[-1]) != "mo"
    return (first and last) or ((first or last) and alone)


def _grows(node: etree._Element, signs: frozenset[str]) -> bool:
    growing = node.get("stretchy") == "true" or node.get("fence") == "true"
    return name_of(node) == "mo" and growing and _text(node) in signs


def _fenced(nodes: Sequence[etree._Element]) -> str | None:
    if not _is_fenced(nodes):
        return None
    first, last = _grows(nodes[0], _OPENERS), _grows(nodes[-1], _CLOSERS)
    inside = _side_by_side(nodes[first : len(nodes) - last])
    return _delimited(_text(nodes[0]) if first else "", _text(nodes[-1]) if last else "", [inside])


def _delimited(first: str, last: str, insides: Sequence[str], between: str = "") -> str:
    properties = (
        f"<m:begChr m:val={quoteattr(first)}/>"
        + (f"<m:sepChr m:val={quoteattr(between)}/>" if between else "")
        + f"<m:endChr m:val={quoteattr(last)}/>"
    )
    return _of("d", properties, "".join(_e(inside) for inside in insides))


def _of(name: str, properties: str, inside: str) -> str:
    held = f"<m:{name}Pr>{properties}</m:{name}Pr>" if properties else ""
    return f"<m:{name}>{held}{inside}</m:{name}>"


def _e(inside: str, name: str = "e") -> str:
    return f"<m:{name}>{inside}</m:{name}>"


def _text(node: etree._Element) -> str:
    return "".join(map(str, node.itertext())).strip()


def _element(node: etree._Element) -> str:
    name = name_of(node)
    if name in _WRITERS:
        return _WRITERS[name](node)
    return _row(node)


def _inner(node: etree._Element, at: int) -> str:
    """A child as the content of an argument."""
    inner = [one for one in node if name_of(one)]
    return _side_by_side([inner[at]]) if at < len(inner) else ""


# --- letters, numbers, signs


def _run(text: str, properties: str = "") -> str:
    held = f"<m:rPr>{properties}</m:rPr>" if properties else ""
    fonts = '<w:rPr><w:rFonts w:ascii="Cambria Math" w:hAnsi="Cambria Math"/></w:rPr>'
    return f'<m:r>{held}{fonts}<m:t xml:space="preserve">{escape(text)}</m:t></m:r>'


def _letters(node: etree._Element) -> str:
    text = _text(node)
    text = _SIGNS.get(text, text) if name_of(node) == "mo" else text
    variant = str(node.get("mathvariant", ""))
    if variant in _ALPHABETS:
        return _run(text, f'<m:scr m:val="{_ALPHABETS[variant]}"/><m:sty m:val="p"/>')
    upright = len(text) > 1 and name_of(node) == "mi" and not variant
    style = _STYLES.get(variant) or ("p" if upright or text in FUNCTIONS else "")
    return _run(text, f'<m:sty m:val="{style}"/>' if style else "") if text else ""


def _words(node: etree._Element) -> str:
    text = "".join(map(str, node.itertext()))
    return _run(text, "<m:nor/>") if text else ""


def _space(node: etree._Element) -> str:
    width = str(node.get("width", ""))
    number = width.rstrip("abcdefghijklmnopqrstuvwxyz")
    wide = number.replace(".", "", 1).isdigit() and float(number) >= 1
    return _run(_SPACE if wide else " ")


# --- structures


def _fraction(node: etree._Element) -> str:
    parts = _e(_inner(node, 0), "num") + _e(_inner(node, 1), "den")
    if node.get("linethickness") in ("0", "0pt", "0em"):
        return _of("f", '<m:type m:val="noBar"/>', parts)
    return _of("f", '<m:type m:val="skw"/>' if node.get("bevelled") == "true" else "", parts)


def _root(node: etree._Element) -> str:
    if name_of(node) == "msqrt":
        return _of("rad", '<m:degHide m:val="1"/>', f"<m:deg/>{_e(_row(node))}")
    return _of("rad", "", _e(_inner(node, 1), "deg") + _e(_inner(node, 0)))


def _scripts(node: etree._Element, base: str = "") -> str:
    """Scripts at `base`, where it is another than the element's own."""
    held = base or _inner(node, 0)
    inner = [one for one in node if name_of(one)]
    if name_of(node) == "msup" and len(inner) > 1 and _text(inner[1]) in _PRIMES:
        return held + _run("".join(_SIGNS.get(sign, sign) for sign in _text(inner[1])))
    base = _e(held)
    match name_of(node):
        case "msub":
            return _of("sSub", "", base + _e(_inner(node, 1), "sub"))
        case "msup":
            return _of("sSup", "", base + _e(_inner(node, 1), "sup"))
        case _:
            return _of(
                "sSubSup", "", base + _e(_inner(node, 1), "sub") + _e(_inner(node, 2), "sup")
            )


def _over_under(node: etree._Element) -> str:
    name = name_of(node)
    base = _inner(node, 0)
    if name == "munderover":
        below = _of("limLow", "", _e(base) + _e(_inner(node, 1), "lim"))
        return _of("limUpp", "", _e(below) + _e(_inner(node, 2), "lim"))
    inner = [one for one in node if name_of(one)]
    sign = _text(inner[1]) if len(inner) > 1 and name_of(inner[1]) == "mo" else ""
    if sign in _BARS and sign:
        place = "top" if name == "mover" else "bot"
        return _of("bar", f'<m:pos m:val="{place}"/>', _e(base))
    if sign in _ACCENTS and name == "mover":
        return _of("acc", f"<m:chr m:val={quoteattr(_ACCENTS[sign])}/>", _e(base))
    if sign in _GROUPS:
        place = "top" if name == "mover" else "bot"
        properties = f'<m:chr m:val={quoteattr(sign)}/><m:pos m:val="{place}"/>'
        return _of("groupChr", properties, _e(base))
    limit = _e(_inner(node, 1), "lim")
    return _of("limUpp" if name == "mover" else "limLow", "", _e(base) + limit)


def _large(node: etree._Element) -> Callable[[str], str] | None:
    """How a sum or an integral with its limits takes its operand; None for anything else."""
    inner = [one for one in node if name_of(one)]
    name = name_of(node)
    if name == "mo" and _text(node) in _LARGE:
        sign, below, above = _text(node), "", ""
    elif name.startswith(("msu", "mund", "mover")) and inner and _text(inner[0]) in _LARGE:
        sign = _text(inner[0])
        first, second = _inner(node, 1), _inner(node, 2)
        below, above = ("", first) if name in ("msup", "mover") else (first, second)
    else:
        return None
    around = "subSup" if name.startswith("msu") or name == "mo" else "undOvr"
    properties = f'<m:chr m:val="{sign}"/><m:limLoc m:val="{around}"/>'
    properties += "" if below else '<m:subHide m:val="1"/>'
    properties += "" if above else '<m:supHide m:val="1"/>'

    def taking(operand: str) -> str:
        return _of("nary", properties, _e(below, "sub") + _e(above, "sup") + _e(operand))

    return taking


def _pre_scripts(node: etree._Element) -> str:
    """A base with scripts before it (isotopes), and perhaps after it."""
    inner = [one for one in node if name_of(one)]
    names = [name_of(one) for one in inner]
    cut = names.index("mprescripts") if "mprescripts" in names else len(inner)
    base, after, before = inner[0], inner[1:cut], inner[cut + 1 :]
    made = _side_by_side([base])
    if len(after) >= 2:
        made = _of("sSubSup", "", _e(made) + _script(after[0], "sub") + _script(after[1], "sup"))
    if len(before) >= 2:
        made = _of("sPre", "", _script(before[0], "sub") + _script(before[1], "sup") + _e(made))
    return made


def _script(node: etree._Element, name: str) -> str:
    return _e("" if name_of(node) == "none" else _side_by_side([node]), name)


def _table(node: etree._Element) -> str:
    rows = [row for row in node if name_of(row) in ("mtr", "mlabeledtr")]
    cells = [[cell for cell in row if name_of(cell) == "mtd"] for row in rows]
    width = max(map(len, cells), default=1)
    left = "left" in str(node.get("columnalign", "")) or any(
        cell.get("columnalign") == "left" for row in cells for cell in row
    )
    column = (
        f'<m:mc><m:mcPr><m:count m:val="{width}"/>'
        f'<m:mcJc m:val="{"left" if left else "center"}"/></m:mcPr></m:mc>'
    )
    inside = "".join(
        f"<m:mr>{''.join(_e(_row(cell)) for cell in row)}{_e('') * (width - len(row))}</m:mr>"
        for row in cells
    )
    return _of("m", f"<m:mcs>{column}</m:mcs>", inside)


def _enclosed(node: etree._Element) -> str:
    notation = str(node.get("notation", "box")).split()
    hidden = [] if {"box", "roundedbox"} & set(notation) else ["Top", "Bot", "Left", "Right"]
    sides = {"top": "Top", "bottom": "Bot", "left": "Left", "right": "Right"}
    hidden = [side for side in hidden if side not in {sides.get(name) for name in notation}]
    strikes = {
        "updiagonalstrike": "strikeBLTR", "downdiagonalstrike": "strikeTLBR",
        "horizontalstrike": "strikeH", "verticalstrike": "strikeV",
    }  # fmt: skip
    properties = "".join(f'<m:hide{side} m:val="1"/>' for side in hidden)
    # in the schema's order
    properties += "".join(
        f'<m:{strikes[name]} m:val="1"/>'
        for name in ("horizontalstrike", "verticalstrike", "updiagonalstrike", "downdiagonalstrike")
        if name in notation
    )
    return _of("borderBox", properties, _e(_row(node)))


def _phantom(node: etree._Element) -> str:
    return _of("phant", '<m:show m:val="0"/>', _e(_row(node)))


def _in_fences(node: etree._Element) -> str:
    insides = [_side_by_side([one]) for one in node if name_of(one)]
    between = str(node.get("separators", ","))[:1]
    first, last = str(node.get("open", "(")), str(node.get("close", ")"))
    return _delimited(first, last, insides or [""], between if len(insides) > 1 else "")


_WRITERS: dict[str, Callable[[etree._Element], str]] = {
    "mi": _letters, "mn": _letters, "mo": _letters, "mtext": _words, "ms": _words,
    "mspace": _space, "mfrac": _fraction, "msqrt": _root, "mroot": _root, "msub": _scripts,
    "msup": _scripts, "msubsup": _scripts, "munder": _over_under, "mover": _over_under,
    "munderover": _over_under, "mmultiscripts": _pre_scripts, "mtable": _table,
    "menclose": _enclosed, "mphantom": _phantom, "mfenced": _in_fences,
    "none": lambda _: "", "mprescripts": lambda _: "",
}  # fmt: skip
