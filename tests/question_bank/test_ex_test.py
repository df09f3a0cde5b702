"""LaTeX ex_test in: files as they are, everything named that is not taken, nothing hostile."""

import io
import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from question_bank.cli import main
from question_bank.content import plain_text
from question_bank.errors import FileRefusedError
from question_bank.interactions import Match
from question_bank.interchange.archive import Archive
from question_bank.interchange.ex_test import holds_ex_test, read_ex_test, read_ex_test_zip
from question_bank.interchange.problems import Imported
from question_bank.item import (
    ChoiceKey,
    ClusterKey,
    Item,
    MultipleChoice,
    NumericEntry,
    NumericKey,
    SingleChoice,
    options_of,
)
from question_bank.keys import PairsKey

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures" / "ex_test"
VECTORS = ROOT / "../shared/vectors/vn"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
FOUR = r"\choice{\True một}{hai}{ba}{bốn}"


def read(tex: str, file: str = "de.tex") -> Imported:
    return read_ex_test(tex.encode(), file)


def one(body: str) -> tuple[Item, Imported]:
    found = read(rf"\begin{{ex}}{body}\end{{ex}}")
    assert len(found.items) == 1, found.problems
    return found.items[0], found


def stem_of(body: str) -> str:
    return plain_text(one(body + FOUR)[0].stem)


@pytest.mark.parametrize("name", ["de-on-tap", "khong-nhan-het", "tu-luan", "ghep-doi"])
def test_fixtures_read_as_expected(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())
    code = main(["show", str(FIXTURES / f"{name}.tex"), "--json"])
    shown = json.loads(capsys.readouterr().out)
    problems = [[p["severity"], p["line"], p["element"]] for p in shown["problems"]]
    assert problems == expected["problems"]
    assert code == any(severity == "error" for severity, *_ in problems)
    assert len(shown["items"]) == len(expected["items"])
    for item, wanted in zip(shown["items"], expected["items"], strict=True):
        assert {key: item[key] for key in item if key in wanted} == {
            key: wanted[key] for key in item if key in wanted
        }
        assert len(item["media"]) == wanted["pictures"]


def test_fixture_metadata() -> None:
    for name in ("de-on-tap", "khong-nhan-het", "tu-luan"):
        expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())["items"]
        found = read_ex_test((FIXTURES / f"{name}.tex").read_bytes(), f"{name}.tex").items
        for item, wanted in zip(found, expected, strict=True):
            metadata = item.metadata
            told = (metadata.level, metadata.grade, metadata.code)
            assert told == (wanted["level"], wanted["grade"], wanted["code"])


def test_passages_belong_to_the_items_they_name() -> None:
    found = read_ex_test((FIXTURES / "tu-luan.tex").read_bytes(), "tu-luan.tex",
                         lambda name: (FIXTURES / name).read_bytes()
                         if (FIXTURES / name).is_file() else None)  # fmt: skip
    passages = [item.stimulus for item in found.items]
    assert [None if p is None else p.id for p in passages] == [
        "tu-luan-passage-1", "tu-luan-passage-1", None, None, None, "tu-luan-passage-2",
    ]  # fmt: skip
    assert passages[0] is not None
    assert passages[0] == passages[1]
    assert "rơi tự do" in plain_text(passages[0].content)
    assert "<td>" in passages[0].content
    assert [found.lines[item.id] for item in found.items] == [10, 14, 19, 24, 32, 37]


def test_a_passage_for_other_numbers_is_an_error() -> None:
    told = "Dựa vào bảng sau để trả lời câu 5 và câu 6.\n"
    found = read(told + rf"\begin{{ex}}Q {FOUR}\end{{ex}}")
    assert found.items[0].stimulus is None
    assert [(p.line, p.severity) for p in found.problems] == [(1, "error")]


def test_essays_are_marked_by_people() -> None:
    found = read(r"\begin{bt}Giải.\loigiai{$x=1$}\end{bt}")
    item = found.items[0]
    assert not found.problems
    assert (item.kind, item.scoring.name, item.points) == ("extended", "external", 1)
    assert plain_text(item.explanation) == "$x=1$"


