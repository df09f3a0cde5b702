"""Loading from files: a whole exam from a folder with its `exam.toml`.

Everything of one call happens in the caller's transaction: all or nothing.
"""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, select

from card_reader.trust.store import Realm
from exam_server import audit
from exam_server.audit import Operator
from exam_server.candidates.roster import read_roster
from exam_server.candidates.service import load_roster
from exam_server.centres.service import CentrePlan, load_centre
from exam_server.errors import InputError
from exam_server.forms import service as forms
from exam_server.forms.models import Exam
from exam_server.grading.marking_rule import MOST_MARKERS
from exam_server.keys import ServerKeys
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift

MAX_FILE = 64 * 1024 * 1024
EXAM_FILE = "exam.toml"


class _Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExamPlan(_Plan):
    """The exam itself."""

    code: str = Field(min_length=1, max_length=40)
    name: str = Field(min_length=1, max_length=200)


class ShiftPlan(_Plan):
    """One shift and the roster of its candidates."""

    name: str = Field(min_length=1, max_length=80)
    starts_at: AwareDatetime
    roster: str


class PaperPlan(_Plan):
    """One paper: a QTI 3 package and the codes (mã đề) to be made of it. `markers` and
    `difference`: how many people mark what only people can, and how far two may lie apart.
    `open`: the bank need not hold the items as secret ones (a practice paper)."""

    name: str = Field(min_length=1, max_length=60)
    package: str
    codes: list[str] = Field(min_length=1, max_length=100)
    markers: int = Field(default=1, ge=1, le=MOST_MARKERS)
    difference: Decimal = Field(default=Decimal(0), ge=0, max_digits=6, decimal_places=2)
    open: bool = False


class ExamFolder(_Plan):
    """What `exam.toml` says. File names are relative to its folder."""

    realm: Realm
    exam: ExamPlan
    centre: CentrePlan
    shift: ShiftPlan
    papers: list[PaperPlan] = Field(min_length=1, max_length=50)


@dataclass(frozen=True, slots=True)
class LoadedExam:
    """What was loaded."""

    exam: Exam
    shift: Shift
    candidates: int
    forms: int
    warnings: tuple[str, ...]


def read_file(path: Path) -> bytes:
    """The bytes of `path`; InputError where it cannot be read or is far too large."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(f"{path} is larger than {MAX_FILE // 2**20} MB")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def read_toml(path: Path) -> dict[str, object]:
    """The tables of a TOML file; InputError where it is none."""
    try:
        return tomllib.loads(read_file(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no sound TOML: {error}") from error


def first_fault(path: Path, error: ValidationError) -> InputError:
    """One line for the first thing that does not fit."""
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    return InputError(f"{path}: {place}: {fault['msg']}")


def load_exam(
    session: Session,
    folder: Path,
    *,
    realm: Realm,
    keys: ServerKeys,
    now: datetime,
    starts_at: datetime | None = None,
) -> LoadedExam:
    """A whole exam from `folder`: centre, papers with their forms, shift, roster, packages.

    `starts_at` takes the place of the file's own moment.
    """
    path = folder / EXAM_FILE
    try:
        plan = ExamFolder.model_validate(read_toml(path))
    except ValidationError as error:
        raise first_fault(path, error) from error
    if plan.realm is not realm:
        raise InputError(f"{path} is of realm {plan.realm}, this server of realm {realm}")
    if session.scalar(select(Exam.id).where(Exam.code == plan.exam.code)) is not None:
        raise InputError(f"the exam {plan.exam.code} was loaded before")
    exam = Exam(code=plan.exam.code, name=plan.exam.name, realm=realm)
    session.add(exam)
    session.flush()
    centre = load_centre(session, plan.centre)
    shift = shifts.new_shift(
        session,
        exam_id=exam.id,
        centre_id=centre.id,
        name=plan.shift.name,
        starts_at=(starts_at or plan.shift.starts_at).astimezone(UTC),
        sealing=keys.sealing,
    )
    warnings: list[str] = []
    made = 0
    for paper_plan in plan.papers:
        file = folder / paper_plan.package
        source = forms.read_paper(read_file(file), file.name)
        paper = forms.load_paper(
            session,
            exam,
            name=paper_plan.name,
            source=source,
            codes=paper_plan.codes,
            sealing=keys.sealing,
            now=now,
            markers=paper_plan.markers,
            difference=paper_plan.difference,
            secret=not paper_plan.open,
        )
        made += len(forms.seal_packages(session, shift, paper, keys=keys, now=now))
        warnings.extend(source.warnings)
    roster = folder / plan.shift.roster
    lines = read_roster(read_file(roster), roster.name)
    placements = load_roster(session, lines, shift=shift, file=roster.name)
    shifts.assign_forms(session, shift)
    audit.record(
        session,
        actor=Operator().actor,
        action="exam_loaded",
        subject=f"exam:{exam.id}",
        details={"code": exam.code, "candidates": len(placements), "forms": made},
        now=now,
    )
    return LoadedExam(exam, shift, len(placements), made, tuple(warnings))
