"""An empty spreadsheet for item writers: the headings that the reader knows, an example of each
kind of question, and a sheet that says what may stand where."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from question_bank.interchange.spreadsheet.cells import letters_of

#: Sheets of these names tell people something; they hold no questions.
GUIDES = ("Hướng dẫn", "Guide")
LANGUAGES = ("vi", "en")
MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_HEADINGS: Mapping[str, Sequence[str]] = {
    "vi": ("STT", "Loại", "Câu hỏi", "A", "B", "C", "D", "Đáp án", "Sai số", "Điểm", "Môn", "Lớp",
           "Chủ đề", "Mức độ", "Mã", "Ngữ liệu", "Lời giải"),
    "en": ("No", "Type", "Question", "A", "B", "C", "D", "Key", "Tolerance", "Points", "Subject",
           "Grade", "Topic", "Level", "Code", "Passage", "Explanation"),
}  # fmt: skip
_WIDTHS = (6, 16, 48, 24, 24, 24, 24, 14, 9, 8, 12, 7, 18, 10, 14, 36, 36)
_ROWS: Mapping[str, Sequence[Sequence[str]]] = {
    "vi": (
        ("1", "trắc nghiệm", "Đạo hàm của hàm số $y = x^2$ là", "$y' = 2x$", "$y' = x$", "$y' = 2$",
         "$y' = x^3$", "A", "", "0,25", "Toán", "11", "Đạo hàm", "NB", "1D7N1-1", "",
         "$(x^n)' = nx^{n-1}$."),
        ("2", "nhiều đáp án", "Những số nào là số nguyên tố?", "2", "4", "5", "9", "A, C", "", "1",
         "Toán", "6", "Số học", "TH"),
        ("3", "đúng sai", "Cho hàm số $y = x^3 - 3x$.", "$y' = 3x^2 - 3$.",
         "Hàm số đồng biến trên khoảng $(-1; 1)$.", "Hàm số đạt cực đại tại $x = -1$.",
         "Đồ thị đi qua gốc toạ độ.", "ĐSĐĐ", "", "1", "Toán", "12", "Hàm số", "VD"),
        ("4", "trả lời ngắn", "Tính $\\int_0^3 x^2 \\, dx$.", "", "", "", "", "9", "", "0,5",
         "Toán", "12", "Tích phân", "TH"),
        ("5", "điền từ", "Thủ đô của Việt Nam là thành phố nào?", "", "", "", "", "Hà Nội | Ha Noi",
         "", "1", "Địa lí"),
        ("6", "tự luận", "Trình bày cảm nghĩ của em về quê hương.", "", "", "", "", "", "", "5",
         "Ngữ văn"),
        ("7", "sắp xếp", "Xếp các triều đại theo thời gian.", "Lý", "Trần", "Lê sơ", "Nguyễn", "",
         "", "1", "Lịch sử"),
        ("8", "ghép nối", "Ghép nước với thủ đô.", "Lào -> Viêng Chăn", "Thái Lan -> Băng Cốc",
         "Nhật Bản -> Tô-ki-ô", "", "", "", "1", "Địa lí"),
    ),
    "en": (
        ("1", "choice", "The derivative of $y = x^2$ is", "$y' = 2x$", "$y' = x$", "$y' = 2$",
         "$y' = x^3$", "A", "", "0.25", "Maths", "11", "Derivatives", "N", "1D7N1-1", "",
         "$(x^n)' = nx^{n-1}$."),
        ("2", "multiple", "Which numbers are prime?", "2", "4", "5", "9", "A, C", "", "1", "Maths",
         "6", "Numbers", "H"),
        ("3", "true/false", "Given $y = x^3 - 3x$.", "$y' = 3x^2 - 3$.",
         "It increases on $(-1; 1)$.", "It has a maximum at $x = -1$.",
         "Its graph passes through the origin.", "TFTT", "", "1", "Maths", "12", "Functions", "V"),
        ("4", "number", "Find $\\int_0^3 x^2 \\, dx$.", "", "", "", "", "9", "", "0.5", "Maths",
         "12", "Integrals", "H"),
        ("5", "text", "Which city is the capital of Vietnam?", "", "", "", "", "Hanoi | Ha Noi", "",
         "1", "Geography"),
        ("6", "essay", "Write about the place where you live.", "", "", "", "", "", "", "5",
         "English"),
        ("7", "order", "Put the dynasties in order of time.", "Lý", "Trần", "Later Lê", "Nguyễn",
         "", "", "1", "History"),
        ("8", "match", "Match countries and capitals.", "Laos -> Vientiane", "Thailand -> Bangkok",
         "Japan -> Tokyo", "", "", "", "1", "Geography"),
    ),
}  # fmt: skip
_GUIDE: Mapping[str, Sequence[str]] = {
    "vi": (
        "Mỗi dòng là một câu hỏi. Có thể đổi thứ tự các cột, bỏ cột không dùng, thêm cột E, F, …",
        "Công thức viết bằng LaTeX giữa hai dấu $, ví dụ $\\frac{1}{2}$.",
        "Hình đặt trong ô câu hỏi, ô phương án, ô ngữ liệu hoặc ô lời giải.",
        "Loại: trắc nghiệm, nhiều đáp án, đúng sai, trả lời ngắn (số), điền từ, tự luận, sắp xếp, "
        "ghép nối. Để trống thì loại được nhận ra từ phương án và đáp án.",
        "Đáp án: A; A, C; ĐSĐS; 1,92; 9,8 ± 0,1; các cách viết đúng ngăn bằng dấu |. Câu sắp xếp: "
        "để trống nếu các phương án đã theo đúng thứ tự, hoặc viết BCAD.",
        "Mức độ: NB, TH, VD, VDC. Điểm để trống thì theo quy định thi tốt nghiệp từ năm 2025.",
        "Các câu có cùng ngữ liệu: lặp lại ngữ liệu ở từng dòng, hoặc trộn ô.",
        "Xoá các dòng ví dụ trước khi nhập.",
    ),
    "en": (
        "One row is one question. Columns may be moved, left out, or added (E, F, …).",
        "Formulas are LaTeX between two $, as in $\\frac{1}{2}$.",
        "Pictures stand in the cell of the question, an option, the passage or the explanation.",
        "Type: choice, multiple, true/false, number, text, essay, order, match. Where it is empty, "
        "the options and the key tell it.",
        "Key: A; A, C; TFTF; 1.92; 9.8 ± 0.1; accepted spellings parted by |. Order: empty where "
        "the options stand in the right order, or BCAD.",
        "Level: N, H, V, C (know, understand, apply, apply at a high level). Where the points are "
        "empty, the national rules since 2025 count.",
        "Questions with one passage: repeat it in each row, or merge the cells.",
        "Delete the examples before you bring the file.",
    ),
}  # fmt: skip


def template(language: str) -> bytes:
    """The workbook (.xlsx) in Vietnamese (`vi`) or English (`en`); the same bytes every time."""
    title = "Câu hỏi" if language == "vi" else "Questions"
    guide = GUIDES[LANGUAGES.index(language)]
    questions = [_HEADINGS[language], *_ROWS[language]]
    lines = [(line,) for line in _GUIDE[language]]
    return _workbook(((title, questions, _WIDTHS), (guide, lines, (110,))))


def template_csv(language: str) -> bytes:
    """The same headings and examples as values in lines, UTF-8 with its mark for Excel's sake."""
    out = io.StringIO()
    csv.writer(out).writerows([_HEADINGS[language], *_ROWS[language]])
    return out.getvalue().encode("utf-8-sig")


