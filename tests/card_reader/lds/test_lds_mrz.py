"""Machine readable zones: ICAO's specimens, the Vietnamese card, round trips, hostile input."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.errors import MalformedFileError
from card_reader.lds import mrz
from card_reader.lds.dates import PartialDate
from card_reader.lds.mrz import Layout, Mrz

# ICAO 9303-5 appendix B, -6 appendix B and -4 appendix B: specimens of the fictitious state UTO.
TD1 = b"I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
TD2 = b"I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<D231458907UTO7408122F1204159<<<<<<<6"
TD3 = b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10"
# ICAO 9303-11 appendix D.2: document numbers longer than nine characters.
TD1_LONG = (
    b"I<UTOD23145890<7349<<<<<<<<<<<3407127M9507122UTO<<<<<<<<<<<2STEVENSON<<PETER<JOHN<<<<<<<<<"
)
TD2_LONG = b"I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<D23145890<UTO3407127M95071227349<<<8"
CITIZEN = (
    b"IDVNM2060123453001206012345<<40605173M3105179VNM<<<<<<<<<<<2NGUYEN<<VAN<AN<<<<<<<<<<<<<<<<"
)

letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=8)
names = st.lists(letters, min_size=0, max_size=3).map(" ".join)
numbers = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("raw", "layout", "number"),
    [
        (TD1, Layout.TD1, "D23145890"),
        (TD2, Layout.TD2, "D23145890"),
        (TD3, Layout.TD3, "L898902C3"),
        (TD1_LONG, Layout.TD1, "D23145890734"),
        (TD2_LONG, Layout.TD2, "D23145890734"),
    ],
)
def test_specimens_of_the_standard(raw: bytes, layout: Layout, number: str) -> None:
    zone = mrz.parse(raw)
    assert zone.layout is layout
    assert zone.document_number == number
    assert zone.primary_identifier in ("ERIKSSON", "STEVENSON")
    assert zone.nationality == "UTO"
    assert mrz.encode(zone) == raw


def test_optional_data_of_a_passport() -> None:
    zone = mrz.parse(TD3)
    assert zone.personal_number == "ZE184226B"
    assert (zone.sex, zone.date_of_birth, zone.date_of_expiry) == (
        "F",
        date(1974, 8, 12),
        date(2012, 4, 15),
    )


def test_the_vietnamese_card() -> None:
    raw = CITIZEN[:29] + mrz.check_digit("001206012345").encode() + CITIZEN[30:]
    raw = raw[:59] + b"2" + raw[60:]
    zone = mrz.parse(raw)
    assert zone == Mrz(
        document_code="ID",
        issuing_state="VNM",
        document_number="206012345",
        personal_number="001206012345",
        date_of_birth=date(2006, 5, 17),
        sex="M",
        date_of_expiry=date(2031, 5, 17),
        nationality="VNM",
        primary_identifier="NGUYEN",
        secondary_identifier="VAN AN",
    )
    assert mrz.encode(zone) == raw


@pytest.mark.parametrize(
    ("number", "born"), [("001006012345", 1906), ("001106012345", 1906), ("001206012345", 2006)]
)
def test_the_number_tells_the_century_of_birth(number: str, born: int) -> None:
    zone = citizen(number, "AN", "", date(born, 5, 17), date(2031, 5, 17), "M")
    assert mrz.parse(mrz.encode(zone)).date_of_birth.year == born


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Nguyễn Văn An", "NGUYEN VAN AN"),
        ("Đặng Thị Đào", "DANG THI DAO"),
        ("đỗ  thị hường", "DO THI HUONG"),
        ("Lê Hoàng-Ưu", "LE HOANG UU"),
        ("H'Hen Niê", "HHEN NIE"),
        ("Phạm Thị Mỹ Duyên", "PHAM THI MY DUYEN"),
        ("Trần Quốc Tuấn", "TRAN QUOC TUAN"),
        ("Søren Łukasz Weiß", "SOEREN LUKASZ WEISS"),
        ("Ðặng Anh", "DANG ANH"),  # eth, often typed for đ
        ("", ""),
    ],
)
def test_names_in_the_alphabet_of_the_mrz(name: str, expected: str) -> None:
    assert mrz.to_mrz_name(name) == expected


@given(st.text(max_size=60))
def test_any_name_becomes_words_of_capital_letters(name: str) -> None:
    assert set(mrz.to_mrz_name(name)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ ")


def citizen(number: str, primary: str, secondary: str, birth: date, expiry: date, sex: str) -> Mrz:
    return Mrz("ID", "VNM", number[-9:], number, birth, sex, expiry, "VNM", primary, secondary)


@given(
    st.text("0123456789", min_size=8, max_size=8),
    letters,
    names,
    st.dates(date(1940, 1, 1), date(2035, 12, 31)),
    st.dates(date(2021, 1, 1), date(2099, 12, 31)),
    st.sampled_from("MF"),
)
def test_citizens_come_back(
    rest: str, primary: str, secondary: str, birth: date, expiry: date, sex: str
) -> None:
    digit = 2 * (birth.year // 100 - 19) + (sex == "F")
    zone = citizen(f"001{digit}{rest}", primary, secondary[:18], birth, expiry, sex)
    zone = mrz.parse(mrz.encode(zone))
    assert mrz.parse(mrz.encode(zone)) == zone
    assert (zone.date_of_birth, zone.date_of_expiry) == (birth, expiry)


@given(
    st.sampled_from(Layout),
    numbers,
    numbers.map(lambda text: text[:7]),
    letters,
    names,
    st.dates(date(1945, 1, 1), date(2004, 12, 31)),
    st.dates(date(2005, 1, 1), date(2044, 12, 31)),
    st.sampled_from("MFX"),
)
def test_documents_of_other_states_come_back(
    layout: Layout,
    number: str,
    optional: str,
    primary: str,
    secondary: str,
    birth: date,
    expiry: date,
    sex: str,
) -> None:
    zone = Mrz("P", "UTO", number, optional, birth, sex, expiry, "UTO", primary, secondary, layout)
    raw = mrz.encode(zone)
    back = mrz.parse(raw)
    assert mrz.encode(back) == raw
    assert (back.document_number, back.personal_number) == (number, optional)
    assert (back.date_of_birth, back.date_of_expiry, back.sex) == (birth, expiry, sex)


@given(
    st.integers(6, 14) | st.integers(30, 36) | st.integers(38, 44), st.sampled_from("0123456789")
)
def test_a_changed_digit_is_noticed(position: int, digit: str) -> None:
    raw = bytearray(TD1)
    raw[position] = ord(digit)
    if bytes(raw) != TD1:
        with pytest.raises(MalformedFileError):
            mrz.parse(bytes(raw))


@given(
    st.binary(max_size=100) | st.text("0123456789<ABCVNM", min_size=90, max_size=90).map(str.encode)
)
def test_hostile_bytes_give_our_error(raw: bytes) -> None:
    with suppress(MalformedFileError):
        assert mrz.encode(mrz.parse(raw))


@given(st.sampled_from([TD1, TD2, TD3]), st.integers(0, 71), st.binary(min_size=1, max_size=1))
def test_damaged_specimens_give_our_error(specimen: bytes, position: int, byte: bytes) -> None:
    raw = specimen[:position] + byte + specimen[position + 1 :]
    with suppress(MalformedFileError):
        mrz.parse(raw)


def test_a_name_too_long_is_cut() -> None:
    zone = citizen(
        "001206012345", "NGUYEN" * 5, "VAN AN", date(2006, 5, 17), date(2031, 5, 17), "M"
    )
    assert mrz.parse(mrz.encode(zone)).primary_identifier == ("NGUYEN" * 5)[:30]


@pytest.mark.parametrize("field", ["document_code", "nationality", "issuing_state"])
def test_a_field_too_long_is_refused(field: str) -> None:
    zone = mrz.parse(TD1)
    changed = Mrz(**{name: getattr(zone, name) for name in zone.__slots__} | {field: "TOOLONG"})
    with pytest.raises(MalformedFileError):
        mrz.encode(changed)


def changed(raw: bytes, start: int, text: bytes) -> bytes:
    """The TD1 zone with other characters there, its check digits mended."""
    rows = bytearray(raw[:start] + text + raw[start + len(text) :])
    row = rows.decode()
    for end, span in ((14, row[5:14]), (36, row[30:36]), (44, row[38:44])):
        rows[end : end + 1] = mrz.check_digit(span).encode()
    row = rows.decode()
    spans = row[5:30] + row[30:37] + row[38:45] + row[48:59]
    rows[59:60] = mrz.check_digit(spans).encode()
    return bytes(rows)


@pytest.mark.parametrize(
    ("text", "birth"),
    [
        (b"7408<<", PartialDate(1974, 8, None)),
        (b"74<<<<", PartialDate(1974, None, None)),
        (b"74<<12", PartialDate(1974, None, 12)),
        (b"<<0812", PartialDate(None, 8, 12)),
        (b"<<<<<<", PartialDate(None, None, None)),
        (b"03<<<<", PartialDate(2003, None, None)),
    ],
)
def test_a_day_of_birth_known_in_part(text: bytes, birth: PartialDate) -> None:
    raw = changed(TD1, 30, text)
    zone = mrz.parse(raw)
    assert zone.date_of_birth == birth
    assert mrz.encode(zone) == raw


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (0, b"1"),  # kind of document
        (0, b"<"),
        (2, b"U1O"),  # issuing state
        (2, b"<<<"),
        (2, b"U<O"),
        (45, b"1TO"),  # nationality
        (45, b"<<<"),
        (60, b"<" * 30),  # no name
        (60, b"<A"),
        (60, b"ER1KSSON"),
        (30, b"741332"),  # days of birth that do not exist
        (30, b"740230"),
        (30, b"7A0812"),
        (30, b"7<0812"),
        (30, b"74<<32"),
        (37, b"Z"),  # sex
        (38, b"120230"),  # expiry
        (38, b"12<<<<"),
        (38, b"1A0415"),
    ],
)
def test_a_wrong_field_is_refused_though_its_digits_fit(start: int, text: bytes) -> None:
    with pytest.raises(MalformedFileError):
        mrz.parse(changed(TD1, start, text))
    assert mrz.parse(changed(TD1, 0, b"I")) == mrz.parse(TD1)


def test_a_name_without_a_secondary_identifier() -> None:
    zone = mrz.parse(changed(TD1, 60, b"ARKFREITH".ljust(30, b"<")))
    assert (zone.primary_identifier, zone.secondary_identifier) == ("ARKFREITH", "")


def test_no_optional_data_with_a_check_digit_of_0() -> None:
    raw = bytearray(TD3)
    raw[72:87] = b"<" * 14 + b"0"
    row = raw.decode()[44:]
    raw[87:88] = mrz.check_digit(row[0:10] + row[13:20] + row[21:43]).encode()
    assert mrz.parse(bytes(raw)).personal_number == ""


def lines_of(raw: bytes) -> list[str]:
    width = {90: 30, 72: 36, 88: 44}[len(raw)]
    return [raw.decode()[start : start + width] for start in range(0, len(raw), width)]


@pytest.mark.parametrize("raw", [TD1, TD2, TD3, TD1_LONG, TD2_LONG])
def test_lines_as_somebody_types_them(raw: bytes) -> None:
    lines, zone = lines_of(raw), mrz.parse(raw)
    assert mrz.parse_lines(lines) == zone
    assert mrz.parse_lines("\n".join(lines)) == zone
    assert mrz.parse_lines("\r\n\r\n".join(f" {line.lower()} " for line in lines)) == zone
    assert mrz.parse_lines(raw.decode()) == zone
    spaced = [" ".join(line[start : start + 5] for start in range(0, 45, 5)) for line in lines]
    assert mrz.parse_lines(spaced) == zone


def test_lines_of_a_wrong_length_are_named() -> None:
    first, second, third = lines_of(TD1)
    with pytest.raises(MalformedFileError, match="30, 29, 30"):
        mrz.parse_lines([first, second[:-1], third])
    with pytest.raises(MalformedFileError, match="none"):
        mrz.parse_lines("")


@pytest.mark.parametrize("text", ["x" * 2000, "é" * 90, "I" * 90, "\u2028".join(["<" * 30] * 3)])
def test_texts_that_are_no_lines(text: str) -> None:
    with pytest.raises(MalformedFileError):
        mrz.parse_lines(text)


@given(st.text(max_size=200) | st.lists(st.text(max_size=44), max_size=4))
def test_any_lines_give_our_error(lines: str | list[str]) -> None:
    with suppress(MalformedFileError):
        mrz.parse_lines(lines)


def test_nothing_of_the_person_is_in_a_repr() -> None:
    shown = repr(mrz.parse(TD1))
    assert "ERIKSSON" not in shown
    assert "D23145890" not in shown
