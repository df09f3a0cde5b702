"""What Vietnamese and English papers call their pieces: "Câu 1.", "PHẦN II", "Lời giải", …

Every pattern takes composed and decomposed letters alike; Cyrillic letters that look like A, B, C
and E count as these, since scanned papers are full of them.
"""

import re
import unicodedata

from question_bank.item import Level

LOOKALIKES = {"А": "A", "В": "B", "С": "C", "Е": "E", "Ａ": "A", "Ｂ": "B", "Ｃ": "C", "Ｄ": "D"}
LETTER = f"[A-F{''.join(LOOKALIKES)}]"


def pattern(text: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """A regular expression whose letters with diacritics match in either spelling (NFC, NFD)."""
    spelled = ""
    for character in text:
        parts = unicodedata.normalize("NFD", character)
        spelled += character if parts == character else f"(?:{character}|{parts})"
    return re.compile(spelled, flags)


def letter(text: str) -> str:
    """The Latin capital that a label's letter stands for."""
    return LOOKALIKES.get(text, text).upper()


# "Câu 1.", "Câu 1 (NB):", "Question 12)", "Câu hỏi số 3 -"; what stands in brackets is a remark.
QUESTION = pattern(
    r"[\s*\u200b]*(?P<word>câu(?:\s+hỏi)?(?:\s+số)?|cau(?:\s+hoi)?(?=\s*\d{1,4}\s*[.:)])"
    r"|question|quest|bài)\s*(?P<number>\d{1,4})(?:[a-h](?=\s*[.:)]))?"
    r"(?P<remark>\s*[(\[](?P<inside>[^()\[\]\n]{1,60})[)\]])?"
    r"(?P<end>\s*[.:)\]\-–—/]+(?:\s*[(\[](?P<after>\d[^()\[\]\n]{2,20}|(?:nb|th|vd|vdc))[)\]])?|(?=\s|$))"
)
# "Câu VI.", "Câu *:": begins a question, too, whose number cannot be read.
UNNUMBERED = pattern(
    r"[\s*\u200b]*(?:câu(?:\s+hỏi)?(?:\s+số)?|question)\s+(?-i:[IVX*…?_.]{1,8})\s*[.:)](?!\w)"
)
# "1.", "1)", also as an automatic list, in a document that has no "Câu".
NUMBERED = re.compile(
    r"\s*(?P<word>)(?P<number>\d{1,3})(?P<remark>\s*[(\[](?P<inside>[^()\[\]\n]{1,60})[)\]])?"
    r"(?P<end>\s?[.)](?!\d))(?P<after>)"
)
PART = pattern(
    r"\W*(?:phần|part|section)\s*(?P<number>iv|iii|ii|i|[1-4])(?![\w])\s*[.:)\-–—]?\s*(?P<rest>.*)"
)
ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
# "I. TRẮC NGHIỆM (7 điểm)", "B. Phần tự luận": parts of a paper that are not the three of 2025.
HEADING = pattern(
    r"\W*(?:[ivx]{1,4}|[A-D])\s*[.):\-–]\s*(?:phần\s+)?"
    r"(?:trắc\s+nghiệm|tự\s+luận|đọc\s+hiểu|làm\s+văn|nghe|pronunciation|phonetics|vocabulary"
    r"|grammar|reading|writing|listening|use\s+of\s+english|câu\s+(?:hỏi\s+)?trắc\s+nghiệm).*"
)
PAGE = pattern(r"\W*(?:trang|page)\s*\d+\s*(?:/\s*\d+)?.{0,40}|\W*mã\s+đề\s*(?:thi)?\s*:?\s*\d+\W*")
SOLUTION = pattern(
    r"\W*(?:(?:hướng\s+dẫn\s+giải|hướng\s+dẫn|lời\s+giải|giải\s+thích|giải\s+chi\s+tiết|đáp\s+số"
    r"|phương\s+pháp(?:\s+giải)?(?=\s*[.:])|cách\s+giải|explanation|solution|hd(?=\s*[.:])"
    r"|trả\s+lời(?=\s*[.:])|kết\s+quả(?=\s*[.:])|giải(?=\s*[.:]|\s*$))"
    r"|(?:chọn|đáp\s+án(?:\s+đúng)?(?:\s+là)?|answer|key|đ/?a)\s*[.:\-–]?\s*"
    r"(?:(?:đáp\s+án|phương\s+án|câu)\s*)?[.:\-–]?\s*"
    r"(?:[A-FА-СЕ](?![\w])|[ĐS]{2,}|[a-d]\s*[).\-]|[-−–]?\d|$|\ufffc))"
)
# A key at the end of a line that is not a solution's own: "… mét? Đáp án: 1,5", "… (Đáp án: B)".
INLINE_KEY = pattern(
    r"(?<=[\s.?!:;)(\[])[(\[]?(?:đáp\s*án|đáp\s*số|đ/?a|đs|key|answer|trả\s+lời)\s*[:=]\s*"
    rf"(?P<key>(?-i:{LETTER})|[ĐS]{{2,8}}|[-−–]?\d+(?:[.,]\d+)?)[\s.)\]]*$"
)
KEY_IN_SOLUTION = pattern(
    r"(?P<not>loại\s+)?(?:chọn|đáp\s+án(?:\s+đúng)?(?:\s+là)?|answer|key|đ/?a(?=\s*:))\s*[.:\-–]?\s*"
    rf"(?:(?:đáp\s+án|phương\s+án|câu|ý)\s*)?(?:đúng\s+)?(?:là\s*)?[.:\-–]?\s*(?P<key>{LETTER})"
    r"(?![\w’'])"
)
# A number as numbers.py reads it: "1,5", "1{,}5", "1.234,5", "1 234".
NUMBER = (
    r"[-−–]?\s*(?:\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:,\d+)?"
    r"|\d+(?:\s*\{?[.,]\}?\s*\d+)?)"
)
# "đáp án A không đúng", "chọn B là nhầm", "A hoặc B": what stands before it is no key.
DENIED = pattern(
    r"[^\S\n]*(?:thì\s+|là\s+)?(?:không|chưa|sai|nhầm|(?:bị\s+)?loại|hoặc|hay|or|wrong|is\s+wrong)\b"
)
# Where a number ends: nothing follows that would make it another one ("3/4", "1.234,5", "2 và 3").
_NUMBER_ENDS = (
    r"(?=[^\S\n]*[*)\]}\"'”’]*(?:$|\n|[.,;:!](?![^\S\n]*\d)|[(\[%°‰]"
    r"|(?!(?:hoặc|hay|và|đến|or|and|to)\b|[πxyzabnk](?!\w))[^\W\d_]{1,20}(?:[23²³](?!\w)|(?!\w))))"
)
NUMBER_IN_SOLUTION = pattern(
    r"(?:đáp\s+án(?:\s+đúng)?(?:\s+là)?|đáp\s+số|kết\s+quả|trả\s+lời|answer|key)\s*"
    r"(?:[:=]|[.\-–](?!\d)|(?<=\w)[.\-–])*\s*"
    rf"(?P<number>{NUMBER})(?!\d|\s*[.:)]?\s*(?-i:[A-F])(?!\w))" + _NUMBER_ENDS
)
ANSWERS = pattern(
    r"\W*(?:bảng\s+)?(?:đáp\s*án|answer\s+keys?|answers|keys?)"
    r"(?:\s+(?:tham\s+khảo|chi\s+tiết|đề|mã\s+đề|môn|phần|trắc\s+nghiệm|và|chính\s+thức)\b.{0,80})?\W*$"
)
# The first words of what several questions share.
SHARED = pattern(
    r"\W*(?:mark\s+the\s+letter|read\s+the\s+(?:following|passage|text)|choose\s+the|circle\s+the"
    r"|indicate\s+the|identify\s+the|find\s+the|complete\s+the|listen\s+to|questions?\s+\d+\s*(?:-|–|to)"
    r"|the\s+following\s+(?:passage|text)|look\s+at|four\s+phrases"
    r"|đọc\s+(?:đoạn|văn\s+bản|bài|các|ngữ\s+liệu|tư\s+liệu|thông\s+tin)"
    r"|(?:dựa\s+vào|dùng|sử\s+dụng|cho)\s+[^\n]{0,120}(?:trả\s+lời|câu\s+\d+\s*(?:-|–|đến|và))"
    r"|trả\s+lời\s+(?:các\s+)?câu"
    r"|thông\s+tin\s+(?:sau|dưới)|câu\s+\d+\s*(?:-|–|đến|và)\s*(?:câu\s+)?\d+)"
)
SHARED_RANGE = pattern(
    r"(?:câu|questions?|from)\s*(?:hỏi\s*)?(?P<first>\d{1,3})\s*(?:-|–|—|to|đến|tới|và|,|and)\s*"
    r"(?:câu\s*)?(?P<last>\d{1,3})"
)
# What stands below the last question of a paper.
CLOSING = pattern(
    r"\W*(?:hết|the\s+end|end)\W*$|\W*(?:thí\s+sinh|cán\s+bộ\s+coi\s+thi|giám\s+thị)\s+(?:không|coi)"
    r"|\W*họ,?\s*(?:và\s*)?tên\s+thí\s+sinh"
)
LEVELS: dict[str, Level] = {
    "n": "N", "nb": "N", "nhận biết": "N", "h": "H", "th": "H", "thông hiểu": "H", "v": "V",
    "vd": "V", "vdt": "V", "vận dụng": "V", "c": "C", "vdc": "C", "vận dụng cao": "C",
}  # fmt: skip
CODE = re.compile(r"\d[A-Z]\d([NHVC])\d+-\d+")
POINTS = pattern(r"(?P<points>\d+(?:[.,]\d+)?)\s*(?:điểm|đ\b|points?|marks?)")
TRUTH = pattern(r"\b(?:đúng|sai|true|false)\b")
OPTION_LABEL = re.compile(rf"\s*[*(\[]?{LETTER}\s?[.)\]:]")
SUBJECT = pattern(
    r"môn(?:\s+thi|\s+học)?\s*:?\s*(?P<subject>toán|vật\s+l(?:í|ý)|hóa\s+học|sinh\s+học|lịch\s+sử"
    r"|địa\s+l(?:í|ý)|ngữ\s+văn|tiếng\s+anh|tin\s+học|công\s+nghệ|giáo\s+dục\s+công\s+dân"
    r"|giáo\s+dục\s+kinh\s+tế\s+và\s+pháp\s+luật)"
)