def test_vectors_read_as_expected() -> None:
    if not VECTORS.exists():
        pytest.skip("the vectors are not here")
    expected = json.loads((VECTORS / "ex_test_samples.expected.json").read_text())
    found = read_ex_test((VECTORS / "ex_test_samples.tex").read_bytes(), "ex_test_samples.tex")
    assert not found.problems
    assert len(found.items) == len(expected)
    kinds = {"single": "single", "tf4": "tf_cluster", "short": "numeric"}
    for item, wanted in zip(found.items, expected, strict=True):
        assert item.kind == kinds[wanted["kind"]]
        match item.key:
            case ChoiceKey(options=right):
                assert "".join(right) == wanted["answer"]
            case ClusterKey(values=values):
                assert "".join("Đ" if true else "S" for true in values.values()) == wanted["answer"]
            case NumericKey(value=value):
                assert format(value, "f") == wanted["answer"]
        if "id_code" in wanted:
            assert item.metadata.code == wanted["id_code"]
            assert (item.metadata.grade, item.metadata.level) == ("12", "H")


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\textbf{đậm} \textit{nghiêng} \underline{gạch}", "đậm nghiêng gạch"),
        (r"{\bf đậm} thường", "đậm thường"),
        (r"một\\hai\par ba", "một hai ba"),
        ("một\n\nhai", "một hai"),
        ("một% chú thích\n hai", "mộthai"),
        (r"$50\%$ là 50\%", r"$50\%$ là 50%"),
        (r"2020--2025 --- ``trích'' A~B \lq\lq c\rq\rq", "2020–2025 — “trích” A B “c”"),
        (r"\[x^2\] rồi $$y$$ và \(z\)", "$x^2$ rồi $y$ và $z$"),
        (r"\begin{align*}x&=1\\y&=2\end{align*}", r"$\begin{align*}x&=1\\y&=2\end{align*}$"),
        (r"$\text{nếu $x>0$}$", r"$\text{nếu $x>0$}$"),
        (r"\verb|a_{b}%c| xong", "a_{b}%c xong"),
        (r"\'a \`{e} \h{o} \d{u} \^{o} \dj \'{\^e}", "á è ỏ ụ ô đế"),
        (r"\begin{itemize}\item một \item hai\end{itemize}", "một hai"),
        (r"\begin{enumerate}[a)]\item một \item hai\end{enumerate}", "a) một b) hai"),
        (r"\begin{enumerate}[\bf a)]\item một\end{enumerate}", "a) một"),
        (r"\begin{enumerate}[label=\alph*)]\item một\end{enumerate}", "a) một"),
        (r"\begin{listEX}[2]\item một \item hai\end{listEX}", "a) một b) hai"),
        (r"\begin{enumEX}{2}\item một \item[x)] hai\end{enumEX}", "a) một x) hai"),
        (r"\begin{tabular}{|c|c|}\hline a&b\\[2pt]\hline c&d\\\hline\end{tabular}", "a b c d"),
        (r"\begin{multicols}{2}một\end{multicols}", "một"),
        (r"\begin{minipage}[t]{0.5\textwidth}một\end{minipage}", "một"),
        (r"\textcolor{red}{đỏ} \parbox{3cm}{hộp} \scalebox{0.8}{nhỏ}", "đỏ hộp nhỏ"),
        (r"\ce{H2SO4} và \SI{5}{\meter}", r"$\ce{H2SO4}$ và $\SI{5}{\meter}$"),
        (r"\noindent\vspace{2cm}\hspace*{1cm}một \hfill hai", "một hai"),
        (r"\begin{center}một\end{center}hai", "một hai"),
        (r"a \_ b \& c \# d \{e\} \$5", "a _ b & c # d {e} $5"),
        (r"\immini{một}{hai}", "một hai"),
        (r"\begin{verbatim}x & y\end{verbatim}", "x & y"),
    ],
)
def test_words_of_a_stem(latex: str, words: str) -> None:
    item, found = one(latex + FOUR)
    assert plain_text(item.stem) == words
    assert not found.problems


def test_cells_over_columns_and_rows() -> None:
    item, _ = one(
        r"\begin{tabular}{|c|c|c|}\multirow{2}{*}{a}&\multicolumn{2}{c|}{b}\\&c&d\\\end{tabular}"
        + FOUR
    )
    rows = re.findall(r"<tr>.*?</tr>", item.stem)
    assert rows == [
        '<tr><td rowspan="2">a</td><td colspan="2">b</td></tr>',
        "<tr><td>c</td><td>d</td></tr>",
    ]


