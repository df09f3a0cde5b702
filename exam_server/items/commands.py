"""Commands of the item bank: bring files, topics and statistics in; make what is missing."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlmodel import Session, select

from exam_server import audit, db, directory
from exam_server.audit import Operator
from exam_server.auth import ThroughOperator
from exam_server.console import DONE, NEGATIVE, Subparsers, add_command, add_group, answer, remark
from exam_server.console import unlocked as opened_by_passphrase
from exam_server.context import utc_now
from exam_server.errors import InputError
from exam_server.items import alike, importing, keeping, topic_trees
from exam_server.items import brought_statistics as brought
from exam_server.items.reading_apart import Reading, read_apart
from exam_server.loading import read_file
from exam_server.sealing import Sealing
from exam_server.staff import Staff
from question_bank.duplicates.findings import warnings
from question_bank.errors import QuestionBankError
from question_bank.interchange.problems import Problem
from question_bank.topics import read_topics


def register(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    bank = add_group(subparsers, "bank", "the item bank")
    add_command(bank, "index", _index, "make the cards that are missing", passphrase=True)
    topics = add_command(bank, "topics", _topics, "a subject's tree of topics", passphrase=False)
    topics.add_argument("file", metavar="FILE", type=Path, help="TOML: subject, [[topic]] tables")
    told = add_command(bank, "statistics", _statistics, "what answers told", passphrase=False)
    told.add_argument("file", metavar="FILE", type=Path, help="CSV: " + ",".join(brought.COLUMNS))
    told.add_argument("--source", required=True, help="where the numbers come from")
    bring = add_command(bank, "import", _import, "files as a writer's drafts", passphrase=True)
    bring.add_argument("files", metavar="FILE", type=Path, nargs="+")
    bring.add_argument("--username", required=True, help="the item writer whose drafts they are")
    bring.add_argument("--subject", required=True, help="one of the writer's")
    bring.add_argument("--secret", action="store_true", help="as secret items")


def _index(parsed: argparse.Namespace) -> int:
    with opened_by_passphrase(parsed) as opened, db.transaction(opened.server.engine) as session:
        made = keeping.index_all(session, sealing=opened.keys.sealing, now=utc_now())
    return answer(parsed, {"indexed": made}, f"{made} items can be found now that could not")


def _topics(parsed: argparse.Namespace) -> int:
    try:
        tree = read_topics(read_file(parsed.file), parsed.file.name)
    except QuestionBankError as error:
        raise InputError(str(error)) from error
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        topic_trees.put(session, tree)
        fields = {"subject": tree.subject, "topics": len(tree.topics)}
        _log(session, "topics_loaded", fields)
    return answer(parsed, fields, f"{tree.subject}: {len(tree.topics)} topics")


def _log(session: Session, action: str, details: Mapping[str, object]) -> None:
    audit.record(
        session,
        actor=Operator().actor,
        action=action,
        subject="bank",
        details=details,
        now=utc_now(),
    )


def _statistics(parsed: argparse.Namespace) -> int:
    rows = brought.read_statistics(read_file(parsed.file), parsed.file.name)
    with (
        directory.open_server(parsed.directory) as server,
        db.transaction(server.engine) as session,
    ):
        kept, unknown = brought.keep_all(session, rows, parsed.source, now=utc_now())
        told = {"source": parsed.source.strip(), "kept": kept, "unknown": len(unknown)}
        _log(session, "statistics_loaded", told)
    for row in unknown:
        remark(f"{parsed.file.name}:{row.line}: there is no version {row.version} of {row.item}")
    fields = {"kept": kept, "unknown": [[row.item, row.version] for row in unknown]}
    return answer(parsed, fields, f"{kept} versions", code=NEGATIVE if unknown else DONE)


def _import(parsed: argparse.Namespace) -> int:
    readings = [
        (file.name, read_apart(read_file(file), file.name, parsed.username))
        for file in parsed.files
    ]
    with opened_by_passphrase(parsed) as opened:
        made, alike_ones = _taken(parsed, readings, opened.server.engine, opened.keys.sealing)
    read = [problem for _, reading in readings for problem in reading.problems]
    return _told(parsed, read + alike_ones, made)


def _taken(
    parsed: argparse.Namespace,
    readings: Sequence[tuple[str, Reading]],
    engine: Engine,
    sealing: Sealing,
) -> tuple[int, list[Problem]]:
    """(how many drafts were made, what they are like in the bank)"""
    found = [(name, reading) for name, reading in readings if reading.items]
    with db.reading(engine) as session:
        person = session.exec(select(Staff).where(Staff.username == parsed.username)).first()
        if person is None or person.disabled_at is not None:
            raise InputError(f"there is no {parsed.username}; see exam-server staff list")
        officer = ThroughOperator(person.id, person.username, person.name, person.role)
        alike_ones = list[Problem]()
        for name, reading in found:
            told = alike.findings(session, officer, reading.items, sealing=sealing)
            alike_ones += warnings(told.closest(), reading, name)
    with db.transaction(engine) as session:
        kept = [
            importing.keep(
                session, officer, reading, file=name, subject=parsed.subject,
                secret=parsed.secret, sealing=sealing, now=utc_now(),
            )
            for name, reading in found
        ]  # fmt: skip
    made = 0
    for import_id, (_, reading) in zip(kept, found, strict=True):
        places = range(len(reading.items))
        made += len(
            importing.take(
                engine,
                officer,
                import_id,
                places,
                importing.Readings(),
                sealing=sealing,
                clock=utc_now,
            )
        )
    return made, alike_ones


def _told(parsed: argparse.Namespace, problems: list[Problem], made: int) -> int:
    for problem in problems:
        place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        remark(f"{problem.severity}: {place}: {problem.element}: {problem.message}")
    fields = {"imported": made, "problems": [problem.to_plain() for problem in problems]}
    errors = any(problem.severity == "error" for problem in problems)
    return answer(parsed, fields, f"{made} drafts", code=NEGATIVE if errors else DONE)
