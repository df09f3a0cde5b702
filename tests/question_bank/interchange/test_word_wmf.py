"""Windows metafiles as old equation editors leave them, written record by record."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.word.metafile import FRACTION, SELECT, WINDOW, font, metafile, record, text
from question_bank.errors import FileRefusedError
from question_bank.interchange.pictures import picture
from question_bank.interchange.word.wmf import svg_of_wmf


def test_an_equation_is_drawn_as_svg_that_items_may_hold() -> None:
    svg = svg_of_wmf(metafile(*FRACTION), "image1.wmf")
    assert picture(svg, "image1.wmf").mime == "image/svg+xml"
    drawn = svg.decode()
    assert 'width="96" height="48" viewBox="0 0 1440 720"' in drawn
    assert '<text x="100" y="300"' in drawn and 'font-style="italic"' in drawn
    assert ">x</text>" in drawn and '<text x="250" y="300"' in drawn and ">α</text>" in drawn
    assert '<text x="370" y="300"' in drawn and ">≤</text>" in drawn
    assert '<line x1="80" y1="400" x2="600" y2="400" fill="none" stroke="#000000"' in drawn


@pytest.mark.parametrize(
    "records",
    [
        (record(0x0F43, bytes(40)),),  # a bitmap
        (font("MT Extra"), SELECT[0], text(0, 0, b"l")),
        (font("Symbol", charset=2), SELECT[0], text(0, 0, b"\xff")),
        (),
        (SELECT[2],),
        (record(0x0127, struct.pack("<h", -1)),),
    ],
    ids=["bitmap", "font", "character", "empty", "no object", "nothing saved"],
)
def test_what_cannot_be_drawn_whole_is_refused(records: tuple[bytes, ...]) -> None:
    with pytest.raises(FileRefusedError, match=r"image1\.wmf"):
        svg_of_wmf(metafile(WINDOW, *records), "image1.wmf")


@given(st.binary(max_size=60), st.integers(0, 400))
def test_any_damage_gives_svg_or_our_error(noise: bytes, at: int) -> None:
    sound = metafile(*FRACTION)
    damaged = sound[:at] + noise + sound[at + len(noise) :]
    with suppress(FileRefusedError):
        picture(svg_of_wmf(damaged, "image1.wmf"), "image1.wmf")