@pytest.mark.parametrize(
    "command",
    [r"\choice", r"\choice[1]", r"\choice[m1]", "\\choice[t]\n\n", "\\choice % bốn phương án\n"],
)
def test_one_right_option(command: str) -> None:
    item, found = one("Chọn" + command + "{một}\n{ \\True hai}\n\n{ba}%\n{bốn}")
    assert isinstance(item.interaction, SingleChoice)
    assert item.key == ChoiceKey(("B",))
    assert [plain_text(o.content) for o in options_of(item.interaction)] == [
        "một",
        "hai",
        "ba",
        "bốn",
    ]
    assert item.points == Decimal("0.25")
    assert not found.problems


def test_several_right_options_are_a_multiple_choice_and_said_so() -> None:
    item, found = one(r"Chọn\choice{\True một}{hai}{\True ba}{bốn}")
    assert isinstance(item.interaction, MultipleChoice)
    assert item.key == ChoiceKey(("A", "C"))
    assert [p.severity for p in found.problems] == ["warning"]


@pytest.mark.parametrize(
    "command",
    [r"\choiceTF", r"\choiceTFt", r"\choiceTFn", r"\choiceTF[1]", r"\choiceTF[t]", r"\choiceTF*"],
)
def test_clusters(command: str) -> None:
    item, found = one("Xét" + command + r"{\True một}{hai}{\True ba}{bốn}")
    assert item.key == ClusterKey({"a": True, "b": False, "c": True, "d": False})
    assert item.points == 1
    assert not found.problems


@pytest.mark.parametrize(
    ("answer", "value", "unit"),
    [
        ("$1{,}5$", "1.5", ""),
        ("-3", "-3", ""),
        ("$-3$", "-3", ""),
        ("2,75", "2.75", ""),
        ("0.5", "0.5", ""),
        ("$12$ m", "12", "m"),
        ("'7'", "7", ""),
        (r"$1\,200$", "1200", ""),
        (r"$ 40 \%$", "40", "%"),
        (r"$\text{5}$", "5", ""),
        (r"$5\text{ cm}^2$", "5", "cm^2"),
        ("$−1,25$", "-1.25", ""),
        ("{$8$}", "8", ""),
        (r"$30^\circ$", "30", "°"),
    ],
)
def test_short_answers(answer: str, value: str, unit: str) -> None:
    item, found = one(rf"Tính\shortans[oly]{{{answer}}}")
    assert item.key == NumericKey(Decimal(value))
    assert isinstance(item.interaction, NumericEntry)
    assert item.interaction.unit == unit
    assert not found.problems


@pytest.mark.parametrize(
    "answer",
    [r"$\dfrac12$", "x", "", "1 hoặc 2", "$1;2$", "1e5", "1.2.3", "--1", ".5", ",5", "9" * 50],
)
def test_what_is_no_number_is_refused(answer: str) -> None:
    found = read(rf"\begin{{ex}}Tính\shortans{{{answer}}}\end{{ex}}")
    assert not found.items
    assert [(p.severity, p.line) for p in found.problems] == [("error", 1)]


def test_points_that_part_thousands_are_said() -> None:
    item, found = one(r"Tính\shortans{$1.250$}")
    assert item.key == NumericKey(Decimal(1250))
    assert "1250" in found.problems[0].message


def test_an_explanation_is_kept_apart() -> None:
    item, _ = one("Câu" + FOUR + r"\loigiai{Vì $x=1$.\\ Vậy \True đúng.}")
    assert plain_text(item.explanation) == "Vì $x=1$. Vậy đúng."
    assert plain_text(item.stem) == "Câu"
    inside, _ = one("Câu" + FOUR + r"\begin{loigiai}Vì thế.\end{loigiai}")
    assert plain_text(inside.explanation) == "Vì thế."


