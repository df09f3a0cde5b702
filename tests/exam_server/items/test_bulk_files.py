"""One file of many items: what goes in, what is refused by name, who takes it, and how often."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bank_world import Bank, maths_item

from exam_server import db
from exam_server.audit import AuditEntry
from exam_server.errors import NotPossibleError, Objection
from exam_server.items import apart, bulk, bulk_files, exports, life, rights, writing_apart
from exam_server.items.bulk import Value
from exam_server.items.bulk_models import BankFile, BankJob, Outcome, Task
from exam_server.items.exports import Taken
from exam_server.items.models import Act, ItemExport
from exam_server.items.writing_apart import Written
from exam_server.staff import Staff
from question_bank.interchange.archive import Archive
from question_bank.interchange.formats import WRITERS, read_any
from question_bank.interchange.qti3 import read_qti3
from question_bank.item import Item
from question_bank.metadata import ItemMetadata
from tests.interaction_items import slider

pytestmark = pytest.mark.slow


def _refused(objection: Objection) -> "pytest.RaisesExc[NotPossibleError]":
    return pytest.raises(NotPossibleError, check=lambda error: error.objection is objection)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written in this process, but for the one test that is of the other."""
    monkeypatch.setattr(writing_apart, "write_apart", writing_apart.write)


def _begun(bank: Bank, who: str, items: list[str], form: str = "qti3") -> str:
    return str(bank.do(bulk.begin, who, Task.EXPORT, items, Value(form=form)))


def _carry_on(bank: Bank, who: str, job: str) -> None:
    bulk.carry_on(bank.engine, bank.people[who], job, sealing=bank.sealing, clock=bank.at)


def _exported(bank: Bank, who: str, items: list[str], form: str = "qti3") -> str:
    job = _begun(bank, who, items, form)
    _carry_on(bank, who, job)
    return job


def _progress(bank: Bank, who: str, job: str) -> bulk.Progress:
    with db.reading(bank.engine) as session:
        return bulk.progress(session, bulk.job_of(session, bank.people[who], job))


def _kept(bank: Bank, job: str) -> bulk_files.Kept | None:
    with db.reading(bank.engine) as session:
        row = session.get_one(BankJob, job)
        return bulk_files.kept(session, row, sealing=bank.sealing, now=bank.now)


def _take(bank: Bank, who: str, job: str) -> Taken:
    with db.transaction(bank.engine) as session:
        officer = bank.people[who]
        row = bulk.job_of(session, officer, job, lock=True)
        form = bulk.value_of(row, bank.sealing).form
        return bulk_files.take(session, officer, row, form, sealing=bank.sealing, now=bank.at())


def _items_in(taken: Taken) -> list[str]:
    return [item.id for item in read_qti3(Archive(taken.data), "x.zip").items]


def _log(bank: Bank, action: str) -> list[AuditEntry]:
    with db.reading(bank.engine) as session:
        return list(session.scalars(sa.select(AuditEntry).where(AuditEntry.action == action)))


def _granted(bank: Bank, item: str, *, asks: str = "soan2") -> str:
    wish = str(bank.do(exports.ask, asks, item, "in đề dự phòng"))
    bank.do(exports.decide, "phanbien", wish, granted=True)
    return wish


@pytest.fixture
def items(bank: Bank) -> list[str]:
    return [bank.create("soan", maths_item(f"n{number}")) for number in range(3)]


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_items_leave_in_one_file_of_each_format(bank: Bank, items: list[str], form: str) -> None:
    job = _exported(bank, "soan", items, form)
    kept = _kept(bank, job)
    assert kept is not None and (kept.count, kept.whole) == (3, True)
    taken = _take(bank, "soan", job)
    assert (taken.suffix, taken.mime) == (WRITERS[form].suffix, WRITERS[form].mime)
    if form == "pdf":
        assert taken.data.startswith(b"%PDF")
    else:
        read = read_any(taken.data, f"x{taken.suffix}", lambda _: None)
        assert sorted(item.id for item in read.items) == ["n0", "n1", "n2"]


