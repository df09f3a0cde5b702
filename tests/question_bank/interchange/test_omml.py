"""Office formulas: every element of ECMA-376 part 1 §22.1.2, and properties over whole trees."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from question_bank.content import MATHML, clean
from question_bank.formulas import mathml_of
from question_bank.interchange.omml import FormulaRefusedError, mathml_of_omml

M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _read(inside: str) -> tuple[str, str, list[str]]:
    """(MathML, LaTeX, names reported) of a formula's inside."""
    reported: list[str] = []
    xml = f'<m:oMath xmlns:m="{M}" xmlns:w="{W}">{inside}</m:oMath>'
    found = list(mathml_of_omml(etree.fromstring(xml), lambda name, _: reported.append(name)))
    assert len(found) == 1
    cleaned = clean(found[0])  # nothing outside of the whitelist
    root = etree.fromstring(cleaned)
    assert root.tag == f"{{{MATHML}}}math"
    return cleaned, str(root.get("alttext")), reported


def _r(text: str, properties: str = "") -> str:
    held = f"<m:rPr>{properties}</m:rPr>" if properties else ""
    return f"<m:r>{held}<m:t>{text}</m:t></m:r>"


def _a(name: str, *inside: str) -> str:
    return f"<m:{name}>{''.join(inside)}</m:{name}>"


def _pr(of: str, **values: str) -> str:
    held = "".join(f'<m:{name} m:val="{value}"/>' for name, value in values.items())
    return f"<m:{of}Pr>{held}<m:ctrlPr/></m:{of}Pr>"