@pytest.mark.parametrize(
    ("head", "code", "level", "grade", "subject", "author"),
    [
        ("%[2D1H3-1]\n", "2D1H3-1", "H", "12", "Toán", ""),
        ("%[0H4N1]\n", "0H4N1", "N", "10", "Toán", ""),
        ("%[1D2C3-4]%[Trần Văn Bình]\n", "1D2C3-4", "C", "11", "Toán", "Trần Văn Bình"),
        ("%[Trần Văn Bình]%[9D1V1-2]\n", "9D1V1-2", "V", "9", "Toán", "Trần Văn Bình"),
        ("\n%[2D1B3-1]\n", "2D1B3-1", None, "12", "Toán", ""),
        ("%[VDC]\n", "", "C", "", "", ""),
        ("%[2D1-1.2-3]\n", "2D1-1.2-3", None, "", "", ""),
        ("%Câu 3\n", "", None, "", "", ""),
    ],
)
def test_comments_are_metadata(
    head: str, code: str, level: str | None, grade: str, subject: str, author: str
) -> None:
    metadata = one(head + "Câu" + FOUR)[0].metadata
    assert (metadata.code, metadata.level, metadata.grade) == (code, level, grade)
    assert (metadata.subject, metadata.author) == (subject, author)


def test_notes_without_a_field_are_said() -> None:
    item, found = one("%[2D1H1-1]%[Dự án X]%[2D1H1-2]%[Đề Sở Y]%[An]%[Bình]\nCâu" + FOUR)
    assert [p.message.split("'")[1] for p in found.problems] == ["2D1H1-2", "Bình"]
    assert (item.metadata.source, item.metadata.author) == ("Dự án X; Đề Sở Y", "An")


def test_a_comment_above_counts_where_there_is_none_inside() -> None:
    found = read("%[2D1V1-1] %[Thầy Minh]\n\\begin{ex}\nCâu" + FOUR + r"\end{ex}")
    assert found.items[0].metadata.code == "2D1V1-1"
    assert found.items[0].metadata.author == "Thầy Minh"


@pytest.mark.parametrize("marked", [r"{\True b}", r"\textbf{\True b}", r"\immini{\True b}{x}"])
def test_a_mark_inside_of_an_options_group_counts(marked: str) -> None:
    item, found = one(rf"Câu \choiceTF{{\True a}}{{{marked}}}{{c}}{{d}}")
    assert item.key == ClusterKey({"a": True, "b": True, "c": False, "d": False})
    assert found.problems == ()


@pytest.mark.parametrize("second", [r"\shortans[oly]{98765}", r"\choice{98765}{b}{c}{d}"])
def test_a_second_way_to_answer_shows_nothing_of_itself(second: str) -> None:
    item, found = one(rf"Câu {FOUR} {second}")
    assert "98765" not in plain_text(item.stem)
    assert found.has_errors


def test_ideas_are_matched_by_their_numbers() -> None:
    item, found = one(r"Ghép \match{a}{b}\with[2]{x}{y}[1]{z}\loigiai{vì thế}")
    assert isinstance(item.interaction, Match)
    assert [(p.id, p.content) for p in item.interaction.sources] == [("s1", "a"), ("s2", "b")]
    assert [(p.id, p.content) for p in item.interaction.targets] == [
        ("ta", "x"), ("tb", "y"), ("tc", "z"),
    ]  # fmt: skip
    assert item.key == PairsKey((("s1", "tc"), ("s2", "ta")))
    assert (plain_text(item.stem), plain_text(item.explanation)) == ("Ghép", "vì thế")
    assert not found.problems


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        (r"\match{a}{b}", "with"),
        (r"\with[1]{x}[2]{y}", "match"),
        (r"\match{a}{b}\with[1]{x}{y}", "2"),
        (r"\match{a}{b}\with[1]{x}[1]{y}[2]{z}", "1"),
        (r"\match{a}{b}\with[1]{x}[2]{y}[3]{z}", "3"),
        (r"\match[1]{a}[1]{b}\with[1]{x}[2]{y}", "1"),
        (r"\match[0]{a}{b}\with[1]{x}[2]{y}", "0"),
        (r"\match{a}{b}\with[x]{x}[2]{y}", "x"),
        (r"\match{a}{ }\with[1]{x}[2]{y}", "empty"),
        (r"\match{a}\with[1]{x}", "two"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: str, word: str) -> None:
    found = read(rf"\begin{{ex}}Ghép {columns}\end{{ex}}")
    assert not found.items
    assert [(p.severity, word in p.message) for p in found.problems] == [("error", True)]


