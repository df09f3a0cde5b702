"""The catalogues: the same keys in both, every key used exists, none is unused."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import exam_server
from card_reader.evidence import AccessProtocol
from card_reader.trust.collection import EntryKind
from card_reader.trust.findings import Finding
from card_reader.trust.passive_authentication import Chain, Dates, Revocation, Signature
from card_reader.verify import ChipProof, Verdict
from exam_server.attempts.late_records import Standing
from exam_server.attempts.outstanding import MayHold
from exam_server.auth import LoginProblem
from exam_server.checkin.judgement import CheckInReason
from exam_server.checkin.models import Basis, Condition
from exam_server.checkin.pages import CHECKS, Ground
from exam_server.contract.api import CheckInState, FaceRecord, ShiftState, StationState
from exam_server.errors import Objection
from exam_server.grading.marking_sheet import COLUMNS, SheetFault
from exam_server.items.added_files import FilePlace
from exam_server.items.answer_fields import Label, Legend
from exam_server.items.bulk_models import Task
from exam_server.items.editing import METADATA
from exam_server.items.finding import Sort, Use
from exam_server.items.models import Act as ItemAct
from exam_server.proctoring.time_pages import Change, Scope
from exam_server.proctoring.views import Sitting, StationHealth, Trouble
from exam_server.shifts.codes import Code
from exam_server.shifts.freezing_pages import Act
from exam_server.shifts.pages import Step
from exam_server.staff import Role
from exam_server.trust.models import DocumentKind
from exam_server.web import texts
from exam_server.web.failures import PAGES
from exam_server.web.texts import Language
from question_bank.difference import Part
from question_bank.duplicates import Facet, Likeness
from question_bank.interactions import Kind, ShapeName
from question_bank.interchange.formats import WRITERS
from question_bank.interchange.problems import Severity
from question_bank.item import LEVELS, Bloom, ScoringRule
from question_bank.lifecycle import Action, State

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
    "likeness": _values(Likeness),
    "facet": _values(Facet),
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
    "lack": {Trouble.WRONG_PROGRAM.value, Trouble.PACKAGES_MISSING.value},
    "room_time_change": _values(Change),
    "room_time_scope": _values(Scope),
    "condition_kind": _values(Condition),
    "late_standing": _values(Standing),
    "may_hold": _values(MayHold),
    "judged": {"true", "false"},
    "code_name": _values(Code),
    "code_meaning": _values(Code),
    "code_show": _values(Code),
    "bank_task": _values(Task),
    "item_state": _values(State),
    "item_step": _values(Action),
    "item_kind": set(get_args(Kind)),
    "item_level": set(LEVELS),
    "item_bloom": _values(Bloom),
    "item_use": _values(Use),
    "bank_sort": _values(Sort),
    "export_format": {name.replace(".", "_") for name in WRITERS},
    "item_part": _values(Part),
    "item_field": {"stem", "explanation", "points", "subject", "level", "bloom", "enemies"}
    | set(METADATA),
    "answer_field": _values(Label),
    "answer_group": _values(Legend),
    "answer_hint": _values(Legend),
    "shape": set(get_args(ShapeName)),
    "file_place": _values(FilePlace),
    "marking_sheet": set(COLUMNS),
    "sheet_fault": _values(SheetFault),
    "scoring": {rule.name for rule in get_args(ScoringRule)},
    "problem": set(get_args(Severity)),
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
    | {"missing", "minutes", "ground_mismatch", "photograph", "second"}
    | {"head_code", "not_ready", "nothing_chosen"}
    | {"formula", "content", "number", "options", "one_right", "too_long", "item"}
    | {"other_subject", "item_state", "item_role"}
    | {"unreadable", "too_many", "no_such", "places", "no_pair", "no_place", "no_area", "coords"}
    | {"too_short", "rule_of_its_own", "no_picture", "no_size", "enemies", "points"},
    "error_title": _values(PAGES),
    "error_remedy": _values(PAGES),
    "actor": {"staff", "station", "server", "operator"},
    "trust_kind": _values(EntryKind),
    "trust_meaning": _values(EntryKind),
    "trust_document": _values(DocumentKind),
    "done": set(re.findall(r'done="(\w+)"', SOURCE_TEXT))
    | {"admitted", "refused", "time_extend", "time_pause", "time_resume"}
    | {f"shift_{step}" for step in Step}
    | {f"room_time_{change}" for change in Change}
    | {f"program_{act}" for act in Act}
    | {f"item_{action}" for action in Action}
    | {"item_secret", "export_grant", "export_refuse"},
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
    assert _values(ItemAct) <= {
        key.partition(".")[2] for key in _keys(Language.VIETNAMESE) if _family_of(key) == "action"
    }
    missing = {code for code in LOGGED if not texts.known(Language.VIETNAMESE, f"action.{code}")}
    assert missing == set()


def _logged_details() -> set[str]:
    """The keys of every `details={…}`, and what is handed to a `_log` beyond its parameters."""
    found: set[str] = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        own: dict[str, set[str]] = {
            one.name: {a.arg for a in (*one.args.args, *one.args.kwonlyargs)}
            for one in ast.walk(tree)
            if isinstance(one, ast.FunctionDef)
        }
        for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
            for given in call.keywords:
                if given.arg == "details" and isinstance(given.value, ast.Dict):
                    keys = [key for key in given.value.keys if isinstance(key, ast.Constant)]
                    found |= {str(key.value) for key in keys}
                elif getattr(call.func, "id", "") == "_log" and given.arg:
                    found |= {given.arg} - own["_log"]
    return found


@pytest.mark.slow
def test_every_logged_detail_has_words() -> None:
    assert len(_logged_details()) > 40
    missing = {
        key for key in _logged_details() if not texts.known(Language.VIETNAMESE, f"detail.{key}")
    }
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
