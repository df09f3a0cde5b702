"""Finding options, keys and answers in text: examples from papers, and properties."""

import unicodedata
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.interchange.word.answers import answers_in_grid, answers_in_line
from question_bank.interchange.word.keys import (
    Letters,
    Number,
    Truths,
    keys_in_solution,
    number_in_solution,
    stated_key,
    truths_in_solution,
)
from question_bank.interchange.word.looks import told_by_looks
from question_bank.interchange.word.model import Mark, Strip, Text
from question_bank.interchange.word.options import choices_in, statements_in
from question_bank.interchange.word.phrases import PART, QUESTION, SHARED, SOLUTION


def _split(text: str) -> list[str]:
    strip = Strip((Text(text),))
    return [text[c.label.after : c.stop].strip() for c in choices_in(strip)]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Kim loại là\nA. Na.\n\nB. K.\n\nC. Cu.\n\nD. W.", ["Na.", "K.", "Cu.", "W."]),
        ("Nước\nA.Hunggari.\tB.Anbani.\tC.Liên bang Nga. \tD.Rumani.",
         ["Hunggari.", "Anbani.", "Liên bang Nga.", "Rumani."]),
        ("x\nA. Các nước.\nB. Tham gia.\nC. Viện trợ cho MĩLatinh.D. Liên minh.",
         ["Các nước.", "Tham gia.", "Viện trợ cho MĩLatinh.", "Liên minh."]),
        ("x\nA. Được thành lập.B. Phát xít Nhật,\nC. Cộng đồng (EC).\nD. Mĩ thực hiện",
         ["Được thành lập.", "Phát xít Nhật,", "Cộng đồng (EC).", "Mĩ thực hiện"]),
        ("Anh P và ông C.\n\nA. Anh P, chị H và ông C.\nB. Chị H và anh P.\nC. Anh P và chị B.\n"
         "D. Anh P, chị B và chị H.", ["Anh P, chị H và ông C.", "Chị H và anh P.",
         "Anh P và chị B.", "Anh P, chị B và chị H."]),
        ("là\nA. 2\\sqrt{2} A. \t\nB. \\sqrt{2} A. \t\nC. 2 A. \t\nD. 1 A.",
         ["2\\sqrt{2} A.", "\\sqrt{2} A.", "2 A.", "1 A."]),
        ("C là\nA. 0,4 F.\t\nB. 0,8 F.\t\nC. 0,5 F.\t\nD. 0,2 F.",
         ["0,4 F.", "0,8 F.", "0,5 F.", "0,2 F."]),
        ("Cường độ i = 2cos(t) (A) chạy qua. Công suất là A. 2 W. B. 1 W. C. 4 W. D. 5 W.",
         ["2 W.", "1 W.", "4 W.", "5 W."]),
        ("dòng điện là A. 2 A. B. 3 A. C. 4 A. D. 5 A.", ["2 A.", "3 A.", "4 A.", "5 A."]),
        ("x\nA. miss B. childC. signD. mind", ["miss", "child", "sign", "mind"]),
        ("x A. Na B. K C. Cu D. W", ["Na", "K", "Cu", "W"]),
        ("x\n(A) một\n(B) hai\n(C) ba", ["một", "hai", "ba"]),
        ("x\nA) một\tB) hai\tC) ba\tD) bốn\tE) năm", ["một", "hai", "ba", "bốn", "năm"]),
        ("x\nА. một\nВ. hai\nС. ba\nD. bốn", ["một", "hai", "ba", "bốn"]),  # Cyrillic А, В, С
        ("x\nA\tmột\nB\thai\nC\tba\nD\tbốn", ["một", "hai", "ba", "bốn"]),
        ("x\nA.\nB.\nC.\nD.", ["", "", "", ""]),
        ("x\nA - một\tB - hai\tC - 3\tD - bốn", ["một", "hai", "3", "bốn"]),
        ("x\nA– một\nB– hai\nC– 3\nD– bốn", ["một", "hai", "3", "bốn"]),
        ("x\nA\t- 1\nB\t2\nC\t- 3\nD\t4", ["- 1", "2", "- 3", "4"]),
        ("Go (A) every (B) to (C) day (D).", []),
        ("Vitamin A. và vitamin D. tan trong dầu.", []),
        ("Cho A. Vì sao?", []),
        ("Điểm A (1;1;-1), B(2;3;2)", []),
    ],
)  # fmt: skip
def test_options_as_papers_have_them(text: str, options: list[str]) -> None:
    assert _split(text) == options