def test_questions_inside_of_one_share_what_stands_before_them() -> None:
    asked = rf"\begin{{chc}}%[2D1H1-1]{chr(10)}Một? {FOUR}\end {{chc}}"
    found = read(
        rf"\begin{{ex}}\sochc{{2}} Bảng. {asked} {asked}\end{{ex}}\begin{{ex}}Q {FOUR}\end{{ex}}"
    )
    assert [item.id for item in found.items] == ["de-1-1", "de-1-2", "de-2"]
    assert [plain_text(item.stem) for item in found.items] == ["Một?", "Một?", "Q"]
    first, second, last = (item.stimulus for item in found.items)
    assert first is not None
    assert first == second
    assert plain_text(first.content) == "Bảng."
    assert last is None
    assert found.items[0].metadata.code == "2D1H1-1"
    assert not found.problems


@pytest.mark.parametrize(
    ("body", "place", "severity"),
    [
        (rf"Bảng. \begin{{chc}}Q {FOUR}\end{{chc}} lạc", "text", "error"),
        (rf"Bảng. \begin{{chc}}Q {FOUR}\end{{chc}}\loigiai{{lạc}}", "text", "error"),
        (rf"Bảng. {FOUR}\begin{{chc}}Q {FOUR}\end{{chc}}", "ex", "error"),
        (r"Bảng. \begin{chc}Q\begin{chc}\end{chc}", "ex", "error"),
        (rf"\sochc{{3}} Bảng. \begin{{chc}}Q {FOUR}\end{{chc}}", "\\sochc", "warning"),
        (rf"Bảng. \begin{{chc}}Q {FOUR}", "ex", "error"),
    ],
)
def test_what_does_not_fit_in_a_group_is_named(body: str, place: str, severity: str) -> None:
    found = read(rf"\begin{{ex}}{body}\end{{ex}}")
    assert [(p.element, p.severity) for p in found.problems] == [(place, severity)]


def test_points_of_any_item_count_or_are_said() -> None:
    choice = read(rf"\begin{{ex}}[0,5 điểm] Câu {FOUR} \end{{ex}}")
    assert choice.items[0].points == Decimal("0.5")
    cluster = read(r"\begin{ex}[2 điểm] Câu \choiceTF{\True a}{b}{c}{d} \end{ex}")
    assert [problem.element for problem in cluster.problems] == ["points"]


def test_short_answers_in_maths_are_worth_half_a_point() -> None:
    assert one("%[2D1H1-1]\n" + r"Tính\shortans{1}")[0].points == Decimal("0.5")
    assert one(r"Tính\shortans{1}")[0].points == Decimal("0.25")


@pytest.mark.parametrize(
    ("tex", "stem"),
    [
        (r"\newcommand{\R}{\mathbb{R}}", r"$\mathbb{R}$"),
        (r"\newcommand\R{\mathbb{R}}", r"$\mathbb{R}$"),
        (r"\def\R{\mathbb{R}}", r"$\mathbb{R}$"),
        (r"\let\R\Re", r"$\Re$"),
        (r"\DeclareMathOperator{\R}{Rn}", r"$\operatorname{Rn}$"),
        (r"\newcommand{\Q}{\mathbb{R}}\newcommand{\R}{\Q^2}", r"$\mathbb{R}^2$"),
    ],
)
def test_macros_of_the_file(tex: str, stem: str) -> None:
    found = read(tex + "\n" + r"\begin{ex}$\R$" + FOUR + r"\end{ex}")
    assert plain_text(found.items[0].stem) == stem
    assert not found.problems


def test_macros_with_arguments_and_lines_behind_them() -> None:
    tex = "\\newcommand{\\v}[2][u]{\\vec{#1}\n+#2}\n\\begin{ex}\n$\\v{x}$, $\\v[a]{y}$ \\la\n"
    found = read(tex + FOUR + "\n\\end{ex}")
    assert plain_text(found.items[0].stem) == r"$\vec{u} +x$, $\vec{a} +y$"
    assert [(p.line, p.element) for p in found.problems] == [(4, r"\la")]


def test_the_words_of_the_format_cannot_be_redefined() -> None:
    found = read(
        r"\renewcommand{\True}{}\renewcommand{\loigiai}[1]{}\begin{ex}Câu"
        + FOUR
        + r"\loigiai{Vì}\end{ex}"
    )
    assert found.items[0].key == ChoiceKey(("A",))
    assert plain_text(found.items[0].explanation) == "Vì"


