"""One name in several spellings, and in the alphabet of the MRZ."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_reader.lds.mrz import to_mrz_name
from card_reader.names import MrzFit, fits_mrz, same_name, same_spelling

syllables = st.sampled_from(
    (
        "Nguyễn",
        "Trần",
        "Đặng",
        "Vũ",
        "Hòa",
        "Hoà",
        "Thuý",
        "Thúy",
        "Quốc",
        "Đường",
        "Ưu",
        "Ý",
        "Khoẻ",
    )
)
names = st.lists(syllables, min_size=1, max_size=5).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Vũ Gia Hòa", "VŨ GIA HOÀ", True),
        ("Lê Thúy", "Lê Thuý", True),
        ("Đặng  Thị Ánh ", " đặng thị ánh", True),
        ("Ðặng Ánh", "Đặng Ánh", True),  # eth, often typed for đ
        ("Lê Hoàng-Ưu", "Lê Hoàng Ưu", True),
        ("H'Hen Niê", "H’Hen Niê", True),
        ("Lê\u200b An", "Lê An", True),
        ("Đặng Thị Ánh", "Đặng Thị Anh", False),
        ("Dặng Ánh", "Đặng Ánh", False),
        ("Lê Hòa", "Lê Hóa", False),
        ("Lê Tân", "Lê Tan", False),
        ("Lê Huân", "Lê Hûan", False),  # the circumflex does not wander
        ("Mỹ", "Mĩ", False),
        ("Lê An", "An Lê", False),
        ("Lê An", "Lê An An", False),
        ("x" * 2000, "x" * 2000, False),
    ],
)
def test_spellings(one: str, other: str, same: bool) -> None:
    assert same_spelling(one, other) is same
    assert same_spelling(other, one) is same


@given(names, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_forms_of_unicode_and_case_do_not_matter(name: str, form: str) -> None:
    written = unicodedata.normalize(form, name)
    assert same_spelling(name, written)
    assert same_spelling(name, written.upper())
    assert fits_mrz(written, to_mrz_name(name).replace(" ", "<")) is not MrzFit.NO


LONG = "Nguyễn Hoàng Phương Bảo Trân Anh Thư"


@pytest.mark.parametrize(
    ("name", "mrz", "width", "fit"),
    [
        ("Đặng Thị Ánh", "DANG<<THI<ANH", 30, MrzFit.WHOLE),
        ("Đặng Thị Ánh", "DANG THI ANH", 30, MrzFit.WHOLE),
        ("Đặng Thị Ánh", "DANG THI AN", 30, MrzFit.NO),
        ("Đặng Thị Ánh", "ANH DANG THI", 30, MrzFit.NO),  # family name first
        ("Đặng Thị Ánh", "", 30, MrzFit.NO),
        (LONG, "NGUYEN HOANG PHUONG BAO TRAN A", 30, MrzFit.CUT_OFF),
        (LONG, "NGUYEN HOANG PHUONG BAO TRAN", 30, MrzFit.CUT_OFF),
        (LONG, "NGUYEN HOANG PHUONG BAO TRAN A", 39, MrzFit.NO),
        (LONG, "NGUYEN HOANG PHUONG BAO TRAN ANH THU", 39, MrzFit.WHOLE),
        (LONG, "NGUYEN H P B T A T", 30, MrzFit.ABBREVIATED),
        (LONG, "NGUYEN H P B X A T", 30, MrzFit.NO),
        ("Lê Văn An", "LE V A", 30, MrzFit.NO),  # nothing had to be shortened
        ("Jürgen Müller", "JUERGEN MUELLER", 39, MrzFit.WHOLE),
        ("Jürgen Müller", "JURGEN MULLER", 39, MrzFit.WHOLE),
        ("Søren Åberg", "SOEREN AABERG", 39, MrzFit.WHOLE),
        ("Lê Hoàng-Ưu", "LE HOANG<UU", 30, MrzFit.WHOLE),
    ],
)
def test_the_alphabet_of_the_mrz(name: str, mrz: str, width: int, fit: MrzFit) -> None:
    assert fits_mrz(name, mrz, width=width) is fit


def test_the_name_with_diacritics_counts_where_there_is_one() -> None:
    assert same_name("Vũ Gia Hòa", full_name="VŨ GIA HOÀ", mrz_name="")
    assert not same_name("Đặng Thị Ánh", full_name="Đặng Thị Anh", mrz_name="DANG THI ANH")
    assert same_name("Đặng Thị Ánh", full_name=None, mrz_name="DANG<<THI<ANH")
    assert not same_name(LONG, full_name=None, mrz_name="NGUYEN H P B T A T")
