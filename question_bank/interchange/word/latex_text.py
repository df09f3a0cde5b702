r"""LaTeX that stands in a document as plain text: `$…$`, `\(…\)`, `\[…\]`.

Whatever is not delimited stays text. A sum of money is no formula: what is between two `$` must
look like one.
"""

import re
from dataclasses import replace

from question_bank.errors import FormulaError
from question_bank.formulas import mathml_of
from question_bank.interchange.problems import ProblemLog
from question_bank.interchange.word.model import Formula, Strip, merged

MAX_LATEX = 10_000
DELIMITED = re.compile(
    r"\$\$([^$\n\t\ufffc]+)\$\$|(?<!\\)\$((?:[^$\n\t\ufffc\\]|\\[^\n\t\ufffc])+)\$"
    r"|\\\(((?:(?!\\[()])[^\n\ufffc])+)\\\)|\\\[((?:(?!\\[\[\]])[^\n\ufffc])+)\\\]"
)
_SIGN = re.compile(r"[\\^_{}=<>+\-*/|]")
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|operatorname|textbf|ce|pu|textit|mathbf)\s*\{[^{}]*\}")
_WORDS = re.compile(r"(?<![\\\w])[^\W\d_]{2,}\s+[^\W\d_]{2,}\s+[^\W\d_]{2,}")
BARE = re.compile(r"\\(?:left|right|frac|sqrt|vec|underline|overline|int|sum|text|mathrm|infty)\b")


def with_formulas(strip: Strip, log: ProblemLog, paragraph: int) -> Strip:
    """The strip with every delimited formula as one object."""
    text = strip.text
    if "$" not in text and "\\" not in text:
        return strip
    pieces, at = [], 0
    for found in DELIMITED.finditer(text):
        latex = next(group for group in found.groups() if group is not None)
        if found[0].startswith("$") and not looks_like_a_formula(latex):
            continue
        formula = _formula(latex, log, paragraph)
        if formula is not None:
            look = next(strip.marks(found.start(), found.end()), None)
            pieces += [*strip.cut(at, found.start()).pieces, replace(formula, mark=look)]
            at = found.end()
    result = merged([*pieces, *strip.cut(at).pieces]) if pieces else strip
    if BARE.search(result.text):
        log.warning(paragraph, "LaTeX", "LaTeX that stands between no $ … $ is kept as plain text")
    return result


def looks_like_a_formula(latex: str) -> bool:
    """Whether what stands between two `$` is one, and no sum of money."""
    if _WORDS.search(_TEXT.sub("", latex)):
        return False
    return bool(_SIGN.search(latex)) or (len(latex) <= 12 and bool(latex.strip()))


def _formula(latex: str, log: ProblemLog, paragraph: int) -> Formula | None:
    if len(latex) > MAX_LATEX:
        log.error(paragraph, "formula", f"a formula of more than {MAX_LATEX} characters")
        return None
    try:
        return Formula(mathml_of(latex))
    except FormulaError as error:
        log.warning(paragraph, "formula", f"kept as plain text: {str(error)[:200]}")
        return None
