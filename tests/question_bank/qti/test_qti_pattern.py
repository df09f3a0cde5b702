"""Regular expressions of XML Schema: what they match, and that none can make matching slow."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.errors import ScoringError
from question_bank.qti.pattern import PatternError, compiled


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("abc", ["abc"], ["xabc", "abcx", "ab", ""]),
        ("a|bc|", ["a", "bc", ""], ["ab", "c"]),
        ("a?b*c+", ["c", "abbc", "bcc"], ["ab", "aac"]),
        ("(ab){2}", ["abab"], ["ab", "ababab"]),
        ("a{2,}", ["aa", "aaaaa"], ["a"]),
        ("a{1,3}", ["a", "aaa"], ["", "aaaa"]),
        ("a{0}b", ["b"], ["ab"]),
        ("[a-c]+", ["abc"], ["abd"]),
        ("[^a-c]", ["d", "ư"], ["a"]),
        ("[a-z-[aeiou]]+", ["xyz"], ["xaz"]),
        ("[-a]", ["-", "a"], ["b"]),
        ("[a-]", ["-", "a"], ["b"]),
        (r"[\d,.]+", ["1,5.2"], ["a"]),
        (r"\d+", ["12", "٣"], ["a", ""]),
        (r"\D\s\S\w\W", ["a bc-"], ["1 bc-"]),
        (r"\i\c*", ["x-1", "_a"], ["1x"]),
        (r"\p{Lu}\p{Ll}+", ["Huế"], ["huế"]),
        (r"\P{L}", ["1"], ["a"]),
        (r"\p{IsLatinExtendedAdditional}+", ["ếạ"], ["e"]),
        (".", ["a", "ế"], ["\n", ""]),
        (r"\.\\\(\)\[\]\{\}\?\*\+\|\-\^\n\t", [".\\()[]{}?*+|-^\n\t"], ["a"]),
        ("a^b$", ["a^b$"], ["ab"]),  # no anchors in XML Schema
        ("^ab$", ["ab", "^ab$"], ["^ab", "ab$"]),  # but authors write them at both ends
        ("^a|b$", ["a", "b", "^a", "b$"], ["a|b"]),
        ("(?:ab)+", ["abab"], ["a"]),
        (r"\$5", ["$5"], ["5"]),
        ("", [""], ["a"]),
        ("(a*)*", ["", "aaa"], ["b"]),
        ("()", [""], ["a"]),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not compiled(pattern).matches(text)] == []
    assert [text for text in wrong if compiled(pattern).matches(text)] == []


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "[]", "[z-a]", "*a", "a**", "a{2,1}", "a{x}", "a{", r"\b", r"\p{Xx}", "\\",
     r"\pL", "(?=a)", "[a-z-[b]", "]", r"\p{IsElvish}"],
)  # fmt: skip
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["a" * 1001, "(" * 60 + "a" + ")" * 60, "(a{1000}){1000}", "((((){1000}){1000}){1000}){1000}",
     "a{999999}"],
)  # fmt: skip
def test_patterns_that_are_too_big(pattern: str) -> None:
    with pytest.raises(ScoringError):
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*b", "(a?){50}a{50}b"])
def test_no_pattern_is_exponential(pattern: str) -> None:
    """The work is counted, not timed: each character advances each state once."""
    automaton = compiled(pattern)
    assert len(automaton.states) < 500
    assert not automaton.matches("a" * 2000)


def test_without_case() -> None:
    assert compiled("đà [l-n]ạt", case_sensitive=False).matches("ĐÀ LẠT")
    assert not compiled("đà lạt").matches("ĐÀ LẠT")


_TREES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", "."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        inner.map(lambda part: f"({part})*"),
        inner.map(lambda part: f"({part})?"),
        inner.map(lambda part: f"({part}){{1,2}}"),
    ),
    max_leaves=6,
)


@given(_TREES, st.text("abc", max_size=6))
def test_patterns_agree_with_another_engine(pattern: str, text: str) -> None:
    assert compiled(pattern).matches(text) == bool(re.fullmatch(pattern, text))
