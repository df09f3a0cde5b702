"""Text files as people save them: UTF-8, UTF-16, or Vietnamese of an older Windows."""

import codecs
import unicodedata

from question_bank.errors import FileRefusedError
from question_bank.interchange.languages import VIETNAMESE
from question_bank.interchange.problems import ProblemLog

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(data: bytes, file: str, log: ProblemLog) -> str:
    """The file's text; an encoding that is not certain is told. Raises FileRefusedError."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "") or _guessed(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and _is_meant_for_utf8(data):
            line = data.count(b"\n", 0, error.start) + 1
            raise FileRefusedError(f"{file}:{line}: no UTF-8; save it as UTF-8") from None
        text = _old(data, file, log)
    if "\0" in text:
        raise FileRefusedError(f"{file}: holds NUL characters and is no text")
    return text


def head_of(data: bytes, size: int) -> bytes:
    """The first bytes of an XML file in which names of elements are ASCII, UTF-16 or not."""
    head = data[:size]
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.replace(b"\0", b"") if wide else head


def _guessed(data: bytes) -> str:
    """UTF-16 without its mark has a NUL beside every Latin letter."""
    head = data[:2000]
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > len(head) // 4 else "utf-8"


def _is_meant_for_utf8(data: bytes) -> bool:
    """Whether most of what is no ASCII reads as UTF-8: a few bytes in it came from elsewhere."""
    beyond = [sign for sign in data.decode("utf-8", "replace") if not sign.isascii()]
    return 2 * beyond.count("\N{REPLACEMENT CHARACTER}") < len(beyond)


def _old(data: bytes, file: str, log: ProblemLog) -> str:
    """Windows-1258, where the text is Vietnamese by it; its tones are signs of their own."""
    try:
        text = unicodedata.normalize("NFC", data.decode("cp1258"))
    except UnicodeDecodeError:
        text = ""
    if not VIETNAMESE.search(text):
        raise FileRefusedError(
            f"{file}: neither UTF-8 nor UTF-16 nor Windows-1258 (TCVN3 or VNI?); "
            "save it as UTF-8, after converting old fonts with Unikey"
        )
    log.warning(
        None, "encoding", "is taken for Windows-1258; look at the letters, or save as UTF-8"
    )
    return text
