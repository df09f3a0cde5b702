"""What stands in a cell as content: looks, line breaks, HTML, LaTeX between `$`, pictures."""

import re
from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape

from question_bank.content import clean, is_loss
from question_bank.errors import FormulaError
from question_bank.formulas import mathml_of
from question_bank.interchange.moodle.html import content_of
from question_bank.interchange.spreadsheet.cells import Cell, Run
from question_bank.interchange.word.latex_text import BARE, DELIMITED, looks_like_a_formula

#: Told (what, severity) of everything that is not taken as it stood.
Tell = Callable[[str, str], None]

# A cell is HTML where it has a whole tag of these; "a<b" is none.
_HTML = re.compile(
    r"</?(?:p|br|b|i|u|strong|em|sub|sup|span|div|img|table|tr|td|th|tbody|thead|ul|ol|li|h[1-6]|font"
    r"|script|style|iframe|a|audio|math)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def content_of_cell(cell: Cell, tell: Tell, *, decimal_comma: bool = False) -> str:
    """The cell's text and its pictures, those last; raises ContentError for too much."""
    runs = cell.runs
    if cell.is_number and decimal_comma:
        runs = tuple(Run(run.text.replace(".", ","), run.tags) for run in runs)
    text = "".join(run.text for run in runs)
    made = _from_html(text, tell) if _HTML.search(text) else _from_runs(runs, tell)
    pictures = "".join(f'<img src="media:{one.id}"/>' for one in cell.pictures)
    return clean(f"{made} {pictures}".strip() if pictures else made)


def _from_html(text: str, tell: Tell) -> str:
    def report(element: str, message: str) -> None:
        lost = element in ("img", "audio") or is_loss(element, message)
        tell(f"<{element}> {message}", "error" if lost else "warning")

    found = content_of(_with_formulas(text), report, lambda _: None)
    return found.strip()


def _with_formulas(text: str) -> str:
    r"""`$…$` as `\(…\)`, which is what HTML's own reader knows."""

    def renamed(found: re.Match[str]) -> str:
        latex = found[2]
        return f"\\({latex}\\)" if latex and looks_like_a_formula(latex) else found[0]

    return DELIMITED.sub(renamed, text)


def _from_runs(runs: tuple[Run, ...], tell: Tell) -> str:
    runs = tuple(Run(_CONTROL.sub(" ", run.text), run.tags) for run in runs)
    text = "".join(run.text for run in runs)
    out, at = [], 0
    for start, end, math in _formulas(text, tell):
        out += [*_cut(runs, at, start), math]
        at = end
    rest = "".join([*out, *_cut(runs, at, len(text))])
    plain = DELIMITED.sub("", text)
    if BARE.search(plain):
        tell("LaTeX that stands between no $ … $ is kept as plain text", "warning")
    return re.sub(r"^(?:\s|<br/>)+|(?:\s|<br/>)+$", "", rest)


def _formulas(text: str, tell: Tell) -> Iterator[tuple[int, int, str]]:
    if "$" not in text and "\\" not in text:
        return
    for found in DELIMITED.finditer(text):
        latex = next(group for group in found.groups() if group is not None)
        if found[0].startswith("$") and not looks_like_a_formula(latex):
            continue
        try:
            yield found.start(), found.end(), mathml_of(latex.strip(), display=found[2] is None
                                                        and found[3] is None)  # fmt: skip
        except FormulaError as error:
            tell(f"a formula is kept as plain text: {str(error)[:200]}", "warning")


def _cut(runs: tuple[Run, ...], start: int, end: int) -> Iterator[str]:
    """The markup of the letters from `start` to `end`."""
    at = 0
    for run in runs:
        piece = run.text[max(start - at, 0) : max(end - at, 0)]
        at += len(run.text)
        if piece:
            made = escape(piece).replace("\r", "").replace("\n", "<br/>")
            for tag in reversed(run.tags):
                made = f"<{tag}>{made}</{tag}>"
            yield made