def test_the_log_says_who_exported_what_and_the_file_is_given_once(
    bank: Bank, items: list[str]
) -> None:
    order = [items[2], items[0], items[1]]
    job = _exported(bank, "soan", order)
    assert _items_in(taken := _take(bank, "soan", job)) == ["n2", "n0", "n1"]
    assert taken.problems == ()
    exported = _log(bank, "item_exported")
    actor = bank.people["soan"].actor
    assert {(one.actor, one.subject) for one in exported} == {
        (actor, f"item:{item}") for item in items
    }
    for item in items:
        assert [event.act for event in bank.history(item)] == [Act.EXPORTED, Act.CREATED]
    (entry,) = _log(bank, "bank_file_taken")
    assert (entry.actor, entry.subject) == (actor, f"bank_job:{job}")
    assert json.loads(entry.details) == {"format": "qti3", "count": 3}
    with _refused(Objection.NOT_FOUND):
        _take(bank, "soan", job)
    assert _kept(bank, job) is None
    _carry_on(bank, "soan", job)  # makes it no second time
    assert _kept(bank, job) is None and len(_log(bank, "item_exported")) == 3


def test_the_file_is_nobody_elses_and_lies_sealed(bank: Bank, items: list[str]) -> None:
    job = _exported(bank, "soan", items, "moodle")
    with _refused(Objection.NOT_FOUND):
        _take(bank, "soan2", job)
    with db.reading(bank.engine) as session:
        row = session.get_one(BankFile, job)
        assert b"ham" not in row.data and b"<quiz" not in row.data
    assert _take(bank, "soan", job).data.startswith(b"<?xml")


def test_an_export_is_not_undone(bank: Bank, items: list[str]) -> None:
    job = _exported(bank, "soan", items)
    assert not _progress(bank, "soan", job).may_be_undone(bank.now)
    with _refused(Objection.UNDO_OVER), db.transaction(bank.engine) as session:
        bulk.begin_undo(session, bank.people["soan"], job, now=bank.at())


def test_a_secret_item_goes_in_by_its_own_wish_alone(bank: Bank, items: list[str]) -> None:
    """One that was granted to whoever asks, in the version that was granted, and once."""
    unasked, asked = (bank.create("soan2", maths_item(name), secret=True) for name in ("m1", "m2"))
    undecided = str(bank.do(exports.ask, "soan2", unasked, "in"))
    wish = _granted(bank, asked)
    bank.save("soan2", asked, maths_item("m2", stem="Đã sửa sau đó"))
    job = _exported(bank, "soan2", [*items, unasked, asked])
    done = _progress(bank, "soan2", job)
    assert done.refused == [(unasked, "m1", "second_person_needed")]
    assert done.counts[Outcome.DONE] == 4
    with db.reading(bank.engine) as session:
        assert session.get_one(ItemExport, wish).taken_at is None  # nothing has left yet
    assert _items_in(_take(bank, "soan2", job)) == ["n0", "n1", "n2", "m2"]
    with _refused(Objection.WRONG_STATE):
        bank.do(exports.take, "soan2", wish)
    again = _exported(bank, "soan2", [asked])
    assert _progress(bank, "soan2", again).refused == [(asked, "m2", "second_person_needed")]
    assert _kept(bank, again) is None
    bank.do(exports.decide, "phanbien", undecided, granted=False)
    assert _kept(bank, _exported(bank, "soan2", [unasked])) is None


def test_another_persons_wish_or_one_to_open_lets_nothing_out(bank: Bank) -> None:
    item = bank.create("soan2", maths_item("m1"), secret=True)
    _granted(bank, item, asks="hoidong")
    bank.do(exports.ask, "soan2", item, "thôi", opens=True)
    job = _exported(bank, "soan2", [item])
    assert _progress(bank, "soan2", job).refused == [(item, "m1", "second_person_needed")]


