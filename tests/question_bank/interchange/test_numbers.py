"""One reading of numbers for every format that teachers type."""

from decimal import Decimal

import pytest

from question_bank.interchange.numbers import written_number


@pytest.mark.parametrize(
    ("text", "value", "shown", "unit"),
    [
        ("1,5", "1.5", "1,5", ""), ("0.25", "0.25", "0,25", ""), ("-2", "-2", "-2", ""),
        ("−2", "-2", "-2", ""), ("+3", "3", "3", ""), ("1.234,5", "1234.5", "1234,5", ""),
        ("1,234.5", "1234.5", "1234,5", ""), ("1 234", "1234", "1234", ""),
        ("1\u00a0234,5", "1234.5", "1234,5", ""), ("1.234.567", "1234567", "1234567", ""),
        ("1,234,567", "1234567", "1234567", ""), ("0.125", "0.125", "0,125", ""),
        ("1234.567", "1234.567", "1234,567", ""), ("12,5 cm", "12.5", "12,5", "cm"),
        ("12,5cm²", "12.5", "12,5", "cm²"), ("5 km / h", "5", "5", "km/h"),
        ("40 %", "40", "40", "%"), ("30°", "30", "30", "°"), ("5 học sinh", "5", "5", "học sinh"),
    ],
)  # fmt: skip
def test_what_a_number_is(text: str, value: str, shown: str, unit: str) -> None:
    found = written_number(text)
    assert found is not None and not found.is_doubtful
    assert (found.value, found.text, found.unit) == (Decimal(value), shown, unit)


@pytest.mark.parametrize(
    "text",
    [".5", ",5", "1/2", "2^3", "1e5", "1E-5", "1 2", "1 2345", "1.2.3", "1.234.5", "1,23,456",
     "--1", "5; 6", "1 hoặc 2", "2 và 3", "5 hay 6", "√2", "", "x", "2x + 1", "5 cm 3", "12h30",
     "1:2", "9" * 50],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    assert written_number(text) is None


def test_what_may_be_two_numbers_is_told() -> None:
    thousands = written_number("1.234")
    assert thousands is not None and thousands.is_doubtful and thousands.value == 1234
    told = [written_number("1,234", decimal_comma=comma) for comma in (True, False)]
    assert [one and (one.value, one.is_doubtful) for one in told] == [
        (Decimal("1.234"), False), (Decimal("1.234"), True),
    ]  # fmt: skip