_Written = tuple[str, Sequence[Sequence[str]], Sequence[int]]
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# Style 0 is text that wraps, 1 the bold of headings; 49 is "text", so that 1/2 becomes no date.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="1"><fill>'
    '<patternFill patternType="none"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="49" fontId="0" applyNumberFormat="1" applyAlignment="1">'
    '<alignment vertical="top" wrapText="1"/></xf>'
    '<xf numFmtId="49" fontId="1" applyFont="1"/></cellXfs></styleSheet>'
)


def _workbook(sheets: Sequence[_Written]) -> bytes:
    """ECMA-376's smallest workbook that Excel and LibreOffice open without a question."""
    numbered = list(enumerate(sheets, 1))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n, _ in numbered
    )
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="r{n}"/>' for n, (name, _, _) in numbered
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in numbered
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
        f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        **{f"xl/worksheets/sheet{n}.xml": _sheet(rows, wide) for n, (_, rows, wide) in numbered},
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), (_DECLARATION + text).encode())
    return packed.getvalue()


def _sheet(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" style="0" customWidth="1"/>'
        for n, width in enumerate(widths, 1)
    )
    made = "".join(
        f'<row r="{number}">{_cells(number, values, bold=number == 1 and len(widths) > 1)}</row>'
        for number, values in enumerate(rows, 1)
    )
    frozen = (
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
        'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        if len(widths) > 1
        else ""
    )
    return (
        f'<worksheet xmlns="{_MAIN}">{frozen}<cols>{columns}</cols><sheetData>{made}</sheetData>'
        "</worksheet>"
    )


def _cells(number: int, values: Sequence[str], *, bold: bool) -> str:
    return "".join(
        f'<c r="{letters_of(column)}{number}" s="{int(bold)}" t="inlineStr"><is>'
        f'<t xml:space="preserve">{escape(value)}</t></is></c>'
        for column, value in enumerate(values, 1)
        if value
    )
