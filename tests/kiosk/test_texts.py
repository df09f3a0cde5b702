"""The catalogues: the same keys in both languages, every code has words, nothing is left over."""

import re
import string
from enum import StrEnum
from pathlib import Path

import pytest

from card_reader.errors import CardReason
from card_reader.trust.findings import Finding
from exam_server.contract.errors import ErrorCode
from exam_station.face.quality import Hint
from exam_station.flow.codes import CardTrouble, Language, NoticeCode, Problem
from exam_station.ui.screens.consent import POINTS
from exam_station.ui.screens.reading import PHASES
from exam_station.ui.screens.waiting import RULES, SEQUENTIAL_RULES
from exam_station.ui.texts import Texts
from exam_station.ui.theme import TextSize

UI = Path(__file__).parents[2] / "exam_station" / "ui"
CODES: dict[str, tuple[type[StrEnum], ...]] = {
    "card": (CardReason, CardTrouble),
    "card_remedy": (CardReason, CardTrouble),
    "reason": (Finding, ErrorCode),
    "problem": (Problem,),
    "problem_remedy": (Problem,),
    "notice": (NoticeCode,),
    "notice_remedy": (NoticeCode,),
    "hint": (Hint,),
}
#: Codes of the server's judgement, which the station's packages do not import.
JUDGEMENT = (
    "number_differs",
    "number_unknown",
    "date_of_birth_differs",
    "name_differs",
    "card_expired",
    "chip_not_proven",
    "revocation_not_checked",
    "full_name_missing",
    "chip_refused_before",
    "chip_not_read",
    "room_code_wrong",
    "other_seat",
    "came_too_late",
    "told_after_closing",
    "challenge_not_from_server",
    "no_consent",
    "no_face_record",
    "face_referred",
    "face_record_implausible",
    "by_two_officers",
    "refused_by_officer",
)


def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(UI.rglob("*.py")))


def literal_keys() -> set[str]:
    """Keys written out in the sources, also as a condition's two branches."""
    return set(re.findall(r"[\"']([a-z_]+\.[a-z_0-9]+)[\"']", sources()))


def composed_keys() -> set[str]:
    """Keys that the sources compose of a code."""
    keys = {f"{group}.{code}" for group, enums in CODES.items() for e in enums for code in e}
    keys |= {f"reason.{code}" for code in JUDGEMENT}
    keys |= {f"consent.{point}{tail}" for point in POINTS for tail in ("", "_title")}
    keys |= {f"waiting.rule_{rule}" for rule in (*RULES, *SEQUENTIAL_RULES)}
    keys |= {f"{group}.step_{n}" for group in ("referred", "proctor_confirms") for n in (1, 2, 3)}
    keys |= {f"offline.{act}" for act in ("without_chip", "check_in", "start")}
    keys |= {f"bar.text_{size.name.lower()}" for size in TextSize}
    keys |= {f"navigator.{name}" for name in ("answered", "partly", "unanswered", "flagged")}
    keys |= {f"confirm.{name}" for name in ("unanswered", "partly", "flagged")}
    return keys | {key for key, _ in PHASES}


def test_both_languages_have_the_same_keys() -> None:
    assert Texts(Language.VI).known == Texts(Language.EN).known


def test_both_languages_fill_the_same_gaps() -> None:
    vietnamese, english = Texts(Language.VI), Texts(Language.EN)
    for key in vietnamese.known:
        gaps = [
            {field for _, field, _, _ in string.Formatter().parse(texts(key)) if field is not None}
            for texts in (vietnamese, english)
        ]
        assert gaps[0] == gaps[1], key


def test_every_key_in_the_sources_exists() -> None:
    used = literal_keys()
    groups = {key.split(".")[0] for key in Texts().known}
    missing = {key for key in used if key.split(".")[0] in groups} - Texts().known
    assert not missing


def test_no_key_is_left_over() -> None:
    assert not Texts().known - literal_keys() - composed_keys()


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("group", sorted(CODES))
def test_every_code_has_words(group: str, language: Language) -> None:
    texts = Texts(language)
    for codes in CODES[group]:
        for code in codes:
            words = texts(f"{group}.{code}")
            assert words and words != code.value


def test_no_text_is_empty_or_left_in_the_other_language() -> None:
    vietnamese, english = Texts(Language.VI), Texts(Language.EN)
    same = {key for key in english.known if english(key) == vietnamese(key)}
    assert same == {"common.product"}
    assert all(texts(key).strip() for texts in (vietnamese, english) for key in texts.known)


def test_code_of_a_newer_server_is_named() -> None:
    assert "brand_new" in Texts().of("reason", "brand_new")
