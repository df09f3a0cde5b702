"""Draws every kiosk screen in both languages into a folder, so that people can look at them.

python scripts/kiosk_gallery.py [--out build/screens] [--size 1920x1080]
"""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QApplication

from exam_server.contract.api import FaceRecord
from exam_server.contract.ledger import Ledger
from exam_server.contract.receipt import Receipt
from exam_station.flow import states
from exam_station.flow.states import Language, State, Status
from exam_station.sitting import Sitting
from exam_station.ui.texts import Texts
from exam_station.ui.theme import TextSize
from exam_station.ui.window import KioskWindow
from question_bank.assembly import arrange
from question_bank.interchange.qti3 import read_qti3
from question_bank.package import (
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
PLACE = states.Place("Điểm thi Trường THPT Chu Văn An", "101", "05")
SHIFT = states.Shift("Kỳ thi tốt nghiệp THPT 2026 (thử nghiệm)", "Ca 1 – Toán", START)
PERSON = states.Candidate("p1", "01000123", "Nguyễn Thị Minh Anh", date(2008, 9, 2), "Toán", 90)


def form() -> PresentedForm:
    """The demo's Maths paper in one of its codes."""
    archive = FIXTURES / "maths" / "maths-2025.zip"
    imported = read_qti3(archive.read_bytes(), archive.name)
    base_form = imported.base_forms[0]
    return arrange(base_form, imported.items, code="0101", seed=bytes(32), exam="Thi thử").form


def portrait() -> bytes:
    """The drawn person of the fixtures."""
    return (FIXTURES / "portrait" / "portrait.jpg").read_bytes()


def frame() -> states.Frame:
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
    return states.Frame(640, 480, b"".join(rows))


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


def screens() -> Iterator[tuple[str, states.Screen, timedelta | None]]:
    """Every screen by name, with the time left where it matters."""
    reading = states.CardReading("c", b"", b"", portrait(), "authentic")
    record = FaceRecord(
        decision="refer", score=0.44, accept_threshold=0.38, refer_threshold=0.5,
        fusion="mean_of_three_four_views", model="", frames=3, attempts=1,
    )  # fmt: skip
    result = states.FaceResult(record)
    paper = form()
    ledger = Ledger(timedelta(minutes=90), started=START)

    def writing(current: int, answered: int) -> states.Writing:
        return states.Writing(PERSON, "a1", sitting(paper, current, answered), ledger)

    figure = next(item for item in paper.items if "<img" in item.stem)
    problems = (states.Problem.NO_READER, states.Problem.NO_SERVER)
    yield "starting", states.Starting(), None
    yield "out-of-order", states.OutOfOrder(problems), None
    yield "no-shift", states.NoShift(PLACE, SHIFT), None
    yield "welcome", states.Welcome(PLACE, SHIFT, PERSON), None
    yield "reading", states.Reading(PERSON, "EF.DG1", 3, 10), None
    slipped = states.Reading(PERSON, "EF.DG2", 4, 12, slipped=True)
    yield "reading-slipped", slipped, None
    yield "reading-portrait", states.Reading(PERSON, "EF.DG13", 5, 10, portrait()), None
    yield "card-problem", states.CardProblem(PERSON, states.CardTrouble.CARD_REMOVED), None
    yield "card-refused", states.CardRefused(PERSON, ("data_group_mismatch",)), None
    yield "consent", states.Consent(PERSON, reading), None
    yield "face", states.Face(PERSON, reading, frame(), "ok", 1, 2), None
    yield "checking-in", states.CheckingIn(PERSON, reading, True, result), None
    yield "referred", states.Referred(PERSON, "k1", ("face_referred",)), None
    yield "waiting", states.Waiting(PERSON, SHIFT, "a1", conditional=True), None
    yield "opening", states.Opening(PERSON, "a1"), None
    minutes = timedelta(minutes=1)
    yield "writing-choice", writing(1, 0), 89 * minutes
    yield "writing-figure", writing(figure.number, 5), 71 * minutes
    yield "writing-cluster", writing(14, 14), 9 * minutes
    yield "writing-numeric", writing(18, 18), 4 * minutes
    yield "confirm-submit", states.ConfirmSubmit(writing(22, 19)), 3 * minutes
    yield "paused", states.Paused(writing(5, 4)), 52 * minutes
    yield "time-up", states.TimeUp(writing(22, 19), "K7QF-M2ZX-94TD"), timedelta(0)
    yield "submitting", states.Submitting(PERSON, "a1", "candidate", "K7QF-M2ZX-94TD", 3.0), None
    receipt = Receipt("a1", "test", "01000123", "Toán", "0101", 77, bytes(range(32)), 21, START)
    yield "receipt", states.ReceiptShown(PERSON, receipt), None
    yield "notice", states.Notice(states.NoticeCode.JOURNAL_IN_USE, PERSON, "a1", True), None
    yield "notice-closed", states.Notice(states.NoticeCode.ATTEMPT_CLOSED, PERSON, "a1"), None


def status(language: Language, remaining: timedelta | None) -> Status:
    now = START - timedelta(minutes=12, seconds=34)
    return Status(
        language=language, realm="test", place=PLACE, now=now, remaining=remaining, connected=True
    )


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
        for name, screen, remaining in screens():
            if options.only in name:
                state = State(screen=screen, status=status(language, remaining))
                draw(window, state, options.out / f"kiosk-{name}-{language}.png")
        window.close()
    application.processEvents()
    return 0


if __name__ == "__main__":
    sys.exit(main())
