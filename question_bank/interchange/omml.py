r"""Office formulas (OMML, ECMA-376 part 1 §22.1) to MathML, with their LaTeX as `alttext`.

Each element gives both at once (`Both`). What is not part of a formula's look (control properties,
break hints) is passed over; an element that the standard does not know is reported and its inside
kept.
"""

from collections.abc import Callable, Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from question_bank.content import MATHML
from question_bank.errors import ContentError
from question_bank.formula_signs import (
    ACCENTS,
    ALPHABETS,
    FENCES,
    FUNCTIONS,
    GROUPS,
    LIMITED,
)
from question_bank.interchange.markup import child, children, name_of, namespace_of
from question_bank.interchange.omml_runs import Both, escaped, plain_words, symbols

MAX_ELEMENTS = 20_000
MAX_TEXT = 20_000
MAX_DEPTH = 60
_ON = frozenset(("", "1", "true", "on"))

Report = Callable[[str, str], None]


class FormulaRefusedError(ContentError):
    """A formula that is too large or too deep to be one."""


def mathml_of_omml(element: etree._Element, report: Report) -> Iterator[str]:
    """A `<math>` for every `m:oMath` in `element` (one, or all of an `m:oMathPara`).

    `report(name, message)` is told of every unknown element. Raises FormulaRefusedError.
    """
    _check_size(element)
    found = [element] if name_of(element) == "oMath" else list(children(element, "oMath"))
    for formula in found or [element]:
        both = _Reader(report).row(formula)
        if both.mathml:
            latex = quoteattr(_tidy(both.latex))
            yield f'<math xmlns="{MATHML}" alttext={latex}>{both.row}</math>'


def _check_size(element: etree._Element) -> None:
    elements, letters = 0, 0
    pending = [(element, 0)]
    while pending:
        node, depth = pending.pop()
        elements += 1
        letters += len(node.text or "")
        if depth > MAX_DEPTH:
            raise FormulaRefusedError(f"a formula is more than {MAX_DEPTH} elements deep")
        if elements > MAX_ELEMENTS or letters > MAX_TEXT:
            raise FormulaRefusedError("a formula is too long")
        pending.extend((inner, depth + 1) for inner in node)


def _tidy(latex: str) -> str:
    return " ".join(latex.split())


def _argument(both: Both) -> str:
    return "{" + _tidy(both.latex) + "}"


def _tail(both: Both) -> str:
    """LaTeX that may follow a command's name."""
    return f" {both.latex}"


