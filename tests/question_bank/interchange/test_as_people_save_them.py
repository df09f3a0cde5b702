"""Files as people save and pack them: encodings, line ends, folders in zip files."""

import io
import unicodedata
import zipfile
from pathlib import Path

import pytest

from question_bank.content import plain_text
from question_bank.errors import FileRefusedError
from question_bank.interchange.formats import read_any
from question_bank.interchange.problems import Imported

FIXTURES = Path(__file__).parents[3] / "fixtures"
STEM = "Thủ đô của Việt Nam là thành phố nào?"
GIFT = f"::Q:: {STEM} {{\n=Hà Nội\n~Huế\n}}\n"
AIKEN = f"{STEM}\nA. Huế\nB. Hà Nội\nANSWER: B\n"
TABLE = f"Câu hỏi,A,B,Đáp án\n{STEM},Huế,Hà Nội,B\n"
TEXTS = {"de.gift": GIFT, "de.txt": AIKEN, "de.csv": TABLE}
MOODLE = (
    '<?xml version="1.0" encoding="{}"?><quiz><question type="truefalse"><name><text>q</text>'
    f'</name><questiontext format="html"><text><![CDATA[<p>{STEM}</p>]]></text></questiontext>'
    '<answer fraction="100"><text>true</text></answer><answer fraction="0"><text>false</text>'
    "</answer></question></quiz>"
)


def _read(data: bytes, file: str) -> Imported:
    return read_any(data, file, lambda _: None)


def _windows_1258(text: str) -> bytes:
    """As Vietnamese keyboards of the time wrote: letters with their hats, tones behind them."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    out = ""
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        bare = "".join(part for part in parts if part not in tones)
        tone = "".join(part for part in parts if part in tones)
        out += unicodedata.normalize("NFC", bare) + tone
    return out.encode("cp1258")


@pytest.mark.parametrize("file", TEXTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "1258"])
def test_a_text_in_any_encoding_is_read(file: str, end: str, form: str, encoding: str) -> None:
    text = unicodedata.normalize(form, TEXTS[file].replace("\n", end))
    data = _windows_1258(text) if encoding == "1258" else text.encode(encoding)
    found = _read(data, file)
    assert [unicodedata.normalize("NFC", plain_text(i.stem)) for i in found.items] == [STEM]
    told = ["encoding"] if encoding == "1258" else []
    assert [problem.element for problem in found.problems] == told


@pytest.mark.parametrize("file", TEXTS)
def test_a_text_in_no_known_encoding_is_refused_in_one_line(file: str) -> None:
    with pytest.raises(FileRefusedError, match=r"^[^\n]*neither UTF-8[^\n]*$"):
        _read(b"C\xa9u h\xb6i, A, B\xff\x81\x8d\n" * 3, file)


@pytest.mark.parametrize("file", TEXTS)
def test_a_byte_from_elsewhere_makes_no_other_encoding_of_a_text(file: str) -> None:
    """Read as Windows-1258 every letter of it would be two wrong ones."""
    spoilt = (TEXTS[file] + "\n").encode() + b"caf\xe9\n"
    line = spoilt.count(b"\n")
    with pytest.raises(FileRefusedError, match=rf":{line}: no UTF-8"):
        _read(spoilt, file)


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-8-SIG", "UTF-16", "windows-1258"])
def test_moodle_xml_in_any_encoding_is_read(encoding: str) -> None:
    text = MOODLE.format(encoding.removesuffix("-SIG")).replace("><", ">\r\n<", 1)
    data = _windows_1258(text) if encoding == "windows-1258" else text.encode(encoding)
    (item,) = _read(data, "de.xml").items
    assert unicodedata.normalize("NFC", plain_text(item.stem)) == STEM


def _packed(source: bytes, folder: str, **more: bytes) -> bytes:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(source)) as archive,
        zipfile.ZipFile(made, "w") as target,
    ):
        for name in archive.namelist():
            target.writestr(folder + name, archive.read(name))
        for name, data in more.items():
            target.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize("folder", ["de/", "Đề khoa học/lớp 12/"])
def test_a_package_in_a_folder_of_its_zip_file_is_read(folder: str) -> None:
    source = (FIXTURES / "science" / "science.zip").read_bytes()
    plain, found = _read(source, "de.zip"), _read(_packed(source, folder), "de.zip")
    assert found.items == plain.items and found.base_forms == plain.base_forms
    assert len(found.problems) == len(plain.problems)


def test_what_lies_beside_the_folder_of_a_package_is_told() -> None:
    source = (FIXTURES / "science" / "science.zip").read_bytes()
    beside = {"__MACOSX/de/._de.xml": b"x", "ghi chu.txt": b"y", "de.tex": b"z"}
    found = _read(_packed(source, "de/", **beside), "de.zip")
    told = {p.file: p.severity for p in found.problems if p.message.startswith("nothing in")}
    assert found.items
    # What may hold questions is no trifle.
    severities = dict(zip(beside, ("warning", "warning", "error"), strict=True))
    assert told == {f"de.zip/{name}": severity for name, severity in severities.items()}


def test_several_packages_in_one_zip_file_are_refused() -> None:
    source = (FIXTURES / "science" / "science.zip").read_bytes()
    twice = _packed(source, "a/", **{"b/imsmanifest.xml": b"<manifest/>"})
    with pytest.raises(FileRefusedError, match="several packages"):
        _read(twice, "de.zip")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"mimetype": b"application/vnd.oasis.opendocument.text"}, "save it as .docx"),
        ({"ppt/presentation.xml": b"<p/>"}, "presentation"),
        ({"de/cau-hoi.docx": b"PK"}, "one by one"),
    ],
)
def test_a_zip_file_of_something_else_is_told_what_to_do(
    files: dict[str, bytes], words: str
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name, data in files.items():
            target.writestr(name, data)
    with pytest.raises(FileRefusedError, match=words):
        _read(made.getvalue(), "de.zip")
