"""The bytes of a .tex file as text whose every character knows its line in the file."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from question_bank.errors import FileRefusedError
from question_bank.interchange.languages import VIETNAMESE

MAX_TEX = 8 * 1024 * 1024
# What the two old encodings look like when their bytes are taken for Latin-1.
_TCVN = "[©®¸µ·¹¶¨»¾¼½ª«¬\u00ad]"
_OLD = re.compile(rf"[^\W\d_]{_TCVN}|{_TCVN}[^\W\d_]|[aeouy][øûïäåëöü]|ñ[aeiouyöô]", re.IGNORECASE)
_SAVE = "save it as UTF-8 (TeXstudio: Edit, Setup Encoding) and convert old fonts with Unikey"


class TexError(Exception):
    """LaTeX that cannot be understood: what is wrong and where in the text."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


@dataclass(slots=True)
class Source:
    """Text, and for each piece of it where in the file it comes from."""

    text: str
    newlines: list[int]
    starts: list[int] = field(default_factory=lambda: [0])
    origins: list[int] = field(default_factory=lambda: [0])
    literal: list[bool] = field(default_factory=lambda: [True])

    def line_at(self, offset: int) -> int:
        """The line in the file, from 1."""
        piece = bisect_right(self.starts, offset) - 1
        origin = self.origins[piece]
        if self.literal[piece]:
            origin += offset - self.starts[piece]
        return bisect_right(self.newlines, origin - 1) + 1


def source_of(data: bytes, file: str) -> Source:
    """The file's text, line ends made `\\n`; raises FileRefusedError."""
    if len(data) > MAX_TEX:
        raise FileRefusedError(f"{file}: more than {MAX_TEX} bytes of LaTeX")
    text = _decoded(data, file).replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        raise FileRefusedError(f"{file}: holds NUL characters and is no LaTeX")
    if not VIETNAMESE.search(text) and _is_dense(len(_OLD.findall(text)), text):
        raise FileRefusedError(f"{file}: looks like TCVN3 or VNI; {_SAVE}")
    return Source(text, [match.start() for match in re.finditer("\n", text)])


def _is_dense(signs: int, text: str) -> bool:
    return signs >= 5 and signs * 15 >= text.count(" ")


def _decoded(data: bytes, file: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileRefusedError(f"{file}:{line}: no UTF-8 (TCVN3 or VNI?); {_SAVE}") from None