def test_pictures_beside_the_file_are_taken() -> None:
    given_files = {"hinh/a.png": PNG, "de-figure0.png": PNG + b"1", "rieng.png": PNG + b"2"}
    tex = (
        r"\begin{ex}A \includegraphics[width=3cm]{hinh/a}"
        r"\begin{tikzpicture}\draw (0,0);\end{tikzpicture}"
        r"\tikzsetnextfilename{rieng}\begin{tikzpicture}\draw (0,1);\end{tikzpicture}"
        + FOUR
        + r"\end{ex}"
    )
    found = read_ex_test(tex.encode(), "de.tex", given_files.get)
    assert [media.data for media in found.items[0].media] == list(given_files.values())
    assert not found.problems


def test_a_drawing_without_picture_keeps_its_source() -> None:
    source = "\\begin{tikzpicture}\n\\draw[->] (0,0)--(1,1); % nét\n\\end{tikzpicture}"
    item, found = one(source + FOUR)
    alt = re.search(r'alt="([^"]*)"', item.stem)
    assert alt
    assert alt[1].replace("&#10;", "\n").replace("&gt;", ">") == source
    assert [(p.severity, p.element) for p in found.problems] == [("warning", "tikzpicture")]


def _zip(**files: bytes) -> Archive:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return Archive(packed.getvalue())


def test_a_zip_file_of_latex_with_pictures() -> None:
    tex = (
        r"\graphicspath{{./anh/}}\begin{ex}\includegraphics{a.png}" + FOUR + r"\end{ex}"
    ).encode()
    archive = _zip(**{"de__mot.tex": tex, "de__anh__a.png": PNG, "thua.txt": b"x"})
    assert holds_ex_test(archive)
    found = read_ex_test_zip(archive)
    assert [media.data for media in found.items[0].media] == [PNG]
    assert [(p.file, p.severity) for p in found.problems] == [("thua.txt", "warning")]


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "C:\\x", "\x00", "a" * 5000, "..", "", "anh/../../x"],
)
def test_pictures_come_from_beside_the_file_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(PNG)
    folder = tmp_path / "de"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "x.png")
    tex = folder / "de.tex"
    body = rf"\includegraphics{{{name}}}\includegraphics{{link}}".replace("\x00", "")
    tex.write_text(rf"\begin{{ex}}Câu {body}{FOUR}\end{{ex}}")
    assert main(["show", str(tex), "--json"]) == 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("Cho hàm số".encode("utf-16-le"), "UTF-8"),
        (b"C\x00h\x00o\x00", "NUL"),
        (b"\\begin{ex} C\xa9u h\xe1i \\end{ex}", "UTF-8"),
        ("C©u hái tr¾c nghiÖm: ®å thÞ hµm sè nµo ®i qua gèc täa ®é".encode(), "TCVN3"),
        ("Caâu hoûi: haøm soá naøo ñoàng bieán treân khoaûng".encode(), "VNI"),
        (b"x" * (8 * 1024 * 1024 + 1), "more than"),
    ],
)
def test_files_that_cannot_be_read_are_refused(data: bytes, word: str) -> None:
    with pytest.raises(FileRefusedError, match=word):
        read_ex_test(data, "de.tex")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_and_line_ends(mark: bytes, end: str) -> None:
    tex = f"\\begin{{ex}}\nmột\n\nhai \\la\n{FOUR}\n\\end{{ex}}".replace("\n", end)
    found = read_ex_test(mark + tex.encode(), "de.tex")
    assert found.items[0].stem == "<p>một</p><p>hai</p>"
    assert [p.line for p in found.problems] == [4]


def test_utf_16_with_its_mark_is_read() -> None:
    assert read_ex_test((r"\begin{ex}Câu" + FOUR + r"\end{ex}").encode("utf-16"), "de.tex").items


