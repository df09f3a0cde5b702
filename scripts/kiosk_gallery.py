"""Draws every kiosk screen in both languages into a folder, so that people can look at them.

python scripts/kiosk_gallery.py [--out build/screens] [--size 1920x1080]
"""

import argparse
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QApplication

from exam_server.contract.api import FaceRecord
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_station.flow import codes, screens, states
from exam_station.flow.codes import Language
from exam_station.flow.states import State, Status
from exam_station.robot.answers import response_to
from exam_station.sitting import Sitting
from exam_station.ui.texts import Texts
from exam_station.ui.theme import TextSize
from exam_station.ui.window import KioskWindow
from question_bank.assembly import arrange
from question_bank.interchange.qti3 import read_qti3
from question_bank.item import Media
from question_bank.package import (
    SEQUENTIAL,
    PresentedChoice,
    PresentedCluster,
    PresentedForm,
    PresentedItem,
    PresentedNumeric,
)
from question_bank.response import ChoiceResponse, ClusterResponse, NumericResponse, Response

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"
START = datetime(2026, 6, 26, 0, 30, tzinfo=UTC)
PLACE = screens.Place("Điểm thi Trường THPT Chu Văn An", "101", "05")
SHIFT = screens.Shift("Kỳ thi tốt nghiệp THPT 2026 (thử nghiệm)", "Ca 1 – Toán", START)
PERSON = screens.Candidate("p1", "01000123", "Nguyễn Thị Minh Anh", date(2008, 9, 2), "Toán", 90)


def form() -> PresentedForm:
    """The demo's Maths paper in one of its codes."""
    return arranged(FIXTURES / "maths" / "maths-2025.zip")


def arranged(archive: Path) -> PresentedForm:
    imported = read_qti3(archive.read_bytes(), archive.name)
    base_form = imported.base_forms[0]
    return arrange(base_form, imported.items, code="0101", seed=bytes(32), exam="Thi thử").form


def portrait() -> bytes:
    """The drawn person of the fixtures."""
    return (FIXTURES / "portrait" / "portrait.jpg").read_bytes()


