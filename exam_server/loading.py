"""Loading from files: trust, and a whole exam from a folder with its `exam.toml`.

Everything of one call happens in the caller's transaction: all or nothing.
"""

import hashlib
import threading
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, select

from card_reader.errors import CardError
from card_reader.trust.crl import parse_crl
from card_reader.trust.master_list import parse_certificate_file
from card_reader.trust.store import Realm, TrustStore
from exam_server import audit
from exam_server.audit import Operator
from exam_server.candidates.roster import read_roster
from exam_server.candidates.service import load_roster
from exam_server.centres.service import CentrePlan, load_centre
from exam_server.errors import InputError
from exam_server.forms import service as forms
from exam_server.forms.models import Exam
from exam_server.keys import ServerKeys
from exam_server.shifts import service as shifts
from exam_server.shifts.models import Shift

ANCHORS, REVOCATIONS = "anchors", "crls"
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
    """One paper: a QTI 3 package and the codes (mã đề) to be made of it."""

    name: str = Field(min_length=1, max_length=60)
    package: str
    codes: list[str] = Field(min_length=1, max_length=100)


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


def load_trust(directory: Path, sources: list[Path], *, realm: Realm) -> tuple[int, int]:
    """Copies anchors and CRLs from files or folders; how many anchors and CRLs there are now.

    A folder's other files are left alone; a file named by itself must be one of them.
    """
    anchors: list[Path] = []
    revocations: list[Path] = []
    for source in sources:
        if not source.exists():
            raise InputError(f"{source} does not exist")
        files = sorted(item for item in source.iterdir()) if source.is_dir() else [source]
        for file in files:
            kind = _kind(file) if file.is_file() else None
            if kind is not None:
                (anchors if kind == ANCHORS else revocations).append(file)
            elif not source.is_dir():
                raise InputError(f"{file} holds no certificates, master list or CRL")
    if not anchors and not revocations:
        raise InputError("nothing to load: no certificate, master list or CRL among these files")
    store = _trust(directory, anchors, revocations, realm)
    for kind, found in ((ANCHORS, anchors), (REVOCATIONS, revocations)):
        target = trust_folder(directory) / kind
        target.mkdir(parents=True, exist_ok=True)
        for file in found:
            # Named by content: two authorities' files of one name stand beside each other.
            data = read_file(file)
            kept = target / f"{hashlib.sha256(data).hexdigest()}{file.suffix}"
            unfinished = kept.with_name(kept.name + ".new")
            unfinished.write_bytes(data)
            # At once and whole: a running server reads the folder again at the next check-in.
            unfinished.replace(kept)
    return len(store.anchors), len(store.crls)


def _kind(file: Path) -> str | None:
    data = read_file(file)
    try:
        parse_crl(data)
    except CardError:
        pass
    else:
        return REVOCATIONS
    try:
        found = parse_certificate_file(data)
    except CardError:
        return None
    return ANCHORS if any(item.is_ca for item in found.certificates) else None


def trust_folder(directory: Path) -> Path:
    """Where a server keeps its anchors and CRLs."""
    return directory / "trust"


def read_trust(directory: Path, realm: Realm) -> TrustStore:
    """The trust of the server in `directory`; empty before any was loaded."""
    return _trust(directory, [], [], realm)


class TrustFolder:
    """The trust of the server in `directory`, read again whenever its files change.

    Calling it gives the store; InputError where the files cannot be used, and then nobody is let
    in on older ones.
    """

    def __init__(self, directory: Path, realm: Realm) -> None:
        self._directory, self._realm = directory, realm
        self._lock = threading.Lock()
        self._stamp = self._now()
        self._store = read_trust(directory, realm)

    def __call__(self) -> TrustStore:
        with self._lock:
            stamp = self._now()
            if stamp != self._stamp:
                self._store = read_trust(self._directory, self._realm)
                self._stamp = stamp
            return self._store

    def _now(self) -> list[tuple[str, int, int]]:
        """Name, time and size of every file; cheap enough for every check-in."""
        found = []
        for kind in (ANCHORS, REVOCATIONS):
            folder = trust_folder(self._directory) / kind
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                stat = file.stat()
                found.append((f"{kind}/{file.name}", stat.st_mtime_ns, stat.st_size))
        return found


def _trust(
    directory: Path, anchors: list[Path], revocations: list[Path], realm: Realm
) -> TrustStore:
    """What the server has, and these files beside it."""
    folder = trust_folder(directory)
    kept = [folder / kind for kind in (ANCHORS, REVOCATIONS) if (folder / kind).is_dir()]
    paths = [path for path in kept if path.name == ANCHORS] + anchors
    crls = [path for path in kept if path.name == REVOCATIONS] + revocations
    try:
        return TrustStore.load(paths, crls=crls, realm=realm)
    except CardError as error:
        raise InputError(f"the certificates cannot be used: {error}") from error