@pytest.mark.parametrize(
    "heading",
    [
        r"\section{Chương 1}",
        r"\noindent\textbf{PHẦN I. Câu trắc nghiệm} nhiều phương án",
        r"\begin{center}\textbf{ĐỀ THI THỬ}\end{center}",
        r"--- HẾT ---",
        "% chú thích bất kì",
        r"\Opensolutionfile{ans}[ans/a]",
        r"\Closesolutionfile{ans}",
        r"\setcounter{ex}{0}",
        r"\begin{multicols}{2}",
        r"\newpage\vspace{2cm}",
        r"\usepackage{tikz}",
        r"\dangbt{Dạng 1}",
        r"\begin{tabular}{c}SỞ GIÁO DỤC\\ Mã đề 101\end{tabular}",
        r"\renewcommand{\x}{y}",
        "\\begin{indapan}\n{ans/ans}\n\\end{indapan}",
    ],
)
def test_headings_and_layout_are_no_problems(heading: str) -> None:
    found = read(heading + "\n\n" + r"\begin{ex}Câu" + FOUR + r"\end{ex}" + "\n" + heading)
    assert len(found.items) == 1
    assert not found.problems


@pytest.mark.parametrize(
    ("tex", "line"),
    [
        ("\n\nDựa vào đoạn sau, trả lời câu 1.\n", 3),
        ("\\begin{center}Bảng số liệu $x$\\end{center}", 1),
        ("\n\\begin{bosung}\nLý thuyết\n\\end{bosung}", 2),
        ("\n\\input{/etc/passwd}", 2),
        ("\n\\khongbiet{Chữ}", 2),
    ],
)
def test_what_stands_between_items_is_named(tex: str, line: int) -> None:
    found = read(tex + "\n" + r"\begin{ex}Câu" + FOUR + r"\end{ex}")
    assert [(p.severity, p.line) for p in found.problems] == [("error", line)]
    assert len(found.items) == 1


def test_input_in_an_item_is_refused_and_named() -> None:
    _, found = one(r"Câu \input{/etc/passwd}" + FOUR)
    assert [(p.severity, p.element) for p in found.problems] == [("error", r"\input{/etc/passwd}")]


def test_a_file_without_items_says_so() -> None:
    assert read("").has_errors
    assert not read("").items


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "$" + "x+" * 500_000 + "$",
        "{" * 100_000,
        "{" * 50 + "a" + "}" * 50 + r"\choice" + "{" * 5000,
        r"\begin{center}" * 5_000,
        "$" * 100_001,
        "[" * 50_000,
        r"\\[" * 50_000,
        r"\textbf" * 20_000,
        r"\begin{verbatim}" * 20_000,
        r"\verb|" * 50_000,
        r"\begin{tikzpicture}" * 20_000,
        r"\begin{tabular}{c}" + "a&" * 100_000 + r"\end{tabular}",
        r"\bf " * 3_000,
        r"\'" * 20_000,
        r"\item" * 50_000,
        r"\tikz" * 20_000,
        r"\multicolumn{99999999}{c}{x}",
        "}" * 1000,
    ],
)
def test_bombs_are_named_and_end(body: str) -> None:
    found = read(
        rf"\begin{{ex}}{body}{FOUR}\end{{ex}}" + "\n" + rf"\begin{{ex}}Câu{FOUR}\end{{ex}}"
    )
    assert found.problems or len(found.items) == 2


@pytest.mark.parametrize(
    "tex",
    [
        "".join(
            rf"\newcommand{{\x{chr(97 + n)}}}{{\x{chr(96 + n)}\x{chr(96 + n)}}}"
            for n in range(1, 25)
        )
        + r"\begin{ex}\xx \end{ex}",
        r"\newcommand{\a}{\a\a}\begin{ex}\a" + FOUR + r"\end{ex}",
        r"\def\a#1{#1#1#1#1}\begin{ex}" + r"\a{" * 12 + "x" * 100 + "}" * 12 + FOUR + r"\end{ex}",
        r"\newcommand{\a}{" + "x" * 19_000 + "}" + r"\a " * 50_000,
        r"\newcommand{\a}[1]{x}" + r"\a{" * 50_000,
    ],
)
def test_macro_bombs_end(tex: str) -> None:
    try:
        found = read(tex)
    except FileRefusedError:
        return
    assert sum(len(item.stem) for item in found.items) < 300_000
    assert found.problems


