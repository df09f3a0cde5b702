import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.content import MATHML, clean, media_ids, plain_text, rename_media
from question_bank.errors import ContentError

MATH = f'<math xmlns="{MATHML}" alttext="x^{{2}}"><msup><mi>x</mi><mn>2</mn></msup></math>'


def test_clean_keeps_the_whitelist_and_is_idempotent() -> None:
    fragment = f'<p>Cho <b>số</b> {MATH} &lt; 3</p><table><tr><td colspan="2">a</td></tr></table>'
    assert clean(fragment) == fragment
    assert clean(clean(fragment)) == clean(fragment)


@pytest.mark.parametrize(
    ("fragment", "word"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<p onclick="x()">a</p>', "onclick"),
        ('<p style="background:url(http://x)">a</p>', "style"),
        ('<img src="http://example.org/a.png"/>', "img"),
        ('<img src="media:../../etc"/>', "img"),
        ('<a href="javascript:x">a</a>', "a"),
        ('<p class="correct">a</p>', "class"),
        ("<p>&xxe;</p>", "well-formed"),
        ("<p>unclosed", "well-formed"),
        ("</div><div>", "well-formed"),
        (f'<math xmlns="{MATHML}"><maction actiontype="x"><mi>x</mi></maction></math>', "maction"),
        ("a" * 200_001, "more than"),
        ("<b>" * 300 + "</b>" * 300, "well-formed"),
    ],
)
def test_clean_refuses_what_is_outside(fragment: str, word: str) -> None:
    with pytest.raises(ContentError, match=word):
        clean(fragment)


def test_clean_with_report_names_everything_it_changes() -> None:
    told: list[str] = []
    cleaned = clean(
        '<p class="x">a <a href="y">link</a><script>bad()</script></p>',
        lambda element, message: told.append(element),
    )
    assert cleaned == "<p>a link</p>"
    assert told == ["p", "a", "script"]


def test_entities_are_never_expanded() -> None:
    hostile = '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><p>&e;</p>'
    with pytest.raises(ContentError):
        clean(hostile)


def test_plain_text_has_formulas_as_latex() -> None:
    assert plain_text(f"<p>Cho  {MATH}\n là</p><p>hai</p>") == "Cho $x^{2}$ là hai"
    tex = "<semantics><mi>x</mi><annotation encoding='application/x-tex'>y</annotation></semantics>"
    assert plain_text(f'<math xmlns="{MATHML}">{tex}</math>') == "$y$"


def test_annotation_becomes_alttext() -> None:
    tex = "<semantics><mi>x</mi><annotation encoding='application/x-tex'>y</annotation></semantics>"
    assert 'alttext="y"' in clean(f'<math xmlns="{MATHML}">{tex}</math>')


def test_media_are_found_and_renamed() -> None:
    fragment = '<p><img src="media:a.png" alt="x"/></p>'
    assert media_ids(fragment) == ("a.png",)
    assert media_ids(rename_media(fragment, lambda name: "m" + name)) == ("ma.png",)


@given(st.text(max_size=200))
def test_any_text_is_cleaned_or_refused(fragment: str) -> None:
    try:
        cleaned = clean(fragment)
    except ContentError:
        return
    assert clean(cleaned) == cleaned