WORDS = st.lists(
    st.sampled_from(["nước", "ta", "có", "đường", "bờ", "biển", "dài", "hơn", "12,5", "khác"]),
    min_size=1, max_size=6,
).map(" ".join)  # fmt: skip
SEPARATORS = ["\n", "\t", "\n\n", ". ", "   ", "\t\t\t"]


@given(
    WORDS,
    st.lists(WORDS, min_size=3, max_size=5),
    st.sampled_from(SEPARATORS),
    st.sampled_from([". ", ".", ") ", ".\t"]),
)
def test_any_options_are_found_whole(
    stem: str, options: list[str], between: str, mark: str
) -> None:
    ended = [option + ("." if between == ". " else "") for option in options]
    gap = " " if between == ". " else between
    text = stem + "?\n" + gap.join(
        f"{letter}{mark}{option}" for letter, option in zip("ABCDE", ended, strict=False)
    )  # fmt: skip
    beyond = len(options) > 4 and between == ". "  # E only where it is beyond doubt
    expected = ended if not beyond else [*ended[:3], f"{ended[3]} E{mark}{ended[4]}"]
    assert [" ".join(o.split()) for o in _split(text)] == [" ".join(o.split()) for o in expected]


@given(st.text("AaBbCcDd.):(*/ \n\t,x1$", max_size=60))
def test_any_text_is_split_without_loss(text: str) -> None:
    strip = Strip((Text(text),))
    for found in (choices_in(strip), statements_in(strip)):
        assert not found or found[-1].stop == len(text)
        for before, after in pairwise(found):
            assert before.stop == after.label.start
            assert ord(after.label.letter) == ord(before.label.letter) + 1


@given(st.lists(st.tuples(st.text("ab\n \t", max_size=5), st.booleans()), max_size=6), st.data())
def test_cutting_a_strip_loses_nothing(parts: list[tuple[str, bool]], data: st.DataObject) -> None:
    strip = Strip(tuple(Text(text, Mark(bold=bold)) for text, bold in parts if text))
    at = data.draw(st.integers(0, len(strip.text)))
    assert strip.cut(0, at).text + strip.cut(at).text == strip.text
    assert "\n".join(line.text for line in strip.lines()) == strip.text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (" C ", Letters(("C",))), ("C.", Letters(("C",))), ("Đáp án: C", Letters(("C",))),
        ("Chọn đáp án D", Letters(("D",))), ("A, D", Letters(("A", "D"))),
        ("С", Letters(("C",))),
        ("ĐSĐS", Truths((True, False, True, False))),
        ("Đ S S Đ", Truths((True, False, False, True))),
        ("a) Đúng b) Sai", Truths((True, False))), ("a-Đ; b-S; c-Đ; d-Đ",
         Truths((True, False, True, True))), ("Đúng, Sai, Sai", Truths((True, False, False))),
        ("1,5", Number("1,5", Decimal("1.5"))), ("−2", Number("-2", Decimal(-2))),
        ("Đáp án: -2", Number("-2", Decimal(-2))),
        ("Answer = −0,5", Number("-0,5", Decimal("-0.5"))),
        ("Đáp án: 0.25", Number("0,25", Decimal("0.25"))), ("1{,}5", Number("1,5", Decimal("1.5"))),
        ("", None), ("B A", None), ("Kim loại nhẹ", None), ("5/3", None),
    ],
)  # fmt: skip
def test_keys_as_papers_state_them(text: str, key: object) -> None:
    assert stated_key(text) == key
    assert stated_key(unicodedata.normalize("NFD", text)) == key


@pytest.mark.parametrize(
    ("solution", "keys"),
    [
        ("Ta có x = 2. Chọn B.", "B"), ("Loại đáp án B vì sai. Chọn C", "C"),
        ("Vật A. chuyển động", ""), ("Chọn Anh", ""),
        ("Chọn B vì A sai. Đáp án A không đúng.", "B"),
        ("Đáp án A. Giải thích: Đáp án B sai do thiếu.", "A"),
        ("Chọn A. Các bạn hay chọn B là nhầm.", "A"), ("Đáp án: A hoặc B", ""),
        ("Theo đề chọn A được x. Vậy chọn C", "CA"),
    ],
)  # fmt: skip
def test_keys_inside_of_solutions(solution: str, keys: str) -> None:
    assert keys_in_solution(solution) == tuple(Letters((key,)) for key in keys)
    assert keys_in_solution(unicodedata.normalize("NFD", solution)) == tuple(
        Letters((key,)) for key in keys
    )


