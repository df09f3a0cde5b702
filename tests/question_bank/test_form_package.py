import contextlib
from dataclasses import replace
from xml.sax.saxutils import escape

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.content import clean
from question_bank.errors import MalformedError
from question_bank.item import Media
from question_bank.package import (
    MIME_TYPES,
    PresentedChoice,
    PresentedCluster,
    PresentedForm,
    PresentedInteraction,
    PresentedItem,
    PresentedNumeric,
    PresentedOption,
    PresentedPart,
    decode,
    encode,
)

IDS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
CONTENT = st.text(st.characters(categories=("L", "N", "P", "S", "Z")), max_size=30).map(
    lambda text: f"<p>{escape(text)}</p>"
)
OPTIONS = st.lists(
    st.builds(PresentedOption, IDS, CONTENT), min_size=1, max_size=5, unique_by=lambda o: o.id
).map(tuple)
INTERACTIONS: st.SearchStrategy[PresentedInteraction] = st.one_of(
    st.builds(PresentedChoice, st.sampled_from(("single", "multiple")), OPTIONS),
    st.builds(PresentedCluster, OPTIONS),
    st.builds(PresentedNumeric, st.integers(1, 32), TEXTS, TEXTS),
)


@st.composite
def forms(draw: st.DrawFn) -> PresentedForm:
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    ids = draw(st.lists(IDS, min_size=sum(sizes), max_size=sum(sizes), unique=True))
    parts, number = [], 0
    for size in sizes:
        items = []
        for _ in range(size):
            items.append(PresentedItem(ids[number], number + 1, draw(CONTENT), draw(INTERACTIONS)))
            number += 1
        parts.append(PresentedPart(draw(TEXTS), draw(CONTENT), tuple(items)))
    media = draw(
        st.lists(
            st.builds(Media, IDS, st.sampled_from(MIME_TYPES), st.binary(max_size=20)),
            max_size=2,
            unique_by=lambda m: m.id,
        )
    )
    return PresentedForm(
        draw(TEXTS), draw(TEXTS), draw(IDS), draw(st.integers(1, 300)), tuple(parts), tuple(media)
    )


FORM = PresentedForm(
    "Kỳ thi thử",
    "Toán",
    "0101",
    90,
    (PresentedPart("I", "", (PresentedItem("i1", 1, "s", PresentedNumeric(4, "01", "")),)),),
)


@pytest.mark.slow
@given(forms())
def test_decode_is_the_inverse_of_encode(form: PresentedForm) -> None:
    data = encode(form)
    assert decode(data) == form
    assert encode(decode(data)) == data


@pytest.mark.slow
@given(forms(), st.data())
def test_damaged_bytes_give_our_error_or_another_form(
    form: PresentedForm, data: st.DataObject
) -> None:
    raw = bytearray(encode(form))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MalformedError):
        assert encode(decode(bytes(raw))) == bytes(raw)


@given(st.binary(max_size=64))
def test_any_bytes_give_our_error(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(raw)


def _changed(**changes: object) -> bytes:
    return cbor2.dumps(cbor2.loads(encode(FORM)) | changes, canonical=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": "truong-thi/other"},
        {"schema": 2},
        {"key": "B"},
        {"minutes": 0},
        {"minutes": True},
        {"parts": []},
        {"code": ""},
        {"media": [{"id": "a", "mime": "text/html", "data": b""}]},
        {"media": [{"id": "a", "mime": "image/png", "data": b""}] * 2},
    ],
)
def test_what_the_format_does_not_allow_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        decode(_changed(**changes))


def test_only_canonical_bytes_are_taken() -> None:
    value = cbor2.loads(encode(FORM))
    shuffled = dict(reversed(value.items()))
    with pytest.raises(MalformedError, match="canonical"):
        decode(cbor2.dumps(shuffled))
    with pytest.raises(MalformedError):
        decode(encode(FORM) + b"\x00")


@pytest.mark.parametrize(
    "stem", ["<p onclick='x()'>a</p>", "<script>x</script>", "<p>open", '<img src="media:none"/>']
)
def test_content_that_a_kiosk_must_not_show_is_refused(stem: str) -> None:
    item = replace(FORM.items[0], stem=stem)
    form = replace(FORM, parts=(PresentedPart("I", "", (item,)),))
    with pytest.raises(MalformedError):
        encode(form)


def test_the_same_bytes_are_read_once_and_what_was_refused_is_refused_again() -> None:
    data = encode(FORM)
    assert decode(data) is decode(bytes(bytearray(data)))
    for _ in range(2):
        with pytest.raises(MalformedError):
            decode(data[:-1])
    assert decode(data).code == FORM.code


def test_a_picture_that_is_missing_is_noticed_also_in_content_known_from_another_form() -> None:
    stem = clean('<p><img src="media:m1" alt="x"/></p>')
    item = replace(FORM.items[0], stem=stem)
    parts = (PresentedPart("I", "", (item,)),)
    whole = replace(FORM, parts=parts, media=(Media("m1", "image/png", b"png"),))
    assert decode(encode(whole)) == whole
    with pytest.raises(MalformedError, match="picture"):
        encode(replace(whole, media=()))
