"""The catalogues: the same keys in both, every key used exists, none is unused."""

import re
from collections.abc import Iterable
from pathlib import Path
from string import Formatter

import pytest

import exam_server
from card_reader.evidence import AccessProtocol
from card_reader.trust.collection import EntryKind
from card_reader.trust.findings import Finding
from card_reader.trust.passive_authentication import Chain, Dates, Revocation, Signature
from card_reader.verify import ChipProof, Verdict
from exam_server.auth import LoginProblem
from exam_server.checkin.judgement import CheckInReason
from exam_server.checkin.models import Basis, Condition
from exam_server.checkin.pages import CHECKS, Ground
from exam_server.contract.api import CheckInState, FaceRecord, ShiftState, StationState
from exam_server.errors import Objection
from exam_server.proctoring.views import Sitting, StationHealth, Trouble
from exam_server.shifts.pages import Step
from exam_server.staff import Role
from exam_server.trust.models import DocumentKind
from exam_server.web import texts
from exam_server.web.failures import PAGES
from exam_server.web.texts import Language

PACKAGE = Path(exam_server.__file__).parent
TEMPLATES = sorted((PACKAGE / "web/templates").rglob("*.html"))
SOURCES = sorted(PACKAGE.rglob("*.py"))
TEMPLATE_TEXT = "\n".join(path.read_text("utf-8") for path in TEMPLATES)
SOURCE_TEXT = "\n".join(path.read_text("utf-8") for path in SOURCES)
LITERALS = set(re.findall(r'"(\w+)"', SOURCE_TEXT)) | set(re.findall(r"(\w+)=", SOURCE_TEXT))

FUSION_MODES = {
    "mean_of_three_four_views",
    "mean_of_two_four_views",
    "single_four_views",
    "none",
}


def _values(*kinds: Iterable[object]) -> set[str]:
    return {str(member) for kind in kinds for member in kind}


#: Closed lists: each family holds exactly these codes.
FAMILIES = {
    "role": _values(Role),
    "login_problem": _values(LoginProblem),
    "manual_problem": {f"second_{problem}" for problem in LoginProblem},
    "shift_state": _values(ShiftState),
    "shift_step_title": _values(Step),
    "shift_step_meaning": _values(Step),
    "shift_step_do": _values(Step),
    "shift_step_problem": _values(Step),
    "sitting": _values(Sitting),
    "station_health": _values(StationHealth),
    "station_state": _values(StationState),
    "trouble": _values(Trouble),
    "condition_kind": _values(Condition),
    "checkin_state": _values(CheckInState),
    "ground": _values(Ground),
    "basis": _values(Basis),
    "liveness": {FaceRecord.model_fields["liveness"].default},
    "fusion": FUSION_MODES,
    "reason": _values(Finding, CheckInReason),
    "check": set(CHECKS),
    "check_value": _values(Verdict, Signature, Chain, Revocation, Dates, ChipProof, AccessProtocol)
    | {"true", "false", "none"},
    "objection": _values(Objection),
    "field_error": _values(Objection)
    | {"missing", "minutes", "ground_mismatch", "photograph", "second"},
    "error_title": _values(PAGES),
    "error_remedy": _values(PAGES),
    "actor": {"staff", "station", "server", "operator"},
    "trust_kind": _values(EntryKind),
    "trust_meaning": _values(EntryKind),
    "trust_document": _values(DocumentKind),
    "done": set(re.findall(r'done="(\w+)"', SOURCE_TEXT))
    | {"admitted", "refused", "time_extend", "time_pause", "time_resume"}
    | {f"shift_{step}" for step in Step},
}
#: Lists that services add to: every code must be written somewhere in them.
OPEN_FAMILIES = {"action", "detail", "subject"}
_AFTER_CODE = r'", [\w.]*(?:f"|subject|reason|shift|checkin|now)'
LOGGED = set(re.findall(r'action="([a-z]+_[a-z_]+)"', SOURCE_TEXT)) | set(
    re.findall(r'_(?:log|changed)\([^")(]*"([a-z]+_?[a-z_]*)' + _AFTER_CODE, SOURCE_TEXT)
)
LOGGED -= {"store_true", "store_false"}  # of command lines