def test_a_wish_serves_one_of_two_files(bank: Bank) -> None:
    item = bank.create("soan2", maths_item("m1"), secret=True)
    _granted(bank, item)
    first, second = _exported(bank, "soan2", [item]), _exported(bank, "soan2", [item])
    assert _items_in(_take(bank, "soan2", second)) == ["m1"]
    with _refused(Objection.FILE_OUTDATED):
        _take(bank, "soan2", first)
    assert len(_log(bank, "bank_file_taken")) == 1


def test_what_became_secret_meanwhile_keeps_the_file_in(bank: Bank, items: list[str]) -> None:
    job = _exported(bank, "soan2", items)
    bank.do(life.make_secret, "phanbien", items[1], reason="đề thi")
    with _refused(Objection.FILE_OUTDATED):
        _take(bank, "soan2", job)
    assert _log(bank, "bank_file_taken") == []


def test_who_lost_the_subject_meanwhile_gets_no_file(bank: Bank, items: list[str]) -> None:
    job = _exported(bank, "soan", items)
    with db.transaction(bank.engine) as session:
        person = session.get_one(Staff, bank.people["soan"].id)
        rights.withdraw(session, person, "Toán", by=bank.people["hoidong"], now=bank.at())
    with _refused(Objection.FILE_OUTDATED):
        _take(bank, "soan", job)