E, X, Y = _a("e", _r("x")), _r("x"), _r("y")
SUB, SUP = _a("sub", _r("1")), _a("sup", _r("2"))
ELEMENTS = {
    "r": (_r("2x+1,5"), "2x+1{,}5", "<mn>2</mn><mi>x</mi><mo>+</mo><mn>1,5</mn>"),
    "r words": (_r("khi x", '<m:nor/>'), r"\text{khi x}", "<mtext>khi x</mtext>"),
    "r vietnamese": (_r("đường"), r"\text{đường}", "<mtext>đường</mtext>"),
    "r function": (_r("sin", '<m:sty m:val="p"/>'), r"\sin", "<mi>sin</mi>"),
    "r upright": (_r("cm", '<m:sty m:val="p"/>'), r"\mathrm{cm}", 'mathvariant="normal"'),
    "r bold": (_r("v", '<m:sty m:val="b"/>'), r"\mathbf{v}", 'mathvariant="bold"'),
    "r alphabet": (_r("R", '<m:scr m:val="double-struck"/>'), r"\mathbb{R}", "double-struck"),
    "r signs": (_r("α≤∞"), r"\alpha \leq \infty", "<mo>≤</mo>"),
    "acc": (_a("acc", _pr("acc", chr="̂"), E), r"\hat{x}", "<mo>^</mo>"),
    "acc default": (_a("acc", E), r"\hat{x}", "<mover"),
    "acc wide": (_a("acc", _pr("acc", chr="̂"), _a("e", _r("ABC"))), r"\widehat{ABC}", "mover"),
    "acc vector": (_a("acc", _pr("acc", chr="⃗"), _a("e", _r("u"))), r"\vec{u}", "<mo>→</mo>"),
    "bar top": (_a("bar", _pr("bar", pos="top"), E), r"\overline{x}", "<mover>"),
    "bar": (_a("bar", E), r"\underline{x}", "<munder>"),
    "box": (_a("box", _pr("box", opEmu="1"), E), "x", "<mi>x</mi>"),
    "borderBox": (_a("borderBox", E), r"\boxed{x}", 'notation="box"'),
    "borderBox strike": (
        _a("borderBox", _pr("borderBox", hideTop="1", hideBot="1", hideLeft="1", hideRight="1",
           strikeBLTR="1"), E), r"\cancel{x}", 'notation="updiagonalstrike"'),
    "d": (_a("d", E), r"\left( x \right)", 'form="prefix"'),
    "d sets": (_a("d", _pr("d", begChr="{", endChr="}"), E, _a("e", Y)),
               r"\left\{ x \middle| y \right\}", "separator"),
    "d open": (_a("d", _pr("d", begChr="[", endChr=""), E), r"\left[ x \right.", "<mo"),
    "eqArr": (_a("d", _pr("d", begChr="{", endChr=""), _a("e", _a("eqArr", _a("e", _r("x&amp;=1")),
              _a("e", _r("y&amp;=2"))))),
              r"\left\{ \begin{matrix} x=1 \\ y=2 \end{matrix} \right.", "<mtable>"),
    "f": (_a("f", _a("num", X), _a("den", Y)), r"\frac{x}{y}", "<mfrac>"),
    "f skewed": (_a("f", _pr("f", type="skw"), _a("num", X), _a("den", Y)), "{x}/{y}",
                 "bevelled"),
    "f linear": (_a("f", _pr("f", type="lin"), _a("num", X), _a("den", Y)), "{x}/{y}",
                 "<mo>/</mo>"),
    "f no bar": (_a("f", _pr("f", type="noBar"), _a("num", X), _a("den", Y)),
                 r"{{x} \atop {y}}", 'linethickness="0"'),
    "func": (_a("func", _a("fName", _r("cos", '<m:sty m:val="p"/>')), E), r"\cos x",
             "<mi>cos</mi>"),
    "func log": (_a("func", _a("fName", _a("sSub", _a("e", _r("log")), SUB)), E), r"\log_{1} x",
                 "<msub>"),
    "groupChr": (_a("groupChr", E), r"\underbrace{x}", "<mo stretchy=\"true\">⏟</mo>"),
    "groupChr top": (_a("groupChr", _pr("groupChr", chr="⏞", pos="top"), E), r"\overbrace{x}",
                     "<mover>"),
    "limLow": (_a("limLow", _a("e", _r("lim")), _a("lim", _r("x→0"))), r"\lim_{x\rightarrow 0}",
               "<munder>"),
    "limUpp": (_a("limUpp", E, _a("lim", Y)), r"\overset{y}{x}", "<mover>"),
    "m": (_a("m", _a("mr", E, _a("e", Y)), _a("mr", _a("e", Y), E)),
          r"\begin{matrix} x & y \\ y & x \end{matrix}", "<mtr><mtd>"),
    "nary": (_a("nary", SUB, SUP, E), r"\int_{1}^{2} x", "<msubsup>"),
    "nary sum": (_a("nary", _pr("nary", chr="∑"), SUB, SUP, E), r"\sum_{1}^{2} x", "<munderover>"),
    "nary hidden": (_a("nary", _pr("nary", chr="∮", subHide="1", supHide="1"), SUB, SUP, E),
                    r"\oint x", "∮"),
    "phant": (_a("phant", _pr("phant", show="0"), E), r"\phantom{x}", "<mphantom>"),
    "phant shown": (_a("phant", E), "x", "<mi>x</mi>"),
    "rad": (_a("rad", _pr("rad", degHide="1"), _a("deg"), E), r"\sqrt{x}", "<msqrt>"),
    "rad degree": (_a("rad", _a("deg", _r("3")), E), r"\sqrt[3]{x}", "<mroot>"),
    "sPre": (_a("sPre", SUB, SUP, E), r"{}_{1}^{2}{x}", "<mmultiscripts>"),
    "sSub": (_a("sSub", E, SUB), "x_{1}", "<msub>"),
    "sSup": (_a("sSup", _a("e", _r("ab")), SUP), "{ab}^{2}", "<msup>"),
    "sSubSup": (_a("sSubSup", E, SUB, SUP), "x_{1}^{2}", "<msubsup>"),
    "tracked": (f'<w:ins w:id="1">{_r("x")}</w:ins>', "x", "<mi>x</mi>"),
    "word run": ("<w:r><w:t>khi</w:t></w:r>", r"\text{khi}", "<mtext>khi</mtext>"),
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTS)
def test_every_element(name: str) -> None:
    inside, latex, part = ELEMENTS[name]
    mathml, alttext, reported = _read(inside)
    assert alttext == latex
    assert part in mathml
    assert not reported
    mathml_of(alttext)  # what we write is LaTeX that we read


def test_an_unknown_element_is_reported_and_its_inside_kept() -> None:
    mathml, latex, reported = _read(_a("swirl", _r("x")) + "<w:drawing/>")
    assert reported == ["swirl", "drawing"]
    assert latex == "x" and "<mi>x</mi>" in mathml


