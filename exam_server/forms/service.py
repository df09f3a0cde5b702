"""Papers: from a QTI 3 package to base forms, forms, and packages sealed for a shift."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from exam_server.contract.sealed_package import CONTENT_KEY_BYTES, PackageHeader, seal
from exam_server.db import new_id
from exam_server.errors import InputError
from exam_server.forms.models import BaseForm, Exam, Form, Package, Paper
from exam_server.items import life
from exam_server.items import service as items
from exam_server.keys import ServerKeys
from exam_server.sealing import Sealed, Sealing
from exam_server.shifts.models import Shift
from exam_server.shifts.release import lock_content_key
from question_bank import assembly, package
from question_bank.errors import QuestionBankError
from question_bank.interchange.problems import Problem
from question_bank.interchange.qti3 import read_qti3
from question_bank.item import Item

SEED_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class PaperSource:
    """What a package holds: its items and base forms, all of one paper."""

    items: tuple[Item, ...]
    base_forms: tuple[assembly.BaseForm, ...]
    warnings: tuple[str, ...]


def read_paper(data: bytes, file: str) -> PaperSource:
    """The paper of a QTI 3 package; InputError names every fault, and nothing is dropped."""
    try:
        imported = read_qti3(data, file)
    except QuestionBankError as error:
        raise InputError(str(error)) from error
    errors = tuple(_line(problem) for problem in imported.problems if _fatal(problem))
    if errors:
        raise InputError(f"{file} holds {len(errors)} faults; correct them", errors)
    if not imported.base_forms:
        raise InputError(f"{file} holds no test, so no base form; export it with its tests")
    if len({form.minutes for form in imported.base_forms}) != 1:
        raise InputError(f"{file}: the base forms of one paper must have the same time")
    warnings = tuple(_line(problem) for problem in imported.problems if not _fatal(problem))
    return PaperSource(imported.items, imported.base_forms, warnings)


def _fatal(problem: Problem) -> bool:
    return problem.severity == "error"


def _line(problem: Problem) -> str:
    place = f", line {problem.line}" if problem.line else ""
    return f"{problem.file}{place}: {problem.message}"


def load_paper(
    session: Session,
    exam: Exam,
    *,
    name: str,
    source: PaperSource,
    codes: Sequence[str],
    sealing: Sealing,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
    markers: int = 1,
    difference: Decimal = Decimal(0),
    secret: bool = True,
) -> Paper:
    """Stores items and base forms and arranges one form for each of `codes`, in turn over them.
    What only people can mark, `markers` of them mark (`grading.marking_rule`). `secret`: the bank
    holds the items as secret ones from now on."""
    taken = select(Paper.id).where(Paper.exam_id == exam.id, Paper.name == name)
    if session.scalar(taken) is not None:
        raise InputError(f"the exam {exam.code} has the paper {name} already")
    if not codes or len(set(codes)) != len(codes):
        raise InputError("give at least one code (mã đề), each only once")
    minutes = source.base_forms[0].minutes
    paper = Paper(
        exam_id=exam.id, name=name, minutes=minutes, markers=markers, difference=difference
    )
    session.add(paper)
    session.flush()
    stored = items.store(session, source.items, secret=secret, sealing=sealing, now=now)
    kept = [_store_base_form(session, paper, form, sealing) for form in source.base_forms]
    for index, code in enumerate(codes):
        base, base_id = source.base_forms[index % len(kept)], kept[index % len(kept)]
        _make_form(session, exam, paper, base, base_id, stored, code, sealing, rng)
    session.flush()
    used = {name for form in source.base_forms for part in form.parts for name in part.items}
    standing = [item for item in stored if item.id in used]
    life.use(session, standing, f"{exam.name} · {name}", sealing=sealing, now=now)
    return paper


def _store_base_form(
    session: Session, paper: Paper, form: assembly.BaseForm, sealing: Sealing
) -> str:
    form_id = new_id()
    parts = [[part.title, part.instructions, list(part.items), part.minutes] for part in form.parts]
    plain = {"id": form.id, "title": form.title, "minutes": form.minutes, "parts": parts}
    plain["sequential"] = form.sequential
    body = json.dumps(plain, ensure_ascii=False).encode()
    session.add(
        BaseForm(
            id=form_id,
            paper_id=paper.id,
            name=form.id,
            body=sealing.seal(Sealed.BASE_FORM, form_id, body),
        )
    )
    session.flush()
    return form_id


def _make_form(
    session: Session,
    exam: Exam,
    paper: Paper,
    base: assembly.BaseForm,
    base_id: str,
    bank: Sequence[Item],
    code: str,
    sealing: Sealing,
    rng: Callable[[int], bytes],
) -> None:
    seed, form_id = rng(SEED_BYTES), new_id()
    try:
        arranged = assembly.arrange(
            _titled(base, paper), bank, code=code, seed=seed, exam=exam.name
        )
        body = package.encode(arranged.form)
    except QuestionBankError as error:
        raise InputError(f"form {code} cannot be made: {error}") from error
    mapping = json.dumps(arranged.mapping.to_plain()).encode()
    session.add(
        Form(
            id=form_id,
            paper_id=paper.id,
            base_form_id=base_id,
            code=code,
            seed=sealing.seal(Sealed.FORM_SEED, form_id, seed),
            body=sealing.seal(Sealed.FORM_BODY, form_id, body),
            mapping=sealing.seal(Sealed.FORM_MAPPING, form_id, mapping),
            sections=_sections(arranged.form),
        )
    )


def _sections(form: package.PresentedForm) -> list[dict[str, Any]] | None:
    """What the server holds answers of a sequential paper to; None for a free one."""
    if not form.sequential:
        return None
    return [
        {"minutes": part.minutes, "items": [item.id for item in part.items]} for part in form.parts
    ]


def _titled(base: assembly.BaseForm, paper: Paper) -> assembly.BaseForm:
    """Candidates are shown the paper's name in this exam, not the author's."""
    return replace(base, paper=paper.name)


def mapping_of(form: Form, sealing: Sealing) -> assembly.FormMapping:
    """The way back from what candidates were shown to the bank."""
    raw = sealing.unseal(Sealed.FORM_MAPPING, form.id, form.mapping)
    return assembly.FormMapping.from_plain(json.loads(raw))


def presented(form: Form, sealing: Sealing) -> package.PresentedForm:
    """The form as candidates are shown it."""
    return package.decode(sealing.unseal(Sealed.FORM_BODY, form.id, form.body))


def seal_packages(
    session: Session,
    shift: Shift,
    paper: Paper,
    *,
    keys: ServerKeys,
    now: datetime,
    rng: Callable[[int], bytes] = os.urandom,
) -> list[Package]:
    """A package of every form of `paper` for `shift`, each under a content key of its own."""
    if shift.frozen_at is not None:
        raise InputError(
            f"the packages of {shift.name} are frozen; the exam office must undo that first"
        )
    exam = session.get_one(Exam, paper.exam_id)
    realm = exam.realm.value
    made, standing = [], set()
    for form in session.exec(
        select(Form).where(Form.paper_id == paper.id).order_by(col(Form.code))
    ):
        package_id, content_key = new_id(), rng(CONTENT_KEY_BYTES)
        header = PackageHeader(package_id, realm, shift.id, paper.name, form.code)
        body = keys.sealing.unseal(Sealed.FORM_BODY, form.id, form.body)
        sealed = seal(body, header, content_key, keys.signing, rng(NONCE_BYTES))
        made.append(
            Package(
                id=package_id,
                centre_id=shift.centre_id,
                shift_id=shift.id,
                form_id=form.id,
                sealed=sealed,
                sha256=hashlib.sha256(sealed).digest(),
                size=len(sealed),
                content_key=lock_content_key(content_key, shift, package_id),
                created_at=now,
            )
        )
        mapping = mapping_of(form, keys.sealing)
        standing |= {(mapped.item_id, mapped.version) for mapped in mapping.items.values()}
    session.add_all(made)
    session.flush()
    where = f"{exam.name} · {paper.name} · {shift.name}"
    life.seal_for(session, standing, where, sealing=keys.sealing, now=now)
    return made