_SNIPPETS = st.sampled_from(
    [
        r"\textbf{",
        r"\textit{",
        "{",
        "}",
        "}",
        "}",
        "$",
        "$",
        r"\[",
        r"\]",
        r"\(",
        r"\)",
        "\n",
        "\n\n",
        " ",
        r"\\",
        r"\par ",
        "~",
        "--",
        "``",
        "''",
        "[",
        "]",
        "&",
        r"\%",
        r"\begin{center}",
        r"\end{center}",
        r"\begin{itemize}\item ",
        r"\item ",
        r"\end{itemize}",
        r"\begin{tabular}{cc}",
        r"\end{tabular}",
        r"\immini{",
        r"}{",
        r"\unknown{",
        r"\footnote{",
        r"\begin{odd}",
        r"\end{odd}",
        r"\bf ",
        r"\ce{",
        r"\begin{tikzpicture}",
        r"\end{tikzpicture}",
        r"\loigiai{",
        r"\begin{enumEX}{2}",
        r"\end{enumEX}",
        r"\multicolumn{2}{c}{",
        r"\hline ",
        r"\begin{ex}",
        r"\end{ex}",
        FOUR,
        r"\match{",
        r"\with[2]{",
        r"\begin{chc}",
        r"\end{chc}",
        r"\sochc{2}",
        r"\shortans{$1$}",
        r"\True ",
        r"\verb|",
        "|",
        r"\heva{",
        r"\caption{",
        r"\textcolor{red}{",
        r"\begin{align*}",
        r"\end{align*}",
        r"\sqrt ",
        "^2",
        "_",
        "#",
        r"\'",
        r"\begin{verbatim}",
        r"\end{verbatim}",
        r"\section{",
        r"\newcommand",
    ]
)


def _told(found: Imported) -> str:
    """Everything that was taken, and everything that was named."""
    parts = [problem.message + problem.element for problem in found.problems]
    for item in found.items:
        contents = [item.stem, item.explanation, *(o.content for o in options_of(item.interaction))]
        parts += [plain_text(content) + content for content in contents]
    return " ".join(parts)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(st.lists(_SNIPPETS, max_size=25))
def test_any_latex_is_read_or_named(snippets: list[str]) -> None:
    try:
        found = read(rf"\begin{{ex}}{''.join(snippets)}{FOUR}\end{{ex}}")
    except FileRefusedError as refusal:
        assert "never closed" in str(refusal)
        return
    for item in found.items:
        assert item.stem
    assert found.items or found.problems


_BALANCED = st.recursive(
    st.just("W"),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        .map(" ".join)
        .flatmap(
            lambda text: st.sampled_from(
                [
                    text,
                    rf"\textbf{{{text}}}",
                    rf"{{\it {text}}}",
                    rf"\begin{{center}}{text}\end{{center}}",
                    rf"\begin{{itemize}}\item {text}\end{{itemize}}",
                    rf"\immini{{{text}}}{{W}}",
                    f"{text}\n\nW",
                    rf"\begin{{tabular}}{{c}}{text}\\ W & W\end{{tabular}}",
                    rf"\unknown{{{text}}}[W]{{W}}",
                    rf"\begin{{odd}}{text}\end{{odd}}",
                    rf"\textcolor{{red}}{{{text}}}",
                    rf"\footnote{{{text}}}",
                    rf"\parbox[t]{{2cm}}{{{text}}}",
                    rf"\begin{{enumEX}}{{2}}\item {text}\end{{enumEX}}",
                ]
            )
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(_BALANCED, _BALANCED, st.sampled_from(["", "W ở ngoài.\n\n", r"\begin{odd}W\end{odd}"]))
def test_every_word_is_in_an_item_or_named(stem: str, solution: str, outside: str) -> None:
    parts = f"{outside}\\begin{{ex}}{stem}{FOUR}\\loigiai{{{solution}}}\\end{{ex}}".split("W")
    numbered = "".join(f"{part}từ{n}chữ" for n, part in enumerate(parts[:-1])) + parts[-1]
    found = read(numbered)
    told = _told(found)
    kept_whole = "stands outside of items and was left out with all it holds"
    for n in range(len(parts) - 1):
        if f"từ{n}chữ" not in told:
            assert n == 0 and any(kept_whole in problem.message for problem in found.problems)


def test_the_result_of_an_essay_stands_in_its_explanation() -> None:
    """`\\dapso` prints it beside the question where answers are shown."""
    found = read(r"\begin{bt}Giải $x+1=3$.\dapso{$x=2$}\loigiai{Chuyển vế.}\end{bt}")
    (item,) = found.items
    assert plain_text(item.stem) == "Giải $x+1=3$."
    assert plain_text(item.explanation) == "ĐS: $x=2$ Chuyển vế."
    assert not found.problems