def test_a_deletion_is_left_out_and_reported() -> None:
    _, latex, reported = _read(_r("x") + f'<w:del w:id="1">{_r("y")}</w:del>')
    assert (latex, reported) == ("x", ["del"])


def test_several_formulas_of_a_paragraph() -> None:
    xml = f'<m:oMathPara xmlns:m="{M}"><m:oMath>{X}</m:oMath><m:oMath>{Y}</m:oMath></m:oMathPara>'
    assert len(list(mathml_of_omml(etree.fromstring(xml), lambda *_: None))) == 2


@pytest.mark.parametrize(
    "inside",
    [_r("x" * 30_000), "<m:e>" * 70 + "</m:e>" * 70, _r("x") * 21_000],
    ids=["long", "deep", "many"],
)
def test_monsters_are_refused(inside: str) -> None:
    with pytest.raises(FormulaRefusedError):
        _read(inside)


LEAVES = st.builds(_r, st.text("abcxyz0123456789+-=<>,()αβπ∞≤→ ", min_size=1, max_size=6).map(
    lambda text: text.replace("<", "&lt;").replace(">", "&gt;")))  # fmt: skip


def _nodes(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arg = st.lists(inner, min_size=1, max_size=2).map("".join)
    e = arg.map(lambda inside: _a("e", inside))
    sub, sup = arg.map(lambda i: _a("sub", i)), arg.map(lambda i: _a("sup", i))
    return st.one_of(
        st.builds(lambda a, b: _a("f", _a("num", a), _a("den", b)), arg, arg),
        st.builds(lambda a: _a("rad", _pr("rad", degHide="1"), a), e),
        st.builds(lambda d, a: _a("rad", _a("deg", d), a), LEAVES, e),
        st.builds(lambda a, b: _a("sSub", a, b), e, sub),
        st.builds(lambda a, b: _a("sSup", a, b), e, sup),
        st.builds(lambda a, b, c: _a("sSubSup", a, b, c), e, sub, sup),
        st.builds(lambda a, b, c: _a("sPre", b, c, a), e, sub, sup),
        st.builds(lambda a, b: _a("d", a, b), e, e),
        st.builds(lambda a, c: _a("acc", _pr("acc", chr=c), a), e, st.sampled_from("̂̃̇̈⃗̅")),
        st.builds(lambda a, p: _a("bar", _pr("bar", pos=p), a), e, st.sampled_from(["top", "bot"])),
        st.builds(lambda a: _a("borderBox", a), e),
        st.builds(lambda a: _a("groupChr", a), e),
        st.builds(lambda a, b: _a("limUpp", a, _a("lim", b)), e, arg),
        st.builds(lambda a, b: _a("m", _a("mr", a, b)), e, e),
        st.builds(lambda a, b: _a("eqArr", a, b), e, e),
        st.builds(lambda a, b, c, s: _a("nary", _pr("nary", chr=s), b, c, a), e, sub, sup,
                  st.sampled_from("∫∑∏⋃")),
    )  # fmt: skip


TREES = st.lists(st.recursive(LEAVES, _nodes, max_leaves=12), min_size=1, max_size=3).map("".join)


@pytest.mark.slow
@given(TREES)
def test_any_formula_is_clean_mathml_and_latex_that_we_read(inside: str) -> None:
    mathml, latex, reported = _read(inside)
    assert not reported
    again = mathml_of(latex)
    assert etree.fromstring(again).get("alttext") == latex
    assert mathml == clean(mathml)


@pytest.mark.slow
@given(TREES)
def test_no_letter_or_digit_is_lost(inside: str) -> None:
    mathml, latex, _ = _read(inside)
    source = "".join(etree.fromstring(f'<m:x xmlns:m="{M}">{inside}</m:x>').itertext())
    shown = "".join(map(str, etree.fromstring(mathml).itertext()))
    wanted = sorted(re.findall(r"[a-z0-9]", source))
    assert sorted(re.findall(r"[a-z0-9]", shown)) == wanted
    spelled = re.sub(r"\\(?:begin|end)\{matrix\}|\\[A-Za-z]+", "", latex)
    assert sorted(re.findall(r"[a-z0-9]", spelled)) == wanted