@pytest.mark.parametrize(
    "answer",
    ["3/4", "1.234.5", "1 2345", ".5", "1e5", "10^3", "1,5 hoặc 2", "2 và 3", "5; 6", "1,5.10^3",
     "5√2", "2π", "3 → 4", "12h30", "1:2", "2x + 1", "√2", ",5", "≥ 3"],
)  # fmt: skip
def test_a_part_of_an_answer_is_no_number(answer: str) -> None:
    """3/4 is not 3: what is more than one plain number is no key at all."""
    assert number_in_solution(f"Đáp án: {answer}") is None
    assert not isinstance(stated_key(f"Đáp án: {answer}"), Number)
    assert not isinstance(stated_key(answer), Number)


@pytest.mark.parametrize(
    "answer",
    ["12,5", "12,5.", "12,5 m", "12,5 m².", "12,5 cm3", "12,5 m/s", "12,5%", "12,5 (km)",
     "12,5 học sinh", "12,5, vì vậy", "12,5\n2 cách"],
)  # fmt: skip
def test_a_number_inside_of_a_solution(answer: str) -> None:
    assert number_in_solution(f"Vậy. Đáp số: {answer}") == Number("12,5", Decimal("12.5"))


@pytest.mark.parametrize(
    ("answer", "value", "doubtful"),
    [("1.234,5", "1234.5", False), ("1 234", "1234", False), ("1.234", "1234", True),
     ("1,234", "1.234", False), ("-2", "-2", False), ("−2", "-2", False)],
)  # fmt: skip
def test_numbers_are_read_as_everywhere(answer: str, value: str, doubtful: bool) -> None:
    for said in (f"Đáp án: {answer}", f"Đáp án:{answer}"):
        for found in (stated_key(said), number_in_solution(said)):
            assert isinstance(found, Number)
            assert (found.value, found.is_doubtful) == (Decimal(value), doubtful)


def test_truths_inside_of_solutions() -> None:
    told = truths_in_solution("a) Đúng. Vì thế.\nb) Sai. Do đó.", 2)
    assert told == Truths((True, False))
    assert truths_in_solution("a) Đúng.", 2) is None


def test_answers_in_lines_and_tables() -> None:
    assert [a.key for a in answers_in_line("1.A 2-B 3C 4: D", least=2)] == list("ABCD")
    assert not answers_in_line("Câu 1. A và B là hai điểm", least=2)
    grid = [["Câu", "1", "2"], ["Đ/A", "A", "C"], ["Câu", "3", "4"], ["Đ/A", "B", ""]]
    assert [(a.number, a.key) for a in answers_in_grid(grid)] == [(1, "A"), (2, "C"), (3, "B")]
    columns = [["Câu", "Đáp án"], ["1", "D"], ["2", "ĐSĐS"], ["3", "1,5"]]
    assert [a.key for a in answers_in_grid(columns)] == ["D", "ĐSĐS", "1,5"]
    statements = [["Câu", "1", "2"], ["a)", "Đ", "S"], ["b)", "S", "S"]]
    assert [a.key for a in answers_in_grid(statements)] == ["Đ S", "S S"]
    turned = [["Câu", "a)", "b)"], ["Câu 1", "Đúng", "Sai"], ["Câu 2", "Sai", "Sai"]]
    assert [a.key for a in answers_in_grid(turned)] == ["Đúng Sai", "Sai Sai"]
    named = [["Câu 1", "Câu 2"], ["a) Đ", "a) S"], ["b) S", "b) S"]]
    assert [a.key for a in answers_in_grid(named)] == ["Đ S", "S S"]
    threes = [["Câu", "Ý", "Đ/S"], ["1", "a", "Đ"], ["", "b", "S"], ["2", "a", "S"], ["", "b", "S"]]
    assert [(a.number, a.key) for a in answers_in_grid(threes)] == [(1, "Đ S"), (2, "S S")]
    data = [["x", "1", "2"], ["y", "3", "4"]]
    assert not answers_in_grid(data)


@pytest.mark.parametrize(
    "grid",
    [
        [["Câu", "1", "2", "3", "4"], ["Đáp án", "A", "B", "?", "D"]],
        [["Câu", "Đáp án"], ["1", "A"], ["2", "B"], ["3", "?"], ["4", "D"]],
        [["1.A", "2.B", "3.?", "4.D"]],
    ],
)
def test_an_odd_cell_loses_no_table_of_answers(grid: list[list[str]]) -> None:
    found = [(answer.number, answer.key) for answer in answers_in_grid(grid)]
    assert found == [(1, "A"), (2, "B"), (3, "?"), (4, "D")]


