"""Writes docs/codes.md: every closed list of codes with what each code means.

The lists are read from the code and the meanings from remedies, explanations and the English
texts, so the page cannot drift; a test compares it with what this prints.
"""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import get_args

from card_reader.access.citizen_qr import QrLayout
from card_reader.comparison import ComparedField, ComparisonCode, Sameness, Source
from card_reader.errors import CardReason
from card_reader.evidence import AccessPolicy, AccessProtocol, Downgrade, Freshness
from card_reader.lds.images import Deviation
from card_reader.reader import StepName
from card_reader.report import ChipProof, DataGroup, Verdict
from card_reader.sessions.session_file import Procedure
from card_reader.simulator.profile import Defect
from card_reader.trust.findings import Finding
from card_reader.trust.inventory import Kind, SignatureState
from card_reader.trust.master_list import ListSignature
from card_reader.trust.passive_authentication import Chain, Dates, Revocation, Signature
from exam_server.access import Permission
from exam_server.attempts.fencing_models import Side
from exam_server.attempts.late_records import Standing
from exam_server.attempts.models import SetAside
from exam_server.attempts.outstanding import MayHold
from exam_server.attempts.recovery import Fate
from exam_server.checkin.judgement import CheckInReason
from exam_server.checkin.models import Basis
from exam_server.contract.api import AttemptState, CheckInState, ShiftState, StationState
from exam_server.contract.attempt_proof import Flaw
from exam_server.contract.errors import ErrorCode
from exam_server.contract.start_code import StartCodeFault
from exam_server.errors import Objection
from exam_server.grading.marking_sheet import SheetFault
from exam_server.serving.health import Readiness
from exam_server.staff import Role
from exam_station.face.errors import FaceReason
from exam_station.face.policy import FaceDecision, FusionMode
from exam_station.face.quality import Hint
from exam_station.flow.codes import CardTrouble, NoticeCode, Problem
from exam_station.selftest import Part
from question_bank.duplicates import Likeness
from question_bank.interchange.problems import Severity
from question_bank.item import Kind as ItemKind
from question_bank.lifecycle import State as ItemState

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "codes.md"
Texts = Mapping[str, Mapping[str, str]]

HEAD = """# Codes

The closed lists of codes that commands, screens and the interface may give. Codes are added, never
renamed. This page is written by `scripts/codes_page.py` from the code itself.
"""


def _texts(path: str) -> Texts:
    return tomllib.loads((ROOT / path).read_text("utf-8"))


def _table(title: str, where: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"\n## {title}\n", f"{where}\n", "| code | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {meaning.replace('|', '/')} |" for code, meaning in rows]
    return "\n".join(lines) + "\n"


def _worded(kind: type[StrEnum], texts: Texts, group: str) -> list[tuple[str, str]]:
    words = texts.get(group, {})
    return [(code.value, words.get(code.value, "")) for code in kind]


def _plain(*kinds: type[StrEnum]) -> list[tuple[str, str]]:
    """Lists whose codes speak for themselves, one list a row."""
    return [(kind.__name__, ", ".join(f"`{code.value}`" for code in kind)) for kind in kinds]


def page() -> str:
    """The whole page."""
    kiosk = _texts("exam_station/ui/locale/en.toml")
    staff = _texts("exam_server/web/locale/en.toml")
    kinds = [("kind", ", ".join(get_args(ItemKind))), ("severity", ", ".join(get_args(Severity)))]
    return "".join(
        [
            HEAD,
            _table(
                "Card errors",
                "`card_reader.errors.CardReason`",
                [(c, c.remedy) for c in CardReason],
            ),
            _table(
                "Findings on a chip",
                "`reasons` of `card-reader verify` and `read`, and of a check-in",
                [(finding, finding.explanation) for finding in Finding],
            ),
            _table(
                "Values of a verdict",
                "Keys of `card-reader verify`, `read` and `trust`, as DESIGN's contract has them",
                _plain(
                    *(Verdict, Signature, Chain, Revocation, Dates, DataGroup, ChipProof),
                    *(AccessProtocol, Downgrade, AccessPolicy),
                    *(Freshness, Kind, SignatureState, ListSignature, Defect),
                ),
            ),
            _table(
                "Comparison of what a card says",
                "`comparison` of `card-reader read`; "
                + "; ".join(" ".join(row) for row in _plain(ComparedField, Source, Sameness)),
                [(code, code.explanation) for code in ComparisonCode],
            ),
            _table(
                "Portraits that deviate from their standard",
                "`card_reader.lds.images.Deviation`; the portrait is used all the same",
                [(code, code.explanation) for code in Deviation],
            ),
            _table(
                "Reading and recording",
                "Steps of a reading; layouts of a QR code; `procedure` of a recorded session",
                _plain(StepName, QrLayout, Procedure),
            ),
            _table(
                "Items",
                "`question-bank show`, `import` and `duplicates`",
                [*kinds, *_plain(ItemState, Likeness)],
            ),
            _table(
                "Refusals of the stations' interface",
                "`exam_server.contract.errors.ErrorCode`",
                _worded(ErrorCode, kiosk, "reason"),
            ),
            _table(
                "Records that arrive late or from a disk",
                "Why a record is evidence only; `fates` of `exam-server journal import`",
                _plain(SetAside, Fate),
            ),
            _table(
                "Flaws of an exported attempt",
                "`faults` of `exam-server audit verify FILE`",
                [(flaw, flaw.explanation) for flaw in Flaw],
            ),
            _table(
                "Reasons of a check-in",
                "Beside the findings",
                _worded(CheckInReason, staff, "reason"),
            ),
            _table("Basis of an identity", "A check-in's `basis`", _worded(Basis, staff, "basis")),
            _table(
                "Objections of the server",
                "Pages and commands",
                _worded(Objection, staff, "objection"),
            ),
            _table(
                "Faults of a marker's sheet",
                "The page that takes it",
                _worded(SheetFault, staff, "sheet_fault"),
            ),
            _table(
                "States",
                "Of shifts, attempts, check-ins and stations",
                _plain(ShiftState, AttemptState, CheckInState, StationState),
            ),
            _table(
                "What is wrong with a start code",
                "`exam_server.contract.start_code.StartCodeFault`; the groups to look at come with"
                " it",
                _plain(StartCodeFault),
            ),
            _table(
                "Records and leases",
                "Why a record is evidence only; whether a late answer may be adopted; why answers "
                "may be outstanding at the closing; whose journal counts in a `lease_conflict`",
                _plain(SetAside, Standing, MayHold, Side),
            ),
            _table("Roles and permissions", "Staff", _plain(Role, Permission)),
            _table("Readiness", "Of each thing that `/ready` names", _plain(Readiness)),
            _table(
                "What is wrong with a kiosk",
                "Its screen says it",
                _worded(Problem, kiosk, "problem"),
            ),
            _table("A tap that came to nothing", "The kiosk", _worded(CardTrouble, kiosk, "card")),
            _table("Notices", "The kiosk calls the proctor", _worded(NoticeCode, kiosk, "notice")),
            _table("Hints at the camera", "The kiosk", _worded(Hint, kiosk, "hint")),
            _table("Face", "See `face.md`", _plain(FaceDecision, FusionMode, FaceReason)),
            _table("Self-test", "`exam-station selftest`", _plain(Part)),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