def frame() -> screens.Frame:
    """What a camera might show: the drawn person before a wall."""
    image = QImage(640, 480, QImage.Format.Format_RGB888)
    wall = QLinearGradient(0, 0, 640, 480)
    wall.setColorAt(0, QColor("#CFC8BC"))
    wall.setColorAt(1, QColor("#8F978F"))
    painter = QPainter(image)
    painter.fillRect(image.rect(), wall)
    person = QImage.fromData(QByteArray(portrait())).scaledToHeight(440)
    painter.drawImage(QPoint((640 - person.width()) // 2, 40), person)
    painter.end()
    packed = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = [bytes(packed.constScanLine(y))[: 3 * 640] for y in range(480)]
    return screens.Frame(640, 480, b"".join(rows))


def answer(item: PresentedItem) -> Response:
    """Some answer to the item."""
    match item.interaction:
        case PresentedChoice(options=options):
            return ChoiceResponse((options[item.number % len(options)].id,))
        case PresentedCluster(statements=statements):
            return ClusterResponse({s.id: i % 2 == 0 for i, s in enumerate(statements[:3])})
        case PresentedNumeric():
            return NumericResponse("-1,5")


def sitting(paper: PresentedForm, current: int, answered: int) -> Sitting:
    """The first `answered` items answered, two marked, item number `current` on the screen."""
    seated, _ = Sitting.begin(paper)
    for item in paper.items[:answered]:
        seated, _ = seated.answer(item.id, answer(item))
    for number in (4, 9):
        seated, _ = seated.flag(paper.items[number - 1].id, True)
    seated, _ = seated.go_to(paper.items[current - 1].id)
    return seated


def section(paper: PresentedForm) -> Sitting:
    """The second section of the paper as a sequential one, begun a while ago."""
    times = zip(paper.parts, (30, 40, 20), strict=True)
    parts = tuple(replace(part, minutes=minutes) for part, minutes in times)
    seated, _ = Sitting.begin(replace(paper, parts=parts, schema=SEQUENTIAL))
    seated, _ = seated.leave("candidate", 0)
    for item in seated.open_items[:2]:
        seated, _ = seated.answer(item.id, answer(item))
    seated, _ = seated.go_to(seated.open_items[2].id)
    return seated


def every_screen() -> Iterator[tuple[str, screens.Screen, timedelta | None]]:
    """Every screen by name, with the time left where it matters."""
    reading = screens.CardReading("c", b"", b"", portrait(), "authentic")
    record = FaceRecord(
        decision="refer", score=0.44, accept_threshold=0.38, refer_threshold=0.5,
        fusion="mean_of_three_four_views", model="", frames=3, attempts=1,
    )  # fmt: skip
    result = screens.FaceResult(record)
    paper = form()
    ledger = Ledger(timedelta(minutes=90), started=START)

    def writing(current: int, answered: int) -> screens.Writing:
        return screens.Writing(PERSON, "a1", sitting(paper, current, answered), ledger)

    figure = next(item for item in paper.items if "<img" in item.stem)
    problems = (codes.Problem.NO_READER, codes.Problem.NO_SERVER)
    yield "starting", screens.Starting(), None
    yield "out-of-order", screens.OutOfOrder(problems), None
    wrong = (codes.Problem.WRONG_PROGRAM, codes.Problem.PACKAGES_MISSING)
    yield "wrong-program", screens.OutOfOrder(wrong), None
    yield "no-shift", screens.NoShift(PLACE, SHIFT), None
    yield "no-shift-fetching", screens.NoShift(PLACE, SHIFT), None
    yield "welcome-fetching", screens.Welcome(PLACE, SHIFT, PERSON), None
    yield "welcome", screens.Welcome(PLACE, SHIFT, PERSON), None
    yield "welcome-disk-low", screens.Welcome(PLACE, SHIFT, PERSON), None
    yield "reading", screens.Reading(PERSON, "EF.DG1", 3, 10), None
    slipped = screens.Reading(PERSON, "EF.DG2", 4, 12, slipped=True)
    yield "reading-slipped", slipped, None
    yield "reading-portrait", screens.Reading(PERSON, "EF.DG13", 5, 10, portrait()), None
    yield "card-problem", screens.CardProblem(PERSON, codes.CardTrouble.CARD_REMOVED), None
    yield "card-refused", screens.CardRefused(PERSON, ("data_group_mismatch",)), None
    yield "consent", screens.Consent(PERSON, reading), None
    yield "face", screens.Face(PERSON, reading, frame(), "ok", 1, 2), None
    yield "checking-in", screens.CheckingIn(PERSON, reading, True, result), None
    yield "room-code", screens.RoomCodeAsked(PERSON, wrong=True), None
    yield "proctor-confirms", screens.ProctorConfirms(PERSON, reading, True, result), None
    yield "referred", screens.Referred(PERSON, "k1", ("face_referred",)), None
    yield "waiting", screens.Waiting(PERSON, SHIFT, "a1", conditional=True), None
    waiting = screens.Waiting(PERSON, SHIFT, "a1", conditional=False, leased=True)
    by_parts = replace(waiting, candidate=replace(PERSON, sequential=True))
    yield "waiting-sections", by_parts, None
    yield "start-code", screens.StartCodeAsked(waiting, wrong=(3,)), None
    yield "opening", screens.Opening(PERSON, "a1"), None
    minutes = timedelta(minutes=1)
    yield "writing-choice", writing(1, 0), 89 * minutes
    yield "writing-figure", writing(figure.number, 5), 71 * minutes
    yield "writing-cluster", writing(14, 14), 9 * minutes
    yield "writing-numeric", writing(18, 18), 4 * minutes
    yield "writing-disk-low", writing(18, 18), 34 * minutes
    in_section = screens.Writing(PERSON, "a1", section(paper), ledger)
    yield "writing-section", in_section, 23 * minutes
    yield "confirm-section", screens.ConfirmSubmit(in_section), 23 * minutes
    refused = screens.Notice(codes.NoticeCode.WRONG_PROGRAM, PERSON, "a1", True)
    yield "notice-wrong-program", refused, None
    yield "confirm-submit", screens.ConfirmSubmit(writing(22, 19)), 3 * minutes
    yield "paused", screens.Paused(writing(5, 4)), 52 * minutes
    yield "time-up", screens.TimeUp(writing(22, 19), "K7QF-M2ZX-94TD"), timedelta(0)
    yield "submitting", screens.Submitting(PERSON, "a1", "candidate", "K7QF-M2ZX-94TD", 3.0), None
    receipt = Receipt("a1", "test", "01000123", "Toán", "0101", 77, bytes(range(32)), 21, START)
    yield "receipt", screens.ReceiptShown(PERSON, receipt), None
    yield "notice", screens.Notice(codes.NoticeCode.JOURNAL_IN_USE, PERSON, "a1", True), None
    moved = screens.Welcome(PLACE, SHIFT, PERSON, moved=True)
    yield "welcome-moved", moved, None
    for name, showing in every_interaction():
        yield f"item-{name}", screens.Writing(PERSON, "a1", showing, ledger), 47 * minutes
    for name, showing in listening(paper):
        yield f"listening-{name}", screens.Writing(PERSON, "a1", showing, ledger), 47 * minutes
    code = "K7QF-M2ZX-94TD-77QA"
    yield "writing-apart", writing(5, 4), 52 * minutes
    yield "paused-code", screens.Paused(writing(5, 4), code), 52 * minutes
    gone = screens.Notice(codes.NoticeCode.MOVED, PERSON, "a1", head_code=code)
    yield "notice-moved", gone, None
    away = screens.Notice(codes.NoticeCode.CARRIED_AWAY, PERSON, "a1")
    yield "notice-carried-away", away, None
    taken = screens.Notice(codes.NoticeCode.TAKEN_OVER, PERSON, "a1", head_code=code, unsent=7)
    yield "notice-taken-over", taken, None
    yield "notice-closed", screens.Notice(codes.NoticeCode.ATTEMPT_CLOSED, PERSON, "a1"), None


def every_interaction() -> Iterator[tuple[str, Sitting]]:
    """The paper of all interactions at each of its items, before and after it is answered."""
    paper = arranged(FIXTURES / "science" / "science.zip")
    seated, _ = Sitting.begin(paper)
    chance = random.Random(5)  # noqa: S311 (some answer)
    for item in paper.items:
        name = f"{item.number:02}-{item.interaction.kind}"
        seated, _ = seated.go_to(item.id)
        yield name, seated
        seated, _ = seated.answer(item.id, response_to(item.interaction, chance))
        yield f"{name}-answered", seated


def listening(paper: PresentedForm) -> Iterator[tuple[str, Sitting]]:
    """A recording that may be heard twice: before, within and after its plays."""
    tones = Media("nghe", "audio/mpeg", (FIXTURES / "sound" / "tones.mp3").read_bytes())
    heard = '<audio data-plays="2" src="media:nghe" title="Listening 1: three tones"/>'
    first, *others = paper.parts[0].items
    stem = f"<p>Nghe đoạn ghi âm rồi chọn phương án đúng.</p>{heard}<p>Âm nào cao nhất?</p>"
    part = replace(paper.parts[0], items=(replace(first, stem=stem), *others))
    form = replace(paper, parts=(part, *paper.parts[1:]), media=(*paper.media, tones))
    seated, _ = Sitting.begin(form)
    yield "begin", seated
    seated, _ = seated.hear("nghe", 1, 0)
    seated, _ = seated.hear("nghe", 1, 700)
    yield "within", seated
    seated, _ = seated.hear("nghe", 2, 0)
    seated, _ = seated.hear("nghe", 2, 1500)
    yield "over", seated
    beside = replace(form, media=(*paper.media, replace(tones, data=b"")))
    yield "failed", Sitting.begin(beside)[0]


#: Screens that are there without a network only.
OFFLINE = (screens.RoomCodeAsked, screens.ProctorConfirms, screens.StartCodeAsked)


def status(language: Language, screen: screens.Screen, remaining: timedelta | None) -> Status:
    now = START - timedelta(minutes=12, seconds=34)
    lost_since = now - timedelta(minutes=7) if isinstance(screen, OFFLINE) else None
    return Status(
        language=language, realm="test", place=PLACE, now=now, remaining=remaining,
        connected=lost_since is None, lost_since=lost_since,
    )  # fmt: skip


def draw(window: KioskWindow, state: State, path: Path) -> None:
    window.render(state)
    for _ in range(4):
        QApplication.processEvents()
    if not window.grab().save(str(path)):
        raise OSError(f"cannot write {path}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "screens")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--only", default="")
    parser.add_argument("--text-size", choices=[size.name.lower() for size in TextSize])
    parser.add_argument("--high-contrast", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    width, height = (int(part) for part in options.size.split("x"))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication(sys.argv[:1])
    for language in Language:
        window = KioskWindow(Texts(language), closable=True)
        window.resize(width, height)
        window.show()
        if options.text_size:
            window.choose_text_size(TextSize[options.text_size.upper()])
        window.choose_contrast(options.high_contrast)
        for name, screen, remaining in every_screen():
            if options.only in name:
                devices = states.Devices((), True, True, disk_low=name.endswith("disk-low"))
                told = status(language, screen, remaining)
                if name.endswith("apart"):
                    lost = START - timedelta(minutes=14)
                    code = "K7QF-M2ZX-94TD-77QA"
                    told = replace(
                        told, connected=False, lost_since=lost, unsent=23, head_code=code
                    )
                if name.endswith("fetching"):
                    told = replace(told, packages=(2, 4))
                if name.endswith("section"):
                    told = replace(told, section=(2, 3))
                state = State(screen, told, devices=devices)
                draw(window, state, options.out / f"kiosk-{name}-{language}.png")
        window.close()
    application.processEvents()
    return 0


if __name__ == "__main__":
    sys.exit(main())
