r"""The number that `\shortans{…}` asks for, as teachers write it."""

import re

from question_bank.interchange.ex_test.source import TexError
from question_bank.interchange.numbers import WrittenNumber, written_number

_PADDING = re.compile(r"\\[,;:! ]|\\quad|\\displaystyle|~|\\True")
_UNIT = re.compile(r"\\(?:text|mathrm|textrm|mbox)\s*\{([^{}]*)\}")


def read_number(latex: str, at: int) -> WrittenNumber:
    """The number and its unit; raises TexError."""
    text = latex.strip().strip("'\"“”‘’").replace("$", "").replace("{,}", ",").replace("{.}", ".")
    text = _UNIT.sub(lambda found: found[1], text.replace(r"\%", "%"))
    text = _PADDING.sub(" ", text).rstrip(". ").lstrip()
    found = written_number(re.sub(r"\^\{?\\circ\}?", "°", re.sub(r"^\{(.*)\}$", r"\1", text)))
    if found is None:
        shown = " ".join(latex.split())[:40]
        raise TexError(at, f"the answer {shown!r} is no number; this kind takes numbers alone")
    return found