def _family_of(key: str) -> str:
    return key.partition(".")[0]


def _keys(language: Language) -> set[str]:
    return set(texts.catalogue(language))


def test_both_languages_have_the_same_keys_and_no_empty_text() -> None:
    assert _keys(Language.VIETNAMESE) == _keys(Language.ENGLISH)
    for language in Language:
        assert all(text.strip() for text in texts.catalogue(language).values())


def test_both_languages_fill_in_the_same_values() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    english = texts.catalogue(Language.ENGLISH)
    for key, text in texts.catalogue(Language.VIETNAMESE).items():
        assert fields(text) == fields(english[key]), key


def test_the_languages_are_really_two() -> None:
    english = texts.catalogue(Language.ENGLISH)
    alike = {
        key for key, text in texts.catalogue(Language.VIETNAMESE).items() if text == english[key]
    }
    assert alike == {"site.name"}


def test_every_key_used_exists_and_none_is_unused() -> None:
    used = set(re.findall(r'\bt\("([a-z_.]+)"', TEMPLATE_TEXT))
    used |= set(re.findall(r'texts?\.?(?:text)?\(\s*language, "([a-z_.]+)"', SOURCE_TEXT))
    used |= set(re.findall(r'"(nav\.[a-z_]+)"', SOURCE_TEXT))
    families = set(FAMILIES) | OPEN_FAMILIES
    plain = {key for key in _keys(Language.VIETNAMESE) if _family_of(key) not in families}
    assert used - plain == set(), "used but missing"
    assert plain - used == set(), "never used"


def test_every_family_used_is_known_and_none_is_unused() -> None:
    used = set(re.findall(r'word\(\s*"(\w+)"', TEMPLATE_TEXT))
    used |= set(re.findall(r'visit\.word\(\s*"(\w+)"', SOURCE_TEXT))
    used |= set(re.findall(r'texts\.word\(\s*language, "(\w+)"', SOURCE_TEXT))
    assert used == set(FAMILIES) | OPEN_FAMILIES


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_closed_family_holds_exactly_its_codes(family: str) -> None:
    kept = {
        key.partition(".")[2] for key in _keys(Language.VIETNAMESE) if _family_of(key) == family
    }
    assert kept == FAMILIES[family]


@pytest.mark.parametrize("family", sorted(OPEN_FAMILIES))
def test_an_open_family_holds_nothing_that_is_never_written(family: str) -> None:
    kept = {
        key.partition(".")[2] for key in _keys(Language.VIETNAMESE) if _family_of(key) == family
    }
    assert len(kept) > 5
    derived = {f"checkin_{state}" for state in CheckInState}
    derived |= set(re.findall(r'"(\w+):', SOURCE_TEXT))
    assert kept - LITERALS - derived == set()


def test_every_logged_action_has_words() -> None:
    assert len(LOGGED) > 20
    missing = {code for code in LOGGED if not texts.known(Language.VIETNAMESE, f"action.{code}")}
    assert missing == set()


def test_no_template_holds_words_of_its_own() -> None:
    for path in TEMPLATES:
        marks = r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>"
        plain = re.sub(marks, " ", path.read_text("utf-8"), flags=re.DOTALL)
        words = set(re.findall(r"[^\W\d_]{2,}", plain)) - {"English", "Tiếng", "Việt"}
        assert words == set(), path.name


def test_an_unknown_cookie_gives_vietnamese() -> None:
    assert texts.chosen(None) is texts.chosen("xx") is Language.VIETNAMESE
    assert texts.chosen("en") is Language.ENGLISH