@pytest.mark.parametrize(
    "grid",
    [
        [["Chất", "1", "2", "3", "4"], ["Đáp", "A", "B", "?", "D"]],
        [["Câu", "1", "2", "3", "4"], ["Đáp án", "A", "?", "?", "D"]],
        [["1.A", "2.x", "3.?", "4.D"]], [["Năm", "1"], ["Số", "2"]], [["Câu", "1"]],
    ],
)  # fmt: skip
def test_a_table_of_anything_else_is_no_answers(grid: list[list[str]]) -> None:
    assert not answers_in_grid(grid)


def test_a_unit_is_no_part_of_an_answer_in_a_table() -> None:
    grid = [["Câu", "1", "2"], ["Đáp án", "1,5", "12,5 cm"]]
    assert [a.key for a in answers_in_grid(grid)] == ["1,5", "12,5"]
    assert not answers_in_grid([["Cột", "1", "2"], ["Dài", "1,5 cm", "12,5 cm"]])


def test_a_dash_that_may_be_a_minus_is_told() -> None:
    for text, doubtful in (("Đáp án - 2", True), ("Đáp án: -2", False), ("Đáp án: 2", False)):
        found = number_in_solution(text)
        assert found is not None and found.is_doubtful == doubtful


def test_a_table_may_answer_one_question() -> None:
    for grid in ([["Câu", "1"], ["Đáp án", "B"]], [["Câu", "Đáp án"], ["1", "B"]]):
        assert [(a.number, a.key) for a in answers_in_grid(grid)] == [(1, "B")]


def test_a_look_tells_a_key_only_where_it_stands_out() -> None:
    def strip(*looks: Mark) -> Strip:
        pieces = [
            piece
            for name, look in zip("ABCD", looks, strict=True)
            for piece in (Text(f"{name}.", look), Text(" một\n"))
        ]
        return Strip(tuple(pieces))

    plain, bold, red = Mark(), Mark(bold=True), Mark(bold=True, colour="ff0000")
    for looks, told in (
        ((plain, bold, plain, plain), {"bold": frozenset({1})}),
        ((bold, bold, bold, bold), {}),
        ((bold, bold, bold, red), {"colour": frozenset({3})}),
        ((red, bold, bold, red), {}),
        ((bold, bold, plain, bold), {}),
    ):
        found = strip(*looks)
        assert told_by_looks(found, choices_in(found), several=False) == told


@pytest.mark.parametrize("marked", [("B", ". hai."), ("B.", " hai."), ("", "")])
def test_the_letter_alone_or_the_words_without_their_stop_may_be_marked(
    marked: tuple[str, str],
) -> None:
    """What most teachers do: they underline the letter, and the dot behind it stays as it was."""
    look = Mark(underline=True)
    if not marked[0]:
        second = (Text("B. "), Text("hai", look), Text(".\n"))
    else:
        second = (Text(marked[0], look), Text(f"{marked[1]}\n"))
    strip = Strip((Text("A. một.\n"), *second, Text("C. ba.\n"), Text("D. bốn.")))
    found = told_by_looks(strip, choices_in(strip), several=False)
    assert found == {"underline": frozenset({1})}


@pytest.mark.parametrize("spelling", ["NFC", "NFD"])
def test_phrases_in_either_spelling(spelling: str) -> None:
    def spelled(text: str) -> str:
        return unicodedata.normalize(spelling, text)

    for text in ("Câu 81: Ai", "Câu 5) x", "CÂU 7. x", "Câu hỏi số 3. x", "Câu 2 (NB). x",
                 "Question 12: x", "Câu 3. [2D1H3-1] x"):  # fmt: skip
        assert QUESTION.match(spelled(text)), text
    for text in ("Lời giải", "Hướng dẫn giải:", "Chọn C.", "Đáp án: B", "HD: ta có", "ĐA: C"):
        assert SOLUTION.match(spelled(text)), text
    for text in ("Chọn phương án đúng trong các câu sau", "Giải phóng miền Nam"):
        assert not SOLUTION.match(spelled(text)), text
    for text in ("PHẦN II. Đúng sai", "Phần III", "PHẦN 1: Trắc nghiệm"):
        assert PART.match(spelled(text)), text
    assert not PART.match(spelled("Phần trăm khối lượng"))
    assert SHARED.match(spelled("Đọc đoạn trích sau và trả lời các câu hỏi"))