def test_what_became_secret_while_it_was_written_is_not_given_out(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(given: list[Item], form: str) -> Written:
        bank.do(life.make_secret, "phanbien", items[1], reason="đề thi")
        return writing_apart.write(given, form)

    monkeypatch.setattr(writing_apart, "write_apart", meanwhile)
    job = _exported(bank, "soan2", items)
    assert _progress(bank, "soan2", job).refused == [(items[1], "n1", "file_outdated")]
    kept = _kept(bank, job)
    assert kept is not None and not kept.whole
    with _refused(Objection.FILE_OUTDATED):
        _take(bank, "soan2", job)


def _unheld() -> Item:
    """Moodle has no sliders."""
    return replace(slider(), id="truot", metadata=ItemMetadata(subject="Toán"))


def test_what_the_format_cannot_hold_is_named_and_stays_out(bank: Bank, items: list[str]) -> None:
    unheld = bank.create("soan2", _unheld(), secret=True)
    wish = _granted(bank, unheld)
    job = _exported(bank, "soan2", [items[0], unheld, items[1]], "moodle")
    assert _progress(bank, "soan2", job).refused == [(unheld, "truot", "not_carried")]
    kept = _kept(bank, job)
    assert kept is not None and kept.count == 2
    (error,) = (one for one in kept.problems if one.severity == "error")
    assert error.message.startswith("truot: ")
    taken = _take(bank, "soan2", job)
    assert taken.problems == kept.problems
    assert b"truot" not in taken.data and b"n1" in taken.data
    assert next(event.act for event in bank.history(unheld)) is Act.EXPORT_GRANTED
    bank.do(exports.take, "soan2", wish)  # it was not used up
    alone = _exported(bank, "soan", [bank.create("soan", replace(_unheld(), id="t2"))], "moodle")
    assert _kept(bank, alone) is None and _progress(bank, "soan", alone).finished


def test_a_file_that_nobody_takes_is_kept_for_a_day(bank: Bank, items: list[str]) -> None:
    job = _exported(bank, "soan", items)
    bank.now += timedelta(hours=24)
    assert _kept(bank, job) is None
    with _refused(Objection.NOT_FOUND):
        _take(bank, "soan", job)
    _begun(bank, "soan2", items)
    with db.reading(bank.engine) as session:
        assert session.get(BankFile, job) is None


@pytest.mark.parametrize("fails", [False, True])
def test_of_two_who_carry_a_file_on_the_later_changes_nothing(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Not even where the earlier one's file was taken before the later one is ready."""

    def meanwhile(given: list[Item], form: str) -> Written:
        monkeypatch.setattr(writing_apart, "write_apart", writing_apart.write)
        _carry_on(bank, "soan", job)
        _take(bank, "soan", job)
        if fails:
            raise apart.TooMuchError("")
        return writing_apart.write(given, form)

    monkeypatch.setattr(writing_apart, "write_apart", meanwhile)
    job = _begun(bank, "soan", items)
    _carry_on(bank, "soan", job)
    assert _kept(bank, job) is None
    assert _progress(bank, "soan", job).counts == {Outcome.DONE: 3}
    assert len(_log(bank, "item_exported")) == 3


def _left_behind(bank: Bank, items: list[str], after: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """A job that its server left when `after` items of its file were written down."""
    left = after
    looked = bulk_files.held_version

    def dies(*args: Any, **more: Any) -> int:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return looked(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "CHUNK", 1)
        patched.setattr(bulk_files, "held_version", dies)
        job = _begun(bank, "soan", items)
        with pytest.raises(KeyboardInterrupt):
            _carry_on(bank, "soan", job)
    return job


@pytest.mark.parametrize("removed", [False, True])
def test_what_is_carried_on_when_its_file_is_gone_is_refused(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """Nothing is written down as taken out in a file that nobody can take, nor is a second made
    that silently lacks what was written down before."""
    job = _left_behind(bank, items, 1, monkeypatch)
    bank.now += timedelta(hours=24)
    if removed:
        with db.transaction(bank.engine) as session:
            bulk_files.remove_old(session, bank.now)
    _carry_on(bank, "soan", job)
    done = _progress(bank, "soan", job)
    assert done.counts == {Outcome.DONE: 1, Outcome.REFUSED: 2}
    assert {why for _, _, why in done.refused} == {"file_outdated"}
    assert _kept(bank, job) is None and len(_log(bank, "item_exported")) == 1


@pytest.mark.parametrize("removed", [False, True])
def test_a_file_that_went_before_anything_was_written_down_is_made_anew(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    job = _left_behind(bank, items, 0, monkeypatch)
    bank.now += timedelta(hours=24)
    if removed:
        with db.transaction(bank.engine) as session:
            bulk_files.remove_old(session, bank.now)
    _carry_on(bank, "soan", job)
    assert _items_in(_take(bank, "soan", job)) == ["n0", "n1", "n2"]
    assert len(_log(bank, "item_exported")) == 3


def test_a_file_whose_time_is_over_while_its_items_are_written_down_takes_no_more(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = bulk_files.held_version

    def late(*args: Any, **more: Any) -> int:
        version = looked(*args, **more)
        bank.now += timedelta(hours=24)
        return version

    monkeypatch.setattr(bulk, "CHUNK", 1)
    monkeypatch.setattr(bulk_files, "held_version", late)
    job = _exported(bank, "soan", items)
    assert _progress(bank, "soan", job).counts == {Outcome.DONE: 1, Outcome.REFUSED: 2}
    assert len(_log(bank, "item_exported")) == 1


def test_what_is_asked_for_is_looked_at_first(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_files, "MOST", 2)
    with _refused(Objection.TOO_MANY_ITEMS):
        _begun(bank, "soan", items)
    with _refused(Objection.BAD_VALUE):
        _begun(bank, "soan", items[:1], "doc")
    with _refused(Objection.NOTHING_TO_DO):
        _begun(bank, "soan", [])
    with _refused(Objection.NOT_FOUND):
        _begun(bank, "ly", items[:1])


@pytest.mark.parametrize("stopped", [writing_apart.BusyError, apart.StoppedError])
def test_a_file_that_is_not_made_now_is_made_later(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch, stopped: type[Exception]
) -> None:
    def not_now(_items: list[Item], _form: str) -> Written:
        raise stopped("")

    with monkeypatch.context() as patched:
        patched.setattr(writing_apart, "write_apart", not_now)
        job = _exported(bank, "soan", items)
    assert not _progress(bank, "soan", job).finished and _log(bank, "item_exported") == []
    _carry_on(bank, "soan", job)
    assert _progress(bank, "soan", job).finished and len(_items_in(_take(bank, "soan", job))) == 3


def test_a_file_that_takes_too_much_is_refused(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(_items: list[Item], _form: str) -> Written:
        raise apart.TooMuchError("")

    monkeypatch.setattr(writing_apart, "write_apart", too_much)
    job = _exported(bank, "soan", items)
    done = _progress(bank, "soan", job)
    assert done.finished and {why for _, _, why in done.refused} == {"not_written"}
    assert _kept(bank, job) is None and _log(bank, "item_exported") == []


def test_a_file_is_written_in_another_process_as_in_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    given = [maths_item("n1", "Một"), _unheld(), maths_item("n2", "Hai")]
    made = writing_apart.write_apart(given, "moodle")
    assert made == writing_apart.write(given, "moodle")
    assert made.refused == ("truot",) and made.data.count(b"<question ") == 2
    with writing_apart._turn, pytest.raises(writing_apart.BusyError):
        writing_apart.write_apart(given, "moodle")
    assert writing_apart.write_apart(given, "qti3").refused == ()


def test_a_file_that_breaks_its_writer_is_refused_as_what_it_is(
    bank: Bank, items: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_items: list[Item], _form: str) -> Written:
        raise apart.BrokenOffError("")

    monkeypatch.setattr(writing_apart, "write_apart", breaks)
    job = _exported(bank, "soan", items)
    done = _progress(bank, "soan", job)
    assert done.finished and {why for _, _, why in done.refused} == {"writer_failed"}
    assert _kept(bank, job) is None and _log(bank, "item_exported") == []


def test_what_runs_apart_is_ended_with_the_server_and_begins_no_more() -> None:
    with ThreadPoolExecutor(1) as threads:
        endless = threads.submit(
            apart.run, "http.server", "0", "--bind", "127.0.0.1", data=b"", seconds=600, most=99
        )
        begun = threading.Event()
        while not apart._running and not endless.done():
            begun.wait(0.01)
        apart.stop()
        with pytest.raises(apart.StoppedError):
            endless.result()
    with pytest.raises(apart.StoppedError):  # which a carried-on job may have been about to begin
        apart.run("this", data=b"", seconds=60, most=10_000)
    apart.begin()
    assert apart.run("this", data=b"", seconds=60, most=10_000)


def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, seconds: int = 60) -> bytes:
    (tmp_path / "our_module.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    return apart.run("our_module", data=b"", seconds=seconds, most=10)


HELD = "from exam_server.items import apart\nwith apart.held_to({}):\n  "


@pytest.mark.parametrize(
    "code",
    [
        "print('x' * 11)",
        HELD.format(60) + "bytes(apart.MEMORY)",
        HELD.format(1) + "while True: pass",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
def test_what_runs_apart_is_held_to_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    with pytest.raises(apart.TooMuchError):
        _run(tmp_path, monkeypatch, code)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("code", "returned"),
    [
        ("raise RuntimeError('Cho hàm số')", 1),
        (HELD.format(60) + "raise RuntimeError('Cho hàm số')", 1),
        ("import os; os.abort()", -6),
    ],
)
def test_what_breaks_off_apart_is_told_with_its_code_and_no_word_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    code: str, returned: int,
) -> None:  # fmt: skip
    with pytest.raises(apart.BrokenOffError):
        _run(tmp_path, monkeypatch, code)
    (record,) = caplog.records
    assert record.getMessage() == f"our_module broke off with code {returned}"
    assert record.exc_info is None


def test_what_ends_a_whole_server_is_no_fault_of_what_runs_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service manager tells every process of a server to stop at once."""
    with pytest.raises(apart.StoppedError):
        _run(tmp_path, monkeypatch, "import os; os.kill(os.getpid(), 15)")
