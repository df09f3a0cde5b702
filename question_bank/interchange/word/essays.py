"""Essays: which parts of a paper ask for a written text, and how it is to be marked.

A question without options is an essay only where its part says so ("B. TỰ LUẬN (3 điểm)"), or its
own label does. What stands below "Hướng dẫn chấm" is its explanation.
"""

from question_bank.interchange.word.model import Grid, Strip, joined
from question_bank.interchange.word.phrases import pattern

_ESSAYS = pattern(r"(?<!\w)(?:tự\s+luận|làm\s+văn)(?!\w)")
_OTHERS = pattern(r"trắc\s+nghiệm|trả\s+lời\s+ngắn|đúng\s*[-–/]?\s*sai")
# A heading without a number of its own: "TỰ LUẬN (3,0 điểm)", "Phần tự luận:".
HEADING = pattern(r"\W*(?:phần\s+)?(?:câu\s+hỏi\s+)?tự\s+luận\s*(?:[(:.\-–].{0,60})?")
# "II. VIẾT (4,0 điểm)" of a paper in literature.
WRITING = pattern(r"\W*[ivx]{1,4}\s*[.)]\s*(?:phần\s+)?viết\s*(?:\([^()]{1,30}\))?\W*")
SOLUTION = pattern(
    r"\W*(?:đáp\s*án|gợi\s+ý(?:\s+trả\s+lời)?|hướng\s+dẫn\s+chấm|biểu\s+điểm|thang\s+điểm"
    r"|yêu\s+cầu\s+cần\s+đạt)(?!\w)\s*[:.]?"
)
# "ĐÁP ÁN VÀ HƯỚNG DẪN CHẤM" above how all essays are marked; in capitals.
GUIDE = pattern(
    r"\W*(?:đáp\s*án\s*(?:và|[-–,])?\s*)?(?:hướng\s+dẫn\s+chấm|biểu\s+điểm|thang\s+điểm).{0,100}"
)
_NUMBER = pattern(r"\W*(?:câu|bài)?\s*(?P<number>\d{1,3})\s*(?:\([^()]*\))?\W*")


def asks_for_essays(heading: str) -> bool:
    """Whether a heading's part is one of essays."""
    found = _ESSAYS.search(heading) or WRITING.fullmatch(heading)
    return bool(found) and not _OTHERS.search(heading)


def guide_rows(line: Strip) -> list[tuple[int, Strip]]:
    """The rows of a table that says how essays are marked: (number, what its cells say). A row
    without a number goes on with the one before; empty for any other line."""
    if len(line.pieces) != 1 or not isinstance(line.pieces[0], Grid):
        return []
    rows: list[tuple[int, Strip]] = []
    for place, (first, *others) in enumerate(filter(None, line.pieces[0].rows)):
        found = _NUMBER.fullmatch(first.text)
        told = joined([cell for cell in others if not cell.is_blank], " ")
        if found is not None:
            rows.append((int(found["number"]), told))
        elif rows and first.is_blank:
            rows.append((rows[-1][0], told))
        elif place:
            return []
    return rows