class _Reader:
    """Reads one formula."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._known: dict[str, Callable[[etree._Element], Both]] = {
            "r": self._run, "acc": self._accent, "bar": self._bar, "box": self._inside,
            "borderBox": self._border, "d": self._delimiters, "eqArr": self._equations,
            "f": self._fraction, "func": self._function, "groupChr": self._group,
            "limLow": self._lower_limit, "limUpp": self._upper_limit, "m": self._matrix,
            "nary": self._nary, "phant": self._phantom, "rad": self._radical,
            "sPre": self._prescripts, "sSub": self._scripts, "sSubSup": self._scripts,
            "sSup": self._scripts, "oMath": self.row, "oMathPara": self.row, "e": self.row,
        }  # fmt: skip

    def row(self, parent: etree._Element) -> Both:
        """Everything in an element, side by side."""
        return self._side_by_side(parent)

    def _side_by_side(self, parent: Iterable[etree._Element]) -> Both:
        parts = [self._element(node) for node in parent]
        return Both("".join(p.mathml for p in parts), "".join(p.latex for p in parts))

    def _element(self, node: etree._Element) -> Both:
        name = name_of(node)
        if not namespace_of(node).endswith("/math"):
            return self._foreign(node, name)
        if name in self._known:
            return self._known[name](node)
        if not name or name.endswith("Pr"):
            return Both()
        self._report(name, "is no element of a formula; what is in it was kept")
        return self.row(node)

    def _foreign(self, node: etree._Element, name: str) -> Both:
        """WordprocessingML in a formula (§22.1.2.77): runs, tracked changes, marks of places."""
        match name:
            case "ins" | "moveTo" | "sdt" | "sdtContent" | "smartTag" | "customXml" | "hyperlink":
                return self.row(node)
            case "r":
                return plain_words("".join(n.text or "" for n in children(node, "t")))
            case "del" | "moveFrom":
                self._report(name, "a deletion that is tracked was left out of a formula")
            case "" | "rPr" | "proofErr" | "bookmarkStart" | "bookmarkEnd" | "sdtPr" | "ctrlPr":
                pass
            case "commentRangeStart" | "commentRangeEnd" | "lastRenderedPageBreak":
                pass
            case _:
                self._report(name, "is no part of a formula and was left out")
        return Both()

    def _part(self, node: etree._Element, name: str) -> Both:
        found = child(node, name)
        return Both() if found is None else self.row(found)

    def _inside(self, node: etree._Element) -> Both:
        return self._part(node, "e")

    # m:r, m:t (§22.1.2.87, §22.1.2.116)
    def _run(self, node: etree._Element) -> Both:
        text = "".join(
            "\n" if name_of(n) == "br" else (n.text or "") for n in children(node, "t", "br")
        )
        for other in node:
            if name_of(other) not in ("t", "br", "rPr", "lastRenderedPageBreak", ""):
                self._report(name_of(other), "is left out of a formula")
        properties = next(
            (p for p in children(node, "rPr") if namespace_of(p).endswith("/math")), None
        )
        if _is_normal(properties):
            return plain_words(text)
        script = "" if properties is None else _value(properties, "scr")
        style = "" if properties is None else _value(properties, "sty")
        return symbols(text, ALPHABETS.get(script), style)

    # m:acc (§22.1.2.1)
    def _accent(self, node: etree._Element) -> Both:
        base = self._inside(node)
        sign = _property(node, "acc", "chr", "\u0302")
        shown, narrow, wide = ACCENTS.get(sign, (sign, "", ""))
        over = f'<mover accent="true">{base.row}<mo>{escape(shown)}</mo></mover>'
        if not narrow:
            return Both(over, f"\\overset{{{escaped(sign)}}}{_argument(base)}")
        return Both(over, f"\\{narrow if len(base.latex.strip()) <= 1 else wide}{_argument(base)}")

    # m:bar (§22.1.2.7)
    def _bar(self, node: etree._Element) -> Both:
        base = self._inside(node)
        if _property(node, "bar", "pos", "bot") == "top":
            return Both(f"<mover>{base.row}<mo>¯</mo></mover>", f"\\overline{_argument(base)}")
        return Both(f"<munder>{base.row}<mo>_</mo></munder>", f"\\underline{_argument(base)}")

    # m:borderBox (§22.1.2.11)
    def _border(self, node: etree._Element) -> Both:
        base = self._inside(node)
        sides = ("top", "bottom", "left", "right")
        hidden = {
            side
            for side, name in zip(
                sides, ("hideTop", "hideBot", "hideLeft", "hideRight"), strict=True
            )
            if _flag(node, "borderBox", name)
        }
        strikes = {
            "updiagonalstrike": _flag(node, "borderBox", "strikeBLTR"),
            "downdiagonalstrike": _flag(node, "borderBox", "strikeTLBR"),
            "horizontalstrike": _flag(node, "borderBox", "strikeH"),
            "verticalstrike": _flag(node, "borderBox", "strikeV"),
        }
        notation = [side for side in sides if side not in hidden] if hidden else ["box"]
        notation += [name for name, there in strikes.items() if there]
        latex = _argument(base)
        if strikes["updiagonalstrike"] and strikes["downdiagonalstrike"]:
            latex = f"\\xcancel{latex}"
        elif strikes["updiagonalstrike"]:
            latex = f"\\cancel{latex}"
        elif strikes["downdiagonalstrike"]:
            latex = f"\\bcancel{latex}"
        if "box" in notation:
            latex = f"\\boxed{{{latex}}}" if latex.startswith("\\") else f"\\boxed{latex}"
        names = " ".join(notation)
        return Both(f'<menclose notation="{names}">{base.row}</menclose>', latex)

    # m:d (§22.1.2.24)
    def _delimiters(self, node: etree._Element) -> Both:
        first = _property(node, "d", "begChr", "(")
        last = _property(node, "d", "endChr", ")")
        between = _property(node, "d", "sepChr", "|")
        parts = [self.row(e) for e in children(node, "e")]
        separator = f'<mo separator="true">{escape(between)}</mo>'
        middle = escaped(between) if between in ",;" else f"\\middle{FENCES.get(between, '|')}"
        latex = f" {middle} ".join(p.latex for p in parts)
        return Both(
            f"<mrow>{_fence(first, 'prefix')}{separator.join(p.row for p in parts)}"
            f"{_fence(last, 'postfix')}</mrow>",
            f"\\left{_fence_latex(first)} {latex} \\right{_fence_latex(last)} ",
        )

    # m:eqArr (§22.1.2.34); an & in its text is a place to align at
    def _equations(self, node: etree._Element) -> Both:
        rows = [self.row(e) for e in children(node, "e")]
        cells = "".join(f'<mtr><mtd columnalign="left">{r.row}</mtd></mtr>' for r in rows)
        latex = r" \\ ".join(_tidy(r.latex.replace(r"\&", "")) for r in rows)
        mathml = f"<mtable>{cells}</mtable>".replace("<mo>&amp;</mo>", "")
        return Both(mathml, f"\\begin{{matrix}} {latex} \\end{{matrix}}")

    # m:f (§22.1.2.36)
    def _fraction(self, node: etree._Element) -> Both:
        above, below = self._part(node, "num"), self._part(node, "den")
        match _property(node, "f", "type", "bar"):
            case "noBar":
                mathml = f'<mfrac linethickness="0">{above.row}{below.row}</mfrac>'
                return Both(mathml, f"{{{_argument(above)} \\atop {_argument(below)}}}")
            case "skw":
                mathml = f'<mfrac bevelled="true">{above.row}{below.row}</mfrac>'
                return Both(mathml, f"{_argument(above)}/{_argument(below)}")
            case "lin":
                mathml = f"<mrow>{above.row}<mo>/</mo>{below.row}</mrow>"
                return Both(mathml, f"{_argument(above)}/{_argument(below)}")
        mathml = f"<mfrac>{above.row}{below.row}</mfrac>"
        return Both(mathml, f"\\frac{_argument(above)}{_argument(below)}")

    # m:func (§22.1.2.39)
    def _function(self, node: etree._Element) -> Both:
        name, base = self._part(node, "fName"), self._inside(node)
        return Both(
            f"<mrow>{name.row}<mo>\u2061</mo>{base.row}</mrow>", f"{name.latex}{_tail(base)}"
        )

    # m:groupChr (§22.1.2.41)
    def _group(self, node: etree._Element) -> Both:
        base = self._inside(node)
        sign = _property(node, "groupChr", "chr", "⏟")
        top = _property(node, "groupChr", "pos", "bot") == "top"
        mark = f'<mo stretchy="true">{escape(sign)}</mo>'
        tag = "mover" if top else "munder"
        command = GROUPS.get((sign, top))
        if command:
            latex = f"\\{command}{_argument(base)}"
        else:
            place = "overset" if top else "underset"
            latex = f"\\{place}{{{escaped(sign).strip()}}}{_argument(base)}"
        return Both(f"<{tag}>{base.row}{mark}</{tag}>", latex)

    # m:limLow, m:limUpp (§22.1.2.54, §22.1.2.56)
    def _lower_limit(self, node: etree._Element) -> Both:
        base, limit = self._inside(node), self._part(node, "lim")
        mathml = f"<munder>{base.row}{limit.row}</munder>"
        name = base.latex.strip()
        if name.removeprefix("\\") in LIMITED or name.startswith(r"\underbrace"):
            return Both(mathml, f"{name}_{_argument(limit)}")
        return Both(mathml, f"\\underset{_argument(limit)}{_argument(base)}")

    def _upper_limit(self, node: etree._Element) -> Both:
        base, limit = self._inside(node), self._part(node, "lim")
        mathml = f"<mover>{base.row}{limit.row}</mover>"
        if base.latex.strip().startswith(r"\overbrace"):
            return Both(mathml, f"{base.latex.strip()}^{_argument(limit)}")
        return Both(mathml, f"\\overset{_argument(limit)}{_argument(base)}")

    # m:m (§22.1.2.60)
    def _matrix(self, node: etree._Element) -> Both:
        rows = [[self.row(e) for e in children(row, "e")] for row in children(node, "mr")]
        cells = "".join(
            f"<mtr>{''.join(f'<mtd>{cell.row}</mtd>' for cell in row)}</mtr>" for row in rows
        )
        latex = r" \\ ".join(" & ".join(_tidy(cell.latex) for cell in row) for row in rows)
        return Both(f"<mtable>{cells}</mtable>", f"\\begin{{matrix}} {latex} \\end{{matrix}}")

    # m:nary (§22.1.2.70)
    def _nary(self, node: etree._Element) -> Both:
        sign = _property(node, "nary", "chr", "∫")
        below = Both() if _flag(node, "nary", "subHide") else self._part(node, "sub")
        above = Both() if _flag(node, "nary", "supHide") else self._part(node, "sup")
        around = _property(node, "nary", "limLoc", "subSup" if sign == "∫" else "undOvr")
        base = self._inside(node)
        operator = f'<mo largeop="true">{escape(sign)}</mo>'
        over = around == "undOvr"
        latex = escaped(sign).strip()
        if over and sign in "∫∬∭∮" and (below.latex or above.latex):
            latex += r"\limits"
        latex += f"_{_argument(below)}" if below.latex else ""
        latex += f"^{_argument(above)}" if above.latex else ""
        scripted = _scripted(operator, below, above, over=over)
        return Both(f"<mrow>{scripted}{base.row}</mrow>", f"{latex}{_tail(base)}")

    # m:phant (§22.1.2.81)
    def _phantom(self, node: etree._Element) -> Both:
        base = self._inside(node)
        if _flag(node, "phant", "show", default=True):
            return base
        return Both(f"<mphantom>{base.row}</mphantom>", f"\\phantom{_argument(base)}")

    # m:rad (§22.1.2.88)
    def _radical(self, node: etree._Element) -> Both:
        base = self._inside(node)
        degree = Both() if _flag(node, "rad", "degHide") else self._part(node, "deg")
        if not degree.mathml:
            return Both(f"<msqrt>{base.row}</msqrt>", f"\\sqrt{_argument(base)}")
        order = _argument(degree) if "]" in degree.latex else _tidy(degree.latex)
        return Both(f"<mroot>{base.row}{degree.row}</mroot>", f"\\sqrt[{order}]{_argument(base)}")

    # m:sPre (§22.1.2.99)
    def _prescripts(self, node: etree._Element) -> Both:
        base, below, above = self._inside(node), self._part(node, "sub"), self._part(node, "sup")
        scripts = f"<mprescripts/>{below.row}{above.row}"
        return Both(
            f"<mmultiscripts>{base.row}{scripts}</mmultiscripts>",
            f"{{}}_{_argument(below)}^{_argument(above)}{_argument(base)}",
        )

    # m:sSub, m:sSup, m:sSubSup (§22.1.2.101, .105, .103)
    def _scripts(self, node: etree._Element) -> Both:
        base, below, above = self._inside(node), self._part(node, "sub"), self._part(node, "sup")
        name = name_of(node)
        latex = base.latex.strip()
        if len(latex) != 1 and latex.removeprefix("\\") not in FUNCTIONS:
            latex = "{" + latex + "}"
        if name != "sSup":
            latex += f"_{_argument(below)}"
        if name != "sSub":
            latex += f"^{_argument(above)}"
        tag, scripts = {
            "sSub": ("msub", below.row),
            "sSup": ("msup", above.row),
            "sSubSup": ("msubsup", below.row + above.row),
        }[name]
        return Both(f"<{tag}>{base.row}{scripts}</{tag}>", f"{latex} ")


def _value(properties: etree._Element, name: str) -> str:
    """The `m:val` of a property that is there; empty where it is bare or missing."""
    element = child(properties, name)
    if element is None:
        return ""
    found = next((v for k, v in element.attrib.items() if str(k).endswith("}val")), "")
    return str(found)


def _property(node: etree._Element, of: str, name: str, default: str) -> str:
    """A property's value; `default` where the property is missing (a bare one is empty)."""
    properties = child(node, f"{of}Pr")
    if properties is None or child(properties, name) is None:
        return default
    return _value(properties, name)[:8]


def _flag(node: etree._Element, of: str, name: str, *, default: bool = False) -> bool:
    properties = child(node, f"{of}Pr")
    if properties is None or child(properties, name) is None:
        return default
    return _value(properties, name) in _ON


def _is_normal(properties: etree._Element | None) -> bool:
    """Whether a run is words, not mathematics (§22.1.2.74)."""
    if properties is None or child(properties, "nor") is None:
        return False
    return _value(properties, "nor") in _ON


def _fence(sign: str, form: str) -> str:
    return f'<mo fence="true" stretchy="true" form="{form}">{escape(sign)}</mo>' if sign else ""


def _fence_latex(sign: str) -> str:
    return FENCES.get(sign, ".")


def _scripted(operator: str, below: Both, above: Both, *, over: bool) -> str:
    if not below.mathml and not above.mathml:
        return operator
    both = bool(below.mathml) and bool(above.mathml)
    if both:
        tag = "munderover" if over else "msubsup"
        return f"<{tag}>{operator}{below.row}{above.row}</{tag}>"
    if below.mathml:
        tag = "munder" if over else "msub"
        return f"<{tag}>{operator}{below.row}</{tag}>"
    tag = "mover" if over else "msup"
    return f"<{tag}>{operator}{above.row}</{tag}>"
