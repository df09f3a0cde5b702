r"""The number that `\shortans{…}` asks for, as teachers write it."""

import re

from question_bank.interchange.ex_test.source import TexError
from question_bank.interchange.numbers import WrittenNumber, without_latex, written_number


def read_number(latex: str, at: int) -> WrittenNumber:
    """The number and its unit; raises TexError."""
    text = without_latex(latex.strip().strip("'\"“”‘’").replace("\\True", " "))
    found = written_number(re.sub(r"^\{(.*)\}$", r"\1", text.rstrip(". ").lstrip()))
    if found is None:
        shown = " ".join(latex.split())[:40]
        raise TexError(at, f"the answer {shown!r} is no number; this kind takes numbers alone")
    return found
